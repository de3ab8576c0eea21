"""Somebody who uses the credential: reads it, and calls the service over mutual TLS with what is in it."""

import json
import stat
import tempfile
from pathlib import Path

import requests

from dev.stack import Stack


def consume(stack: Stack, service_url: str, trusted_ca_pem: str, label: str = "AWSCURRENT") -> int:
    """Ask for verdicts with what is under this label of the secret; the HTTP status.

    Raises:
        RuntimeError: the service did not let us in.
    """
    answer = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["SecretArn"], VersionStage=label)
    secret = json.loads(answer["SecretString"])
    with tempfile.TemporaryDirectory(prefix="consumer-") as directory:
        files = {name: Path(directory) / name for name in ("cert", "privateKey", "ca")}
        for name, file in files.items():
            file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
            file.write_text(trusted_ca_pem if name == "ca" else secret[name])
        response = requests.get(
            f"{service_url}/api/v1/token/verdicts",
            headers={"apiKey": secret["apiKey"]},
            cert=(str(files["cert"]), str(files["privateKey"])),
            verify=str(files["ca"]),
            timeout=20,
        )
    if not response.ok:
        raise RuntimeError(f"the service answered the consumer {response.status_code}")
    return response.status_code
