"""Connections to providers, kept open: HTTP/1.1 over TLS, parsed by llhttp, one request at a time on each.

Everything a server sends is bounded, in size and in time. No redirect is followed, nothing of the environment (proxy, netrc)
is read, no address is connected to that `destinations` did not judge. What goes out is written here, but for the body: whoever
calls has no way to add a header, nor to change where it goes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import httptools

from parvis.inference.completion import UpstreamError
from parvis.inference.destinations import ForbiddenAddressError, Target, check

IDLE_KEPT = 64  # connections without a request, of one target
HIGH = 256 << 10  # bytes received and not read yet, where reading from the server stops until they are
LONGEST_HEAD = 64 << 10

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes. `first` is how long a server may be silent before it begins to answer, `between` from one piece of
    its answer to the next, `total` from the sending to the end. `idle` is shorter than what servers have by default: a
    connection that is closed just as it is used again fails a request that nobody may send twice."""

    connect: float = 10.0
    first: float = 300.0
    between: float = 55.0
    total: float = 900.0
    idle: float = 4.0
    longest: int = 64 << 20


@dataclass(slots=True)
class Counts:
    opened: int = 0
    reused: int = 0
    active: int = 0


class Pool:
    """Of one event loop."""

    def __init__(
        self, limits: Limits | None = None, *, tls: ssl.SSLContext | None = None, resolve: Resolve | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.counts = Counts()
        self._tls = tls
        self._resolve = resolve or addresses_of
        self._idle: dict[Target, deque[Connection]] = {}
        self._active: set[Connection] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(
        self, target: Target, head: bytes, body: bytes = b"", *, first: float | None = None, between: float | None = None
    ) -> Answer:
        """Sends a head that `Sending` made, and the body; gives the answer as soon as its head is there. Raises UpstreamError.
        Whoever has it reads it to its end, or leaves it."""
        connection = self._kept(target) or await self._connected(target)
        self._active.add(connection)
        self.counts.active += 1
        answer = connection.begin(head, body, first or self.limits.first, between or self.limits.between)
        try:
            await answer.head()
        except BaseException:
            answer.leave()
            raise
        return answer

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        if self._own_loop is None:
            self._own_loop = asyncio.get_running_loop()
        return self._own_loop

    async def close(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
        for connection in [*self._active, *(one for kept in self._idle.values() for one in kept)]:
            connection.fail(UpstreamError("left"))

    def landed(self, connection: Connection) -> None:
        """Its answer is complete, or it is closed."""
        if connection not in self._active:
            return
        self._active.discard(connection)
        self.counts.active -= 1
        kept = self._idle.setdefault(connection.target, deque())
        if connection.is_reusable and len(kept) < IDLE_KEPT:
            connection.idle_since = time.monotonic()
            kept.append(connection)
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        """Closed while nobody used it."""
        if (kept := self._idle.get(connection.target)) and connection in kept:
            kept.remove(connection)

    def _kept(self, target: Target) -> Connection | None:
        kept, oldest = self._idle.get(target), time.monotonic() - self.limits.idle
        while kept:
            connection = kept.pop()
            if connection.is_reusable and connection.idle_since > oldest:
                self.counts.reused += 1
                return connection
            connection.close()
        return None

    async def _connected(self, target: Target) -> Connection:
        self._start()
        try:
            async with asyncio.timeout(self.limits.connect):
                return await self._connected_to_one(target, await self._resolve(target.host, target.port))
        except ForbiddenAddressError:
            raise UpstreamError("forbidden_address") from None
        except ssl.SSLError:
            raise UpstreamError("unreachable", reason="certificate") from None
        except (OSError, UnicodeError, TimeoutError):
            raise UpstreamError("unreachable") from None

    async def _connected_to_one(self, target: Target, addresses: Sequence[str]) -> Connection:
        for address in addresses:
            check(address, inside=target.inside)
        failure: OSError = OSError("no address")
        loop = asyncio.get_running_loop()
        context = (self._tls or _tls()) if target.tls else None
        for address in addresses:
            try:
                _transport, connection = await loop.create_connection(
                    lambda: Connection(self, target),
                    address,
                    target.port,
                    ssl=context,
                    server_hostname=target.host if target.tls else None,
                )
            except OSError as error:
                failure = error
            else:
                self.counts.opened += 1
                return connection
        raise failure

    def _start(self) -> None:
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        """One clock for all: a timer for each piece of each stream would cost more than the piece."""
        while True:
            await asyncio.sleep(min(0.5, self.limits.between / 4))
            now = time.monotonic()
            for connection in [one for one in self._active if one.deadline < now]:
                connection.fail(UpstreamError("stalled"))
            for kept in self._idle.values():
                while kept and kept[0].idle_since < now - self.limits.idle:
                    kept.popleft().close()


@dataclass(frozen=True, slots=True)
class Sending:
    """The constant part of the requests of one kind to one provider."""

    target: Target
    first_lines: bytes = field(repr=False)  # with the provider's secret

    def head(self, request_id: str, length: int) -> bytes:
        return b"%bX-Request-Id: %b\r\nContent-Length: %d\r\n\r\n" % (self.first_lines, request_id.encode(), length)


def sending(
    target: Target, operation: str, secret: str, *, method: str = "POST", language: str = "", host: str = ""
) -> Sending:
    """`host`: the name it is asked under, where it is not that of its address. Raises UpstreamError for a secret that is no
    header."""
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise UpstreamError("refused_key")
    lines = [
        f"{method} {target.path}/{operation} HTTP/1.1",
        f"Host: {host or target.authority}",
        "User-Agent: parvis",
        "Accept: text/event-stream, application/json",
        "Accept-Encoding: identity",
        "Content-Type: application/json",
    ]
    if language:
        lines.append(f"Accept-Language: {language}")
    if secret:
        lines.append(f"Authorization: Bearer {secret}")
    return Sending(target, ("\r\n".join(lines) + "\r\n").encode("ascii"))


class Answer:
    """To one request, read piece by piece as it comes."""

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.headed = self.complete = False
        self.error: UpstreamError | None = None
        self.until_eof = False
        self.held = self.received = 0
        self.pieces: list[bytes] = []
        self._connection = connection
        self._loop = connection.pool.loop
        self._waiter: asyncio.Future[None] | None = None

    async def head(self) -> None:
        """Until status and headers are there."""
        while not self.headed and self.error is None:
            self._waiter = waiter = self._loop.create_future()
            await waiter
        if not self.headed and self.error:
            raise self.error

    async def begun(self) -> None:
        """Until something of it can be read, or its end. Raises UpstreamError where it broke before."""
        while not self.pieces and not self.complete and self.error is None:
            self._waiter = waiter = self._loop.create_future()
            await waiter
        if not self.pieces and self.error:
            raise self.error

    async def read(self) -> bytes:
        """What has come since; b"" at the end. Raises UpstreamError when it does not come to its end."""
        while not self.pieces and not self.complete and self.error is None:
            self._waiter = waiter = self._loop.create_future()
            await waiter
        if self.pieces:
            pieces, self.pieces, self.held = self.pieces, [], 0
            if self._connection.is_paused and not self.complete:
                self._connection.go_on()
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self.error:
            raise self.error
        return b""

    async def whole(self, most: int) -> bytes:
        """All of it. Raises UpstreamError, "too_large" when there is more."""
        pieces, size = [], 0
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                self.leave()
                raise UpstreamError("too_large")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def leave(self) -> None:
        """Nobody reads on: what is not complete is hung up on."""
        if not self.complete and self.error is None:
            self._connection.fail(UpstreamError("left"))

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter and not waiter.done():
            waiter.set_result(None)


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, pool: Pool, target: Target) -> None:
        self.pool, self.target = pool, target
        self.idle_since = 0.0
        self.deadline = 0.0
        self.answer: Answer | None = None  # the one that is being received
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = 0
        self._ends_at = self._between = 0.0
        self.is_paused = False
        self._keeps_alive = False

    @property
    def is_reusable(self) -> bool:
        closed = self._transport is None or self._transport.is_closing()
        return not closed and self.answer is None and self._keeps_alive

    def begin(self, head: bytes, body: bytes, first: float, between: float) -> Answer:
        assert self._transport is not None  # noqa: S101 - it is connected
        self.answer = Answer(self)
        self._keeps_alive, self._head_bytes = False, 0
        now = time.monotonic()
        self._ends_at, self._between = now + self.pool.limits.total, between
        self.deadline = min(now + first, self._ends_at)
        if len(body) < 16 << 10:
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, body])
        return self.answer

    def go_on(self) -> None:
        """What was received is read: there is room again."""
        if self.is_paused and self._transport and not self._transport.is_closing():
            self.is_paused = False
            self.deadline = min(time.monotonic() + self._between, self._ends_at)
            self._transport.resume_reading()

    def fail(self, error: UpstreamError) -> None:
        self._keeps_alive = False
        if self.answer:
            self.answer.error = error
            self._land()
        self.close()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _land(self) -> None:
        answer, self.answer = self.answer, None
        if self.is_paused and self._transport and not self._transport.is_closing():
            self.is_paused = False
            self._transport.resume_reading()
        self.pool.landed(self)
        if answer:
            answer.wake()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if answer is None:  # it speaks without being asked
            self.pool.lost(self)
            self.close()
            return
        if not answer.headed:
            self._head_bytes += len(data)
        self.deadline = min(time.monotonic() + self._between, self._ends_at)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(UpstreamError("garbage"))
            return
        if not answer.headed:
            if self._head_bytes > LONGEST_HEAD:
                self.fail(UpstreamError("garbage"))
        elif answer.received > self.pool.limits.longest:
            self.fail(UpstreamError("too_large"))
        elif answer.complete:
            self._land()
        else:
            if answer.held > HIGH and not self.is_paused and self._transport:
                self.is_paused = True
                self._transport.pause_reading()
            answer.wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._keeps_alive = False
        if self.answer is None:
            self.pool.lost(self)
        elif self.answer.headed and self.answer.until_eof and error is None:
            self.answer.complete = True
            self._land()
        else:
            self.fail(UpstreamError("cut"))

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.answer:
            self.answer.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        answer = self.answer
        if answer is None:
            return
        status = self._parser.get_status_code()
        if status < 200:  # the answer comes after it
            answer.headers = {}
            return
        answer.status, answer.headed = status, True
        answer.until_eof = b"content-length" not in answer.headers and b"transfer-encoding" not in answer.headers

    def on_body(self, body: bytes) -> None:
        if answer := self.answer:
            answer.pieces.append(body)
            answer.held += len(body)
            answer.received += len(body)

    def on_message_complete(self) -> None:
        answer = self.answer
        if answer is None or not answer.headed:
            return
        self._keeps_alive = (
            self._parser.should_keep_alive() and not answer.complete
        )  # two answers to one request: no more of it
        answer.complete = True


async def addresses_of(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
