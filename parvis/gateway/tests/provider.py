"""A small real provider: HTTP/1.1 with keep-alive, chat completions, embeddings and responses as OpenAI writes them.

It does as the request says, in a field that OpenAI does not know (`script`): how many tokens, how slowly, which fault at which
chunk, or to say the question again (`repeats`), in two pieces (`cut`). In a process of its own:
`python -m parvis.gateway.tests.provider [PORT]` writes its address on standard output.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httptools

FAULTS = (
    "none", "cut", "reset", "stall", "truncate", "garbage", "not_json", "binary", "error", "no_done", "429", "500", "503",
    "400", "401", "404", "redirect", "huge_head", "wrong_length", "gzip", "html",
)  # fmt: skip


@dataclass(slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Provider:
    """`async with Provider() as provider:` serves on a free port. `counted` are the tokens of each whole answer by request id,
    `written` those that it had read and written of a stream when it last said something, which is what it bills."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    written: dict[str, tuple[int, int]] = field(default_factory=dict)
    checked: int = 0  # which models it has was asked
    open: int = 0
    remembers: bool = True
    first_ms: int = 0  # of silence before each answer, after its head where it is a stream
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> Provider:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Serving(self), "127.0.0.1", self.port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aenter__(self) -> Provider:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()


class Serving(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.parser = httptools.HttpRequestParser(self)
        self.path, self.headers, self.body = "", {}, bytearray()  # type: ignore[var-annotated]
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.provider.open += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.provider.open -= 1
        if self.task:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.headers, self.body = {}, bytearray()

    def on_url(self, url: bytes) -> None:
        self.path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        body = bytes(self.body)
        if self.parser.get_method() == b"GET":
            self.provider.checked += 1
            self.whole('{"object": "list", "data": [{"id": "petit", "object": "model"}]}')
            return
        if self.provider.remembers:
            self.provider.received.append(Received(self.path, self.headers, body))
        try:
            self.obey(json.loads(body))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            self.whole('{"error": {"message": "not as it should be"}}', 400)

    def obey(self, asked: dict[str, Any]) -> None:
        script = asked.get("script", {})
        fault, status = script.get("fault", "none"), script.get("fault", "")
        if status.isdigit():
            message = script.get("says", "the provider says no, in its own words")
            extra = "Retry-After: 7\r\n" if status == "429" else ""
            self.whole(json.dumps({"error": {"message": message, "type": "x", "code": "y"}}), int(status), extra)
        elif fault == "redirect":
            self.whole("{}", 307, f"Location: {script.get('to', 'http://127.0.0.1:1/v1/')}\r\n")
        elif fault == "html":
            self.whole("<html>hello</html>", 200, kind="text/html")
        elif fault == "gzip":
            self.whole("{}", 200, "Content-Encoding: gzip\r\n")
        elif fault == "huge_head":
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100_000)
        elif asked.get("stream"):
            self.task = asyncio.get_running_loop().create_task(self.stream(asked, script))
        elif (
            script.get("first_ms")
            or self.provider.first_ms
            or fault not in ("none", "error", "garbage", "not_json", "binary", "wrong_length")
        ):
            self.task = asyncio.get_running_loop().create_task(self.late(asked, script))
        else:
            self.answer(asked, script)

    def whole(self, text: str, status: int = 200, extra: str = "", kind: str = "application/json") -> None:
        body = text.encode()
        head = f"HTTP/1.1 {status} S\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        self.transport.write(head.encode() + body)

    def count(self, asked: dict[str, Any], out: int) -> dict[str, int]:
        taken = _taken(asked)
        if self.provider.remembers:
            self.provider.counted[self.headers.get("x-request-id", "")] = (taken, out)
        return _usage(taken, out)

    async def late(self, asked: dict[str, Any], script: dict[str, Any]) -> None:
        await asyncio.sleep(script.get("first_ms", self.provider.first_ms) / 1000)
        fault = script.get("fault", "none")
        if fault == "stall":
            await asyncio.sleep(3600)
        elif fault == "cut":
            self.transport.close()
        elif fault == "reset":
            self.transport.abort()
        elif fault == "truncate":
            self.transport.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: application/json\r\n\r\n{"id": "ch')
            self.transport.close()
        else:
            self.answer(asked, script)

    def answer(self, asked: dict[str, Any], script: dict[str, Any]) -> None:
        fault = script.get("fault", "none")
        if fault == "garbage":
            self.transport.write(b"\x00\x01\x02 not http at all\r\n\r\n")
        elif fault == "not_json":
            self.whole("{'id': nope}")
        elif fault == "binary":
            self.whole("\u0000\ufffd" * 50)
        elif fault == "error":
            self.whole(json.dumps({"error": {"message": "inside", "type": "x"}}))
        elif fault == "wrong_length":
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 50\r\n\r\n{}")
        elif self.path.endswith("/embeddings"):
            self.whole(json.dumps(self.embeddings(asked)))
        elif self.path.endswith("/responses"):
            self.whole(json.dumps(self.response(asked, script)))
        else:
            self.whole(json.dumps(self.completion(asked, script)))

    def completion(self, asked: dict[str, Any], script: dict[str, Any]) -> dict[str, Any]:
        tokens = script.get("tokens", 8)
        message: dict[str, Any] = {"role": "assistant", "content": _said(asked, tokens), "refusal": None}
        finish = "stop"
        if asked.get("tools"):
            name = asked["tools"][0]["function"]["name"]
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": _given(asked)}}
            message, finish = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}, "tool_calls"
        elif (asked.get("response_format") or {}).get("type") == "json_schema":
            message["content"] = '{"ville": "Rennes"}'
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": asked["model"],
            "choices": [{**choice, "index": index} for index in range(asked.get("n") or 1)],
            "usage": self.count(asked, tokens),
        }

    def embeddings(self, asked: dict[str, Any]) -> dict[str, Any]:
        given = asked["input"]
        texts = given if isinstance(given, list) else [given]
        if (asked.get("dimensions") or 8) > 4_096:
            raise ValueError("too many dimensions")
        rows: list[dict[str, Any]] = []
        for index, text in enumerate(texts):
            numbers = [random.Random(f"{text}{place}").uniform(-1, 1) for place in range(asked.get("dimensions") or 8)]
            encoded: Any = numbers
            if asked.get("encoding_format") == "base64" and asked["model"] != "numbers-only":
                encoded = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
            rows.append({"object": "embedding", "index": index, "embedding": encoded})
        usage = self.count(asked, 0)
        usage.pop("completion_tokens")
        return {"object": "list", "data": rows, "model": asked["model"], "usage": usage}

    def response(self, asked: dict[str, Any], script: dict[str, Any]) -> dict[str, Any]:
        usage = self.count(asked, script.get("tokens", 8))
        text = {"type": "output_text", "text": _said(asked, script.get("tokens", 8)), "annotations": [], "logprobs": []}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_760_000_000,
            "status": "completed",
            "model": asked["model"],
            "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "temperature": 1.0,
            "top_p": 1.0,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": usage["prompt_tokens"],
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": usage["completion_tokens"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage["total_tokens"],
            },
        }

    async def stream(self, asked: dict[str, Any], script: dict[str, Any]) -> None:
        tokens, gap = script.get("tokens", 8), script.get("gap_ms", 0) / 1000
        fault, at = script.get("fault", "none"), script.get("at", 0)
        ends = "\r\n\r\n" if script.get("crlf") else "\n\n"
        if script.get("first_ms"):
            await asyncio.sleep(script["first_ms"] / 1000)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.transport.write(head)
        if self.provider.first_ms:
            await asyncio.sleep(self.provider.first_ms / 1000)
        events = self.events(asked, tokens)
        for index, event in enumerate(events):
            if script.get("timed"):
                event = event.replace("mot", f"mot@{time.monotonic_ns()}_", 1)
            if fault != "none" and index == at and await self.fails(fault, event + ends):
                return
            if fault == "no_done" and event == "data: [DONE]":
                continue
            self.chunk((event + ends).encode())
            if self.provider.remembers:
                self.provider.written[self.headers.get("x-request-id", "")] = (_taken(asked), min(index, tokens))
            if gap:
                await asyncio.sleep(gap)
        self.transport.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def fails(self, fault: str, event: str) -> bool:
        """True when nothing comes after."""
        if fault == "cut":
            self.transport.close()
        elif fault == "reset":
            self.transport.abort()
        elif fault == "stall":
            await asyncio.sleep(3600)
        elif fault == "truncate":  # in the middle of an event
            self.chunk(event[: len(event) // 2].encode())
            self.transport.close()
        elif fault == "garbage":  # no chunk at all
            self.transport.write(b"zz\r\n\x00\xff garbage\r\n")
        elif fault == "not_json":
            self.chunk(b"data: {'choices': nope\n\n")
        elif fault == "binary":
            self.chunk(bytes(range(256)) + b"\n\n")
        elif fault == "error":
            self.chunk(b'data: {"error": {"message": "the engine died with sk-secret", "type": "server_error"}}\n\n')
            self.transport.write(b"0\r\n\r\n")
        else:
            return False
        return True

    def events(self, asked: dict[str, Any], tokens: int) -> list[str]:
        if self.path.endswith("/responses"):
            return self.response_events(asked, tokens)
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": asked["model"]}

        counted = iter(range(tokens + 1))  # as vLLM does where it is asked to
        counts = (asked.get("stream_options") or {}).get("continuous_usage_stats")

        def choice(delta: dict[str, Any], finish: str | None = None) -> str:
            event = {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
            if counts:
                event["usage"] = _usage(_taken(asked), next(counted, tokens))
            return "data: " + json.dumps(event)

        events = [choice({"role": "assistant", "content": ""})]
        if asked.get("tools"):
            call = {"index": 0, "id": "call_1", "type": "function"}
            name = asked["tools"][0]["function"]["name"]
            first, *others = _pieces(asked, _given(asked), 9)
            events.append(choice({"tool_calls": [{**call, "function": {"name": name, "arguments": first}}]}))
            events += [choice({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in others]
            events.append(choice({}, "tool_calls"))
        else:
            events += [choice({"content": piece}) for piece in _spoken(asked, tokens)]
            events.append(choice({}, "stop"))
        usage = self.count(asked, tokens)
        if (asked.get("stream_options") or {}).get("include_usage"):
            events.append("data: " + json.dumps({**base, "choices": [], "usage": usage}))
        return [*events, "data: [DONE]"]

    def response_events(self, asked: dict[str, Any], tokens: int) -> list[str]:
        whole = self.response(asked, {"tokens": tokens, **asked.get("script", {})})
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events += [
            {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in _spoken(asked, tokens)
        ]
        events.append({"type": "response.completed", "response": whole})
        return [
            f"event: {one['type']}\ndata: " + json.dumps({**one, "sequence_number": number})
            for number, one in enumerate(events)
        ]


def _taken(asked: dict[str, Any]) -> int:
    return len(json.dumps(asked.get("messages") or asked.get("input")).split())


def _usage(taken: int, out: int) -> dict[str, int]:
    return {"prompt_tokens": taken, "completion_tokens": out, "total_tokens": taken + out}


def _said(asked: dict[str, Any], tokens: int) -> str:
    return _question(asked) if asked.get("script", {}).get("repeats") else "mot " * tokens


def _spoken(asked: dict[str, Any], tokens: int) -> list[str]:
    """The same in pieces."""
    if asked.get("script", {}).get("repeats"):
        return _pieces(asked, _question(asked), 1)
    return [f"mot{index} " for index in range(tokens)]


def _given(asked: dict[str, Any]) -> str:
    """To a tool."""
    return json.dumps({"ville": _question(asked) if asked.get("script", {}).get("repeats") else "Rennes"})


def _pieces(asked: dict[str, Any], text: str, usual: int) -> list[str]:
    cut = asked.get("script", {}).get("cut", usual)
    return [text[:cut], text[cut:]]


def _question(asked: dict[str, Any]) -> str:
    said = asked.get("messages") or asked["input"]
    if isinstance(said, list) and "content" in said[-1]:
        said = said[-1]["content"]
    return said if isinstance(said, str) else " ".join(part["text"] for part in said)


async def _serve(port: int) -> None:
    provider = await Provider(port=port, remembers=False).start()
    sys.stdout.write(f"{provider.url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
