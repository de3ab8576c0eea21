"""Each write of the ledger: what it expects to find, what it changes, and what it says when AWS refuses."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.errors import RefreshConflict, ServiceFailure, StorageFailure
from certificate_rotation.domain.half import HalfName, HalfOf
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.state import Incident, LastRotation, Lease, News, OpenAttempt, State, Telling
from tests.support.local_aws import LocalAws

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ARN, TOPIC, CAUSE = "arn:of-the-secret", "arn:of-the-topic", "ServiceFailure"
OURS, THEIRS = Lease("ours", NOW), Lease("theirs", NOW)
FIRST = OpenAttempt(NOW, "version", "fingerprint", "name", outcome="issued", answer="PEM", deleted="x")
SECOND = replace(FIRST, started_at=NOW + timedelta(hours=1), answer=None)
THIRD = replace(FIRST, started_at=NOW + timedelta(hours=2))
FOURTH = replace(SECOND, started_at=NOW + timedelta(hours=3))
FIFTH = replace(FIRST, started_at=NOW + timedelta(hours=4))
ROTATION = LastRotation(NOW, "name", "fingerprint", "previous")
FEWER = Attempts(0, NOW)
INCIDENT = Incident("ServiceFailure", NOW, NOW, 2)
TOLD = {"ServiceFailure": Telling((NOW, NOW + timedelta(hours=1)), 2), "Unauthorized": Telling((NOW,), 0)}
NEWS = News("news_1", NOW, "INFO", "rotated", ARN, "certificate", "subject", "text", True, "Credential Rotated", "{}")
LATER = replace(NEWS, name="news_2", mail=False)
KEPT = {NEWS.name: NEWS}
UNUSED = State().certificate
ONE = HalfOf(ARN, HalfName.CERTIFICATE)  # where it makes no difference which


def of(half: HalfName, attempts: Attempts) -> Attempts:
    """The same, as it is read: the limit is the half's."""
    return replace(attempts, limit=State().of(half).attempts.limit)


REFUSED = "StorageFailure"  # instead of an answer

type Write = Callable[[Ledger], object]


def writes(half: HalfName) -> tuple[tuple[Write, object], ...]:
    """Every write, most of them twice, and its answer: what it expects to find is there the first time only."""

    def known(  # what is known of the credential, its other half unused
        revision: int,
        attempts: Attempts,
        lease: Lease | None = None,
        *,
        told: Mapping[str, Telling] = TOLD,
        news: tuple[News, ...] = (),
        **changes: Any,  # noqa: ANN401 - any of `HalfState`
    ) -> State:
        state = State(revision, lease, half, told=told, news=news)
        return state.having(half, replace(UNUSED, attempts=of(half, attempts), **changes))

    def later(
        revision: int,
        *,
        attempts: Attempts = FEWER,
        lease: Lease | None = THEIRS,
        news: tuple[News, ...] = (NEWS,),
        **changes: Any,  # noqa: ANN401 - any of `HalfState`
    ) -> State:
        return known(revision, attempts, lease, last_rotation=ROTATION, news=news, **changes)

    one = HalfOf(ARN, half)
    return (
        (lambda ledger: ledger.claim(ARN, State(), OURS, half), True),
        (lambda ledger: ledger.claim(ARN, State(), THEIRS, half), False),
        (lambda ledger: ledger.claim(ARN, State(), OURS, half), True),  # the repeat of a lost answer
        (lambda ledger: ledger.charge(one, "theirs", Attempts(2, NOW), FIRST, earlier=None), False),
        (lambda ledger: ledger.charge(one, "ours", Attempts(2, NOW), FIRST, earlier=None), True),
        (lambda ledger: ledger.journal(one, SECOND), REFUSED),
        (lambda ledger: ledger.journal(one, FIRST), None),
        (lambda ledger: ledger.remember(one, INCIDENT, TOLD, {}), None),
        (
            lambda ledger: ledger.load(ARN),
            known(3, Attempts(2, NOW), OURS, open_attempt=FIRST, incident=INCIDENT, told=TOLD),
        ),
        (lambda ledger: ledger.remember(one, INCIDENT, TOLD, KEPT), None),
        (lambda ledger: ledger.remember(one, None, {}, {LATER.name: LATER}), None),
        (
            lambda ledger: ledger.load(ARN),
            known(3, Attempts(2, NOW), OURS, told={}, open_attempt=FIRST, news=(NEWS, LATER)),
        ),
        (
            lambda ledger: ledger.remember(one, INCIDENT, TOLD, {NEWS.name: NEWS, LATER.name: None}),
            None,
        ),  # what is kept stays
        (lambda ledger: ledger.load(ARN).news, (NEWS,)),
        (lambda ledger: ledger.remember(one, INCIDENT, TOLD, {NEWS.name: None}), None),
        (lambda ledger: ledger.change_news(ARN, {NEWS.name: NEWS, LATER.name: LATER}), None),
        (lambda ledger: ledger.change_news(ARN, {LATER.name: LATER, NEWS.name: None}), None),
        (lambda ledger: ledger.change_news(ARN, {}), None),
        (
            lambda ledger: ledger.load(ARN),
            known(3, Attempts(2, NOW), OURS, open_attempt=FIRST, incident=INCIDENT, told=TOLD, news=(LATER,)),
        ),
        (lambda ledger: ledger.change_news(ARN, {LATER.name: None}), None),
        (
            lambda ledger: ledger.close(one, "theirs", FIRST, ROTATION, promoted=FIRST, news=KEPT),
            False,
        ),
        (
            lambda ledger: ledger.close(one, "ours", SECOND, ROTATION, promoted=SECOND, news=KEPT),
            False,
        ),
        (
            lambda ledger: ledger.load(ARN),
            known(3, Attempts(2, NOW), OURS, open_attempt=FIRST, incident=INCIDENT, told=TOLD),
        ),
        (lambda ledger: ledger.close(one, "ours", FIRST, ROTATION, promoted=FIRST, news=KEPT), True),
        (lambda ledger: ledger.load(ARN), known(4, Attempts(2, NOW), last_rotation=ROTATION, told=TOLD, news=(NEWS,))),
        (lambda ledger: ledger.release(ARN, "ours"), False),
        (lambda ledger: ledger.claim(ARN, ledger.load(ARN), THEIRS, half), True),
        (lambda ledger: ledger.charge(one, "theirs", Attempts(1, NOW), THIRD, earlier=None), True),
        (lambda ledger: ledger.charge(one, "ours", Attempts(0, NOW), SECOND, earlier=THIRD), False),
        (lambda ledger: ledger.charge(one, "theirs", Attempts(0, NOW), SECOND, earlier=THIRD), True),
        (lambda ledger: ledger.load(ARN), later(7, open_attempt=SECOND, earlier=THIRD)),
        (lambda ledger: ledger.settle(one, FEWER, SECOND, ServiceFailure("why"), THIRD), None),
        (lambda ledger: ledger.load(ARN), later(8, open_attempt=THIRD)),
        (lambda ledger: ledger.settle(one, Attempts(), SECOND, ServiceFailure("no"), None), None),
        (lambda ledger: ledger.load(ARN), later(8, open_attempt=THIRD)),
        (lambda ledger: ledger.charge(one, "theirs", FEWER, FOURTH, earlier=THIRD), True),
        (
            lambda ledger: ledger.close(one, "theirs", FOURTH, ROTATION, promoted=THIRD, news={NEWS.name: None}),
            True,
        ),
        (lambda ledger: ledger.load(ARN), later(10, lease=None, news=())),
        (lambda ledger: ledger.claim(ARN, ledger.load(ARN), THEIRS, half), True),
        (lambda ledger: ledger.charge(one, "theirs", FEWER, FIFTH, earlier=THIRD), True),
        (lambda ledger: ledger.charge(one, "theirs", FEWER, FIFTH, earlier=None), True),
        (lambda ledger: ledger.load(ARN).of(half).earlier, None),
        (lambda ledger: ledger.settle(one, Attempts(), FIFTH, RefreshConflict("why"), None), None),
        (lambda ledger: ledger.load(ARN), later(14, attempts=Attempts(), news=())),
        (lambda ledger: ledger.charge(one, "theirs", FEWER, FIFTH, earlier=THIRD), True),
        (lambda ledger: ledger.drop(one, SECOND, KEPT), None),
        (lambda ledger: ledger.load(ARN), later(15, open_attempt=FIFTH, earlier=THIRD, news=())),
        (lambda ledger: ledger.drop(one, FIFTH, {NEWS.name: NEWS, LATER.name: LATER}), None),
        (lambda ledger: ledger.drop(one, FIFTH, KEPT), None),
        (lambda ledger: ledger.load(ARN), later(16, news=(NEWS, LATER))),
        (lambda ledger: ledger.charge(one, "theirs", FEWER, FIFTH, earlier=None), True),
        (lambda ledger: ledger.drop(one, FIFTH, {NEWS.name: None}), None),
        (lambda ledger: ledger.release(ARN, "ours"), False),
        (lambda ledger: ledger.release(ARN, "theirs"), True),
        (lambda ledger: ledger.load(ARN), later(19, lease=None, news=(LATER,))),
        (lambda ledger: ledger.count_mail(TOPIC, CAUSE, NOW), 1),
        (lambda ledger: ledger.count_mail(TOPIC, CAUSE, NOW + timedelta(minutes=59, seconds=59)), 2),
        (lambda ledger: ledger.count_mail(TOPIC, "another", NOW), 1),
        (lambda ledger: ledger.count_mail(TOPIC, CAUSE, NOW + timedelta(hours=1)), 1),
        (lambda ledger: ledger.count_mail(TOPIC, CAUSE, NOW), 3),
    )


BY_OPERATION: Mapping[str, Write] = {
    "GetItem": lambda ledger: ledger.load(ARN),
    "UpdateItem": lambda ledger: ledger.release(ARN, "ours"),
    "TransactWriteItems": lambda ledger: ledger.drop(ONE, FIRST, {}),
}
HISTORY = {
    FIRST.started_at: ("rotated", None),
    SECOND.started_at: ("ServiceFailure", "why"),
    THIRD.started_at: ("rotated", None),
    FOURTH.started_at: ("issued", None),  # its certificate lost the race, and is nobody's any more
    FIFTH.started_at: ("dropped", None),
}


@pytest.fixture
def twins(aws_session: boto3.Session) -> Iterator[tuple[LocalAws, LocalAws]]:
    """The fakes, and moto."""
    fake, moto = LocalAws(), LocalAws(aws_session)
    yield fake, moto
    moto.close()


@pytest.fixture
def aws(twins: tuple[LocalAws, LocalAws]) -> LocalAws:
    """What the function is tested with: moto."""
    return twins[1]


@pytest.fixture
def ledger(aws: LocalAws) -> Ledger:
    """An empty ledger."""
    return Ledger(aws.clients().dynamodb, aws.name)


@pytest.mark.parametrize("half", HalfName)
def test_each_write_changes_what_it_says_if_it_finds_what_it_expects(
    twins: tuple[LocalAws, LocalAws], half: HalfName
) -> None:
    """Two invocations must not both win; and the fakes, on which thousands of runs are made, must do what moto does."""
    fake, moto = twins
    ledgers = [Ledger(aws.clients().dynamodb, aws.name) for aws in twins]
    for number, (write, expected) in enumerate(writes(half)):
        assert [_answer(write, ledger) for ledger in ledgers] == [expected, expected], number
        assert fake.records() == moto.records(), number


@pytest.mark.parametrize("half", HalfName)
def test_the_history_says_what_became_of_each_attempt_for_a_year(aws: LocalAws, ledger: Ledger, half: HalfName) -> None:
    """A person reads it months later; after that, DynamoDB deletes it by the attribute the template names."""
    for write, _ in writes(half):
        _answer(write, ledger)
    attempts = [record for record in aws.records() if record["record"].startswith("attempt#")]
    assert {datetime.fromisoformat(a["started_at"]): (a["outcome"], a.get("message")) for a in attempts} == HISTORY
    for attempt in attempts:
        begun = datetime.fromisoformat(attempt["started_at"])
        assert datetime.fromtimestamp(int(attempt["expires_at"]), UTC) == begun + timedelta(days=365)


def test_every_transaction_carries_a_token_of_its_own(aws: LocalAws, ledger: Ledger) -> None:
    """AWS: with it, botocore's repeat after a lost answer succeeds; without, it meets its own first write."""
    for write, _ in writes(ONE.half):
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


def test_mails_are_counted_for_a_day_under_the_topic(aws: LocalAws, ledger: Ledger) -> None:
    """Of one cause in one clock hour; DynamoDB deletes the count by itself when nobody needs it any more."""
    ledger.count_mail(TOPIC, CAUSE, NOW + timedelta(minutes=20))
    assert aws.records() == [
        {
            "credential": TOPIC,
            "record": "mails#2026-11-24T12:00:00.000000Z#ServiceFailure",
            "mails": 1,
            "expires_at": int((NOW + timedelta(days=1)).timestamp()),
        }
    ]


@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_a_count_that_aws_refuses_is_a_failure(aws: LocalAws, ledger: Ledger, failure: str) -> None:
    """Whoever counts then knows that the number is not known."""
    aws.failures.set(failure, "UpdateItem")
    with pytest.raises(StorageFailure, match=r"^AWS refused counting the mails of this hour\. "):
        ledger.count_mail(TOPIC, CAUSE, NOW)


def test_an_answer_for_an_attempt_that_is_not_open_is_told(ledger: Ledger) -> None:
    """The certificate then goes to the other store, and the log says why."""
    with pytest.raises(StorageFailure, match=r"^The ledger's state was changed by somebody else while the service was"):
        ledger.journal(ONE, FIRST)


def test_two_records_are_read_in_one_call(aws: LocalAws, ledger: Ledger) -> None:
    """A cold container reads the function's own record along; neither may be taken for the other."""
    ledger.claim(ARN, State(), OURS, ONE.half)
    aws.calls.clear()
    assert ledger.load_both(ARN, "arn:another") == (ledger.load(ARN), State())
    assert ledger.load_both("arn:another", ARN)[1].lease == OURS
    assert [call.operation for call in aws.calls] == ["TransactGetItems", "GetItem", "TransactGetItems"]


def test_two_records_one_of_which_is_being_written_are_read_one_by_one(aws: LocalAws, ledger: Ledger) -> None:
    """AWS cancels such a read; nothing is wrong."""
    ledger.claim(ARN, State(), OURS, ONE.half)
    aws.failures.set("in conflict", "TransactGetItems")
    state, other = ledger.load_both(ARN, "arn:another")
    assert (state.lease, other) == (OURS, State())


def test_the_state_is_where_people_look_for_it_and_is_read_as_it_is_now(aws: LocalAws, ledger: Ledger) -> None:
    """The names are the contract's; a read that may be old would let a claim be made on what is no longer so."""
    ledger.claim(ARN, State(), OURS, ONE.half)
    ledger.load(ARN)
    assert [(record["credential"], record["record"]) for record in aws.records()] == [(ARN, "state")]
    assert json.loads(aws.calls[-1].body)["ConsistentRead"] is True


def _answer(write: Write, ledger: Ledger) -> object:
    try:
        return write(ledger)
    except StorageFailure:
        return REFUSED
