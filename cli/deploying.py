"""The stack deployed for a newcomer, with the SAM CLI, from the checkout that holds the template."""

import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.console import ask, done, fact, output, waiting
from cli.errors import NeedsYouError, RefusedError
from cli.files import read_text
from cli.service import Options
from cli.stack import client

_BUILT = Path(".aws-sam/build/template.yaml")
_OWN_SAM = Path(".venv/sam/bin/sam")  # what `make build` brings along


@dataclass(frozen=True)
class Checkout:
    """Where this repository is, and the SAM CLI that deploys from it."""

    folder: Path
    sam: str

    @classmethod
    def found(cls, folder: Path) -> "Checkout":
        """The one of a folder.

        Raises:
            NeedsYouError: it is not there, nothing is built, or there is no SAM CLI; with what to type.
        """
        if not (folder / "template.yaml").is_file():
            raise NeedsYouError(
                f"There is no stack yet, and {folder.resolve()} is not the checkout to deploy it from. Run this again "
                "in it, or name it with --checkout."
            )
        own = folder / _OWN_SAM
        sam = str(own.absolute()) if own.is_file() else shutil.which("sam")
        if not ((folder / _BUILT).is_file() and sam):
            raise NeedsYouError(
                f"There is no stack yet, and nothing is built. Run `make build` in {folder.resolve()}, then this again."
            )
        return cls(folder, sam)


def deploy(checkout: Checkout, stack: str, alert_email: str | None, service: Options) -> None:
    """Deploy the stack, and wait for it.

    Raises:
        RefusedError: the SAM CLI, or AWS, does not.
    """
    caller = client("sts")
    account, region = caller.get_caller_identity()["Account"], caller.meta.region_name
    fact("Deploys", f"the stack {stack} into account {account}, {region}")
    email = alert_email or ask("Email address for alerts", option="--alert-email")
    parameters = {"AlertEmail": email, "Architecture": _processor(), **_of_service(service)}
    command = [checkout.sam, "deploy", "--stack-name", stack, "--region", region, "--resolve-s3"]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += ["--parameter-overrides", *(f'{name}="{value}"' for name, value in parameters.items())]
    with waiting("Deploying, which takes some minutes ..."):
        ran = subprocess.run(  # noqa: S603 - the SAM CLI, with a list of arguments
            command, cwd=checkout.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    if ran.returncode:
        output(f"{ran.stdout[-3000:]}\n{ran.stderr[-2000:]}")
        raise RefusedError(f"`sam deploy` did not deploy {stack}; it said why, above. Mend that, and run this again.")
    done(f"The stack {stack} is deployed.")


def _of_service(service: Options) -> Mapping[str, str]:
    """The template's parameters that say where the service is."""
    given = {"ServiceRegion": service.region, "ServiceUrl": service.url}
    if service.trusted_ca:  # on one line: the SAM CLI reads its parameters as one
        given["TrustedCaPem"] = b64encode(read_text(service.trusted_ca, "a trust anchor").encode()).decode()
    return {name: value for name, value in given.items() if value}


def _processor() -> str:
    """What `make build` built for."""
    return "arm64" if os.uname().machine in {"aarch64", "arm64"} else "x86_64"
