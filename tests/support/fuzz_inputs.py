"""Bad input by the thousand: what people and services get wrong, and plain junk.

Everything is made from a number, so a run brings the same as the run before; a test says the number of what failed.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence

_ODD_TEXTS = (
    "",
    " ",
    "\t\r\n",
    "\x00",
    "\ufeff",
    "\ud800",  # half of a surrogate pair: JSON can write it, UTF-8 cannot
    "Zürich",
    "\u202eevil",  # turns the writing direction
    "null",
    "{}",
    "[" * 40,
    "%s %n {0} ${x}",
    "'\"\\",
    "\r\nX-Injected: 1",
    "a\x1b[31mb",
    "-----BEGIN CERTIFICATE-----",
    "x" * 5000,
    "9" * 5000,  # more digits than Python reads as a number
)
_ODD_VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [None],
    {"": ""},
    [[[[[]]]]],
)
_ALPHABETS = ("01", "abcXYZ0189-_", " \t\r\n", "{}[]\":,'\\", "\x00\x07\x1b\x7f\x85", "äß€\U0001f4a5\u2028\udcff")


class Junk:
    """A source of bad input; two of the same number bring the same."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)  # noqa: S311 - to be repeated, not to be kept secret

    def pick[T](self, among: Sequence[T]) -> T:
        """One of them."""
        return self._random.choice(among)

    def once_in(self, times: int) -> bool:
        """True once in so many times."""
        return self._random.randrange(times) == 0

    def number(self, most: int) -> int:
        """From 0 to `most`, small ones more often."""
        return self._random.randrange(self._random.randint(1, most + 1))

    def raw(self, most: int = 60) -> bytes:
        """Bytes of no meaning."""
        return self._random.randbytes(self.number(most))

    def text(self, most: int = 60) -> str:
        """An odd text, or characters of no meaning."""
        if self.once_in(2):
            return self.pick(_ODD_TEXTS)
        return "".join(self._random.choices(self.pick(_ALPHABETS), k=self.number(most)))

    def value(self, depth: int = 3) -> object:
        """Anything JSON can hold, and the two numbers that only Python's can."""
        kind = self.number(5) if depth else 0
        if kind == 0:
            return self.pick(_ODD_VALUES)
        if kind == 1:
            return [self.value(depth - 1) for _ in range(self.number(3))]
        if kind == 2:
            return {self.text(8): self.value(depth - 1) for _ in range(self.number(3))}
        return self.text()

    def _places(self, length: int) -> tuple[int, int]:
        at = self._random.randint(0, length)
        return at, self._random.randint(at, length)

    def spoilt(self, text: str) -> str:
        """The text with one thing wrong."""
        at, to = self._places(len(text))
        spoil: Callable[[], str] = self.pick(
            (
                lambda: text[:at],
                lambda: text[at:],
                lambda: text[:at] + text[to:],
                lambda: text[:at] + self.text(5) + text[at:],
                lambda: text[:at] + text[at:to] * 2 + text[to:],
                lambda: text.replace("\n", self.pick(("", "\r\n", "\\n", " ", "\n\n"))),
                lambda: text.replace(self.pick("-\n= \"':,AM+/"), self.pick(("", "?", "\x00", "\ud800", "  "))),
                text.swapcase,
                lambda: text[::-1],
                lambda: f"{self.text(3)}{text}{self.text(3)}",
                lambda: json.dumps(text),
            )
        )
        return spoil()

    def spoilt_bytes(self, raw: bytes) -> bytes:
        """The bytes with one thing wrong."""
        at, to = self._places(len(raw))
        spoil: Callable[[], bytes] = self.pick(
            (
                lambda: raw[:at],
                lambda: raw[:at] + raw[to:],
                lambda: raw[:at] + self.raw(4) + raw[at:],
                lambda: raw[:at] + self._random.randbytes(1) + raw[at + 1 :],
                lambda: raw[:at] + bytes(to - at) + raw[to:],
                lambda: raw[:at] + raw[at:to] * 2 + raw[to:],
            )
        )
        return spoil()

    def spoilt_object(self, good: Mapping[str, object]) -> object:
        """The object with one thing wrong: a key, a value, or the whole of it."""
        name = self.pick(sorted(good)) if good else self.text()
        rest = {key: value for key, value in good.items() if key != name}
        value = good.get(name)
        spoil: Callable[[], object] = self.pick(
            (
                lambda: rest,
                lambda: {**good, name: self.value()},
                lambda: {**good, name: self.value()},
                lambda: {**rest, self.spoilt(name): value},
                lambda: {**good, self.text(20): self.value()},
                lambda: {**good, name: self.spoilt(value) if isinstance(value, str) else str(value)},
                lambda: {**good, name: [value]},
                lambda: [good],
                lambda: self.value(2),
            )
        )
        return spoil()

    def json(self, value: object) -> str:
        """The value as JSON, written in one of the ways people's programs write it."""
        return json.dumps(value, ensure_ascii=self.once_in(2), indent=self.pick((None, 2)))

    def nested(self, most: int = 20_000) -> str:
        """JSON that is nested deeper than anybody reads, and some that is so by little."""
        depth = self.pick((most, 9_990 + self.number(10), 1_000))
        return self.pick(("[" * depth + "]" * depth, '{"":' * depth + "0" + "}" * depth, "[" * depth))
