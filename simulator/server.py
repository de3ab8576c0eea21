"""Serving aiohttp applications from a thread: addresses, ports, and what asyncio leaves to be tidied up."""

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Final

from aiohttp import web

LOOPBACK: Final = "127.0.0.1"
MAXIMUM_PORT: Final = 65535
START_SECONDS: Final = 30.0
HANDSHAKE_SECONDS: Final = 5.0  # how long a refused client may take to hang up
SHUTDOWN_SECONDS: Final = 0.2  # requests still in progress are cut off after this


class CannotListenError(Exception):
    """The address cannot be served on; the text says why and what to do about it."""


def check_address(host: str, *, allow_non_loopback: bool) -> None:
    """Check that only this machine can reach the address, unless other machines are allowed to.

    Raises:
        CannotListenError: Others can reach it.
    """
    if not allow_non_loopback and not is_loopback(host):
        raise CannotListenError(
            f"{host} can be reached by other machines, and the simulator is for this one only: "
            "use 127.0.0.1, or --allow-non-loopback (allow_non_loopback=True) if you mean it"
        )


@contextlib.contextmanager
def held_in_thread(opened: Callable[[], AbstractAsyncContextManager[None]]) -> Iterator[None]:
    """Hold an asynchronous context open in a thread of its own while the block runs.

    Raises:
        Exception: Whatever keeps the context from opening.
    """
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def hold() -> None:
        stop = asyncio.Event()
        try:
            async with opened():
                ready.set_result((asyncio.get_running_loop(), stop))
                await stop.wait()
        except Exception as failure:
            if ready.done():
                raise
            ready.set_exception(failure)

    thread = threading.Thread(target=lambda: asyncio.run(hold()), name="simulator", daemon=True)
    thread.start()
    try:
        loop, stop = ready.result(START_SECONDS)
        try:
            yield
        finally:
            with contextlib.suppress(RuntimeError):  # the loop broke down and is closed already
                loop.call_soon_threadsafe(stop.set)
    finally:
        ready.cancel()  # if nobody waits for it any more, it must not open
        thread.join()


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str, port: int, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve an application while the block runs; yield the port.

    Raises:
        CannotListenError: The port is in use, or the address is not this machine's.
    """
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        server = await _open(runner, host, port, context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            await _stop_accepting(server)
            server.close()
            await runner.cleanup()
            server.abort_clients()  # those still in a handshake, which aiohttp does not know of
            await server.wait_closed()
    finally:
        await runner.cleanup()


async def _stop_accepting(server: asyncio.Server) -> None:
    """Accept no more connections, and let those accepted at the last moment become the server's.

    A server that closes in between would never close their sockets (CPython 3.13, ``Server._attach``).
    """
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(3):  # turns of the loop; becoming the server's takes one or two
        await asyncio.sleep(0)


async def _open(runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext | None) -> asyncio.Server:
    """Open the port. Not with aiohttp's TCPSite, which cannot shorten the handshake's time.

    Raises:
        CannotListenError: The port is in use, or the address is not this machine's.
    """
    if runner.server is None:
        raise RuntimeError("the runner has to be set up first")
    if not 0 <= port <= MAXIMUM_PORT:
        raise CannotListenError(f"{port} is not a port: use a number from 0 to {MAXIMUM_PORT} (0 picks a free one)")
    try:
        # Opened here, because asyncio's own errors do not say which kind they are.
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as failure:
        raise CannotListenError(_why_not(host, port, failure)) from failure
    return await asyncio.get_running_loop().create_server(
        runner.server, sock=listener, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None
    )


def _why_not(host: str, port: int, failure: OSError) -> str:
    """Return a sentence with the cure."""
    if failure.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop the program that has it, or choose another (0 picks a free one)"
    if failure.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: use {LOOPBACK}"
    return f"cannot listen on {host}, port {port}: {failure.strerror or failure}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; a name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certifiable(host: str) -> Sequence[str]:
    """Return the address for the server's certificate, unless it stands for all of them."""
    return () if host in {"0.0.0.0", "::"} or is_loopback(host) else (host,)  # noqa: S104  - compared, not bound


def url_host(host: str) -> str:
    """Return the name by which clients on this machine reach the address; the certificate holds it."""
    if host == "::1":
        return "[::1]"
    return next(iter(certifiable(host)), "localhost")
