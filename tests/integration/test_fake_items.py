"""DynamoDB's fake against moto: every operation, good and bad, must answer the same and leave the same behind."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer

from tests.support.fake_aws.account import FakeAccount
from tests.support.fake_contract import (
    CANCELLED,
    DONE,
    FAILED,
    INVALID,
    MISSING,
    REFUSED_BY_BOTO3,
    Asked,
    Step,
    Twin,
    compare,
    step,
    twins,
)


def item(**plain: object) -> dict[str, Any]:
    """As on the wire; `p` and `s` are the key."""
    return {name: TypeSerializer().serialize(value) for name, value in {"p": "p", "s": "s", **plain}.items()}


def values(**plain: object) -> dict[str, Any]:
    """Of placeholders."""
    return {f":{name}": TypeSerializer().serialize(value) for name, value in plain.items()}


KEY = item()
OTHER_KEY = item(s="t")
FULL = item(n=1, words="a", map={"of": {"depth": 2}, "x": "y"}, set={"1"})


def update(expression: str, code: str = DONE, page: str = "", /, key: object = KEY, **more: object) -> Step:
    """An update of the item, with values in small letters and the rest as AWS calls it."""
    given = values(**{name: value for name, value in more.items() if name.islower()})
    asked = {name: value for name, value in more.items() if not name.islower()}
    if given:
        asked["ExpressionAttributeValues"] = given
    return Step("update_item", {"Key": key, "UpdateExpression": expression, **asked}, code, page)


def conditional(condition: str, code: str = DONE, /, **more: object) -> Step:
    """An update that is made if the condition holds."""
    return update("SET seen = :new", code, new="x", ConditionExpression=condition, **more)


def transaction(*writes: Mapping[str, Any], code: str = DONE, page: str = "", token: str = "") -> Step:
    """Writes in one."""
    asked = {"TransactItems": writes, **({"ClientRequestToken": token} if token else {})}
    return Step("transact_write_items", asked, code, page)


LEASED = step("put_item", Item=item(lease={"owner": "us"}, revision=3, words="a"))
_OWNER = {"#owner": "owner"}
SET_IT = {"Update": {"Key": KEY, "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": values(n=2)}}
ONLY_IF = {"ConditionExpression": "n = :old", "ExpressionAttributeValues": values(n=2, old=1)}
SET_IF = {"Update": {**SET_IT["Update"], **ONLY_IF}}
PUT_OTHER = {"Put": {"Item": item(s="t", n=5)}}
TOKEN, ANOTHER_TOKEN = str(uuid.uuid4()), str(uuid.uuid4())
_KEYS = "developer guide, error handling: ValidationException, the key element does not match the schema"
LARGE, MORE = "x" * 404_000, "x" * 5_700  # together with the key: more than 400 KB, which are 409,600 bytes
ITEMS: Mapping[str, tuple[Step, ...]] = {
    "reads": (
        step("get_item", Key=KEY),
        step("put_item", Item=FULL),
        step("get_item", Key=KEY, ConsistentRead=True),
        step("get_item", INVALID, Key={"p": {"S": "p"}}),
        step("get_item", INVALID, _KEYS, Key={"p": {"S": "p"}, "s": {"N": "1"}}),
        step("get_item", REFUSED_BY_BOTO3, Key={"p": "p"}),
        step("transact_get_items", TransactItems=[{"Get": {"Key": KEY}}, {"Get": {"Key": OTHER_KEY}}]),
        step("delete_item", Key=KEY),
        step("delete_item", Key=KEY),
        step("put_item", INVALID, Item={"p": {"S": "p"}}),
    ),
    "no such table": (
        step("get_item", MISSING, TableName="nowhere", Key=KEY),
        step("put_item", MISSING, TableName="nowhere", Item=KEY),
        step("update_item", MISSING, TableName="nowhere", Key=KEY, UpdateExpression="REMOVE a"),
        step("delete_item", MISSING, TableName="nowhere", Key=KEY),
        step("scan", MISSING, TableName="nowhere"),
    ),
    "updates": (
        update("SET a = :a, b = :b", a="x", b=[1, {"c": True}]),
        update("REMOVE a, nothing", ReturnValues="UPDATED_NEW"),
        update("SET a = :a REMOVE b ADD n :one, s1 :s", a=None, one=1, s={"x"}, ReturnValues="ALL_NEW"),
        update("ADD n :one, s1 :s", one=2, s={"x", "y"}),
        update("ADD n :one", one=-5, ReturnValues="UPDATED_NEW"),
        update("SET #a = :a", ExpressionAttributeNames={"#a": "owner"}, a={"owner": "us"}),
        update("SET #a.more = :a, a = :a", ExpressionAttributeNames={"#a": "owner"}, a="x"),
        update("REMOVE #a.more", ExpressionAttributeNames={"#a": "owner"}),
        update("SET a = :a", key=OTHER_KEY, a="x"),
        update("REMOVE a", key=item(s="u")),
    ),
    "updates that are refused": (
        step("put_item", Item=FULL),
        update("SET a = :a", INVALID),
        update("SET a = :a", INVALID, a=1, b=2),
        update("SET #a = :a", INVALID, "developer guide, expression attribute names", a=1),
        update("SET p = :a", INVALID, a="x"),
        update("SET a = :a, a = :b", INVALID, a="x", b="y"),
        update("SET a = :a SET b = :a", INVALID, a="x"),
        update("SET a = ", INVALID),
        update("SET owner = :a", INVALID, a="x"),
        update("ADD words :a", INVALID, a=1),
        update("ADD n :a", INVALID, a="x"),
        update("SET nothing.of = :a", INVALID, a="x"),
        update("SET a = :a", REFUSED_BY_BOTO3, a="x", ReturnValues=1),
        update("SET a = :a", FAILED, a="x", b="no", ConditionExpression="words = :b"),
    ),
    "conditions": (
        conditional("attribute_not_exists(revision)"),
        conditional("attribute_exists(revision)", FAILED),
        LEASED,
        conditional("revision = :seen", seen=3),
        conditional("revision = :seen", FAILED, seen=4),
        conditional("revision = :seen", FAILED, seen="3"),
        conditional("revision <> :seen", seen=4),
        conditional("revision < :seen AND revision <= :seen", seen=4),
        conditional("revision > :seen OR revision >= :seen", seen=3),
        conditional("revision > :seen", FAILED, seen=3),
        conditional("nothing = :seen", FAILED, seen=3),
        conditional("nothing <> :seen", seen=3),
        conditional("lease.#owner = :owner", owner="us", ExpressionAttributeNames=_OWNER),
        conditional("lease.#owner = :owner", FAILED, owner="them", ExpressionAttributeNames=_OWNER),
        conditional("lease = :lease", lease={"owner": "us"}),
        conditional("nothing.#owner = :owner", FAILED, owner="us", ExpressionAttributeNames=_OWNER),
        conditional("words.#owner = :owner", FAILED, owner="us", ExpressionAttributeNames=_OWNER),
        conditional("(revision = :seen) OR lease.#owner = :owner", seen=9, owner="us", ExpressionAttributeNames=_OWNER),
        conditional(
            "(attribute_not_exists(revision)) OR lease.#owner = :owner",
            FAILED,
            owner="x",
            ExpressionAttributeNames=_OWNER,
        ),
        conditional(
            "lease.#owner = :owner AND revision = :seen", FAILED, seen=9, owner="us", ExpressionAttributeNames=_OWNER
        ),
        conditional(
            "attribute_exists(words) OR revision = :seen AND revision = :more", seen=8, more=9
        ),  # AND goes first
        conditional("(attribute_exists(words) OR revision = :seen) AND revision = :more", FAILED, seen=8, more=9),
        conditional("lease.owner = :owner", INVALID, owner="us"),
        conditional("NOT attribute_exists(words)", FAILED),
        conditional("NOT revision = :seen", seen=9),
        step("put_item", FAILED, Item=KEY, ConditionExpression="attribute_not_exists(p)"),
        step("delete_item", FAILED, Key=KEY, ConditionExpression="attribute_not_exists(p)"),
    ),
    "transactions": (
        transaction(SET_IT, PUT_OTHER),
        transaction(SET_IF, {"Put": {"Item": item(s="u")}}, code=CANCELLED),
        transaction({"Delete": {"Key": OTHER_KEY}}, {"Put": {"Item": item(n=1)}}),
        transaction(SET_IF, PUT_OTHER),
        transaction({"Put": {"Item": item(s="u")}}, SET_IF, code=CANCELLED),
        transaction(SET_IT, SET_IT, code=INVALID),
        transaction({"Update": {**SET_IT["Update"], "UpdateExpression": "SET n = :other"}}, PUT_OTHER, code=INVALID),
        transaction({"Put": {"Item": item(s="u")}}, token=TOKEN),
    ),
    "the repeat of a transaction": (
        step("put_item", Item=item(n=1)),
        transaction(SET_IF, PUT_OTHER, token=TOKEN),
        transaction(SET_IF, PUT_OTHER, token=TOKEN, page="API reference, TransactWriteItems: Idempotency"),
        transaction(
            SET_IT,
            token=TOKEN,
            code="IdempotentParameterMismatchException",
            page="API reference, TransactWriteItems: Idempotency",
        ),
        transaction(SET_IF, PUT_OTHER, token=ANOTHER_TOKEN, code=CANCELLED),
    ),
    "large items": (
        step("put_item", Item=item(a=LARGE)),
        step("put_item", INVALID, Item=item(a=LARGE + MORE)),
        update("SET b = :b", INVALID, b=MORE),
        transaction(
            {"Put": {"Item": item(s="t", a=LARGE * 2)}},
            code=CANCELLED,
            page="API reference, TransactWriteItems: ValidationError",
        ),
    ),
    "an item of nearly 400 KB": (
        step("put_item", DONE, "developer guide, quotas: 400 KB", Item=item(a=LARGE + MORE[:5_500])),
    ),
    "a table that is there": (
        step(
            "create_table",
            "ResourceInUseException",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        ),
    ),
}


@pytest.fixture
def both(aws_session: boto3.Session) -> Iterator[tuple[Twin, Twin]]:
    """The fakes, and moto."""
    both = twins(aws_session)
    yield both
    both[1].drop()


@pytest.mark.parametrize("story", ITEMS)
def test_items_are_kept_as_moto_keeps_them(both: tuple[Twin, Twin], story: str) -> None:
    """The conditions are the lock of all rotations."""
    for twin in both:
        twin.make_table()
    for asked in ITEMS[story]:
        compare(both, "dynamodb", asked, _with_table, Twin.items)


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("get_item", {"ProjectionExpression": "a"}),
        ("update_item", {"UpdateExpression": "SET a = if_not_exists(a, :a)"}),
        ("update_item", {"UpdateExpression": "REMOVE a[1]"}),
        ("update_item", {"UpdateExpression": "DELETE a :a"}),
        ("delete_item", {"ConditionExpression": "begins_with(a, :a)"}),
    ],
)
def test_what_a_fake_does_not_know_it_does_not_pretend_to_do(method: str, asked: Asked) -> None:
    """A test would prove nothing if the fake passed over what it was asked."""
    fake = Twin(FakeAccount())
    fake.make_table()
    with pytest.raises(NotImplementedError):
        getattr(fake.dynamodb, method)(TableName=fake.name, Key=KEY, **asked)


def _with_table(twin: Twin, asked: Asked) -> Asked:
    table = {"TableName": twin.name}
    if "TransactItems" not in asked:
        return {**table, **asked}
    items = [{kind: {**table, **one} for kind, one in write.items()} for write in asked["TransactItems"]]
    return {**asked, "TransactItems": items}
