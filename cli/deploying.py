"""The stack built and deployed for a newcomer, with the SAM CLI, from the checkout that holds the template."""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from cli.console import ask, done, fact, output, waiting
from cli.errors import NeedsYouError, RefusedError
from cli.files import read_text
from cli.service import Options
from cli.stack import client
from cli.version import PACKAGE

_BUILT = Path(".aws-sam/build/template.yaml")
_OWN_SAM = Path(".venv/sam/bin/sam")  # what `make build` brings along, with byte code in what it builds


@dataclass(frozen=True)
class Checkout:
    """Where this repository is, and the SAM CLI that deploys from it."""

    folder: Path
    sam: str

    @classmethod
    def found(cls, named: Path | None) -> "Checkout":
        """The one that is named, else the one we are in, else the one that this command was installed from.

        Raises:
            NeedsYouError: it is not there, or there is no SAM CLI; with what to type.
        """
        places = [named] if named else [Path(), installed_from()]
        folder = next((place for place in places if place and _is_ours(place / "template.yaml")), None)
        if folder is None:
            raise NeedsYouError(
                f"There is no stack yet, and {(named or Path()).resolve()} is not the checkout to deploy it from. Run "
                "this again in it, or name it with --checkout."
            )
        own = folder / _OWN_SAM
        sam = str(own.absolute()) if own.is_file() else shutil.which("sam")
        if not sam:
            raise NeedsYouError(
                "There is no stack yet, and no SAM CLI to deploy it with. Install it (`pipx install aws-sam-cli`), or "
                f"run `make build` in {folder.resolve()}, which brings one along. Then run this again."
            )
        return cls(folder, sam)


def deploy(checkout: Checkout, stack: str, alert_email: str | None, service: Options) -> None:
    """Deploy the stack, and wait for it; what is not built yet is built before.

    Raises:
        RefusedError: the SAM CLI, or AWS, does not.
    """
    caller = client("sts")
    account, region = caller.get_caller_identity()["Account"], caller.meta.region_name
    fact("Deploys", f"the stack {stack} into account {account}, {region}")
    email = alert_email or ask("Email address for alerts", option="--alert-email")
    parameters = {"AlertEmail": email, "Architecture": _processor(), **_of_service(service)}
    if not (checkout.folder / _BUILT).is_file():
        with waiting("Building, which takes a minute ..."):
            _sam(checkout, "build", "--parameter-overrides", f"Architecture={_processor()}")
    where = ("--stack-name", stack, "--region", region, "--resolve-s3", "--capabilities", "CAPABILITY_IAM")
    given = ("--parameter-overrides", *(f'{name}="{value}"' for name, value in parameters.items()))
    with waiting("Deploying, which takes some minutes ..."):
        _sam(checkout, "deploy", *where, "--no-confirm-changeset", "--no-fail-on-empty-changeset", *given)
    done(f"The stack {stack} is deployed.")


def installed_from() -> Path | None:
    """The folder of `pipx install .` or `uv tool install .`; None where it was not one (PEP 610)."""
    try:
        origin = json.loads(distribution(PACKAGE).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None
    url = urlparse(str(origin.get("url", "")))
    return Path(unquote(url.path)) if url.scheme == "file" else None


def _is_ours(template: Path) -> bool:
    """Many a folder has a template of that name, and deploying another one would cost somebody else's stack."""
    return template.is_file() and "CertificateRotationFunction" in template.read_text(errors="replace")


def _sam(checkout: Checkout, *command: str) -> None:
    # SAM builds with the first python3.13 on PATH: its own environment's, or the one that this runs under.
    first = Path(checkout.sam).parent if checkout.sam.endswith(str(_OWN_SAM)) else Path(sys.base_prefix) / "bin"
    ran = subprocess.run(  # noqa: S603 - the SAM CLI, with a list of arguments
        [checkout.sam, *command],
        cwd=checkout.folder,
        env={**os.environ, "PATH": f"{first}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        output(f"{ran.stdout[-3000:]}\n{ran.stderr[-2000:]}")
        raise RefusedError(f"`sam {command[0]}` failed; it said why, above. Mend that, and run this again.")


def _of_service(service: Options) -> Mapping[str, str]:
    """The template's parameters that say where the service is."""
    given = {"ServiceRegion": service.region, "ServiceUrl": service.url}
    if service.trusted_ca:  # on one line: the SAM CLI reads its parameters as one
        given["TrustedCaPem"] = b64encode(read_text(service.trusted_ca, "a trust anchor").encode()).decode()
    return {name: value for name, value in given.items() if value}


def _processor() -> str:
    """What `make build` built for."""
    return "arm64" if os.uname().machine in {"aarch64", "arm64"} else "x86_64"
