"""What `writing` does by itself is what moto does with the same writes."""

from collections.abc import Callable, Iterator
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
ROTATION = LastRotation(NOW, "name", "fingerprint", "previous")
INCIDENT = Incident("ServiceFailure", NOW, NOW, 2)

type Write = Callable[[Ledger], object]
# Every write of the ledger, most of them twice: what it expects to find is there the first time only.
OF_ONE_CREDENTIAL: tuple[Write, ...] = (
    lambda ledger: ledger.claim(ARN, State(), OURS),
    lambda ledger: ledger.claim(ARN, State(), THEIRS),
    lambda ledger: ledger.claim(ARN, State(), OURS),
    lambda ledger: ledger.charge(ARN, "theirs", Attempts(2, NOW), FIRST),
    lambda ledger: ledger.charge(ARN, "ours", Attempts(2, NOW), FIRST),
    lambda ledger: ledger.journal(ARN, SECOND),
    lambda ledger: ledger.journal(ARN, FIRST),
    lambda ledger: ledger.remember(ARN, INCIDENT),
    lambda ledger: ledger.remember(ARN, INCIDENT, digest=CAUSE),
    lambda ledger: ledger.remember(ARN, None, digest="another"),
    lambda ledger: ledger.remember(ARN, None, digest="another"),
    lambda ledger: ledger.told(ARN, {CAUSE}),
    lambda ledger: ledger.told(ARN, {"another"}),
    lambda ledger: ledger.remember(ARN, None),
    lambda ledger: ledger.close(ARN, "theirs", FIRST, ROTATION),
    lambda ledger: ledger.close(ARN, "ours", FIRST, ROTATION),
    lambda ledger: ledger.release(ARN, "ours"),
    lambda ledger: ledger.claim(ARN, ledger.load(ARN), THEIRS),
    lambda ledger: ledger.charge(ARN, "theirs", Attempts(1, NOW), FIRST),
    lambda ledger: ledger.charge(ARN, "theirs", Attempts(0, NOW), SECOND),
    lambda ledger: ledger.settle(ARN, Attempts(0, NOW), SECOND, outcome="A", message="why", earlier=FIRST),
    lambda ledger: ledger.settle(ARN, Attempts(0, NOW), SECOND, outcome="B", message="why", earlier=None),
    lambda ledger: ledger.settle(ARN, Attempts(0, NOW), FIRST, outcome="B", message="why", earlier=None),
    lambda ledger: ledger.charge(ARN, "theirs", Attempts(0, NOW), FIRST),
    lambda ledger: ledger.drop(ARN, FIRST),
    lambda ledger: ledger.drop(ARN, FIRST),
    lambda ledger: ledger.release(ARN, "ours"),
    lambda ledger: ledger.release(ARN, "theirs"),
)


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
    """One that writes by itself, and one that has moto do it."""
    direct, through_moto = LocalAws(aws_session, directly=True), LocalAws(aws_session)
    yield direct, through_moto
    direct.close()
    through_moto.close()


def test_each_write_of_the_ledger_does_what_moto_does(twins: tuple[LocalAws, LocalAws]) -> None:
    """Thousands of runs are made on it: where it errs, they show nothing."""
    direct, through_moto = twins
    ledgers = [Ledger(aws.clients().dynamodb, aws.name) for aws in twins]
    refused = 0
    for number, write in enumerate(OF_ONE_CREDENTIAL):
        answers = [_answer(write, ledger) for ledger in ledgers]
        assert answers[0] == answers[1], number
        assert direct.records() == through_moto.records(), number
        refused += answers[0] in {False, "StorageFailure"}
    assert refused > 5


def test_each_write_of_a_digest_does_what_moto_does(twins: tuple[LocalAws, LocalAws]) -> None:
    """The same."""
    direct, through_moto = twins
    both = [one_digest(DigestRecords(aws.clients().dynamodb, aws.name, "arn:of-the-topic")) for aws in twins]
    seen = set()
    for answers in zip(*both, strict=True):
        assert answers[0] == answers[1]
        assert direct.records() == through_moto.records()
        seen.add(answers[0])
    assert {True, False} <= seen


def _answer(write: Write, ledger: Ledger) -> object:
    try:
        return write(ledger)
    except StorageFailure:
        return "StorageFailure"
