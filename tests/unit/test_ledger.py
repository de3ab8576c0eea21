"""What each write of the ledger says of a half, a table in our hands; how AWS takes it is in tests/integration."""

from copy import replace
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from boto3.dynamodb.types import TypeDeserializer

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.ledger_items import flat, item
from certificate_rotation.domain.errors import ServiceFailure
from certificate_rotation.domain.half import HalfName, HalfOf
from certificate_rotation.domain.rate_limit import UNUSED
from certificate_rotation.domain.state import LastRotation, Lease, OpenAttempt, State
from tests.support.factories import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

ARN = "arn:of-the-secret"
ANSWER = "what-the-service-answered"
ASKED = OpenAttempt(NOW, "version", "fingerprint", "", None)
ANSWERED = replace(ASKED, outcome="issued", answer=ANSWER, deleted="an older one")
EARLIER = replace(ANSWERED, started_at=NOW - timedelta(hours=1), intent_version="before")
ROTATION = LastRotation(NOW, "", "new", "old")
ATTEMPTS = UNUSED[HalfName.API_KEY]


@dataclass
class Table:
    """Keeps what was written."""

    writes: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    exceptions: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(
            ConditionalCheckFailedException=KeyError, TransactionCanceledException=KeyError
        )
    )

    def update_item(self, **write: object) -> None:
        """As DynamoDB."""
        self.writes.append(write)

    def transact_write_items(self, **transaction: Any) -> None:  # noqa: ANN401 - boto3's
        """As DynamoDB."""
        update, put = transaction["TransactItems"]
        self.writes.append(update["Update"])
        record = put["Put"]["Item"]
        self.records.append({name: TypeDeserializer().deserialize(value) for name, value in record.items()})


WRITES: "dict[str, Callable[[Ledger, HalfName], object]]" = {
    "charge": lambda ledger, half: ledger.charge(HalfOf(ARN, half), "owner", ATTEMPTS, ASKED, earlier=EARLIER),
    "journal": lambda ledger, half: ledger.journal(HalfOf(ARN, half), ANSWERED),
    "settle": lambda ledger, half: ledger.settle(HalfOf(ARN, half), ATTEMPTS, ANSWERED, ServiceFailure("503"), EARLIER),
    "close": lambda ledger, half: ledger.close(HalfOf(ARN, half), "owner", ASKED, ROTATION, promoted=ANSWERED, news={}),
    "drop": lambda ledger, half: ledger.drop(HalfOf(ARN, half), ANSWERED, {}),
}


def written(write: str, half: HalfName) -> Table:
    """What a table holds after it."""
    table = Table()
    WRITES[write](Ledger(cast("DynamoDBClient", cast("Any", table)), "ledger"), half)
    return table


@pytest.mark.parametrize("write", WRITES)
def test_the_history_of_a_keys_attempt_holds_no_answer(write: str) -> None:
    """It lies there for a year: not even sealed, beside a secret whose versions AWS may keep as long."""
    (record,) = written(write, HalfName.API_KEY).records
    assert "answer" not in record
    assert ANSWER not in str(record)
    assert (record["renews"], record["name"]) == ("apiKey", "")
    assert record["record"] == "attempt#2026-11-24T12:00:00.000000Z"


@pytest.mark.parametrize("write", ["journal", "settle", "close", "drop"])
def test_the_history_of_a_certificates_attempt_holds_the_certificate(write: str) -> None:
    """It is public, and who looks for one that was lost finds it there."""
    (record,) = written(write, HalfName.CERTIFICATE).records
    assert (record["renews"], record["answer"]) == ("certificate", ANSWER)


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_about_one_half_touches_nothing_of_the_other(write: str, half: HalfName) -> None:
    """Independence: the other half's hold, limit and incident are as they were."""
    (update,) = written(write, half).writes
    said = f"{update['UpdateExpression']} {update['ConditionExpression']}"
    prefix = {HalfName.CERTIFICATE: "certificate_", HalfName.API_KEY: "api_key_"}
    assert prefix[half] in said
    assert prefix[half.other] not in said


@pytest.mark.parametrize("write", ["close", "drop", "settle"])
def test_what_is_closed_leaves_no_sealed_answer_behind(write: str) -> None:
    """The journal is for the next run: once there is none to carry on, it is one more copy of a key."""
    (update,) = written(write, HalfName.API_KEY).writes
    if write == "settle":  # what waits beside it is open again, and its answer with it
        assert update["ExpressionAttributeValues"][":api_key_open_attempt"]["M"] == item(flat(EARLIER))
    else:
        removed = update["UpdateExpression"].partition("REMOVE")[2]
        assert "api_key_open_attempt" in removed
    assert "api_key_earlier" in update["UpdateExpression"].partition("REMOVE")[2]


@pytest.mark.parametrize("half", HalfName)
def test_the_claim_says_which_half_acts(half: HalfName) -> None:
    """On it hangs whose turn it is next, even where the run dies before it did anything else."""
    table = Table()
    ledger = Ledger(cast("DynamoDBClient", cast("Any", table)), "ledger")
    assert ledger.claim(ARN, State(revision=3), Lease("owner", NOW), half)
    (update,) = table.writes
    assert "last_acted = :last_acted" in update["UpdateExpression"]
    assert update["ExpressionAttributeValues"][":last_acted"] == {"S": half.value}
