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
from tests.support.rotation_env import MakeEnv, RotationEnv

DUE = timedelta(days=62)
CHARGE, SETTLE = 1, 2  # which of a run's transactions
_PAUSES = 1.0  # botocore, standard mode: up to a second before the second try


def test_no_request_leaves_when_counting_it_took_the_time(env: RotationEnv) -> None:
    """Its answer could not be kept any more. Nothing left, so the attempt is given back and nothing is held."""
    env.onboard(age=DUE)
    slow(env, "TransactWriteItems", seconds=70, number=CHARGE)
    assert ends(env) == "StorageFailure"
    assert env.refreshes() == []
    assert env.codes() == ["StorageFailure"]
    env.advance(minutes=4)
    assert env.run(dryRun=True)["attemptsAvailable"] == 3
    assert ends(env) == "rotated"


@pytest.mark.parametrize("seconds", [0, 20, 30, 40, 50, 60, 80, 100])
def test_a_request_leaves_only_with_time_for_its_answer(env: RotationEnv, seconds: int) -> None:
    """However long the counting takes: connecting, the answer and the writes must fit into what is left."""
    env.onboard(age=DUE)
    begun = env.time.now()
    slow(env, "TransactWriteItems", seconds=seconds, number=CHARGE)
    ends(env)
    for request in env.refreshes():
        left = begun + timedelta(seconds=120) - request.when
        assert left >= timedelta(seconds=2 * 10 + 40) + TIME_FOR_WRITES - timedelta(seconds=1)


def test_a_hanging_call_to_aws_ends_within_the_time_kept_for_writes(
    function: RotationEnv, monkeypatch: pytest.MonkeyPatch
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
    make_env: MakeEnv, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """It is public, and a process that dies before its first write leaves it nowhere else."""
    rehearsed, env = make_env(simulator), make_env(simulator)
    rehearsed.onboard(age=DUE)
    rehearsed.run()
    env.onboard(age=DUE)
    kill_after(env, rehearsed, "cert:refresh")
    (issued,) = env.seen.issued
    assert issued.answer.splitlines()[1] in caplog.text


@pytest.mark.parametrize("failure", ["throttled", "unreachable"])
def test_that_nothing_was_issued_is_written_down_though_aws_refuses_once(env: RotationEnv, failure: str) -> None:
    """503 says that there is no certificate. Forgotten, it would be a hold for weeks."""
    env.onboard(age=DUE)
    env.fault("unavailable")
    env.aws.failures.set(failure, "TransactWriteItems", containing="ServiceFailure")
    assert ends(env) in {"ServiceFailure", "StorageFailure"}
    env.advance(hours=1, minutes=5)
    assert ends(env) == "rotated"
    assert len(env.refreshes()) == 2


def test_an_attempt_that_was_counted_though_aws_did_not_say_so_is_given_back(env: RotationEnv) -> None:
    """Nothing was sent. Left open it would hold for weeks, and for a certificate that cannot exist."""
    env.onboard(age=DUE)
    env.aws.failures.set("answer lost", "TransactWriteItems")
    assert ends(env) == "StorageFailure"
    assert env.simulator.requests == []
    assert env.state().certificate.open_attempt is None
    assert env.run(dryRun=True)["attemptsAvailable"] == 3
    assert [record["outcome"] for record in env.history()] == ["ServiceUnreachable"]
    (mail,) = env.emails()
    assert "held" not in mail.body
    assert ends(env) == "rotated"
    assert len(env.refreshes()) == 1


@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_a_count_that_aws_refuses_is_not_told_as_a_hold(env: RotationEnv, failure: str) -> None:
    """Nothing was counted, as the ledger says when it is asked: nothing waits for weeks, and no mail may say so."""
    env.onboard(age=DUE)
    env.aws.failures.set(failure, "TransactWriteItems", times=None)
    assert ends(env) == "StorageFailure"
    assert env.simulator.requests == []
    (mail,) = env.emails()
    assert "held" not in mail.body
    assert "unknown outcome" not in mail.body
    env.aws.failures.clear()
    env.advance(hours=1)
    assert ends(env) == "rotated"


def test_an_attempt_that_may_be_counted_and_cannot_be_given_back_is_told_as_a_hold(env: RotationEnv) -> None:
    """AWS is out of reach for the rest of the run: the next ones find an attempt of unknown outcome."""
    env.onboard(age=DUE)
    env.aws.failures.set("answer lost", "TransactWriteItems")
    env.aws.failures.set("throttled", "TransactWriteItems", times=None, containing="ServiceUnreachable")
    assert ends(env) == "StorageFailure"
    assert env.simulator.requests == []
    env.aws.failures.clear()
    (mail,) = env.emails()
    assert "held" in mail.body
    assert "The next run carries on where this one stopped" not in mail.body
    env.advance(hours=1)
    assert ends(env) == "held"


def test_a_hold_that_aws_brought_about_is_told_as_one(env: RotationEnv) -> None:
    """AWS refuses for the whole run: the next ones hold, and "the next run carries on" would be untrue."""
    env.onboard(age=DUE)
    env.fault("unavailable")
    env.aws.failures.set("throttled", "TransactWriteItems", times=None, containing="ServiceFailure")
    assert ends(env) == "StorageFailure"
    env.aws.failures.clear()
    (mail,) = env.emails()
    env.advance(hours=1, minutes=5)
    assert ends(env) == "held"
    assert "held" in mail.body
    assert "The next run carries on where this one stopped" not in mail.body


@pytest.mark.parametrize(
    ("failure", "code"), [("denied", "AccessDeniedException"), ("undecryptable", "DecryptionFailure")]
)
def test_what_aws_refuses_to_read_is_not_gone(env: RotationEnv, failure: str, code: str) -> None:
    """A KMS key that changed, a right that went: the private key is there still, and so is the certificate."""
    tenant = env.onboard(age=DUE)
    env.fault("activation-delay")
    assert ends(env) == "CertificateNotAccepted"
    told = len(env.emails())
    tenant.activate(tenant.certificates[-1].name)
    intent = env.labels()["CERTIFICATE_INTENT"]
    env.aws.failures.set(failure, "GetSecretValue", times=None, containing=intent)
    env.advance(hours=1)
    assert ends(env) == "StorageFailure"
    mail = env.emails()[told]
    assert code in mail.body
    assert "is gone" not in mail.body
    assert "allowEviction" not in mail.body
    assert len(env.refreshes()) == 1
    env.aws.failures.clear()
    env.advance(hours=1)
    assert ends(env) == "rotated"
    assert env.credential().chain.leaf.serial_number == tenant.certificates[-1].serial
    assert len(env.refreshes()) == 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("denied", "AccessDeniedException: not authorized to perform this"),
        ("undecryptable", "DecryptionFailure: the KMS key cannot be used"),
        ("throttled", "ThrottlingException: Rate exceeded"),
    ],
)
def test_a_secret_that_cannot_be_read_now_is_told_in_awss_words(env: RotationEnv, failure: str, said: str) -> None:
    """To hear that it does not exist sends people to look for a secret that is there."""
    env.onboard(age=timedelta(days=10))
    env.aws.failures.set(failure, "GetSecretValue", times=None)
    assert ends(env) == "StorageFailure"
    assert said in env.emails()[-1].body
    assert "does not exist" not in env.emails()[-1].body


def test_a_name_that_does_not_exist_is_answered_in_awss_words(env: RotationEnv) -> None:
    """Whoever typed it sees at once what AWS was asked for."""
    env.onboard(age=timedelta(days=10))
    said = str(env.fails(InvalidCredential, secretId="no-such-secret"))
    assert "no-such-secret" in said
    assert "ResourceNotFoundException: Secrets Manager can't find the specified secret" in said


def test_a_name_that_may_not_be_looked_at_is_answered_in_awss_words(env: RotationEnv) -> None:
    """To a role that may read only its own secret, a name that does not exist looks the same."""
    env.onboard(age=timedelta(days=10))
    with env.aws.refusing("DescribeSecret"), env.aws.refusing("GetSecretValue"):
        said = str(env.fails(InvalidCredential, secretId=env.aws.name))
    assert "AccessDeniedException: not authorized to perform this" in said
