"""`recover`: which certificate is chosen, and what it is joined with."""

import json
from datetime import timedelta

import pytest

from certificate_rotation.domain.x509 import Chain, PrivateKey
from cli.errors import UserError
from cli.recover import put_together
from cli.secret import Found, chain_of
from cli.stuck_certificates import FoundKey, IssuedCertificate, choose, issued_certificates
from cli.target import Target
from tests.support.factories import NOW, certificate, secret

ACME = Target("arn", "the tenant acme's", ("--tenant", "acme"), tenant="acme")


def ending_in(key: PrivateKey, days: int, name: str | None = None) -> IssuedCertificate:
    """A certificate as the ledger has it."""
    chain = Chain((certificate(key, ends=NOW + timedelta(days=days)),))
    return IssuedCertificate(chain.pem, chain, name, "intent")


def found(text: str | None) -> Found:
    """A secret that holds this."""
    return Found("arn", "version", text, {"AWSCURRENT": "version"})


@pytest.mark.parametrize(("version", "text", "empty"), [(None, None, True), ("v", "", True), ("v", "{}", False)])
def test_a_secret_without_content_is_known_as_empty(version: str | None, text: str | None, *, empty: bool) -> None:
    """CloudFormation makes it without a version; then the cure is another one than for a spoilt secret."""
    assert Found("arn", version, text, {}).empty is empty


def test_what_the_ledger_holds_is_read_and_the_rest_passed_over(ec_key: PrivateKey) -> None:
    """An attempt that brought nothing has no certificate, and what came may be no certificate at all."""
    good = ending_in(ec_key, 90, "good")
    record = {"answer": good.pem, "name": "good", "intent_version": "intent"}
    assert [*issued_certificates([{"outcome": "unknown"}, {"answer": "garbage"}, record])] == [good]


def test_the_newest_that_outlasts_the_one_in_use_is_chosen(ec_key: PrivateKey) -> None:
    """The records are newest first, and the ledger remembers the old ones too."""
    in_use, newer, older = (
        ending_in(ec_key, 30, "in-use"),
        ending_in(ec_key, 90, "newer"),
        ending_in(ec_key, 10, "older"),
    )
    assert choose([in_use, newer, older], in_use.chain, None, NOW) is newer
    assert choose([older, newer], None, None, NOW) is older
    assert choose([in_use, newer, older], in_use.chain, "older", NOW) is older


def test_what_is_not_there_is_told_with_what_is(ec_key: PrivateKey) -> None:
    """A name is easily mistyped."""
    older = ending_in(ec_key, 10, "older")
    in_use = ending_in(ec_key, 30).chain
    with pytest.raises(UserError, match=r"would outlast the one in use\. It holds older"):
        choose([older], in_use, None, NOW)
    with pytest.raises(UserError, match=r"no certificate oldre\. It holds older"):
        choose([older], in_use, "oldre", NOW)
    with pytest.raises(UserError, match="It holds none at all"):
        choose([], None, None, NOW)


def test_it_is_joined_with_all_the_rest_of_the_secret(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """The API key and the customer's own keys are those in use now."""
    before = secret(rsa_key)
    new = ending_in(ec_key, 90, "device-id-1")
    credential = put_together(new, FoundKey(ec_key, "intent", None), found(json.dumps(before)), ACME, NOW)
    changed = {name for name in before if credential.document[name] != before[name]}
    assert changed == {"cert", "privateKey", "certName"}
    assert credential.cert_name == "device-id-1"


def test_the_name_may_come_from_the_version_with_the_key(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """A certificate copied from the log brings none, and the next run must know it as its own."""
    key = FoundKey(ec_key, "intent", "device-id-1")
    text = json.dumps(secret(rsa_key))
    assert put_together(ending_in(ec_key, 90), key, found(text), ACME, NOW).cert_name == "device-id-1"


@pytest.mark.parametrize(("days", "expected"), [(5, "sooner than the one in use"), (-1, "ended already")])
def test_a_worse_certificate_does_not_replace_the_one_in_use(
    ec_key: PrivateKey, rsa_key: PrivateKey, days: int, expected: str
) -> None:
    """Nothing unverified becomes AWSCURRENT by hand either."""
    text = json.dumps(secret(rsa_key))
    with pytest.raises(UserError, match=f"{expected}.*AWSCURRENT was left in place"):
        put_together(ending_in(ec_key, days, "device-id-1"), FoundKey(ec_key, "intent", None), found(text), ACME, NOW)


def test_a_secret_whose_certificate_was_spoilt_can_be_mended(ec_key: PrivateKey) -> None:
    """There is none in use that the recovered one could be worse than."""
    text = json.dumps(secret(ec_key, cert="garbage"))
    assert chain_of(text) is None
    recovered = put_together(
        ending_in(ec_key, 1, "device-id-1"), FoundKey(ec_key, "intent", None), found(text), ACME, NOW
    )
    assert recovered.document["owner"] == {"team": "Ärzte"}


@pytest.mark.parametrize("text", [None, "garbage", "{}"])
def test_without_an_api_key_there_is_nothing_to_join_it_with(ec_key: PrivateKey, text: str | None) -> None:
    """The ledger never holds one."""
    with pytest.raises(UserError, match=r"AWSCURRENT of the secret arn .* holds no apiKey"):
        put_together(ending_in(ec_key, 90, "device-id-1"), FoundKey(ec_key, "intent", None), found(text), ACME, NOW)
