"""A small real model server, for tests and benches: it speaks OpenAI's and Mistral's protocols, and misbehaves on demand.

Scripts say what to do with a request; the sockets, the HTTP and the chunks are real. In a process of its own:
`python -m parvis.inference.tests.model_server SCRIPT [PORT]` writes its address on standard output.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import re
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        return "\n".join(str(message.get("content", "")) for message in self.body.get("messages", []))

    @property
    def passages(self) -> dict[int, str]:
        """The numbered passages Parvis put into its prompt."""
        found = re.findall(r"<extrait-(\w+) numero=(\d+)>\n[^\n]*\n(.*?)\n</extrait-\1>", self.prompt, re.DOTALL)
        return {int(number): text for _, number, text in found}


@dataclass
class Reply:
    writer: asyncio.StreamWriter
    chunked: bool = False

    async def start(self, status: int = 200, content_type: str = "text/event-stream", **headers: str) -> None:
        """Without a Content-Length among the headers, the body is chunked."""
        self.chunked = "Content_Length" not in headers
        if self.chunked:
            headers["Transfer_Encoding"] = "chunked"
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw(("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode())

    async def send(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    async def event(self, event: Any) -> None:
        data = event if isinstance(event, str) else json.dumps(event)
        await self.send(f"data: {data}\n\n".encode())

    async def text(self, text: str, finish: str | None = None) -> None:
        await self.event(
            {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
        )

    async def end(self) -> None:
        if self.chunked:
            await self.raw(b"0\r\n\r\n")

    async def json(self, body: Any, status: int = 200, **headers: str) -> None:
        data = json.dumps(body).encode()
        await self.start(status, "application/json", Content_Length=str(len(data)), **headers)
        await self.send(data)

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Script = Callable[[Request, Reply], Awaitable[None]]


@dataclass
class ModelServer:
    """`async with ModelServer(script) as server:` serves on a loopback port; `requests` are those received so far."""

    script: Script
    port: int = 0
    embedding: Script | None = None
    requests: list[Request] = field(default_factory=list)
    hung_up: int = 0  # clients gone before the end

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> ModelServer:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            request = await self._read(reader)
            self.requests.append(request)
            script = asyncio.ensure_future(self._run(request, Reply(writer)))
            gone = asyncio.ensure_future(reader.read(1))
            await asyncio.wait({script, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not script.done():
                self.hung_up += 1
            for running in (script, gone):
                running.cancel()
            await asyncio.gather(script, gone, return_exceptions=True)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, path, headers, json.loads(body) if body else {})

    async def _run(self, request: Request, reply: Reply) -> None:
        if request.path.endswith("/models"):
            await reply.json({"object": "list", "data": [{"id": "petit-modele", "object": "model"}]})
        elif request.path.endswith("/embeddings"):
            await (self.embedding or embeddings)(request, reply)
        else:
            await self.script(request, reply)


# Scripts


def answering(
    text: str, *, size: int = 5, delay: float = 0.0, first_delay: float = 0.0, done: bool = True, usage: bool = True
) -> Script:
    """The text in pieces of `size` characters."""

    async def script(request: Request, reply: Reply) -> None:
        await asyncio.sleep(first_delay)
        await _stream(reply, text, size=size, delay=delay, done=done, usage=usage)

    return script


def sending_vectors(of_text: Callable[[str], list[float]]) -> Script:
    """Embeddings, as that function makes them."""

    async def script(request: Request, reply: Reply) -> None:
        await reply.json({"data": [{"index": n, "embedding": of_text(text)} for n, text in enumerate(request.body["input"])]})

    return script


async def never_answering(request: Request, reply: Reply) -> None:
    await asyncio.sleep(3_600)


def proving(request: Request) -> str:
    """What an honest model writes: the first words of each passage, quoted as its proof."""
    sentences = []
    for number, text in request.passages.items():
        words = re.split(r"(?<=[.!?])\s", text)[0].split()[:18]
        sentences.append(f'{" ".join(words)}. [{number}: "{" ".join(words)}"]')
    return " ".join(sentences[:3]) or "Les documents ne répondent pas."


async def honest(request: Request, reply: Reply) -> None:
    await _stream(reply, proving(request))


async def inventing(request: Request, reply: Reply) -> None:
    """Quotations and pages that do not exist, in all the ways a model can think of."""
    chance = random.Random(len(request.prompt))
    lies = []
    for number, text in [*request.passages.items(), (99, "une page qui n’existe pas du tout dans le corpus")]:
        words = text.split()[:14]
        words.insert(chance.randrange(1, len(words)), chance.choice(["jamais", "toujours", "ne", "42", "Napoléon"]))
        lies.append(f'{" ".join(words)}. [{number}: "{" ".join(words)}"]')
        lies.append(
            f"Selon la page {chance.randrange(900)}, « la règle est tout autre et ne souffre aucun délai » [{number}]."
        )
    await _stream(reply, " ".join(lies))


async def dumping(request: Request, reply: Reply) -> None:
    """All it was given, as a model that obeys a hostile document would write it."""
    await _stream(reply, request.prompt, size=40)


def stalling(text: str) -> Script:
    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        await reply.text(text)
        await asyncio.sleep(3_600)

    return script


def cutting(text: str) -> Script:
    """Closes in the middle of a chunk."""

    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        await reply.text(text)
        await reply.raw(b'4f\r\ndata: {"choices": [{"delta": {"conte')

    return script


def counting(pieces: list[str], *, counts: bool) -> Script:
    """Three tokens a piece, said with each where it is asked to and `counts`."""

    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        each = counts and request.body.get("stream_options", {}).get("continuous_usage_stats")
        for number, piece in enumerate(pieces, 1):
            event: dict[str, Any] = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            if each:
                event["usage"] = {"prompt_tokens": 321, "completion_tokens": 3 * number}
            await reply.event(event)
            await asyncio.sleep(0.01)
        await reply.text("", finish="stop")
        await reply.event({"choices": [], "usage": {"prompt_tokens": 321, "completion_tokens": 3 * len(pieces)}})
        await reply.event("[DONE]")
        await reply.end()

    return script


def leaving_early(text: str) -> Script:
    """Ends cleanly for HTTP, without ever saying that the answer is finished."""

    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        await reply.text(text)
        await reply.end()

    return script


def garbling(text: str, garbage: bytes = b"data: {not json}\n\n") -> Script:
    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        await reply.text(text)
        await reply.send(garbage)
        await reply.end()

    return script


def refusing(status: int, message: str = "", **headers: str) -> Script:
    async def script(request: Request, reply: Reply) -> None:
        await reply.json({"error": {"message": message}}, status, **headers)

    return script


def redirecting(location: str, status: int = 307) -> Script:
    return refusing(status, Location=location)


def refusing_field(name: str, text: str, *, instead: str = "") -> Script:
    """A server that does not take one of the optional fields."""

    async def script(request: Request, reply: Reply) -> None:
        if name in request.body:
            await reply.json({"error": {"message": f"Unsupported parameter: {name}. {instead and f'Use {instead}'}"}}, 400)
        else:
            await _stream(reply, text)

    return script


def failing_inside(text: str, error: Any) -> Script:
    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        await reply.text(text)
        await reply.event({"error": error})
        await reply.end()

    return script


def flooding(piece: bytes, *, times: int = 100_000) -> Script:
    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        for _ in range(times):
            await reply.send(piece)

    return script


def whole(text: str) -> Script:
    """A server that does not stream."""

    async def script(request: Request, reply: Reply) -> None:
        usage = {"prompt_tokens": 12, "completion_tokens": 34}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        await reply.json({"object": "chat.completion", "choices": [choice], "usage": usage})

    return script


def noisy(text: str) -> Script:
    """Reasoning, tool calls, empty pieces, comments and other events around the text."""

    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        await reply.send(b": keep-alive\r\n\r\nevent: ping\nid: 7\nretry: 1000\n\n")
        await reply.event({"choices": [{"delta": {"role": "assistant", "content": None, "reasoning_content": "Voyons."}}]})
        call = {"index": 0, "id": "c1", "function": {"name": "delete_everything", "arguments": "{}"}}
        await reply.event({"choices": [{"delta": {"tool_calls": [call]}}]})
        await reply.event({"choices": []})
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hum."}]}
        await reply.event({"choices": [{"delta": {"content": [thinking, {"type": "text", "text": text}]}}]})
        await reply.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        await reply.event("[DONE]")
        await reply.end()

    return script


def sending(data: bytes) -> Script:
    """These bytes as the body of a stream, one TCP write per byte range of three."""

    async def script(request: Request, reply: Reply) -> None:
        await reply.start()
        for start in range(0, len(data), 3):
            await reply.send(data[start : start + 3])
        await reply.end()

    return script


async def not_http(request: Request, reply: Reply) -> None:
    await reply.raw(b"SSH-2.0-OpenSSH_9.2\r\n" + bytes(range(256)))


async def embeddings(request: Request, reply: Reply) -> None:
    """A vector of eight numbers that depends on the text alone; the rows are not in order."""
    rows = [{"index": index, "embedding": _vector(text)} for index, text in enumerate(request.body["input"])]
    await reply.json({"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 1}})


async def embeddings_in_base64(request: Request, reply: Reply) -> None:
    rows = [{"index": index, "embedding": _as_base64(_vector(text))} for index, text in enumerate(request.body["input"])]
    await reply.json({"data": rows})


def embedding_as(body: Any) -> Script:
    async def script(request: Request, reply: Reply) -> None:
        await reply.json(body)

    return script


async def _stream(
    reply: Reply, text: str, *, size: int = 5, delay: float = 0.0, done: bool = True, usage: bool = True
) -> None:
    await reply.start()
    for start in range(0, len(text), size):
        await reply.text(text[start : start + size])
        if delay:
            await asyncio.sleep(delay)
    await reply.text("", finish="stop")
    if usage:
        await reply.event({"choices": [], "usage": {"prompt_tokens": 321, "completion_tokens": len(text) // size}})
    if done:
        await reply.event("[DONE]")
    await reply.end()


def _vector(text: str) -> list[float]:
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]


def _as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


SCRIPTS: dict[str, Script] = {
    "honest": honest,
    "inventing": inventing,
    "dumping": dumping,
    "stalling": stalling("Je commence une phrase et"),
    "cutting": cutting("Je commence une phrase et"),
    "garbling": garbling("Je commence une phrase et"),
    "busy": refusing(429, Retry_After="7"),
    "broken": refusing(500),
    "slow": answering("Une réponse lente, mot à mot. " * 20, delay=0.05),
    "flooding": flooding(b"data: " + b"x" * 4_000),
    "whole": whole("Une réponse en un morceau."),
    "noisy": noisy("Une réponse parmi du bruit."),
}


async def _serve(name: str, port: int) -> None:
    async with ModelServer(SCRIPTS[name], port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
