"""HTTP/1.1 before /v1, as a protocol of uvicorn's (`--http parvis.gateway.front:Front`): it speaks ASGI to one application,
and knows no more of HTTP than clients of an API use. An answer leaves in one write, a piece of a stream in another.

Requests are parsed by llhttp, strictly. Heads are bounded in size and in time, what is sent without being read waits in the
client, and who does not take an answer is left. One clock serves all connections: a timer for each would cost more than most
requests.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
import urllib.parse
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from parvis.gateway.problems import LANGUAGES, Problem

log = logging.getLogger("parvis.gateway")

Message = MutableMapping[str, Any]
Application = Callable[
    [dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

POURED = "parvis.pour"  # an extension of ASGI's: what is there takes pieces of a stream without being awaited for each
LONGEST_HEAD = 64 << 10  # bytes
HIGH = 256 << 10  # bytes of a body that nobody has read yet, where reading from the client stops
MOST_WAITING = 100  # requests sent before the answers to those before
HEAD_SECONDS = 30.0  # from the first byte of a request to the end of its head; and idle, from an answer to the next request
UNTAKEN_SECONDS = 60.0  # for which a client may take nothing of its answer, or go on sending what was already answered
SWEPT_EVERY = 1.0


class Front(asyncio.Protocol):
    """One connection: its requests are answered one at a time, in their order."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.application: Application = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.is_lost = False
        self.deadline = math.inf
        self._idle_seconds = float(config.timeout_keep_alive)
        self._connections, self.tasks = server_state.connections, server_state.tasks
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self.untaken: asyncio.Future[None] | None = None  # there while the client takes nothing
        self._is_paused = False
        self._unread_bytes = 0  # of a head, or of what stands around pieces of a body, that is not whole
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects = False
        self._read: Turn | None = None  # the request that is being received
        self._answered: Turn | None = None  # the one that is being answered
        self._waiting: deque[Turn] = deque()
        self._fault = "not_http"  # what is said of a request that cannot be read
        self._declined: Turn | None = None  # what offered another protocol, whose body the parser does not read
        self._declined_left = 0  # bytes of it

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's
        self._connections.add(self)  # type: ignore[arg-type]  # those that uvicorn comes with, by their types
        self.deadline = time.monotonic() + HEAD_SECONDS
        _clock_of(self.loop).add(self, self.loop)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self._connections.discard(self)
        _clock_of(self.loop).connections.discard(self)
        self.resume_writing()
        self._waiting.clear()
        if self._answered:
            self._answered.wake()

    def data_received(self, data: bytes) -> None:
        if self.is_lost or self._transport.is_closing():
            return
        if self._declined:
            self._take_declined(data)
            return
        if self._answered is None and not self._unread_bytes:
            self.deadline = time.monotonic() + HEAD_SECONDS
        self._unread_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._fault)
        else:
            if self._unread_bytes > LONGEST_HEAD:
                self._refuse("head_too_large")

    def eof_received(self) -> bool:
        return False  # the transport closes: who says nothing more does not wait for an answer either

    def pause_writing(self) -> None:
        self.untaken = self.untaken or self.loop.create_future()
        self.deadline = time.monotonic() + UNTAKEN_SECONDS

    def resume_writing(self) -> None:
        untaken, self.untaken = self.untaken, None
        if untaken:
            self.deadline = math.inf
            untaken.set_result(None)

    def shutdown(self) -> None:
        """No other request is taken; the one under way is answered."""
        if self._answered is None:
            self._transport.close()
        else:
            self._answered.is_last = True

    # What the parser calls

    def on_message_begin(self) -> None:
        self._url, self._headers, self._expects = b"", [], False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects = True
        if self._read is None:  # else it comes after the body, where nobody looks for it
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._unread_bytes > LONGEST_HEAD and self._head_size() > LONGEST_HEAD:  # it came in one piece
            self._fault = "head_too_large"
            raise httptools.HttpParserError(self._fault)
        turn = self._read = Turn(self, self._scope(), is_last=not self._parser.should_keep_alive(), expects=self._expects)
        self._unread_bytes = 0
        if self._answered is None:
            self._answer(turn)
        elif len(self._waiting) >= MOST_WAITING:
            self._transport.close()
        else:
            self._waiting.append(turn)
            self.pause()

    def on_body(self, body: bytes) -> None:
        self._unread_bytes = 0
        if self._read:
            self._read.take(body)

    def on_message_complete(self) -> None:
        turn, self._read, self._unread_bytes = self._read, None, 0
        if turn:
            turn.is_whole = True
            turn.wake()
            if turn.is_over:
                self._next(turn)

    # What a turn calls

    def write(self, data: bytes) -> None:
        if not self.is_lost:
            self._transport.write(data)

    def pause(self) -> None:
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self._is_paused and not self._waiting and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def ended(self, turn: Turn) -> None:
        """Its answer is whole. What is left of the request is read and thrown away: else the client, which writes still, sees
        a broken connection and not its answer."""
        if turn.is_whole or turn.is_last:
            self._next(turn)
        else:
            self.deadline = time.monotonic() + UNTAKEN_SECONDS
            self.go_on()

    def close(self) -> None:
        self._transport.close()

    def leave(self) -> None:
        """Its time is over."""
        self._transport.abort()

    def _next(self, turn: Turn) -> None:
        if turn is not self._answered:
            return
        self._answered = None
        if turn.is_last:
            self._transport.close()
        elif self._waiting:
            self._answer(self._waiting.popleft())
        else:
            self.deadline = time.monotonic() + self._idle_seconds
            self.go_on()

    def _answer(self, turn: Turn) -> None:
        self._answered, self.deadline = turn, math.inf
        turn.task = self.loop.create_task(turn.run())
        self.tasks.add(turn.task)

    def _scope(self) -> dict[str, Any]:
        url = self._url if self._url.startswith(b"/") else _path_of(self._url)
        raw, _mark, query = url.partition(b"?")
        path = raw.decode("latin-1")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self._parser.get_http_version(),
            "method": self._parser.get_method().decode("latin-1"),
            "scheme": "http",
            "path": urllib.parse.unquote(path) if "%" in path else path,
            "raw_path": raw,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
        }

    def _head_size(self) -> int:
        return len(self._url) + sum([len(name) + len(value) + 4 for name, value in self._headers])

    def _end_with_what_came(self) -> None:
        """The last request that can be read is the last of the connection."""
        last = self._waiting[-1] if self._waiting else self._answered
        if last:
            last.is_last = True

    def _decline(self, rest: bytes) -> None:
        """There is no other protocol: it is answered in this one, as Java's client expects, and nothing is read after it."""
        self._end_with_what_came()
        self._declined = turn = self._waiting[-1] if self._waiting else self._answered
        headers = dict(turn.headers) if turn else {}
        if turn is None or b"transfer-encoding" in headers:
            self._transport.close()
            return
        self._declined_left = int(headers.get(b"content-length", b"0"))
        turn.is_whole = not self._declined_left
        self._take_declined(rest)

    def _take_declined(self, data: bytes) -> None:
        turn, body = self._declined, data[: self._declined_left]
        if turn and body:
            self._declined_left -= len(body)
            turn.take(body)
            turn.is_whole = not self._declined_left
            turn.wake()

    def _refuse(self, code: str) -> None:
        """What cannot be read, after the answers that are due: while one is sent, it would be taken for a part of it."""
        if self._answered and self._read is None:
            self._end_with_what_came()
        elif self._read and not (self._read is self._answered and self._read.give_up()):
            self._transport.close()
        else:
            problem = Problem(code)
            content = problem.body(LANGUAGES[0])
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
            self.write(_head(problem.status, headers) + b"connection: close\r\n\r\n" + content)
            self._transport.close()


class Turn:
    """One request and its answer."""

    def __init__(self, front: Front, scope: dict[str, Any], *, is_last: bool, expects: bool) -> None:
        self._front, self._scope = front, scope
        scope["extensions"] = {POURED: self}
        self.is_last = is_last  # of its connection
        self.is_whole = False  # the request was received
        self.is_over = False  # the answer was sent
        self._is_begun = False
        self._body: list[bytes] = []
        self._held = 0
        self._is_given = False  # all of the body
        self.task: asyncio.Task[None] | None = None
        self._expects = expects  # to be told to go on
        self._waiter: asyncio.Future[None] | None = None
        self._head = b""  # not sent yet
        self._chunked = False
        self._has_no_body = scope["method"] == "HEAD"
        self._left: int | None = 0  # bytes that are still to come of an answer; None: it did not say

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self._scope["headers"])

    async def run(self) -> None:
        try:
            await self._front.application(self._scope, self.receive, self.send)
        except asyncio.CancelledError:  # by uvicorn, which has waited long enough
            self._front.close()
            raise
        except Exception:
            log.exception("A request could not be answered")
        finally:
            self._front.tasks.discard(self.task)
            self._scope = {}  # it knows this: nothing is left to be found by the collector of cycles
        if not self.is_over:  # whoever waits sees that it is not whole
            self._front.close()

    def give_up(self) -> bool:
        """The request cannot be read to its end: what it would be answered goes nowhere. False where some of that has left."""
        if self._is_begun:
            return False
        self.is_over = True
        self._body.clear()
        self.wake()
        return True

    def take(self, body: bytes) -> None:
        if self.is_over:
            return
        self._body.append(body)
        self._held += len(body)
        if self._held > HIGH:
            self._front.pause()
        self.wake()

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter and not waiter.done():
            waiter.set_result(None)

    async def receive(self) -> Message:
        front = self._front
        if self._expects:
            self._expects = False
            front.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self._body or self.is_over or front.is_lost or (self.is_whole and not self._is_given)):
            front.go_on()
            self._waiter = front.loop.create_future()
            await self._waiter
        if front.is_lost or self.is_over:
            return {"type": "http.disconnect"}
        pieces, self._body, self._held = self._body, [], 0
        self._is_given = self.is_whole
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    async def send(self, message: Message) -> None:
        front = self._front
        await self.room()
        if self.is_over or front.is_lost:
            return
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        head, self._head = self._head, b""
        if self._has_no_body:
            piece = head
        elif self._chunked:
            piece = b"%b%x\r\n%b\r\n" % (head, len(body), body) if body else head
            if not more:
                piece += b"0\r\n\r\n"
        else:
            piece = head + body
            if self._left is not None:
                self._left -= len(body)
                if self._left < 0 or (self._left and not more):
                    raise RuntimeError("an answer is not of the length that it said")
        if piece:
            front.write(piece)
        if not more:
            self.is_over = True
            self._body.clear()
            self.wake()
            front.ended(self)

    def pour(self, body: bytes) -> bool:
        """A piece of a stream that has begun, without waiting. False where the client takes no more: `room` says when."""
        front = self._front
        if not (self.is_over or front.is_lost):
            front.write(b"%x\r\n%b\r\n" % (len(body), body) if self._chunked else body)
        return front.untaken is None

    async def room(self) -> None:
        if self._front.untaken:
            await asyncio.shield(self._front.untaken)

    def _begin(self, status: int, headers: Any) -> None:
        """What is of a known length leaves with its head; a stream begins at once."""
        lines = _head(status, headers)
        self._is_begun = True
        length = next((value for name, value in headers if name == b"content-length"), None)
        is_known = length is not None or self._has_no_body
        is_ended_by_closing = not is_known and self._scope["http_version"] == "1.0"
        self.is_last = self.is_last or is_ended_by_closing
        if self.is_last:
            lines += b"connection: close\r\n"
        if is_known or is_ended_by_closing:
            self._left, self._head = int(length or 0) if is_known else None, lines + b"\r\n"
        else:
            self._chunked = True
            self._front.write(lines + b"transfer-encoding: chunked\r\n\r\n")


def _head(status: int, headers: Any) -> bytes:
    """Without the empty line that ends it. Raises RuntimeError for a header that would be two."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not lines.count(b"\r") == lines.count(b"\n") == len(headers):
        raise RuntimeError("a header with a line end in it")
    return (_STATUS.get(status) or b"HTTP/1.1 %d \r\n" % status) + lines


def _path_of(url: bytes) -> bytes:
    """Of an address in full, as it is sent to a proxy; "*" and others have no place here."""
    with suppress(httptools.HttpParserError):
        parsed = httptools.parse_url(url)
        return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
    return b"/*"


# One clock


class _Clock:
    """Of the connections of one loop. It stops when there are none."""

    def __init__(self) -> None:
        self.connections: set[Front] = set()
        self._runs = False

    def add(self, connection: Front, loop: asyncio.AbstractEventLoop) -> None:
        self.connections.add(connection)
        if not self._runs:
            self._runs = True
            loop.call_later(SWEPT_EVERY, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        for connection in [one for one in self.connections if one.deadline < now]:
            connection.leave()
        self._runs = bool(self.connections)
        if self._runs:
            loop.call_later(SWEPT_EVERY, self._sweep, loop)


_clocks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clock] = WeakKeyDictionary()


def _clock_of(loop: asyncio.AbstractEventLoop) -> _Clock:
    return _clocks.get(loop) or _clocks.setdefault(loop, _Clock())


_ASGI = {"version": "3.0", "spec_version": "2.3"}
_STATUS = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode("ascii") for one in HTTPStatus}
