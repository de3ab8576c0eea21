"""Reading what people and programs send to the admin API: a sentence for whatever is wrong."""

import json
from datetime import timedelta

from aiohttp import web

type Json = dict[str, object]


async def json_body(request: web.Request, known: set[str]) -> Json:
    """Return the JSON object of a request.

    Raises:
        ValueError: Not JSON, not an object, or with unknown keys.
        web.HTTPUnsupportedMediaType: Not sent as JSON.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send the body as Content-Type: application/json")
    body = json.loads(await request.read())
    if not isinstance(body, dict):
        raise TypeError("the body is not a JSON object")
    if unknown := sorted(set(body) - known):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return body


def text(body: Json, key: str) -> str | None:
    """Return a text of the body, None when it is missing or null.

    Raises:
        TypeError: It is something else.
    """
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{key} must be text")
    return value


def number(body: Json, key: str) -> float | None:
    """Return a number of the body, None when it is missing or null.

    Raises:
        TypeError: It is something else.
    """
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise TypeError(f"{key} must be a number")
    return value


def days(body: Json, key: str) -> timedelta | None:
    """Return a number of days as a time span, None when it is missing or null."""
    value = number(body, key)
    return None if value is None else timedelta(days=value)
