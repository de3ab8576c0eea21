"""Answers as services, gateways and strangers might give them: byte for byte what arrives after the handshake."""

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from typing import override

from tests.support.fuzz_inputs import Junk

STATUSES = (
    200,
    201,
    204,
    206,
    299,
    301,
    302,
    303,
    304,
    307,
    308,
    400,
    401,
    403,
    404,
    407,
    409,
    418,
    429,
    500,
    502,
    503,
)
ODD_STATUSES = ("101", "103", "504", "599", "600", "999", "099", "-1", "two", "20000", "٢٠٠", "")
RETRY_AFTER = (
    "0",
    "3600",
    "-5",
    "1.5",
    "1e400",
    "9" * 400,
    "soon",
    "",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
    "Fri, 31 Dec 2027 99999999999999999999:59:59 GMT",
    "Fri, 31 Dec 2027 23:59:59 +99999999999999999999",
    "Fri, 31 Dec 2027 23:59:59 -9999",
    "31 Feb 2027 23:59:59",
    "Sunday, 06-Nov-94 08:49:37 GMT",
)
_LENGTHS = ("0", "1", "-1", "1e3", "9" * 5000, "5, 6", "5, 5", "", "٣", "0x10")
_HEADERS = {
    "Location": (
        "/",
        "https://elsewhere.invalid/",
        "//",
        "https://[::1",
        "https://ÿþ",
        "\x00",
        "x" * 9000,
        "https://a:b/",
    ),
    "Set-Cookie": ("a=b", "a=b; expires=Fri, 31 Dec 99999999999 23:59:59 GMT", "=", ";;;", "a=b; max-age=9e99"),
    "Content-Type": ("application/json", "text/html; charset=utf-7", "multipart/mixed; boundary=x", "ÿ"),
    "Connection": ("close", "upgrade"),
}
_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8", "utf-16", "utf-32", "utf-8-sig", "latin-1")


class Answers:
    """Bad answers to `cert:refresh`, made from good ones.

    Args:
        certificates: PEM of all kinds, to answer with.
        echo: what a server that repeats its request sends back.
    """

    def __init__(self, certificates: Sequence[str], echo: str) -> None:
        self._certificates, self._echo = certificates, echo

    def one(self, junk: Junk) -> bytes:
        """One answer."""
        if junk.once_in(12):
            return junk.pick((junk.raw(300), junk.text(200).encode(errors="surrogatepass")))
        head, body = _framed(junk, self._head(junk), self.body(junk))
        whole = "\r\n".join([*head, "", ""]).encode("latin-1", errors="replace") + body
        return junk.spoilt_bytes(whole) if junk.once_in(12) else whole

    def _head(self, junk: Junk) -> list[str]:
        echo = self._echo
        status = junk.pick(ODD_STATUSES) if junk.once_in(8) else 200 if junk.once_in(2) else junk.pick(STATUSES)
        lines = [f"HTTP/1.{junk.pick('111111110239')} {status} {junk.pick(('', 'OK', echo))}"]
        if junk.once_in(40):
            lines = junk.pick((["HTTP/1.1 100 Continue", ""] * 3 + lines, [f"apiKey: {echo}"], [f"{echo} 200 OK"]))
        if junk.once_in(2):
            lines.append(f"Retry-After: {junk.pick(RETRY_AFTER)}")
        lines += [f"{name}: {junk.pick(values)}" for name, values in _HEADERS.items() if junk.once_in(4)]
        if junk.once_in(15):
            lines.append(
                junk.pick((f"X: {junk.text(40)}", junk.text(20), f" {echo}", f"apiKey: {echo}", f"no colon {echo}"))
            )
        if junk.once_in(60):
            lines += [f"X-{number}: {junk.text(9)}" for number in range(120)]
        return lines

    def body(self, junk: Junk) -> bytes:
        """The body alone."""
        return self._made(junk)().encode(junk.pick(_ENCODINGS), errors=junk.pick(("replace", "backslashreplace")))

    def _made(self, junk: Junk) -> Callable[[], str]:
        cert, other = junk.pick(self._certificates), junk.pick(self._certificates)
        good = {"cert": cert, "deletedCertName": junk.pick(("", "onboarded-1", self._echo))}
        refusal = {
            "code": junk.pick((400, "409", None)),
            "message": junk.pick((f"bad {self._echo}", junk.value(), "no")),
        }
        return junk.pick(
            (
                lambda: junk.json(good),
                lambda: junk.json(good),
                lambda: junk.json({**good, "cert": junk.spoilt(cert)}),
                lambda: junk.json({**good, "cert": f"{junk.text(9)}\n{cert}{self._echo}\n{other}"}),
                lambda: junk.json({**good, "deletedCertName": junk.value()}),
                lambda: junk.json(junk.spoilt_object(good)),
                lambda: junk.spoilt(junk.json(good)),
                lambda: junk.json(refusal),
                lambda: junk.json(junk.spoilt_object(refusal)),
                lambda: f'{{"message": {junk.nested()}}}',
                lambda: f'{{"cert": {junk.pick(("1e999", "9" * 5000, "-", "NaN", junk.nested()))}}}',
                lambda: json.dumps({**good, "padding": "x" * junk.pick((200_000, 300_000))}),
                lambda: junk.json(junk.value()),
                lambda: f"<html><body>{junk.text()}</body></html>",
            )
        )


EXPIRIES: tuple[object, ...] = (
    "2027-06-01T00:00:00Z",
    "2027-06-01T05:30:00+05:30",
    "2027-06-01",
    "20270601",
    1811808000,
    "1811808000000",
    1811808000.5,
    15552000,
    "15552000",
    "in half a year",
    "2020-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "\u0662\u0660\u0662\u0667-06-01",
    "\u0669\u0669",
    "9" * 4000,
    10**400,
    -1,
    0,
    True,
    None,
    [],
    {},
    "",
)


class KeyAnswers(Answers):
    """Bad answers to `token:refresh`.

    Args:
        token: the key that the service made.
        echo: the key that it was asked with.
    """

    def __init__(self, token: str, echo: str) -> None:
        super().__init__([], echo)
        self._token = token

    @override
    def _made(self, junk: Junk) -> Callable[[], str]:
        token, echo = self._token, self._echo
        good = {"token": token, "expiry": junk.pick(EXPIRIES), "deletedToken": junk.pick(("", "token-1", echo, token))}
        broken = (f"{token}\r\nX-Injected: 1", f"{token}\n", f" {token}", token * 200, f"{token}ü", "", " ", echo)
        refusal = {"code": junk.pick((400, "409", None)), "message": f"bad {junk.pick((token, echo))}"}
        return junk.pick(
            (
                lambda: junk.json(good),
                lambda: junk.json(good),
                lambda: junk.json({**good, "token": junk.pick(broken)}),
                lambda: junk.json({**good, "token": junk.spoilt(token)}),
                lambda: junk.json({**good, "token": junk.value()}),
                lambda: junk.json({**good, "expiry": junk.value()}),
                lambda: junk.json({**good, "deletedToken": junk.value()}),
                lambda: junk.json(junk.spoilt_object(good)),
                lambda: junk.spoilt(junk.json(good)),
                lambda: junk.json(refusal),
                lambda: f'{{"token": "{token}", "expiry": {junk.pick(("1e999", "9" * 5000, "NaN", junk.nested()))}}}',
                lambda: json.dumps({**good, "padding": "x" * junk.pick((200_000, 300_000))}),
                lambda: json.dumps(token),
                lambda: f"<html><body>{token}</body></html>",
            )
        )


def _framed(junk: Junk, head: list[str], body: bytes) -> tuple[list[str], bytes]:
    """The body as it is sent: compressed, in pieces, or with its length told; mostly as it should be."""
    if junk.once_in(12):
        packed = gzip.compress(body) if junk.once_in(2) else zlib.compress(body)
        head = [*head, f"Content-Encoding: {junk.pick(('gzip', 'deflate', 'gzip, gzip', 'br', '?'))}"]
        body = junk.spoilt_bytes(packed) if junk.once_in(3) else packed
    if junk.once_in(6):
        pieces = [body[start : start + 5000] for start in range(0, len(body), 5000)]
        sent = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
        return [*head, "Transfer-Encoding: chunked"], junk.spoilt_bytes(sent) if junk.once_in(3) else sent
    if junk.once_in(8):
        return [*head, f"Content-Length: {junk.pick(_LENGTHS)}"], body
    return ([*head, f"Content-Length: {len(body)}"] if not junk.once_in(6) else head), body
