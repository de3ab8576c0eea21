"""What the scanners say that people run before they let a template into their account: `python -m tests.scan`.

cfn-lint and checkov read the two templates, as they are and with all that can be chosen, parliament the policies of
every role they can make. What one of them says and we leave as it is has its reason beside the resource, in the
template; what parliament says, here.
"""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.cloudformation import ACCOUNT, REGION, TEMPLATE, TENANT, Stack, read_template

ROOT = Path(__file__).parents[1]
TEMPLATES = ("template.yaml", "fleet/tenant.yaml")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
EVERYTHING: Mapping[str, object] = {
    "KmsKeyArn": KEY,
    "FormerKmsKeyArn": KEY,
    "TenantSecretPrefix": "device-id/tenants",
    "NativeRotationDays": 30,
    "SubnetIds": "subnet-0123abcd,subnet-4567cdef",
    "SecurityGroupIds": "sg-0123abcd",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
}
TENANT_EVERYTHING: Mapping[str, object] = {
    "TenantName": "acme",
    "KmsKeyArn": KEY,
    "NativeRotationDays": 30,
    "Paused": "true",
}
# What CloudFormation would put for the attributes that statements name; parliament looks whether it fits the action.
ARNS = {
    "CredentialSecret.Id": "secretsmanager:{place}:secret:device-id-AbCdEf",
    "RotationLedger.Arn": "dynamodb:{place}:table/ledger",
    "AlertTopic": "sns:{place}:alerts",
    "FunctionLogGroup.Arn": "logs:{place}:log-group:/aws/lambda/device-id:*",
    "CertificateRotationFunction.Arn": "lambda:{place}:function:device-id",
    "UndeliveredRuns.Arn": "sqs:{place}:undelivered",
}


# What parliament says of a statement, and why it is not heard. (Its own way to leave out a place matches none.)
NOT_HEARD = {
    # Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC": "include all resource IDs,
    # for example arn:aws:ec2:us-west-2:123456789012:*/*". To parliament that is no network interface's.
    "FunctionRole-NetworkInterfaces": "RESOURCE_MISMATCH",
    # The same page. IAM user guide, "AWS global condition context keys": it is a property of the role's session, and so
    # there with every action. parliament looks for it among those of each action.
    "FunctionRole-NetworkIsLambdasAlone": "UNKNOWN_CONDITION_FOR_ACTION",
}


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role, with a name for it, as it is in a stack with all that can be chosen."""
    for name, role in Stack(EVERYTHING).resources("AWS::IAM::Role").items():
        for policy in role["Policies"]:
            document = json.dumps(policy["PolicyDocument"])
            for attribute, arn in ARNS.items():
                there = rf'"[^":]*-{re.escape(attribute)}"'
                document = re.sub(there, json.dumps(f"arn:aws:{arn.format(place=f'{REGION}:{ACCOUNT}')}"), document)
            read = json.loads(document)
            for statement in read["Statement"]:
                yield f"{name}-{statement['Sid']}", {**read, "Statement": [statement]}


def with_all(template: Path, chosen: Mapping[str, object]) -> dict[str, Any]:
    """A template in which this is chosen where nobody chooses: so a scanner sees what hangs on a condition, too."""
    document = copy.deepcopy(read_template(template))
    for name, value in chosen.items():
        document["Parameters"][name]["Default"] = value
    return document


def main() -> int:
    """Run them one after the other; 0 when none has found anything."""
    with TemporaryDirectory(prefix="scan-") as made:
        directory = Path(made)
        templates = [*TEMPLATES]
        for path, chosen in ((TEMPLATE, EVERYTHING), (TENANT, TENANT_EVERYTHING)):
            templates.append(_written(directory / f"{path.stem}.json", with_all(path, chosen)))
        checkov = ["checkov", "--quiet", "--compact", "--skip-download", "-f"]
        commands = [["cfn-lint", *templates], *([*checkov, template] for template in templates)]
        for name, document in statements():
            _written(directory / NOT_HEARD.get(name, "HEARD") / f"{name}.json", document)
        commands.append(["parliament", "--directory", str(directory / "HEARD")])
        for finding in NOT_HEARD.values():
            settings = _written(directory / f"{finding}.json", {finding: {"severity": "MUTE"}})  # JSON is YAML
            commands.append(["parliament", "--config", settings, "--directory", str(directory / finding)])
        failed = [command[0] for command in commands if not _passes(command)]
    print(f"Found something: {', '.join(failed)}." if failed else "The scanners have nothing to say.")
    return bool(failed)


def _written(file: Path, document: object) -> str:
    """The path of a file that holds this as JSON now."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document, indent=2))
    return str(file)


def _passes(command: list[str]) -> bool:
    """The programs are beside the Python that runs this; parliament's own code makes Python warn."""
    print(f"{' '.join(command[:1])} ...", flush=True)
    program = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    return not subprocess.run(program, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
