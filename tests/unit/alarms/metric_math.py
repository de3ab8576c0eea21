"""The part of CloudWatch's metric math that the template uses; anything else is refused rather than guessed.

AWS, "Using metric math": where one of two series has no value, an operator takes it for zero. Whether FILL fills a
series that has no value at all is not said, so it does not here: what holds without it holds with it.
"""

import ast
import functools
from collections.abc import Mapping

type Series = list[float | None]


def calculate(expression: str, series: Mapping[str, Series]) -> Series:
    """The values of an expression over series of the same length."""
    return _value(_parsed(expression), series)


@functools.cache
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _value(node: ast.expr, series: Mapping[str, Series]) -> Series:
    match node:
        case ast.Name(id=name):
            return series[name]
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            pairs = zip(_value(left, series), _value(right, series), strict=True)
            return [None if a is None and b is None else (a or 0) - (b or 0) for a, b in pairs]
        case ast.Call(func=ast.Name(id="FILL"), args=[argument, ast.Constant(value=int(filler))]):
            values = _value(argument, series)
            empty = all(value is None for value in values)
            return values if empty else [filler if value is None else value for value in values]
    raise NotImplementedError(f"metric math: {ast.unparse(node)}")
