"""What a newcomer does on the deployed stack with the onboarding commands alone, and what these refuse."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certificate_rotation.domain.times import utc_text
from cli.errors import ATTENTION, REFUSED, WRONG_USE
from simulator.ca import key_pem, new_key
from tests.support.aws_proxy import AwsProxy
from tests.support.deployed_customer import LIFETIME, Customer
from tests.support.process_kill import AtAws, run_until_killed
from tests.support.terminal import Terminal
from tests.support.transcript import Transcript

pytestmark = pytest.mark.makes_key_files  # they are what a person brings, or gets

CN = "sensor.example.com"
DUE = LIFETIME * 2 / 3 + timedelta(hours=6)  # a certificate of this age is in the last third of its life, just
KEY_LEFT = timedelta(days=180)
LOG = "from-the-log.pem"


@pytest.fixture(scope="module")
def transcript() -> Transcript:
    """The page of the guide."""
    return Transcript()


@pytest.fixture
def terminal(customer: Customer, tmp_path: Path) -> Terminal:
    """Beside a stack nobody has put a credential into."""
    customer.put({})
    return Terminal(customer.stack, tmp_path)


@pytest.fixture
def signed_up(customer: Customer, terminal: Terminal) -> Callable[..., str]:
    """Does the vendor's part with the request in the folder; returns the API key, and leaves the certificate there."""

    def sign_up(age: timedelta = DUE) -> str:
        request = (terminal.folder / "device-id.csr").read_text()
        tenant = customer.simulator.onboard(
            customer.name, csr_pem=request, age=age, lifetime=LIFETIME, cert_name="sensor-1"
        )
        (terminal.folder / "device-id.pem").write_text(tenant.credential["cert"])
        return tenant.api_key

    return sign_up


def test_a_newcomer_comes_from_a_request_to_a_rotated_certificate(
    customer: Customer, terminal: Terminal, signed_up: Callable[..., str], transcript: Transcript
) -> None:
    """The whole way, as the guide shows it."""
    asked = terminal.run("csr", "--common-name", CN, "--san", CN, "--own")
    transcript.take("csr", f"device-id csr --common-name {CN} --san {CN}", asked.text)
    assert stat.S_IMODE((terminal.folder / "device-id.key").stat().st_mode) == 0o600

    api_key = signed_up()
    ends, shown = utc_text(transcript.began + KEY_LEFT), "2027-05-23T12:00:00Z"
    store = ("store", "--own", "--cert-name", "sensor-1", "--api-key-expiry", ends)
    stored = terminal.answer(*store, prompt="API key (stays hidden):", typed=api_key)
    transcript.take("store", f"device-id store --cert-name sensor-1 --api-key-expiry {shown}", stored.text)
    private_key = (terminal.folder / "device-id.key").read_text()
    assert customer.version("AWSCURRENT") == {
        "apiKey": api_key,
        "cert": (terminal.folder / "device-id.pem").read_text(),
        "privateKey": private_key,
        "certName": "sensor-1",
        "apiKeyExpiry": ends,
    }

    before = terminal.run("status")
    transcript.take("status before", "device-id status", before.text)
    renewed = terminal.run("renew", "--own")
    transcript.take("renew", "device-id renew", renewed.text)
    after = terminal.run("status")
    transcript.take("status after", "device-id status", after.text)
    transcript.compare()
    assert [printed.code for printed in (asked, stored, before, renewed, after)] == [0] * 5
    assert "All is well." in after.text
    printed = asked.text + stored.text + before.text + renewed.text + after.text
    assert api_key not in printed
    assert [line for line in private_key.splitlines() if line in printed] == []


def test_one_command_and_one_question_lead_to_a_watched_credential(
    customer: Customer, terminal: Terminal, signed_up: Callable[..., str]
) -> None:
    """But for the vendor's own step. A third time it changes nothing and shows how things are."""
    asked = terminal.run("init", "--common-name", CN)
    assert (asked.code, "Then run this again: device-id init --stack-name device-id-test" in asked.text) == (1, True)
    api_key = signed_up(age=timedelta(days=1))
    ends = utc_text(datetime.now(UTC) + KEY_LEFT)
    done = terminal.answer("init", "--api-key-expiry", ends, prompt="API key (stays hidden):", typed=api_key)
    assert done.code == 0, done.text
    assert "Nothing: it is watched" in done.text
    stored = customer.version("AWSCURRENT")
    assert (stored["apiKey"], stored["apiKeyExpiry"]) == (api_key, ends)
    again = terminal.run("init")
    assert (again.code, "left as it is" in again.text, customer.version("AWSCURRENT")) == (0, True, stored)


def test_status_as_json_is_for_programs(customer: Customer, terminal: Terminal) -> None:
    """Nothing but the object, and the exit code says the same."""
    customer.onboard(age=timedelta(days=1))
    printed = terminal.run("status", "--json")
    document = json.loads(printed.text)
    assert (printed.code, document["fine"], document["attention"]) == (0, True, [])
    assert document["dryRun"]["wouldDo"] == "nothing"
    assert {"protocol": "email", "endpoint": "operator@example.com", "confirmed": True} in document["subscriptions"]
    assert document["schedule"] == {"expression": "rate(1 hour)", "timeZone": "UTC", "enabled": True}


def test_a_request_is_not_made_twice(terminal: Terminal) -> None:
    """The first one's key may be waiting for its certificate."""
    terminal.run("csr", "--common-name", CN)
    key = (terminal.folder / "device-id.key").read_text()
    again = terminal.run("csr", "--common-name", CN)
    assert again.code == WRONG_USE
    assert "device-id.key exists already" in again.text
    assert (terminal.folder / "device-id.key").read_text() == key


def test_what_does_not_belong_together_is_refused(
    customer: Customer, terminal: Terminal, signed_up: Callable[..., str]
) -> None:
    """Offline for the key, by the service for the API key; the secret stays as it is."""
    terminal.run("csr", "--common-name", CN)
    api_key = signed_up()
    (terminal.folder / "other.key").write_text(key_pem(new_key("ec256")))
    other_key = terminal.run("store", "--own", "--key", "other.key", "--api-key-file", "-", typed=api_key)
    assert (other_key.code, "other.key is not the key of device-id.pem" in other_key.text) == (WRONG_USE, True)
    other_api_key = terminal.run("store", "--own", "--api-key-file", "-", typed="another-customers-key")
    assert (other_api_key.code, "does not accept" in other_api_key.text) == (REFUSED, True)
    assert "another-customers-key" not in other_api_key.text
    assert customer.version("AWSCURRENT") == {}


def test_a_working_credential_is_overwritten_only_when_told_so(
    customer: Customer, terminal: Terminal, new_customer: Callable[[], Customer], signed_up: Callable[..., str]
) -> None:
    """Its consumers would have to reload at once."""
    new_customer().onboard()
    before = customer.version("AWSCURRENT")
    terminal.run("csr", "--common-name", CN)
    (terminal.folder / "api-key").write_text(signed_up(age=timedelta(0)))
    store = ("store", "--own", "--api-key-file", "api-key")
    for told, wanted in (
        ((), "--other-subject"),
        (("--replace",), "--other-subject"),
        (("--other-subject",), "--replace"),
    ):
        refused = terminal.run(*store, *told)
        assert (refused.code, f"add {wanted}." in refused.text) == (WRONG_USE, True)
        assert customer.version("AWSCURRENT") == before
    assert terminal.run(*store, "--replace", "--other-subject").code == 0
    assert customer.version("AWSCURRENT")["owner"] == before["owner"]
    assert customer.version("AWSPREVIOUS") == before
    assert customer.accepted()


def test_a_certificate_from_the_error_log_is_brought_back(
    customer: Customer, aws_proxy: AwsProxy, terminal: Terminal, transcript: Transcript
) -> None:
    """A run was stopped between the answer and every store of it; only whoever has the log has the certificate."""
    customer.onboard(age=DUE)
    customer.put({**customer.version("AWSCURRENT"), "apiKeyExpiry": utc_text(transcript.began + KEY_LEFT)})
    run_until_killed(customer, aws_proxy, AtAws("TransactWriteItems", 2, "before"))
    # The log of a run that was refused both stores holds the same.
    lost = customer.simulator.tenant(customer.name).certificates[-1]
    (terminal.folder / LOG).write_text(lost.pem)

    early = terminal.run("recover", "--own", "--cert", LOG)
    assert (early.code, "A run of the function is at work" in early.text) == (ATTENTION, True)
    customer.let_the_lease_end()
    needed = terminal.run("status")
    transcript.take("status in need", "device-id status", needed.text)
    assert needed.code == ATTENTION
    recovered = terminal.run("recover", "--own", "--cert", LOG)
    transcript.take("recover", f"device-id recover --cert {LOG}", recovered.text)
    transcript.compare()
    assert recovered.code == 0
    after = terminal.run("status")
    assert (after.code, "recover" in after.text) == (0, False), "it is done, and the next run closes the rotation"
    assert customer.version("AWSCURRENT")["certName"] == lost.name
    assert customer.accepted()
    assert customer.invoke()["outcome"] == "rotated"
    assert len(customer.refreshes()) == 1
    assert [email.attributes["code"] for email in customer.emails()] == ["rotated"]
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert terminal.run("status").code == 0


def test_a_certificate_in_the_ledger_is_brought_back_without_a_file(
    customer: Customer, aws_proxy: AwsProxy, terminal: Terminal
) -> None:
    """The next run would do it too; this is for whoever cannot wait for it."""
    customer.onboard()
    run_until_killed(customer, aws_proxy, AtAws("TransactWriteItems", 2))
    customer.let_the_lease_end()
    recovered = terminal.run("recover", "--own")
    assert (recovered.code, "from the ledger" in recovered.text) == (0, True)
    assert customer.invoke()["outcome"] == "rotated"
    assert customer.accepted()
    assert len(customer.refreshes()) == 1


def test_an_api_key_sealed_in_the_ledger_is_brought_back_and_shown_nowhere(
    customer: Customer, aws_proxy: AwsProxy, terminal: Terminal, transcript: Transcript
) -> None:
    """It stands in no log, so nobody could copy it from there; and whoever looks over a shoulder sees nothing of it."""
    customer.onboard(age=timedelta(days=1))
    before = {**customer.version("AWSCURRENT"), "apiKeyExpiry": utc_text(transcript.began + timedelta(days=20))}
    customer.put(before)
    run_until_killed(customer, aws_proxy, AtAws("TransactWriteItems", 2))
    customer.let_the_lease_end()
    recovered = terminal.run("recover", "--own", "--api-key")
    transcript.take("recover an API key", "device-id recover --api-key", recovered.text)
    transcript.compare()
    assert recovered.code == 0
    after = customer.version("AWSCURRENT")
    assert {name for name in before if after[name] != before[name]} == {"apiKey", "apiKeyExpiry"}
    assert after["apiKey"] not in recovered.text
    assert customer.accepted()
    closed = customer.invoke()
    assert (closed["outcome"], closed["renews"]) == ("rotated", "apiKey")
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert terminal.run("status").code == 0


def test_beside_tenants_nobody_guesses_whose_it_is(
    customer: Customer, terminal: Terminal, signed_up: Callable[..., str]
) -> None:
    """The stack's own is not the one that is meant because nobody said another."""
    terminal.run("csr", "--common-name", CN)
    (terminal.folder / "api-key").write_text(signed_up())
    for command in (("store", "--api-key-file", "api-key", "--replace"), ("recover",)):
        refused = terminal.run(*command)
        assert (refused.code, "has tenants, so it is not clear" in refused.text) == (WRONG_USE, True)
    assert customer.version("AWSCURRENT") == {}


def test_colours_are_for_terminals(terminal: Terminal) -> None:
    """In a file they are rubbish."""
    on_a_terminal = terminal.answer("csr", prompt="Common name", typed=CN, term="xterm-256color")
    assert on_a_terminal.code == 0
    assert "\x1b[" in on_a_terminal.text
    assert "\x1b[" not in terminal.run("csr", "--common-name", CN, "--out", "second").text


def test_a_stack_that_is_not_there_is_a_sentence(terminal: Terminal) -> None:
    """The commonest first mistake: another profile, another region."""
    for command in ("status", "recover"):
        printed = terminal.run(command, "--stack-name", "elsewhere")
        assert printed.code == REFUSED
        assert printed.text.startswith("Error: There is no stack elsewhere in us-east-1. Name yours with --stack-name")
        assert "Traceback" not in printed.text


def test_nothing_typed_is_a_sentence(terminal: Terminal) -> None:
    """Ctrl-D, from somebody who has to look the answer up first."""
    given_up = terminal.answer("csr", prompt="Common name", typed="\x04")
    assert given_up.code == WRONG_USE
    assert "nothing was typed. Run it again" in given_up.text
    assert list(terminal.folder.iterdir()) == []
