"""A check that finds nothing to do, in a straight line: the same reads, the same probes, and no safety."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .service import call

secrets = boto3.client("secretsmanager")
ledger = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Look at the secret named by `secretId`; `probes` says how often the function asks the service about it."""
    ledger.get_item(
        TableName=os.environ["LEDGER_TABLE"],
        Key={"credential": {"S": event["secretId"]}, "record": {"S": "state"}},
        ConsistentRead=True,
    )
    secret = json.loads(secrets.get_secret_value(SecretId=event["secretId"])["SecretString"])
    certificate = x509.load_pem_x509_certificates(secret["cert"].encode())[0]
    key = load_pem_private_key(secret["privateKey"].encode(), password=None)
    if key.public_key() != certificate.public_key():
        raise ValueError("the key is another certificate's")
    for _ in range(event["probes"]):
        call(secret, "verdicts:statistics")
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    due = datetime.now(UTC) >= ends - (ends - begins) / 3
    return {"due": due, "certName": secret["certName"], "notAfter": ends.isoformat()}
