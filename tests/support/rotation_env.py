"""Everything around one rotation, for real but local: AWS, the service, a customer, and a clock a test moves.

One class, because it is the vocabulary of every integration test: what a test arranges, does, and looks at.
"""

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from certificate_rotation.adapters.alert_topic import AlertTopic
from certificate_rotation.adapters.event_bus import EventBus
from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.secret_store import SecretStore
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Command
from certificate_rotation.domain.errors import RotationError, cure_of
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report
from certificate_rotation.domain.result import Result, result_of
from certificate_rotation.domain.state import State
from certificate_rotation.events import command_from
from certificate_rotation.native_rotation import rotate_step
from certificate_rotation.notifications.alerts import Alerts
from certificate_rotation.rotation import rotate
from certificate_rotation.settings import Settings
from simulator import Request, Simulator, Tenant
from simulator.ca import KeyAlgorithm
from simulator.faults import Parameter
from tests.support.aws_calls import Email
from tests.support.aws_clients import Clients
from tests.support.clock import Time
from tests.support.local_aws import LocalAws
from tests.support.service_in_memory import InMemoryApi
from tests.support.watched_api import Seen, WatchedApi

if TYPE_CHECKING:
    from certificate_rotation.adapters.mtls import Response

STACK = "device-id-certificate"
TIMEOUT = timedelta(seconds=120)  # template.yaml: how long Lambda lets a run live
TICK = 0.001  # seconds between two looks at the clock: no two moments of the code are the same
LIFETIME = timedelta(days=90)
OWN_KEYS: Mapping[str, object] = {"owner": {"team": "Ärzte"}, "ports": [1, None, 2.5]}


class RotationEnv:
    """One customer of one service, with one secret that is rotated."""

    def __init__(self, aws: LocalAws, simulator: Simulator, log: Callable[[], list[logging.LogRecord]]) -> None:
        self.aws, self.simulator, self.time = aws, simulator, Time(simulator)
        self._log = log
        self._clients = aws.clients()
        self._runs = 0
        self.said: list[str] = []  # results and tracebacks
        self.renews: str | None = None  # which half the last run was about, as a result says and an error does not
        self._emails_seen = 0
        self.seen = Seen()
        self.on_its_way: Callable[[Response], Response] = lambda answer: answer
        self.over_tls = True  # every request to the service, or only what has to do with the network
        self.arn = aws.admin.secrets.create_secret(Name=aws.name)["ARN"]
        self.settings = {
            "SECRET_ARN": self.arn,
            "LEDGER_TABLE": aws.name,
            "ALERT_TOPIC_ARN": aws.topic,
            "SERVICE_URL": simulator.url,
            "TRUSTED_CA_PEM": simulator.trusted_ca_pem,
            "WATCH_IN_USE": "false",  # `test_watching` turns it on: elsewhere it would hide what a run does by itself
        }

    # What a test arranges.

    def onboard(  # noqa: PLR0913 - what a test may want different
        self,
        *,
        key_algorithm: KeyAlgorithm = "ec256",
        age: timedelta = timedelta(days=80),
        lifetime: timedelta = LIFETIME,
        chain: bool = False,
        cert_name: str | None = "onboarded-1",
        name: str = "",
        api_key_left: timedelta | None = None,
    ) -> Tenant:
        """Have a new customer signed up, and their credential put into the secret; renewal is due unless told else.

        `api_key_left`: how long the API key still works, as the secret then says; None for a year, of which it says
        nothing.
        """
        tenant = self.simulator.onboard(
            name or self.aws.name,
            key_algorithm=key_algorithm,
            age=age,
            lifetime=lifetime,
            chain=chain,
            cert_name=cert_name,
            api_key_left=api_key_left,
        )
        self.put({**tenant.credential, **OWN_KEYS})
        return tenant

    def put(self, secret: object) -> None:
        """Store a new AWSCURRENT as a person does: an object becomes JSON, text and bytes stay as they are."""
        value = secret if isinstance(secret, str | bytes) else json.dumps(secret, ensure_ascii=False)
        self.aws.put_by_hand(value)

    def fault(self, name: str, *, times: int | None = 1, at: str = "cert:refresh", **parameters: Parameter) -> None:
        """Let coming requests meet a fault of the simulator."""
        self.simulator.fault(name, times=times, endpoint=at, tenant=None, **parameters)

    def advance(self, **step: float) -> None:
        """Let time pass: `timedelta`'s own arguments."""
        self.time.advance(timedelta(**step))

    def advance_to_critical(self) -> None:
        """Let time pass until the certificate in use is within CriticalDays of its end."""
        critical = self.credential().chain.not_after - timedelta(days=7)
        self.time.advance(max(critical - self.time.now(), timedelta(0)))

    # What a test does.

    def dependencies(self, clients: Clients | None = None) -> Dependencies:
        """What a container works with, as the handler builds it."""
        clients = clients or self._clients
        settings = Settings.from_env(self.settings)
        ledger = Ledger(clients.dynamodb, settings.ledger_table)
        watching = (settings, self.aws.exchanges, self.seen, self.on_its_way)
        topic = AlertTopic(lambda: clients.sns, settings.alert_topic_arn)
        return Dependencies(
            secrets=SecretStore(clients.secrets),
            ledger=ledger,
            api=WatchedApi(*watching) if self.over_tls else InMemoryApi(self.simulator, *watching),
            alerts=Alerts(topic, EventBus(lambda: clients.events), ledger),
            settings=settings,
        )

    def run(self, **event: object) -> Result:
        """Invoke the function with an event; its keys are this method's keywords."""
        return self.run_with(self.dependencies(), event)

    def run_with(
        self, dependencies: Dependencies, event: object, *, lives: timedelta = TIMEOUT, ahead: timedelta = timedelta(0)
    ) -> Result:
        """Invoke the function with dependencies of its own, as a second container has.

        `lives`: how long Lambda lets it; `ahead`: by how much its machine's clock is. A rotation step is about our
        secret, unless it says else.
        """
        self._runs += 1
        if isinstance(event, Mapping) and "Step" in event:
            event = {"SecretId": self.arn, **event}

        def clock() -> datetime:
            self.time.sleep(TICK)
            return self.time.now() + ahead

        owner = f"request/{self._runs}"
        invocation = Invocation("request", owner, clock() + lives, clock, self.time.sleep, stack=STACK)
        try:
            report = _run(dependencies, command_from(event), invocation)
            self.renews = report.renews
            result = _result(report)
        except BaseException as error:
            # Without frames: they quote source code, which holds no key, and take a twentieth of all the time.
            self.said.append("".join(traceback.format_exception(error, limit=0)))
            raise
        self.said.append(json.dumps(result))
        return result

    def fails[E: RotationError](self, expected: type[E], **event: object) -> E:
        """Invoke the function, which raises `expected`."""
        with pytest.raises(expected) as caught:
            self.run(**event)
        assert type(caught.value) is expected
        return caught.value

    # What a test looks at.

    def labels(self) -> dict[str, str]:
        """Which version each label sits on."""
        stages = self.aws.admin.secrets.describe_secret(SecretId=self.arn).get("VersionIdsToStages", {})
        return {label: version for version, labels in stages.items() for label in labels}

    def tidy(self) -> bool:
        """Whether nothing of a rotation is left but, at most, an intent that nothing was asked with."""
        left = self.labels().keys() - {"AWSCURRENT", "AWSPREVIOUS"}
        state = self.state()
        return left <= {"CERTIFICATE_INTENT", "API_KEY_INTENT"} and all(
            half.open_attempt is None and half.earlier is None for half in (state.certificate, state.api_key)
        )

    def version(self, version: str) -> dict[str, Any]:
        """What one version holds."""
        text = self.aws.admin.secrets.get_secret_value(SecretId=self.arn, VersionId=version)["SecretString"]
        document: dict[str, Any] = json.loads(text)
        return document

    def current(self) -> dict[str, Any]:
        """What consumers read."""
        return self.version(self.labels()["AWSCURRENT"])

    def credential(self) -> Credential:
        """The same, parsed: complete, and its key belongs to its certificate."""
        return self.parse(self.current())

    def parse(self, document: dict[str, Any]) -> Credential:
        """A secret's content as the code reads it."""
        return Credential.parse(json.dumps(document))

    def accepted(self) -> bool:
        """Whether the service lets in what consumers read now."""
        serial = self.credential().chain.leaf.serial_number
        known = [record for tenant in self.simulator.tenants for record in tenant.certificates]
        return any(record.serial == serial and record.active for record in known)

    def state(self) -> State:
        """What the ledger remembers of the credential."""
        return Ledger(self.aws.admin.dynamodb, self.aws.name).load(self.arn)

    def history(self) -> list[dict[str, Any]]:
        """The ledger's record of every attempt, oldest first."""
        return [record for record in self.aws.records() if record["record"].startswith("attempt#")]

    def emails(self) -> list[Email]:
        """Every email so far."""
        return self.aws.emails()

    def new_emails(self) -> list[Email]:
        """Those since this was asked last."""
        emails = self.aws.emails()
        new, self._emails_seen = emails[self._emails_seen :], len(emails)
        return new

    def codes(self) -> list[str]:
        """What those emails are about."""
        return [email.code for email in self.emails()]

    def key_refreshes(self) -> list[Request]:
        """The requests for an API key that reached the service."""
        return self.simulator.requests_to("token:refresh")

    def refreshes(self) -> list[Request]:
        """The requests for a certificate that reached the service."""
        return self.simulator.requests_to("cert:refresh")

    def logged(self, level: int = logging.INFO) -> str:
        """The text of the log, from this level on."""
        return "\n".join(_text(record) for record in self._log() if record.levelno >= level)

    def errors_logged(self) -> str:
        """The text of the log at ERROR."""
        return self.logged(logging.ERROR)

    def cure(self, error: RotationError | type[RotationError], half: HalfName = HalfName.CERTIFICATE) -> str:
        """What a mail says that people can do about an error, complete for this credential."""
        return cure_of(error if isinstance(error, type) else type(error), self.arn, STACK, half)

    def stored_and_sent(self) -> tuple[object, ...]:
        """All that the code changed outside, but for its requests to the service, to compare."""
        return (self.labels(), self.versions(), self.aws.records(), self.emails())

    def everything_stored(self) -> object:
        """All a run could change, to compare."""
        return (*self.stored_and_sent(), list(self.simulator.requests))

    def told(self) -> str:
        """All that the code said, wherever it said it: the secret itself is the only place for a key."""
        sent = [call.body for call in self.aws.calls if call.operation != "PutSecretValue"]
        return "\n".join([*(_text(record) for record in self._log()), *self.said, *sent, str(self.aws.records())])

    def versions(self) -> dict[str, str]:
        """The text of every version of the secret, with or without a label; empty where it is binary."""
        return {version: text for version, (_, text) in self.aws.versions().items()}


class MakeEnv(Protocol):
    """What `make_env` is."""

    def __call__(self, simulator: Simulator) -> RotationEnv:
        """Make an env around a simulator."""


def _run(dependencies: Dependencies, command: Command, invocation: Invocation) -> Report:
    """As the handler chooses."""
    if command.step:
        return rotate_step(dependencies, command, command.step, invocation)
    return rotate(dependencies, command, invocation)


def _result(report: Report) -> Result:
    """As the handler answers: a result, or an error."""
    if report.error:
        raise report.error
    return result_of(report)


def _text(record: logging.LogRecord) -> str:
    return logging.Formatter("%(levelname)s %(name)s %(message)s").format(record)
