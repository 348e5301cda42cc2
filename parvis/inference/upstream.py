"""The HTTP client of language models: OpenAI-compatible servers (vLLM, Ollama, llama.cpp, Albert…) and Mistral's API.

Only `door` calls it. The destination comes from rows an administrator wrote, or from the operator's environment, and from
nowhere else: no redirect is followed, no proxy and no netrc is read from the environment. What a name resolves to is checked,
and connected to as it was checked. The key goes into one header; it is in no exception, no representation and no log. Whatever
a server sends is bounded in size and in time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import numpy as np
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from numpy.typing import NDArray

from parvis.inference.addresses import is_of_the_machine
from parvis.inference.completion import Delta, Message, UpstreamError

__all__ = ["Delta", "Endpoint", "UpstreamError", "embed", "list_models", "stream_chat"]

LONGEST_LINE = 1 << 20  # bytes of one event
LONGEST_STREAM = 16 << 20
LONGEST_BODY = 64 << 20  # embeddings are large
LONGEST_ERROR = 16 << 10
TEXTS_PER_REQUEST = 64


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`base_url` with or without /v1. `kind` is "openai" or "mistral". An empty key sends none. `counts_as_it_goes`: it is
    asked to say with each piece how many tokens there were."""

    base_url: str
    api_key: str = field(repr=False)
    model: str
    kind: str = "openai"
    counts_as_it_goes: bool = False


async def stream_chat(
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    max_tokens: int = 1_024,
    temperature: float = 0.1,
    connect_timeout: float = 10.0,
    idle_timeout: float = 60.0,
    total_timeout: float = 300.0,
) -> AsyncGenerator[Delta, None]:
    """The pieces of one answer. Raises UpstreamError, possibly after some pieces. Closing it hangs up."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": list(messages),
        "stream": True,
        "temperature": temperature,
        "max_tokens": max_tokens,
    }
    if endpoint.kind != "mistral":  # which counts tokens unasked, and refuses fields it does not know
        body["stream_options"] = {"include_usage": True} | ({_EACH_PIECE: True} if endpoint.counts_as_it_goes else {})
    timeout = aiohttp.ClientTimeout(total=total_timeout, sock_connect=connect_timeout, sock_read=idle_timeout)
    failure: UpstreamError | None = None
    try:
        async with _posted(endpoint, "chat/completions", body, timeout) as response:
            async for delta in _deltas(response):
                yield delta
    except _NETWORK_ERRORS as error:
        failure = _failure(error)
    if failure:  # raised here: an exception of aiohttp carries the request's headers, and must not be its context
        raise failure


async def embed(
    endpoint: Endpoint,
    texts: Sequence[str],
    *,
    connect_timeout: float = 10.0,
    idle_timeout: float = 60.0,
    total_timeout: float = 300.0,
) -> tuple[NDArray[np.float32], int | None]:
    """One row per text, in order; and the tokens that the server counted, None where it did not. Raises UpstreamError."""
    timeout = aiohttp.ClientTimeout(total=total_timeout, sock_connect=connect_timeout, sock_read=idle_timeout)
    batches = [texts[start : start + TEXTS_PER_REQUEST] for start in range(0, len(texts), TEXTS_PER_REQUEST)]
    rows: list[NDArray[np.float32]] = []
    tokens: int | None = 0
    for batch in batches:
        body = {"model": endpoint.model, "input": list(batch)}
        answer = await _json(endpoint, "embeddings", body, timeout)
        rows += _vectors(answer, len(batch))
        counted = _count(answer["usage"].get("prompt_tokens")) if isinstance(answer.get("usage"), dict) else None
        tokens = None if tokens is None or counted is None else tokens + counted
    if len({row.shape for row in rows}) > 1:
        raise UpstreamError("garbage")
    return np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32), tokens


async def list_models(endpoint: Endpoint, *, total_timeout: float = 10.0) -> list[str]:
    """The names of the models the server says it has. Raises UpstreamError."""
    timeout = aiohttp.ClientTimeout(total=total_timeout)
    answer = await _json(endpoint, "models", None, timeout)
    rows = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise UpstreamError("garbage")
    return [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


# Requests


def _url(endpoint: Endpoint, path: str) -> str:
    """The address of `path`, "/v1" being added where the base has no version."""
    try:
        parts = urlsplit(endpoint.base_url.strip())
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UpstreamError("unreachable", reason="address")
    if is_of_the_machine(parts.hostname or ""):
        raise UpstreamError("forbidden_address")
    base = _OPERATION.sub("", parts.path.rstrip("/"))
    if not _VERSION.search(base):
        base += "/v1"
    return urlunsplit((parts.scheme, parts.netloc, f"{base}/{path}", "", ""))


@asynccontextmanager
async def _posted(
    endpoint: Endpoint, path: str, body: dict[str, Any] | None, timeout: aiohttp.ClientTimeout
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer of the server when it accepted the request. A field that it says it refuses is left out, once each."""
    url, headers = _url(endpoint, path), _headers(endpoint)
    method = "GET" if body is None else "POST"
    connector = aiohttp.TCPConnector(resolver=_Resolver(), use_dns_cache=False)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False, max_line_size=16 << 10
    ) as session:
        for _ in range(len(_OPTIONAL) + 2):
            async with session.request(method, url, json=body, headers=headers, allow_redirects=False) as response:
                if response.status == 200:
                    yield response
                    return
                said = (await _read(response, LONGEST_ERROR, truncate=True)).decode(errors="replace").lower()
                body = _without_refused_field(body, response.status, said)
                if body is None:
                    raise _refusal(response, said)
    raise UpstreamError("refused")


class _Resolver(AbstractResolver):
    """The system's, refusing what leads to the machine's own secrets: aiohttp connects to the addresses that it gives."""

    def __init__(self) -> None:
        self._system = ThreadedResolver(asyncio.get_running_loop())

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        if any(is_of_the_machine(row["host"]) for row in found):
            raise UpstreamError("forbidden_address")
        return found

    async def close(self) -> None:
        await self._system.close()


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity", "User-Agent": "parvis"}
    key = endpoint.api_key.strip()
    if not key.isascii() or any(character.isspace() or not character.isprintable() for character in key):
        raise UpstreamError("refused_key")
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})


async def _json(endpoint: Endpoint, path: str, body: dict[str, Any] | None, timeout: aiohttp.ClientTimeout) -> Any:
    failure: UpstreamError | None = None
    try:
        async with _posted(endpoint, path, body, timeout) as response:
            return _parsed(await _read(response, LONGEST_BODY))
    except _NETWORK_ERRORS as error:
        failure = _failure(error)
    raise failure


async def _read(response: aiohttp.ClientResponse, most: int, *, truncate: bool = False) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            if truncate:
                break
            raise UpstreamError("too_large")
    return bytes(body[:most])


def _parsed(body: bytes) -> Any:
    parsed = _json_or_none(body)
    if parsed is None:
        raise UpstreamError("garbage")
    return parsed


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


# Streams


async def _deltas(response: aiohttp.ClientResponse) -> AsyncIterator[Delta]:
    if response.content_type == "application/json":  # a server that does not stream
        yield _delta(_parsed(await _read(response, LONGEST_STREAM)), whole=True)
        return
    lines, received, ended = _Lines(), 0, False
    async for chunk in response.content.iter_any():
        received += len(chunk)
        if received > LONGEST_STREAM:
            raise UpstreamError("too_large")
        for data in lines.push(chunk):
            if data.strip() == b"[DONE]":
                return
            delta = _delta(_parsed(data))
            ended = ended or bool(delta.finish)
            yield delta
    for data in lines.close():  # the last event, without the blank line that ends it: whole, or cut
        if data.strip() == b"[DONE]":
            return
        if (event := _json_or_none(data)) is not None:
            delta = _delta(event)
            ended = ended or bool(delta.finish)
            yield delta
    if not ended:
        raise UpstreamError("cut")


class _Lines:
    """The data of server-sent events, from bytes cut anywhere. Several data lines are one event; those of a server that
    forgets the blank line between events are one each."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._after_return = False

    def push(self, chunk: bytes) -> Iterator[bytes]:
        if self._after_return:
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk)
        for line in lines:
            self._line += line
            yield from self._take()
        self._line += rest
        if len(self._line) > LONGEST_LINE:
            raise UpstreamError("too_large")

    def close(self) -> Iterator[bytes]:
        yield from self._take()
        yield from self._event()

    def _take(self) -> Iterator[bytes]:
        line, self._line = bytes(self._line), bytearray()
        if len(line) > LONGEST_LINE:
            raise UpstreamError("too_large")
        if not line:
            yield from self._event()
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not _OTHER_FIELD.match(line):
            raise UpstreamError("garbage")

    def _event(self) -> Iterator[bytes]:
        data, self._data = self._data, []
        if len(data) > 1 and all(piece.lstrip()[:1] == b"{" and piece.rstrip()[-1:] == b"}" for piece in data):
            yield from data
        elif any(piece.strip() for piece in data):
            yield b"\n".join(data)


def _delta(event: Any, *, whole: bool = False) -> Delta:
    """One piece from one event; reasoning and tool calls are no part of an answer."""
    if not isinstance(event, dict):
        raise UpstreamError("garbage")
    if event.get("error"):
        raise _reported(event["error"])
    choices, usage = event.get("choices"), event.get("usage")
    if not isinstance(choices, list | None) or (whole and not choices):
        raise UpstreamError("garbage")
    choice = choices[0] if choices else {}
    if not isinstance(choice, dict):
        raise UpstreamError("garbage")
    message = choice.get("message" if whole else "delta")
    content = message.get("content") if isinstance(message, dict) else choice.get("text")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    finish = choice.get("finish_reason")
    hidden = [message.get(name) for name in _HIDDEN] if isinstance(message, dict) else []
    return Delta(
        text=_content(content),
        finish=finish if isinstance(finish, str) else "",
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")),
        unsaid=sum(len(json.dumps(one, ensure_ascii=False).encode()) - 2 for one in hidden if one),
    )


def _content(content: Any) -> str:
    """A string, or Mistral's list of chunks of which the thinking is left out."""
    if isinstance(content, list):
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        )
    return content if isinstance(content, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _vectors(answer: Any, expected: int) -> list[NDArray[np.float32]]:
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) != expected or not all(isinstance(row, dict) for row in rows):
        raise UpstreamError("garbage")
    places = [row.get("index", position) for position, row in enumerate(rows)]
    if sorted(place for place in places if isinstance(place, int)) != list(range(expected)):
        raise UpstreamError("garbage")
    vectors = [_vector(row.get("embedding")) for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]
    return vectors


def _vector(value: Any) -> NDArray[np.float32]:
    vector = _floats(value)
    if vector is None or vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise UpstreamError("garbage")
    return vector


def _floats(value: Any) -> NDArray[np.float32] | None:
    """Numbers, or the base64 of little-endian 32-bit floats."""
    try:
        if isinstance(value, str):
            return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
        return np.asarray(value, dtype=np.float32)
    except (ValueError, TypeError, OverflowError, binascii.Error):
        return None


# Failures


def _failure(error: Exception) -> UpstreamError:
    if isinstance(error, UpstreamError):
        return error
    if isinstance(error, aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return UpstreamError("unreachable")
    if isinstance(error, TimeoutError):
        return UpstreamError("stalled")
    if isinstance(error, aiohttp.ClientResponseError):  # not HTTP
        return UpstreamError("garbage")
    return UpstreamError("cut")


_NETWORK_ERRORS = (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)


def _refusal(response: aiohttp.ClientResponse, said: str) -> UpstreamError:
    """What a status means. Nothing the server wrote is repeated: it may hold the key or the question."""
    status = response.status
    if status in {401, 403}:
        return UpstreamError("refused_key", status=status)
    if status == 429:
        return UpstreamError("rate_limited", retry_after=_retry_after(response.headers.get("Retry-After", "")))
    if status == 413 or (status in {400, 422} and _TOO_LONG.search(said)):
        return UpstreamError("too_long", status=status)
    if status == 404 or (status in {400, 422} and _UNKNOWN_MODEL.search(said)):
        return UpstreamError("unknown_model", status=status)
    if status >= 500 or status == 408:
        return UpstreamError("overloaded", status=status)
    return UpstreamError("refused", status=status)


def _reported(error: Any) -> UpstreamError:
    """An error told inside a stream that had begun."""
    said = json.dumps(error).lower() if isinstance(error, dict | str) else ""
    if _TOO_LONG.search(said):
        return UpstreamError("too_long")
    if "429" in said or "rate_limit" in said or "rate limit" in said:
        return UpstreamError("rate_limited", retry_after=None)
    return UpstreamError("overloaded")


def _retry_after(value: str) -> float | None:
    """Seconds, at most a day, from the header's number or date."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), 86_400.0) if math.isfinite(seconds) else None


def _without_refused_field(body: dict[str, Any] | None, status: int, said: str) -> dict[str, Any] | None:
    """The body without an optional field the server says it does not take, or None when it is not about that."""
    if body is None or status not in {400, 422} or _TOO_LONG.search(said):
        return None
    if _EACH_PIECE in said and _EACH_PIECE in body.get("stream_options", {}):
        return body | {"stream_options": {"include_usage": True}}
    for name, other in _OPTIONAL.items():
        if name in body and name in said:
            kept = {key: value for key, value in body.items() if key != name}
            return kept | ({other: body[name]} if other in said else {})
    return None


# Fields some servers refuse, and the one they want in its place.
_OPTIONAL = {"stream_options": "\0", "max_tokens": "max_completion_tokens", "temperature": "\0"}
_EACH_PIECE = "continuous_usage_stats"  # vLLM's and SGLang's name for it
_HIDDEN = ("reasoning_content", "reasoning", "tool_calls")
_OPERATION = re.compile(r"/(?:chat/completions|completions|embeddings|models)$")
_VERSION = re.compile(r"/v\d+[a-z0-9]*(?:/|$)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_OTHER_FIELD = re.compile(rb":|event\b|id\b|retry\b|data$")
_TOO_LONG = re.compile(
    r"context[ _]length|context[ _]window|maximum context|too long|too many tokens|exceeds? the (?:max|context)"
)
_UNKNOWN_MODEL = re.compile(
    r"invalid[ _]model|unknown[ _]model|model[ _]not[ _]found|model\b.{0,80}(?:does not exist|not found)"
)
