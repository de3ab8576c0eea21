"""AWS is slow, or refuses: no request leaves without time to keep its answer, and what cannot be read is not gone."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.invocation import TIME_FOR_WRITES
from simulator import Simulator
from tests.support.lambda_invoker import at_the_worlds_time, invoke
from tests.support.outside import ends, kill_after, slow
from tests.support.rotation_env import MakeWorld, World

DUE = timedelta(days=62)
CHARGE, SETTLE = 1, 2  # which of a run's transactions
_PAUSES = 1.0  # botocore, standard mode: up to a second before the second try


def test_no_request_leaves_when_counting_it_took_the_time(world: World) -> None:
    """Its answer could not be kept any more. Nothing left, so the attempt is given back and nothing is held."""
    world.onboard(age=DUE)
    slow(world, "TransactWriteItems", seconds=70, number=CHARGE)
    assert ends(world) == "StorageFailure"
    assert world.refreshes() == []
    assert world.codes() == ["StorageFailure"]
    world.advance(minutes=4)
    assert world.run(dryRun=True)["attemptsAvailable"] == 3
    assert ends(world) == "rotated"


@pytest.mark.parametrize("seconds", [0, 20, 30, 40, 50, 60, 80, 100])
def test_a_request_leaves_only_with_time_for_its_answer(world: World, seconds: int) -> None:
    """However long the counting takes: connecting, the answer and the writes must fit into what is left."""
    world.onboard(age=DUE)
    begun = world.time.now()
    slow(world, "TransactWriteItems", seconds=seconds, number=CHARGE)
    ends(world)
    for request in world.refreshes():
        left = begun + timedelta(seconds=120) - request.when
        assert left >= timedelta(seconds=2 * 10 + 40) + TIME_FOR_WRITES - timedelta(seconds=1)


def test_a_hanging_call_to_aws_ends_within_the_time_kept_for_writes(
    function: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its tries and pauses together: one that hangs must leave time for the other store of the certificate."""
    at_the_worlds_time(function, monkeypatch)
    made: list[Any] = []
    session = boto3.DEFAULT_SESSION
    assert session is not None
    client = session.client

    def noting(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - boto3's
        made.append(kwargs["config"])
        return client(*args, **kwargs)

    monkeypatch.setattr(session, "client", noting)
    function.onboard(age=DUE)
    invoke({})
    assert made
    for config in made:
        tries = config.retries["total_max_attempts"]
        longest = tries * (config.connect_timeout + config.read_timeout) + (tries - 1) * _PAUSES
        assert timedelta(seconds=longest) <= TIME_FOR_WRITES


def test_a_certificate_is_in_the_log_the_moment_it_arrives(
    make_world: MakeWorld, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """It is public, and a process that dies before its first write leaves it nowhere else."""
    rehearsed, world = make_world(simulator), make_world(simulator)
    rehearsed.onboard(age=DUE)
    rehearsed.run()
    world.onboard(age=DUE)
    kill_after(world, rehearsed, "cert:refresh")
    (issued,) = world.seen.issued
    assert issued.certificate.splitlines()[1] in caplog.text


@pytest.mark.parametrize("failure", ["throttled", "unreachable"])
def test_that_nothing_was_issued_is_written_down_though_aws_refuses_once(world: World, failure: str) -> None:
    """503 says that there is no certificate. Forgotten, it would be a hold for weeks."""
    world.onboard(age=DUE)
    world.fault("unavailable")
    world.aws.failures.set(failure, "TransactWriteItems", containing="ServiceFailure")
    assert ends(world) in {"ServiceFailure", "StorageFailure"}
    world.advance(hours=1, minutes=5)
    assert ends(world) == "rotated"
    assert len(world.refreshes()) == 2


def test_an_attempt_that_was_counted_though_aws_did_not_say_so_is_given_back(world: World) -> None:
    """Nothing was sent. Left open it would hold for weeks, and for a certificate that cannot exist."""
    world.onboard(age=DUE)
    world.aws.failures.set("answer lost", "TransactWriteItems")
    assert ends(world) == "StorageFailure"
    assert world.simulator.requests == []
    assert world.state().open_attempt is None
    assert world.run(dryRun=True)["attemptsAvailable"] == 3
    assert [record["outcome"] for record in world.history()] == ["ServiceUnreachable"]
    (mail,) = world.emails()
    assert "held" not in mail.body
    assert ends(world) == "rotated"
    assert len(world.refreshes()) == 1


@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_a_count_that_aws_refuses_is_not_told_as_a_hold(world: World, failure: str) -> None:
    """Nothing was counted, as the ledger says when it is asked: nothing waits for weeks, and no mail may say so."""
    world.onboard(age=DUE)
    world.aws.failures.set(failure, "TransactWriteItems", times=None)
    assert ends(world) == "StorageFailure"
    assert world.simulator.requests == []
    (mail,) = world.emails()
    assert "held" not in mail.body
    assert "unknown outcome" not in mail.body
    world.aws.failures.clear()
    world.advance(hours=1)
    assert ends(world) == "rotated"


def test_an_attempt_that_may_be_counted_and_cannot_be_given_back_is_told_as_a_hold(world: World) -> None:
    """AWS is out of reach for the rest of the run: the next ones find an attempt of unknown outcome."""
    world.onboard(age=DUE)
    world.aws.failures.set("answer lost", "TransactWriteItems")
    world.aws.failures.set("throttled", "TransactWriteItems", times=None, containing="ServiceUnreachable")
    assert ends(world) == "StorageFailure"
    assert world.simulator.requests == []
    world.aws.failures.clear()
    (mail,) = world.emails()
    assert "held" in mail.body
    assert "The next run carries on where this one stopped" not in mail.body
    world.advance(hours=1)
    assert ends(world) == "held"


def test_a_hold_that_aws_brought_about_is_told_as_one(world: World) -> None:
    """AWS refuses for the whole run: the next ones hold, and "the next run carries on" would be untrue."""
    world.onboard(age=DUE)
    world.fault("unavailable")
    world.aws.failures.set("throttled", "TransactWriteItems", times=None, containing="ServiceFailure")
    assert ends(world) == "StorageFailure"
    world.aws.failures.clear()
    (mail,) = world.emails()
    world.advance(hours=1, minutes=5)
    assert ends(world) == "held"
    assert "held" in mail.body
    assert "The next run carries on where this one stopped" not in mail.body


@pytest.mark.parametrize(
    ("failure", "code"), [("denied", "AccessDeniedException"), ("undecryptable", "DecryptionFailure")]
)
def test_what_aws_refuses_to_read_is_not_gone(world: World, failure: str, code: str) -> None:
    """A KMS key that changed, a right that went: the private key is there still, and so is the certificate."""
    tenant = world.onboard(age=DUE)
    world.fault("activation-delay")
    assert ends(world) == "CertificateNotAccepted"
    told = len(world.emails())
    tenant.activate(tenant.certificates[-1].name)
    intent = world.labels()["ROTATION_INTENT"]
    world.aws.failures.set(failure, "GetSecretValue", times=None, containing=intent)
    world.advance(hours=1)
    assert ends(world) == "StorageFailure"
    mail = world.emails()[told]
    assert code in mail.body
    assert "is gone" not in mail.body
    assert "allowEviction" not in mail.body
    assert len(world.refreshes()) == 1
    world.aws.failures.clear()
    world.advance(hours=1)
    assert ends(world) == "rotated"
    assert world.credential().chain.leaf.serial_number == tenant.certificates[-1].serial
    assert len(world.refreshes()) == 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("denied", "AccessDeniedException: not authorized to perform this"),
        ("undecryptable", "DecryptionFailure: the KMS key cannot be used"),
        ("throttled", "ThrottlingException: Rate exceeded"),
    ],
)
def test_a_secret_that_cannot_be_read_now_is_told_in_awss_words(world: World, failure: str, said: str) -> None:
    """To hear that it does not exist sends people to look for a secret that is there."""
    world.onboard(age=timedelta(days=10))
    world.aws.failures.set(failure, "GetSecretValue", times=None)
    assert ends(world) == "StorageFailure"
    assert said in world.emails()[-1].body
    assert "does not exist" not in world.emails()[-1].body


def test_a_name_that_does_not_exist_is_answered_in_awss_words(world: World) -> None:
    """Whoever typed it sees at once what AWS was asked for."""
    world.onboard(age=timedelta(days=10))
    said = str(world.fails(InvalidCredential, secretId="no-such-secret"))
    assert "no-such-secret" in said
    assert "ResourceNotFoundException: Secrets Manager can't find the specified secret" in said


def test_a_name_that_may_not_be_looked_at_is_answered_in_awss_words(world: World) -> None:
    """To a role that may read only its own secret, a name that does not exist looks the same."""
    world.onboard(age=timedelta(days=10))
    with world.aws.refusing("DescribeSecret"):
        said = str(world.fails(InvalidCredential, secretId=world.aws.name))
    assert "AccessDeniedException: not authorized to perform this" in said
