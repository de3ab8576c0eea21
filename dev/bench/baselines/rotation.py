"""A whole rotation in a straight line: killed at the wrong moment it loses the certificate, and two of it race.

It does what the function does for its user: counts the attempt, asks for a certificate, tries it, puts it into use,
writes that down and tells programs and people.
"""

import json
import os
import secrets as randomness
from datetime import UTC, datetime
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from .service import call

secrets = boto3.client("secretsmanager")
ledger = boto3.client("dynamodb")
alerts = boto3.client("sns")
events = boto3.client("events")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Rotate the secret named by `secretId`."""
    arn, table = event["secretId"], os.environ["LEDGER_TABLE"]
    state_key = {"credential": {"S": arn}, "record": {"S": "state"}}

    # The same reads as the function makes.
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    version = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
    secret = json.loads(secrets.get_secret_value(SecretId=arn, VersionId=version)["SecretString"])
    ledger.get_item(TableName=table, Key=state_key, ConsistentRead=True)
    old = x509.load_pem_x509_certificates(secret["cert"].encode())[0]
    old_key = load_pem_private_key(secret["privateKey"].encode(), password=None)
    if not isinstance(old_key, ec.EllipticCurvePrivateKey) or old_key.public_key() != old.public_key():
        raise ValueError("the key is another certificate's")

    # A new key, and a request for a certificate with the same subject and names.
    key = ec.generate_private_key(old_key.curve)
    names = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    request = x509.CertificateSigningRequestBuilder().subject_name(old.subject).add_extension(names, critical=False)
    csr = request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    now = datetime.now(UTC)
    cert_name = f"device-id-{now:%Y%m%d-%H%M%S}-{randomness.token_hex(3)}"

    # Count the attempt, make it, and look at what came.
    ledger.update_item(
        TableName=table,
        Key=state_key,
        UpdateExpression="ADD attempts :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    answer = call(secret, "cert:refresh", {"pemCsr": csr, "certName": cert_name})
    new = x509.load_pem_x509_certificates(answer["cert"].encode())[0]
    if new.public_key() != key.public_key() or new.not_valid_after_utc < old.not_valid_after_utc:
        raise ValueError("the new certificate cannot be used")
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secret |= {"cert": answer["cert"], "privateKey": key_pem, "certName": cert_name}
    call(secret, "verdicts:statistics")

    # Put it into use, write it down, tell programs and people.
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(secret))
    record = {"credential": arn, "record": f"attempt#{now.isoformat()}", "certificate": answer["cert"]}
    ledger.put_item(TableName=table, Item={name: {"S": value} for name, value in record.items()})
    detail = json.dumps({"secretArn": arn, "certName": cert_name})
    events.put_events(Entries=[{"Source": "script", "DetailType": "Credential Rotated", "Detail": detail}])
    alerts.publish(
        TopicArn=os.environ["ALERT_TOPIC_ARN"],
        Subject=f"rotated: {cert_name}",
        Message=f"{cert_name} is in use. Consumers should read AWSCURRENT again.",
    )
    return {"outcome": "rotated", "certName": cert_name, "notAfter": new.not_valid_after_utc.isoformat()}
