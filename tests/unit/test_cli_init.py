"""`init`: asks only what it must, deploys what is not there, and goes on where it stood."""

import base64
import json
from copy import replace
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from certificate_rotation.domain.x509 import Chain, PrivateKey, private_key_pem
from cli import deploying, init, init_command
from cli.errors import ATTENTION, REFUSED, WRONG_USE
from cli.main import app
from cli.stack import Deployment, NoStackError
from cli.status import Subscription
from tests.support.factories import API_KEY, certificate, secret
from tests.unit.test_cli_whose import MANY, OWN, SINGLE
from tests.unit.test_status import FINE

pytestmark = pytest.mark.makes_key_files  # they are what a person brings, or gets

CONFIRMED = Subscription("email", "ops@example.com", confirmed=True)
FILES = ("--api-key-file", "api-key", "--api-key-expiry", "2099-01-31", "--skip-service-check")


class Aws:
    """An account: one secret, who is signed in, and how often somebody is asked before they click."""

    exceptions = type("exceptions", (), {"ResourceNotFoundException": KeyError})
    meta = type("meta", (), {"region_name": "eu-west-1"})

    def __init__(self) -> None:
        """Nothing is in the secret."""
        self.text, self.clicks_after = "", 0

    def describe_secret(self, **_: str) -> dict[str, Any]:
        """As boto3 does."""
        return {"ARN": OWN, "VersionIdsToStages": {"v1": ["AWSCURRENT"]} if self.text else {}}

    def get_secret_value(self, **_: str) -> dict[str, str]:
        """As boto3 does."""
        return {"SecretString": self.text}

    def put_secret_value(self, **asked: Any) -> None:  # noqa: ANN401 - boto3's
        """As boto3 does."""
        self.text = asked["SecretString"]

    def get_caller_identity(self) -> dict[str, str]:
        """As boto3 does."""
        return {"Account": "123456789012"}

    def readers(self, _: Deployment) -> tuple[Subscription, ...]:
        """Who reads the alerts."""
        self.clicks_after -= 1
        return (replace(CONFIRMED, confirmed=self.clicks_after < 0),)


@dataclass
class Desk:
    """A newcomer's: a folder, an account, and what they type."""

    folder: Path
    aws: Aws
    key: PrivateKey
    stacks: dict[str, Deployment] = field(default_factory=dict)

    def signed(self) -> None:
        """The vendor signed what `init` asked for, or something else was brought."""
        now = datetime.now(UTC)
        chain = Chain((certificate(self.key, begins=now - timedelta(days=1), ends=now + timedelta(days=90)),))
        Path("device-id.pem").write_text(chain.pem)
        Path("device-id.key").write_text(private_key_pem(self.key))
        Path("api-key").write_text(API_KEY)

    def checkout(self, ends_with: int = 0) -> Path:
        """The repository, built, and with a SAM CLI that writes down how it was called."""
        built = self.folder / "checkout"
        for place in (".aws-sam/build/template.yaml", "template.yaml", ".venv/sam/bin/sam"):
            (built / place).parent.mkdir(parents=True, exist_ok=True)
            (built / place).write_text("Resources: { CertificateRotationFunction: {} }")
        sam = built / ".venv/sam/bin/sam"
        sam.write_text(f'#!/bin/sh\nfor one; do echo "$one" >> called; done\necho it says why >&2\nexit {ends_with}\n')
        sam.chmod(0o755)
        return built

    def deployment(self, name: str) -> Deployment:
        """The stack, once the SAM CLI was called."""
        if (self.folder / "checkout/called").exists():
            self.stacks[name] = SINGLE
        if name not in self.stacks:
            raise NoStackError(f"There is no stack {name}.")
        return self.stacks[name]

    def type(self, *options: str) -> Result:
        """Type it."""
        return CliRunner().invoke(app, ["init", *options])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ec_key: PrivateKey) -> Desk:
    """Nothing is there yet."""
    desk = Desk(tmp_path, Aws(), ec_key)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(init_command, "deployment", desk.deployment)
    for module in (init_command, deploying):
        monkeypatch.setattr(module, "client", lambda _: desk.aws)
    monkeypatch.setattr(init, "subscriptions", desk.aws.readers)
    monkeypatch.setattr(init, "SECONDS", 0.0)
    monkeypatch.setattr(init, "status_of", lambda _, target, __: replace(FINE, target=target))
    return desk


def test_first_it_makes_the_request_and_then_waits_for_the_vendor(desk: Desk) -> None:
    """Nobody but the vendor can do the next step. Who is too early is told so, and no key is made twice."""
    asked = desk.type("--common-name", "sensor.example.com")
    assert asked.exit_code == ATTENTION
    assert "Then run this again: device-id init" in asked.stdout
    key = Path("device-id.key").read_text()
    again = desk.type()
    assert (again.exit_code, "Have the vendor sign device-id.csr" in again.stderr) == (ATTENTION, True)
    assert Path("device-id.key").read_text() == key


def test_it_stores_waits_for_the_click_and_shows_the_first_status(desk: Desk) -> None:
    """With the options of a script it asks nothing at all."""
    desk.signed()
    desk.stacks["device-id-certificate"], desk.aws.clicks_after = SINGLE, 3
    done = desk.type(*FILES)
    assert done.exit_code == 0, done.output
    said = done.stdout
    order = ["The credential is stored", "Click its link", "All is well.", "Nothing: it is watched"]
    assert sorted(order, key=said.index) == order
    assert json.loads(desk.aws.text)["apiKey"] == API_KEY
    assert desk.aws.clicks_after == -1, "it looked until somebody had clicked"


def test_a_click_that_does_not_come_is_not_waited_for_for_ever(desk: Desk) -> None:
    """The status then says that nobody reads the alerts."""
    desk.signed()
    desk.stacks["device-id-certificate"], desk.aws.clicks_after = SINGLE, 1_000_000
    assert "Click its link" in desk.type(*FILES, "--wait", "0").stdout
    assert desk.aws.clicks_after == 999_999


def test_run_again_it_leaves_what_rotation_has_renewed(desk: Desk) -> None:
    """The files are of the first day; what is in the secret is newer."""
    desk.stacks["device-id-certificate"] = SINGLE
    desk.signed()
    desk.aws.text = renewed = json.dumps(secret(desk.key))
    Path("device-id.key").unlink()  # as `store` says at its end
    done = desk.type()
    assert (done.exit_code, "left as it is" in done.stdout, desk.aws.text) == (0, True, renewed)


def test_a_stack_that_is_not_there_is_deployed(desk: Desk) -> None:
    """With what says where the service is; and which account it is, before it costs anything."""
    desk.signed()
    Path("ca.pem").write_text("an anchor")
    checkout = desk.checkout()
    service = ("--service-url", "https://service.example", "--trusted-ca", "ca.pem")
    done = desk.type(*FILES, *service, "--checkout", str(checkout), "--alert-email", "ops@example.com")
    assert done.exit_code == 0, done.output
    assert "the stack device-id-certificate into account 123456789012, eu-west-1" in done.stdout
    called = (checkout / "called").read_text().splitlines()
    assert called[:5] == ["deploy", "--stack-name", "device-id-certificate", "--region", "eu-west-1"]
    given = dict(one.split("=", 1) for one in called[called.index("--parameter-overrides") + 1 :])
    assert given.pop("Architecture") in {'"x86_64"', '"arm64"'}
    assert given == {
        "AlertEmail": '"ops@example.com"',
        "ServiceUrl": '"https://service.example"',
        "TrustedCaPem": f'"{base64.b64encode(b"an anchor").decode()}"',
    }
    assert desk.aws.text


def test_what_is_missing_for_that_is_told_before_anybody_is_asked(desk: Desk) -> None:
    """Who typed an API key and an address does not learn then that there is nothing to deploy with."""
    desk.signed()
    not_there = desk.type("--skip-service-check")
    assert (not_there.exit_code, "is not the checkout to deploy it from" in not_there.stderr) == (ATTENTION, True)
    Path("template.yaml").write_text("Resources: { SomebodyElses: {} }")
    another = desk.type("--skip-service-check")
    assert (another.exit_code, "is not the checkout to deploy it from" in another.stderr) == (ATTENTION, True)
    checkout = desk.checkout()
    (checkout / ".venv/sam/bin/sam").unlink()
    no_sam = desk.type("--skip-service-check", "--checkout", str(checkout))
    assert (no_sam.exit_code, "pipx install aws-sam-cli" in no_sam.stderr) == (ATTENTION, True)


def test_what_is_not_built_is_built_before(desk: Desk) -> None:
    """A newcomer has no `make`, and need not know that anything is to be built."""
    desk.signed()
    checkout = desk.checkout()
    (checkout / ".aws-sam/build/template.yaml").unlink()
    done = desk.type(*FILES, "--checkout", str(checkout), "--alert-email", "ops@example.com")
    assert done.exit_code == 0, done.output
    called = (checkout / "called").read_text().splitlines()
    assert [word for word in called if word in {"build", "deploy"}] == ["build", "deploy"]


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        ('{"url": "file:///home/ann%20other/it", "dir_info": {}}', Path("/home/ann other/it")),
        ('{"url": "https://example.com/it.zip"}', None),
        (None, None),
    ],
)
def test_it_deploys_from_where_it_was_installed_from(
    monkeypatch: pytest.MonkeyPatch, origin: str | None, found: Path | None
) -> None:
    """`pipx install .` was typed in the checkout; keys and requests are made elsewhere."""
    installed = type("Installed", (), {"read_text": lambda _, __: origin})
    monkeypatch.setattr(deploying, "distribution", lambda _: installed())
    assert deploying.installed_from() == found


def test_files_that_are_wrong_are_told_before_anything_is_deployed(desk: Desk) -> None:
    """A stack costs money, and minutes."""
    desk.signed()
    Path("device-id.key").write_text("no key")
    checkout = desk.checkout()
    assert desk.type(*FILES, "--checkout", str(checkout), "--alert-email", "a@example.com").exit_code == WRONG_USE
    assert not (checkout / "called").exists()


def test_a_deployment_that_fails_says_why_and_stores_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the SAM CLI's words, which name the cause."""
    desk.signed()
    checkout = desk.checkout(ends_with=1)
    done = desk.type(*FILES, "--checkout", str(checkout), "--alert-email", "a@example.com")
    assert done.exit_code == REFUSED
    assert "it says why\nError: `sam deploy` failed" in done.stderr
    assert desk.aws.text == ""


def test_a_stack_for_tenants_alone_has_nothing_to_put_it_into(desk: Desk) -> None:
    """Its own secret is left alone by choice."""
    desk.signed()
    desk.stacks["device-id-certificate"] = replace(MANY, own_credential=False)
    refused = desk.type(*FILES)
    assert (refused.exit_code, "device-id tenant add" in refused.stderr, desk.aws.text) == (WRONG_USE, True, "")
