"""What `recover` looks for: a certificate that was issued and is not in use, and the version that holds its key."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from certificate_rotation.adapters.ledger_items import item
from certificate_rotation.domain.times import utc_text
from certificate_rotation.domain.x509 import Chain, PrivateKey, belong_together, load_chain, load_private_key
from cli.errors import NeedsYouError
from cli.secret import other_versions, read
from cli.target import Target

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate as the ledger, or a file, has it.

    Attributes:
        pem: the service's answer.
        chain: the same, read.
        cert_name: its name at the service; None when nobody wrote it down.
        intent_version: the secret version that should hold its key; None when nobody wrote it down.
    """

    pem: str
    chain: Chain
    cert_name: str | None = None
    intent_version: str | None = None


@dataclass(frozen=True)
class FoundKey:
    """A private key, and the version of the secret it was found in."""

    key: PrivateKey = field(repr=False)
    version: str
    cert_name: str | None


def history(client: "DynamoDBClient", table: str, arn: str) -> list[dict[str, Any]]:
    """The ledger's record of every attempt, newest first."""
    asked: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "credential = :arn AND begins_with(#record, :attempt)",
        "ExpressionAttributeNames": {"#record": "record"},
        "ExpressionAttributeValues": item({":arn": arn, ":attempt": "attempt#"}),
        "ConsistentRead": True,
        "ScanIndexForward": False,
    }
    records = []
    for page in client.get_paginator("query").paginate(**asked):
        records += page["Items"]
    return [{name: TypeDeserializer().deserialize(value) for name, value in one.items()} for one in records]


def issued_certificates(records: Sequence[dict[str, Any]]) -> Iterator[IssuedCertificate]:
    """The certificates in the ledger's records, in their order; what cannot be read is passed over."""
    for record in records:
        try:
            chain = load_chain(record.get("answer") or "")
        except ValueError:
            continue
        yield IssuedCertificate(record["answer"], chain, record.get("name"), record.get("intent_version"))


def choose(
    found: Sequence[IssuedCertificate], in_use: Chain | None, cert_name: str | None, now: datetime
) -> IssuedCertificate:
    """The certificate to bring back: the one of that name, else the newest that is better than the one in use.

    Raises:
        UserError: there is none.
    """
    if cert_name:
        named = next((one for one in found if one.cert_name == cert_name), None)
        if named is None:
            raise NeedsYouError(f"The ledger holds no certificate {cert_name}. {_those(found)}")
        return named
    after = max(in_use.not_after, now) if in_use else now
    other = [one for one in found if not in_use or one.chain.fingerprint != in_use.fingerprint]
    best = next((one for one in other if one.chain.not_after > after), None)
    if best is None:
        raise NeedsYouError(
            f"The ledger holds no certificate that would outlast the one in use. {_those(found)} If the "
            "function's log shows one, copy it into a file from BEGIN to END CERTIFICATE and name it with --cert."
        )
    return best


def _those(found: Sequence[IssuedCertificate]) -> str:
    names = ", ".join(f"{one.cert_name} (until {utc_text(one.chain.not_after)})" for one in found[:5])
    return f"It holds {names}." if names else "It holds none at all."


def find_key(client: "SecretsManagerClient", target: Target, wanted: IssuedCertificate) -> FoundKey:
    """The key of a certificate, from the version that should hold it or from any other that AWS still has.

    Raises:
        UserError: no version holds it.
    """
    likely = [wanted.intent_version] if wanted.intent_version else []
    versions = dict.fromkeys([*likely, *other_versions(client, target.secret)])
    for version in versions:
        found = _key_in(read(client, target.secret, version), wanted.chain, version)
        if found:
            return found
    raise NeedsYouError(
        f"None of the {len(versions)} versions of {target.words} holds the key of this certificate. If it is another "
        "credential's, name that one with --tenant, --secret or --own. If it is this one's, its key is gone (AWS "
        f"prunes old versions without a label), so onboard again: `{target.command('csr')}`, "
        f"then `{target.command('store')}`."
    )


def _key_in(text: str | None, chain: Chain, version: str) -> FoundKey | None:
    try:
        document = json.loads(text or "")
        key = load_private_key(document["privateKey"])
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):  # whatever else a version may hold
        return None
    if not any(belong_together(key, certificate) for certificate in chain.certificates):
        return None
    name = document.get("certName")
    return FoundKey(key, version, name if isinstance(name, str) else None)
