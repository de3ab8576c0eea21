"""What the scanners say that people run before they let a template into their account: `python -m tests.scan`.

cfn-lint and checkov read the two templates, parliament the policies of every role they can make. What one of them says
and we leave as it is has its reason beside the resource, in the template.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.cloudformation import ACCOUNT, REGION, Stack

ROOT = Path(__file__).parents[1]
TEMPLATES = ("template.yaml", "fleet/tenant.yaml")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
EVERYTHING = {"KmsKeyArn": KEY, "FormerKmsKeyArn": KEY, "TenantSecretPrefix": "device-id/tenants"}
# What CloudFormation would put for the attributes that statements name; parliament looks whether it fits the action.
ARNS = {
    "CredentialSecret.Id": "secretsmanager:{place}:secret:device-id-AbCdEf",
    "RotationLedger.Arn": "dynamodb:{place}:table/ledger",
    "AlertTopic": "sns:{place}:alerts",
    "FunctionLogGroup.Arn": "logs:{place}:log-group:/aws/lambda/device-id:*",
    "CertificateRotationFunction.Arn": "lambda:{place}:function:device-id",
    "UndeliveredRuns.Arn": "sqs:{place}:undelivered",
}


def policies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy of every role, with a name for it, as it is in a stack with all that can be chosen."""
    for name, role in Stack(EVERYTHING).resources("AWS::IAM::Role").items():
        for policy in role["Policies"]:
            document = json.dumps(policy["PolicyDocument"])
            for attribute, arn in ARNS.items():
                there = rf'"[^":]*-{re.escape(attribute)}"'
                document = re.sub(there, json.dumps(f"arn:aws:{arn.format(place=f'{REGION}:{ACCOUNT}')}"), document)
            yield f"{name}-{policy['PolicyName']}", json.loads(document)


def main() -> int:
    """Run them one after the other; 0 when none has found anything."""
    with TemporaryDirectory(prefix="policies-") as directory:
        for name, document in policies():
            Path(directory, f"{name}.json").write_text(json.dumps(document, indent=2))
        failed = [
            command[0]
            for command in (
                ["cfn-lint", *TEMPLATES],
                *(["checkov", "--quiet", "--compact", "--skip-download", "-f", template] for template in TEMPLATES),
                ["parliament", "--directory", directory],
            )
            if not _passes(command)
        ]
    print(f"Found something: {', '.join(failed)}." if failed else "The scanners have nothing to say.")
    return bool(failed)


def _passes(command: list[str]) -> bool:
    """The programs are beside the Python that runs this; parliament's own code makes Python warn."""
    print(f"{' '.join(command[:1])} ...", flush=True)
    program = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    return not subprocess.run(program, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
