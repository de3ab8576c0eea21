"""Each write of the ledger: what it expects to find, what it changes, and what it says when AWS refuses."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from certificate_rotation.attempts import Attempts
from certificate_rotation.digest_records import DigestRecords
from certificate_rotation.errors import StorageFailure
from certificate_rotation.ledger import Ledger
from certificate_rotation.state import Incident, LastRotation, Lease, OpenAttempt, State
from tests.integration.aws import LocalAws

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ARN, CAUSE = "arn:of-the-secret", "ServiceFailure"
OURS, THEIRS = Lease("ours", NOW), Lease("theirs", NOW)
FIRST = OpenAttempt(NOW, "version", "fingerprint", "name", outcome="issued", certificate="PEM", deleted_cert_name="x")
SECOND = replace(FIRST, started_at=NOW + timedelta(hours=1), certificate=None)
THIRD = replace(FIRST, started_at=NOW + timedelta(hours=2))
ROTATION = LastRotation(NOW, "name", "fingerprint", "previous")
FEWER = Attempts(0, NOW)
INCIDENT = Incident("ServiceFailure", NOW, NOW, 2)

REFUSED = "StorageFailure"  # instead of an answer

type Write = Callable[[Ledger], object]
# Every write, most of them twice, and its answer: what it expects to find is there the first time only.
WRITES: tuple[tuple[Write, object], ...] = (
    (lambda ledger: ledger.claim(ARN, State(), OURS), True),
    (lambda ledger: ledger.claim(ARN, State(), THEIRS), False),
    (lambda ledger: ledger.claim(ARN, State(), OURS), True),  # the repeat of a lost answer
    (lambda ledger: ledger.charge(ARN, "theirs", Attempts(2, NOW), FIRST), False),
    (lambda ledger: ledger.charge(ARN, "ours", Attempts(2, NOW), FIRST), True),
    (lambda ledger: ledger.journal(ARN, SECOND), REFUSED),
    (lambda ledger: ledger.journal(ARN, FIRST), None),
    (lambda ledger: ledger.remember(ARN, INCIDENT), None),
    (lambda ledger: ledger.remember(ARN, INCIDENT, digest=CAUSE), None),
    (lambda ledger: ledger.remember(ARN, None, digest="another"), None),
    (lambda ledger: ledger.remember(ARN, None, digest="another"), None),
    (lambda ledger: ledger.load(ARN).digests, {CAUSE, "another"}),
    (lambda ledger: ledger.told(ARN, {CAUSE}), None),
    (lambda ledger: ledger.load(ARN).digests, {"another"}),
    (lambda ledger: ledger.told(ARN, {"another"}), None),
    (lambda ledger: ledger.remember(ARN, INCIDENT), None),
    (lambda ledger: ledger.close(ARN, "theirs", FIRST, ROTATION), False),
    (lambda ledger: ledger.close(ARN, "ours", SECOND, ROTATION), False),
    (lambda ledger: ledger.load(ARN), State(3, Attempts(2, NOW), OURS, FIRST, None, INCIDENT)),
    (lambda ledger: ledger.close(ARN, "ours", FIRST, ROTATION), True),
    (lambda ledger: ledger.load(ARN), State(4, Attempts(2, NOW), None, None, ROTATION, INCIDENT)),
    (lambda ledger: ledger.remember(ARN, None), None),
    (lambda ledger: ledger.release(ARN, "ours"), False),
    (lambda ledger: ledger.claim(ARN, ledger.load(ARN), THEIRS), True),
    (lambda ledger: ledger.charge(ARN, "theirs", Attempts(1, NOW), THIRD), True),
    (lambda ledger: ledger.charge(ARN, "theirs", Attempts(0, NOW), SECOND), True),
    (lambda ledger: ledger.settle(ARN, FEWER, SECOND, outcome="A", message="why", earlier=THIRD), None),
    (lambda ledger: ledger.load(ARN), State(8, FEWER, THEIRS, THIRD, ROTATION)),
    (lambda ledger: ledger.settle(ARN, Attempts(), SECOND, outcome="B", message="no", earlier=None), None),
    (lambda ledger: ledger.load(ARN), State(8, FEWER, THEIRS, THIRD, ROTATION)),
    (lambda ledger: ledger.settle(ARN, Attempts(), THIRD, outcome="C", message="why", earlier=None), None),
    (lambda ledger: ledger.load(ARN), State(9, Attempts(), THEIRS, None, ROTATION)),
    (lambda ledger: ledger.charge(ARN, "theirs", FEWER, THIRD), True),
    (lambda ledger: ledger.drop(ARN, SECOND), None),
    (lambda ledger: ledger.load(ARN).open_attempt, THIRD),
    (lambda ledger: ledger.drop(ARN, THIRD), None),
    (lambda ledger: ledger.drop(ARN, THIRD), None),
    (lambda ledger: ledger.load(ARN), State(11, FEWER, THEIRS, None, ROTATION)),
    (lambda ledger: ledger.release(ARN, "ours"), False),
    (lambda ledger: ledger.release(ARN, "theirs"), True),
    (lambda ledger: ledger.load(ARN), State(12, FEWER, None, None, ROTATION)),
)
BY_OPERATION: Mapping[str, Write] = {
    "GetItem": lambda ledger: ledger.load(ARN),
    "UpdateItem": lambda ledger: ledger.release(ARN, "ours"),
    "TransactWriteItems": lambda ledger: ledger.drop(ARN, FIRST),
}
HISTORY = {
    FIRST.started_at: ("rotated", None),
    SECOND.started_at: ("A", "why"),
    THIRD.started_at: ("dropped", None),
}


def one_digest(records: DigestRecords) -> Iterator[object]:
    """Every write of a digest's record."""
    for moment in (NOW, NOW, NOW + timedelta(hours=1)):
        yield records.open(CAUSE, None, "first", moment)
        seen = records.load(CAUSE)
        assert seen
        for name in "abcdefg":
            yield records.alone(CAUSE, seen, name)
        for urgent in (False, True):
            yield records.join(CAUSE, seen, f"joins {urgent}", urgent=urgent)
            yield records.count(CAUSE, seen, urgent=urgent)
        yield records.open(CAUSE, seen, "second", moment)
        yield records.close(CAUSE, seen, moment)
        yield records.close(CAUSE, seen, moment)
        yield records.take_over(CAUSE, seen, moment)
        yield records.sent(CAUSE, NOW + timedelta(hours=9))
        closed = records.load(CAUSE)
        yield closed
        if closed and closed.sending_until:
            yield records.sent(CAUSE, closed.sending_until)
            yield records.open(CAUSE, closed, "second", moment)


@pytest.fixture
def twins(aws_session: boto3.Session) -> Iterator[tuple[LocalAws, LocalAws]]:
    """One that writes straight into moto's memory, and one that has moto do everything."""
    direct, through_moto = LocalAws(aws_session, directly=True), LocalAws(aws_session)
    yield direct, through_moto
    direct.close()
    through_moto.close()


@pytest.fixture
def aws(twins: tuple[LocalAws, LocalAws]) -> LocalAws:
    """The one that has moto do everything."""
    return twins[1]


@pytest.fixture
def ledger(aws: LocalAws) -> Ledger:
    """An empty ledger."""
    return Ledger(aws.clients().dynamodb, aws.name)


def test_each_write_changes_what_it_says_if_it_finds_what_it_expects(twins: tuple[LocalAws, LocalAws]) -> None:
    """Two invocations must not both win; and `writing`, on which thousands of runs are made, must do what moto does."""
    direct, through_moto = twins
    ledgers = [Ledger(aws.clients().dynamodb, aws.name) for aws in twins]
    for number, (write, expected) in enumerate(WRITES):
        assert [_answer(write, ledger) for ledger in ledgers] == [expected, expected], number
        assert direct.records() == through_moto.records(), number


def test_each_write_of_a_digest_does_so_too(twins: tuple[LocalAws, LocalAws]) -> None:
    """The same of the other records."""
    direct, through_moto = twins
    both = [one_digest(Ledger(aws.clients().dynamodb, aws.name).digests("arn:of-the-topic")) for aws in twins]
    seen = set()
    for answers in zip(*both, strict=True):
        assert answers[0] == answers[1]
        assert direct.records() == through_moto.records()
        seen.add(answers[0])
    assert {True, False} <= seen


def test_the_history_says_what_became_of_each_attempt_for_a_year(aws: LocalAws, ledger: Ledger) -> None:
    """A person reads it months later; after that, DynamoDB deletes it by the attribute the template names."""
    for write, _ in WRITES:
        _answer(write, ledger)
    attempts = [record for record in aws.records() if record["record"].startswith("attempt#")]
    assert {datetime.fromisoformat(a["started_at"]): (a["outcome"], a.get("message")) for a in attempts} == HISTORY
    for attempt in attempts:
        begun = datetime.fromisoformat(attempt["started_at"])
        assert datetime.fromtimestamp(int(attempt["expires_at"]), UTC) == begun + timedelta(days=365)


def test_every_transaction_carries_a_token_of_its_own(aws: LocalAws, ledger: Ledger) -> None:
    """AWS: with it, botocore's repeat after a lost answer succeeds; without, it meets its own first write."""
    for write, _ in WRITES:
        _answer(write, ledger)
    sent = [json.loads(call.body) for call in aws.calls if call.operation == "TransactWriteItems"]
    tokens = [uuid.UUID(transaction["ClientRequestToken"]) for transaction in sent]
    assert len({*tokens}) == len(tokens) > 5


@pytest.mark.parametrize(
    ("failure", "reason"),
    [("denied", "AccessDenied"), ("throttled", "Rate exceeded"), ("unreachable", "Connect timeout")],
)
@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "TransactWriteItems"])
def test_a_refusal_of_aws_is_named(aws: LocalAws, ledger: Ledger, failure: str, reason: str, operation: str) -> None:
    """Not taken for a condition that does not hold: another run would be blamed for a missing right."""
    aws.failures.set(failure, operation)
    what = "reading" if operation == "GetItem" else "changing"
    with pytest.raises(StorageFailure, match=rf"^AWS refused {what} the ledger\. .*{reason}"):
        BY_OPERATION[operation](ledger)


def test_an_answer_for_an_attempt_that_is_not_open_is_told(ledger: Ledger) -> None:
    """The certificate then goes to the other store, and the log says why."""
    with pytest.raises(StorageFailure, match=r"^The ledger's state was changed by somebody else while the service was"):
        ledger.journal(ARN, FIRST)


def test_two_records_are_read_in_one_call_and_kept_for_the_next(aws: LocalAws, ledger: Ledger) -> None:
    """A cold container reads the function's own record along; neither may be taken for the other."""
    ledger.claim(ARN, State(), OURS)
    ledger.read_along("arn:another")
    aws.calls.clear()
    assert (ledger.load(ARN).lease, ledger.load("arn:another")) == (OURS, State())
    assert ledger.load(ARN).lease == OURS
    assert [call.operation for call in aws.calls] == ["TransactGetItems", "GetItem"]


def test_two_records_one_of_which_is_being_written_are_read_one_by_one(aws: LocalAws, ledger: Ledger) -> None:
    """AWS cancels such a read; nothing is wrong."""
    ledger.claim(ARN, State(), OURS)
    ledger.read_along("arn:another")
    aws.failures.set("in conflict", "TransactGetItems")
    assert (ledger.load(ARN).lease, ledger.load("arn:another")) == (OURS, State())


def test_the_state_is_where_people_look_for_it_and_is_read_as_it_is_now(aws: LocalAws, ledger: Ledger) -> None:
    """The names are the contract's; a read that may be old would let a claim be made on what is no longer so."""
    ledger.claim(ARN, State(), OURS)
    ledger.load(ARN)
    assert [(record["credential"], record["record"]) for record in aws.records()] == [(ARN, "state")]
    assert json.loads(aws.calls[-1].body)["ConsistentRead"] is True


def _answer(write: Write, ledger: Ledger) -> object:
    try:
        return write(ledger)
    except StorageFailure:
        return REFUSED
