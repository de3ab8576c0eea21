"""The thirty lines that a user would write: no count of attempts, no probe, and nothing left when it is killed."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .service import call

secrets = boto3.client("secretsmanager")
events = boto3.client("events")
alerts = boto3.client("sns")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Renew the certificate in the secret `secretId` when it is in the last third of its life."""
    arn = event["secretId"]
    secret = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    old = x509.load_pem_x509_certificate(secret["cert"].encode())
    begins, ends = old.not_valid_before_utc, old.not_valid_after_utc
    if datetime.now(UTC) < ends - (ends - begins) / 3:
        return {"outcome": "not_due"}
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(old.subject).sign(key, hashes.SHA256())
    name = f"device-id-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    answer = call(secret, "cert:refresh", {"pemCsr": csr.public_bytes(Encoding.PEM).decode(), "certName": name})
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secret |= {"cert": answer["cert"], "privateKey": private, "certName": name}
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(secret))
    events.put_events(Entries=[{"Source": "script", "DetailType": "Rotated", "Detail": json.dumps({"arn": arn})}])
    alerts.publish(TopicArn=os.environ["ALERT_TOPIC_ARN"], Message=f"{name} is in use.")
    return {"outcome": "rotated"}
