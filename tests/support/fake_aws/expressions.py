"""DynamoDB's conditions and updates, as far as the function and the tests' helpers write them.

Values are as on the wire: `{"S": "text"}`. An expression is read once and kept as a function of the item.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.support.fake_aws.service import Asked, Refused

type Value = dict[str, Any]
type Item = dict[str, Value]
type Path = tuple[str, ...]
type _Test = Callable[[Item, Names], bool]
type _Operand = Callable[[Item, Names], Value | None]
type _Native = tuple[str, object]  # the kind, and what can be compared

_TOKENS = re.compile(r"\s*([#:]?\w+|<>|<=|>=|[=<>().,])")
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_RESERVED = frozenset(ReservedKeywords.get_reserved_keywords())  # AWS, developer guide "Reserved words in DynamoDB"
_ORDERED = ("<", "<=", ">", ">=")
_ONE_BY_ONE = (
    "S",
    "B",
    "BOOL",
    "NULL",
)  # kinds of value that are what they look like; a number may be written 1 or 1.0


@dataclass(frozen=True)
class Names:
    """What the placeholders of a call stand for."""

    attributes: Mapping[str, str]
    values: Mapping[str, Value]

    def path(self, path: Path) -> Path:
        """With every placeholder replaced."""
        return tuple(self.attributes.get(part, part) for part in path)


@dataclass(frozen=True)
class Condition:
    """What an item must be like."""

    holds: _Test
    used: frozenset[str]  # its placeholders


@dataclass(frozen=True)
class Update:
    """What becomes of an item: the verb, the path and the placeholder of the value of each action."""

    actions: tuple[tuple[str, Path, str], ...]
    used: frozenset[str]

    def paths(self, names: Names) -> list[Path]:
        """What is changed; no part of it twice."""
        paths = [names.path(path) for _, path, _ in self.actions]
        for place, path in enumerate(paths):
            if any(other[: len(path)] == path[: len(other)] for other in paths[:place]):
                raise _invalid(f"Two document paths overlap with each other: {path}")
        return paths

    def carry_out(self, item: Item, names: Names) -> None:
        """Change the item."""
        for verb, unnamed, value in self.actions:
            path = names.path(unnamed)
            parent = _parent(item, path)
            match verb:
                case "REMOVE":
                    parent.pop(path[-1], None)
                case "SET":
                    parent[path[-1]] = names.values[value]
                case _:
                    parent[path[-1]] = _sum(parent.get(path[-1]), names.values[value])


def names_of(asked: Asked, *parts: Condition | Update | None) -> Names:
    """AWS refuses a call that uses what it does not define, or defines what it does not use."""
    names = Names(asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {}))
    odd = {*names.attributes, *names.values} ^ frozenset().union(*(part.used for part in parts if part))
    if odd:
        raise _invalid(f"A name or value of the expressions is not defined, or not used: {sorted(odd)}")
    return names


@functools.cache
def condition(text: str) -> Condition:
    """Read a ConditionExpression."""
    reader = _Reader(text)
    test = reader.either()
    reader.end()
    return Condition(test, frozenset(reader.used))


@functools.cache
def update(text: str) -> Update:
    """Read an UpdateExpression."""
    reader = _Reader(text)
    actions = tuple(reader.actions())
    return Update(actions, frozenset(reader.used))


@dataclass
class _Reader:
    text: str
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._tokens = _TOKENS.findall(self.text)
        if "".join(self._tokens) != re.sub(r"\s", "", self.text):
            raise NotImplementedError(f"the fake cannot read {self.text}")

    def either(self) -> _Test:
        tests = [self._both()]
        while self._takes("OR"):
            tests.append(self._both())
        return lambda item, names: any(test(item, names) for test in tests)

    def _both(self) -> _Test:
        tests = [self._one()]
        while self._takes("AND"):
            tests.append(self._one())
        return lambda item, names: all(test(item, names) for test in tests)

    def _one(self) -> _Test:
        if self._takes("NOT"):
            test = self._one()
            return lambda item, names: not test(item, names)
        if self._takes("("):
            test = self.either()
            self._expect(")")
            return test
        for function, there in (("attribute_exists", True), ("attribute_not_exists", False)):
            if self._takes(function):
                self._expect("(")
                path = self._path()
                self._expect(")")
                return lambda item, names: (_found(item, names.path(path)) is not None) is there
        return self._comparison()

    def _comparison(self) -> _Test:
        one, sign, other = self._operand(), self._next(), self._operand()
        if sign not in _COMPARES:
            raise NotImplementedError(f"the fake cannot read {self.text}")

        def test(item: Item, names: Names) -> bool:
            values = one(item, names), other(item, names)
            left, right = (None if value is None else _native(value) for value in values)
            if left is None or right is None:
                return sign == "<>" and left is not right
            return (sign not in _ORDERED or left[0] == right[0]) and _COMPARES[sign](left, right)

        return test

    def _operand(self) -> _Operand:
        if self._peek().startswith(":"):
            value = self._name()
            return lambda _, names: names.values[value]
        path = self._path()
        return lambda item, names: _found(item, names.path(path))

    def actions(self) -> Iterator[tuple[str, Path, str]]:
        verbs = list[str]()
        while self._tokens:
            verbs.append(self._next())
            if verbs[-1] not in {"SET", "REMOVE", "ADD"}:
                raise NotImplementedError(f"the fake cannot read {self.text}")
            if verbs[-1] in verbs[:-1]:
                raise _invalid(f'The "{verbs[-1]}" section can only be used once in an update expression')
            yield self._action(verbs[-1])
            while self._takes(","):
                yield self._action(verbs[-1])

    def _action(self, verb: str) -> tuple[str, Path, str]:
        path = self._path()
        if verb == "REMOVE":
            return verb, path, ""
        if verb == "SET":
            self._expect("=")
        if self._tokens and not self._peek().startswith(":"):
            raise NotImplementedError(f"the fake cannot read {self.text}")
        return verb, path, self._name()

    def _path(self) -> Path:
        parts = [self._name()]
        while self._takes("."):
            parts.append(self._name())
        return tuple(parts)

    def _name(self) -> str:
        name = self._next()
        if not re.fullmatch(r"[#:]?\w+", name):
            raise _invalid(f'Syntax error; token: "{name}"')
        if name.upper() in _RESERVED:
            raise _invalid(f"Attribute name is a reserved keyword; reserved keyword: {name}")
        if name[0] in "#:":
            self.used.add(name)
        return name

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else "<EOF>"

    def _next(self) -> str:
        if not self._tokens:
            raise _invalid('Syntax error; token: "<EOF>"')
        token: str = self._tokens.pop(0)
        return token

    def _takes(self, token: str) -> bool:
        if self._peek() == token:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._takes(token):
            raise _invalid(f'Syntax error; token: "{self._peek()}"')

    def end(self) -> None:
        if self._tokens:
            raise _invalid(f'Syntax error; token: "{self._peek()}"')


def _found(item: Item, path: Path) -> Value | None:
    found: Value | None = {"M": item}
    for part in path:
        found = found.get("M", {}).get(part) if found else None
    return found


def _parent(item: Item, path: Path) -> Item:
    parent = _found(item, path[:-1])
    if parent is None or "M" not in parent:
        raise _invalid("The document path provided in the update expression is invalid for update")
    found: Item = parent["M"]
    return found


def _native(value: Value) -> _Native:
    ((kind, content),) = value.items()
    if kind in _ONE_BY_ONE:
        return kind, content
    if kind == "N":
        return kind, Decimal(content)
    if kind == "M":
        return kind, {name: _native(part) for name, part in content.items()}
    if kind == "L":
        return kind, [_native(part) for part in content]
    return kind, set(map(Decimal, content) if kind == "NS" else content)


def _sum(old: Value | None, new: Value) -> Value:
    """ADD: to a number, or to a set; to nothing it is what is added."""
    ((kind, added),) = new.items()
    if kind not in {"N", "NS", "SS", "BS"}:
        raise _invalid(f"Incorrect operand type for operator or function; operator: ADD, operand type: {kind}")
    if old is None:
        return new
    if kind not in old:
        raise _invalid("An operand in the update expression has an incorrect data type")
    if kind == "N":
        return {"N": str(Decimal(old["N"]) + Decimal(added))}
    return {kind: [*old[kind], *(value for value in added if value not in old[kind])]}


def _invalid(message: str) -> Refused:
    return Refused("ValidationException", message)
