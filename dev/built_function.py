"""The function as `sam build` made it, described the way Lambda would be told: code, layer, handler, limits."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.local_aws import REGION
from dev.stack import BUILT_TEMPLATE

FUNCTION = "CertificateRotationFunction"
LAYER = "DependenciesLayer"


@dataclass(frozen=True)
class Function:
    """What Lambda runs.

    Attributes:
        code: the folder Lambda unpacks to /var/task.
        handler: `module.function` in it.
        layers: the folders Lambda unpacks to /opt.
        timeout: in seconds; Lambda tells the function how much of it is left.
        memory: in MiB. The emulator reports it and does not enforce it.
        json_log: whether Lambda writes the log as JSON.
    """

    code: Path
    handler: str
    layers: tuple[Path, ...] = ()
    timeout: int = 120
    memory: int = 256
    json_log: bool = True

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """What Lambda sets, and the function's own settings. Nothing of this machine's, which would hide a lack."""
        python = [f"{layer}/python{inner}" for layer in self.layers for inner in ("/lib/python3.13/site-packages", "")]
        log = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"} if self.json_log else {}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(self.code),
            "PYTHONPATH": os.pathsep.join(python),
            "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's /var/task and /opt cannot be written to
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": self.code.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",  # there is none here, and asking for it takes seconds
            **log,
            **settings,
        }


class _Loader(yaml.SafeLoader):
    """Reads the template; what only CloudFormation can work out (`!Ref` and the like) becomes None."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def built_template() -> dict[str, Any]:
    """The built template, as far as it can be known before it is deployed.

    Raises:
        FileNotFoundError: nothing is built.
    """
    if not BUILT_TEMPLATE.exists():
        raise FileNotFoundError("Nothing is built. Run `make build`.")
    template: dict[str, Any] = yaml.load(BUILT_TEMPLATE.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return template


def built_function() -> Function:
    """The function of the built template, so that what is tried here is what would be deployed.

    Raises:
        FileNotFoundError: nothing is built.
    """
    template = built_template()
    function = template["Resources"][FUNCTION]["Properties"]
    layer = template["Resources"][LAYER]["Properties"]
    return Function(
        code=BUILT_TEMPLATE.parent / function["CodeUri"],
        handler=function["Handler"],
        layers=(BUILT_TEMPLATE.parent / layer["ContentUri"],),
        timeout=function["Timeout"],
        memory=function["MemorySize"],
        json_log=function.get("LoggingConfig", {}).get("LogFormat") == "JSON",
    )
