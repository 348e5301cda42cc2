"""Assistants are asked of the console plane: it searches, has the model quote, and verifies. In this process where both planes
are mounted together, over the network of the machine otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from parvis.gateway.problems import Problem
from parvis.inference.completion import UpstreamError
from parvis.inference.destinations import Target
from parvis.inference.pool import Pool, sending

PREFIX = "parvis/"
PATH = "/api/openai"
LONGEST_LIST = 8 << 20
SECONDS = 110.0
ENDS_WITHIN = 2.0
_KEPT_HEADERS = (b"parvis-digital-source-type", b"x-parvis-zone", b"x-parvis-cost")

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


@dataclass(slots=True)
class Reply:
    status: int
    headers: dict[bytes, bytes]
    pieces: AsyncIterator[bytes] = field(repr=False)

    @property
    def content_type(self) -> bytes:
        return self.headers.get(b"content-type", b"application/json")

    @property
    def kept(self) -> list[tuple[bytes, bytes]]:
        return [(name, self.headers[name]) for name in _KEPT_HEADERS if name in self.headers]


class Console(Protocol):
    def asked(
        self, operation: str, token: str, language: str, body: bytes | None = None
    ) -> Any:  # an asynchronous context manager that gives a Reply
        """Raises Problem when the console does not answer."""


class DistantConsole:
    """Where `parvis serve` listens."""

    def __init__(self, url: str, pool: Pool, host: str = "") -> None:
        """`host`: a name under which the console serves pages."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        self._target = Target(parts.hostname or "127.0.0.1", parts.port or (443 if tls else 80), tls, PATH, inside=True)
        self._pool, self._host = pool, host

    @asynccontextmanager
    async def asked(self, operation: str, token: str, language: str, body: bytes | None = None) -> AsyncIterator[Reply]:
        method = "GET" if body is None else "POST"
        head = sending(self._target, operation, token, method=method, language=language, host=self._host).head(
            "", len(body or b"")
        )
        try:
            answer = await self._pool.send(self._target, head, body or b"", first=SECONDS)
        except UpstreamError:
            raise Problem("console_away", retry_after=5) from None
        try:
            yield Reply(answer.status, answer.headers, _pieces(answer.read))
        except UpstreamError:
            raise Problem("console_away", retry_after=5) from None
        finally:
            answer.leave()


class MountedConsole:
    """The application of the console plane, in this process."""

    def __init__(self, app: App, host: str) -> None:
        self._app, self._host = app, host

    @asynccontextmanager
    async def asked(self, operation: str, token: str, language: str, body: bytes | None = None) -> AsyncIterator[Reply]:
        headers = [
            (b"host", self._host.encode()),
            (b"authorization", f"Bearer {token}".encode()),
            (b"accept-language", language.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body or b"")),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET" if body is None else "POST",
            "scheme": "http",
            "path": f"{PATH}/{operation}",
            "raw_path": f"{PATH}/{operation}".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 0),
        }
        call = _Call(body or b"")
        task = asyncio.ensure_future(self._app(scope, call.receive, call.send))
        task.add_done_callback(call.end)
        try:
            first = await call.next()
            if first is None:
                raise Problem("console_away", retry_after=5)
            yield Reply(first["status"], {name.lower(): value for name, value in first["headers"]}, call.pieces())
        finally:
            call.leave()
            await asyncio.wait({task}, timeout=ENDS_WITHIN)  # it closes what it opened
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class _Call:
    """One call of an application: its messages, one after the other; who reads them holds it back."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._left = asyncio.Event()
        self._messages: asyncio.Queue[MutableMapping[str, Any] | None] = asyncio.Queue(maxsize=8)

    async def receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if not self._left.is_set():
            await self._messages.put(message)

    async def next(self) -> MutableMapping[str, Any] | None:
        return await self._messages.get()

    async def pieces(self) -> AsyncIterator[bytes]:
        while (message := await self.next()) is not None:
            if piece := message.get("body", b""):
                yield piece
            if not message.get("more_body"):
                return

    def leave(self) -> None:
        self._left.set()
        while not self._messages.empty():  # whoever waits to be read goes on, and learns that nobody reads
            self._messages.get_nowait()

    def end(self, _task: object) -> None:
        while self._messages.full():
            self._messages.get_nowait()
        self._messages.put_nowait(None)


async def assistants(console: Console, token: str, language: str) -> list[dict[str, object]]:
    """Those that the key may ask now, as rows of a list of models; none where the console is away."""
    try:
        async with console.asked("models", token, language) as reply:
            content = await _whole(reply)
        if reply.status != 200:
            return []
        return msgspec.json.decode(content, type=_Listed).data
    except (Problem, msgspec.MsgspecError, UnicodeDecodeError):
        return []


async def refusal(reply: Reply, model: str) -> Problem:
    """What the console answered instead of an answer."""
    content = await _whole(reply)
    try:
        error = msgspec.json.decode(content, type=_Refused).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Problem("console_away", retry_after=5)
    if reply.status == 404:
        return Problem("model_not_found", {"model": model[:200]}, param="model")
    return Problem("assistant_refused", {"said": error.message[:500]}, status_given=reply.status)


class _Listed(msgspec.Struct):
    data: list[dict[str, object]]


class _Error(msgspec.Struct):
    message: str = ""


class _Refused(msgspec.Struct):
    error: _Error


async def _whole(reply: Reply) -> bytes:
    pieces, size = [], 0
    async for piece in reply.pieces:
        pieces.append(piece)
        size += len(piece)
        if size > LONGEST_LIST:
            raise Problem("console_away", retry_after=5)
    return b"".join(pieces)


async def _pieces(read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    while piece := await read():
        yield piece
