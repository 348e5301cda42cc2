"""The client of model servers, over real sockets, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from parvis.inference.completion import Delta
from parvis.inference.tests import model_server
from parvis.inference.tests.model_server import ModelServer, Script
from parvis.inference.upstream import Endpoint, UpstreamError, embed, list_models, stream_chat

KEY = "sk-canari-7f3a9b"
MESSAGES = [{"role": "user", "content": "Bonjour ?"}]
TEXT = "Bonjour à l’été : « ça va », dit-il. 🙂"


def endpoint(server: ModelServer, **values: Any) -> Endpoint:
    return Endpoint(**{"base_url": server.url, "api_key": KEY, "model": "petit-modele"} | values)


async def chat(server: ModelServer, *, kind: str = "openai", **options: Any) -> list[Delta]:
    options = {"connect_timeout": 1.0, "idle_timeout": 0.2, "total_timeout": 2.0} | options
    return [delta async for delta in stream_chat(endpoint(server, kind=kind), MESSAGES, **options)]


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def failure(script: Script, call: Callable[[ModelServer], Awaitable[Any]] = chat) -> UpstreamError:
    async with ModelServer(script) as server:
        with pytest.raises(UpstreamError) as caught:
            await call(server)
    return caught.value


async def until_it_fails(target: Endpoint) -> tuple[str, UpstreamError | None]:
    received = ""
    try:
        async for delta in stream_chat(target, MESSAGES, idle_timeout=0.1):
            received += delta.text
    except UpstreamError as error:
        return received, error
    return received, None


@pytest.mark.parametrize("kind", ["openai", "mistral"])
async def test_an_answer_streams_with_its_counts(kind: str) -> None:
    async with ModelServer(model_server.answering(TEXT)) as server:
        deltas = await chat(server, kind=kind)
    assert text(deltas) == TEXT
    assert [delta.finish for delta in deltas if delta.finish] == ["stop"]
    assert deltas[-1].prompt_tokens == 321
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["stream"] is True
    assert ("stream_options" in request.body) == (kind == "openai")


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/api", "/api/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1beta/openai/", "/v1beta/openai/chat/completions"),
        ("/v1?key=1#x", "/v1/chat/completions"),
    ],
)
async def test_the_base_address_may_be_written_in_many_ways(base: str, path: str) -> None:
    async with ModelServer(model_server.answering("x")) as server:
        async for _ in stream_chat(endpoint(server, base_url=server.url + base), MESSAGES):
            pass
    assert server.requests[0].path == path


@pytest.mark.parametrize(
    "base",
    [
        "",
        "ftp://localhost",
        "file:///etc/passwd",
        "http://",
        "localhost:1",
        "http://a:b@localhost",
        "http://[::1",
        "http://x:99999",
    ],
)
async def test_an_address_that_is_not_one_is_refused_without_a_request(base: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await list_models(Endpoint(base, KEY, "m"))
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    "script",
    [
        model_server.whole(TEXT),
        model_server.noisy(TEXT),
        model_server.answering(TEXT, done=False, usage=False),
        model_server.refusing_field("stream_options", TEXT),
        model_server.refusing_field("temperature", TEXT),
        model_server.refusing_field("max_tokens", TEXT, instead="max_completion_tokens"),
    ],
    ids=["not streaming", "noise", "no DONE", "no stream_options", "no temperature", "no max_tokens"],
)
async def test_servers_that_differ_are_understood(script: Script) -> None:
    async with ModelServer(script) as server:
        assert text(await chat(server)) == TEXT


async def test_a_field_asked_under_another_name_is_given_under_it() -> None:
    script = model_server.refusing_field("max_tokens", "x", instead="max_completion_tokens")
    async with ModelServer(script) as server:
        await chat(server, max_tokens=77)
    assert server.requests[-1].body["max_completion_tokens"] == 77


EVENT = b'{"choices": [{"delta": {"content": "%s"}, "finish_reason": %s}]}'
FIRST, LAST = EVENT % ("é".encode(), b"null"), EVENT % (b"a", b'"stop"')


@pytest.mark.parametrize(
    "body",
    [
        b"data: %s\n\ndata: %s\n\ndata: [DONE]\n\n",
        b"data: %s\r\n\r\ndata: %s\r\n\r\ndata: [DONE]\r\n\r\n",
        b"data: %s\r\rdata: %s\r\rdata:[DONE]\r\r",
        b"data:%s\n\n: comment\n\nevent: x\ndata:%s\n\n",
        b"data: %s\ndata: %s\n",
        b"\n\n\ndata: %s\n\ndata: %s",
    ],
)
async def test_event_streams_are_read_whatever_their_line_ends(body: bytes) -> None:
    async with ModelServer(model_server.sending(body % (FIRST, LAST))) as server:
        assert text(await chat(server)) == "éa"


async def test_data_on_several_lines_is_one_event() -> None:
    body = b'data: {"choices":\ndata: [{"delta": {"content": "oui"},\ndata:  "finish_reason": "stop"}]}\n\n'
    async with ModelServer(model_server.sending(body)) as server:
        assert text(await chat(server)) == "oui"


REFUSALS = [
    (401, "", "refused_key"),
    (403, "", "refused_key"),
    (404, "", "unknown_model"),
    (400, "The model `x` does not exist", "unknown_model"),
    (400, "Invalid model: x", "unknown_model"),
    (400, "This model's maximum context length is 4096 tokens", "too_long"),
    (400, "max_tokens: maximum context length exceeded", "too_long"),
    (413, "", "too_long"),
    (422, "bad role", "refused"),
    (402, "", "refused"),
    (500, "", "overloaded"),
    (503, "", "overloaded"),
]


@pytest.mark.parametrize(("status", "message", "code"), REFUSALS)
async def test_a_refusal_has_its_code(status: int, message: str, code: str) -> None:
    assert (await failure(model_server.refusing(status, message))).code == code


@pytest.mark.parametrize(
    ("value", "seconds"), [("12", 12.0), ("0.5", 0.5), ("-3", 0.0), ("nan", None), ("soon", None), ("1e99", 86_400.0)]
)
async def test_too_many_requests_tells_when_to_come_back(value: str, seconds: float | None) -> None:
    error = await failure(model_server.refusing(429, Retry_After=value))
    assert (error.code, error.params) == ("rate_limited", {"retry_after": seconds})


async def test_a_date_to_come_back_at_is_understood() -> None:
    error = await failure(model_server.refusing(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))
    assert error.params == {"retry_after": 0.0}


FAULTS = [
    (model_server.stalling("Bon"), "stalled"),
    (model_server.cutting("Bon"), "cut"),
    (model_server.leaving_early("Bon"), "cut"),
    (model_server.garbling("Bon"), "garbage"),
    (model_server.garbling("Bon", b"<html>\n\n"), "garbage"),
    (model_server.garbling("Bon", b"data: 42\n\n"), "garbage"),
    (model_server.garbling("Bon", b'data: {"choices": 3}\n\n'), "garbage"),
    (model_server.garbling("Bon", b'data: {"choices": [3]}\n\n'), "garbage"),
    (model_server.garbling("Bon", b"data: " + b"[" * 100_000 + b"\n\n"), "garbage"),
    (model_server.failing_inside("Bon", {"message": "boom", "code": 500}), "overloaded"),
    (model_server.failing_inside("Bon", {"type": "rate_limit_exceeded"}), "rate_limited"),
    (model_server.failing_inside("Bon", "context length exceeded"), "too_long"),
]


@pytest.mark.parametrize(("script", "code"), FAULTS)
async def test_a_fault_comes_after_what_was_received(script: Script, code: str) -> None:
    async with ModelServer(script) as server:
        received, error = await until_it_fails(endpoint(server))
    assert (received, error and error.code) == ("Bon", code)


async def test_the_whole_answer_has_a_deadline() -> None:
    began = time.monotonic()
    script = model_server.answering("a" * 10_000, delay=0.02)
    error = await failure(script, lambda server: chat(server, total_timeout=0.2))
    assert error.code == "stalled"
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 60_000, b": " + b"x" * 60_000 + b"\n"])
async def test_a_flood_is_bounded(piece: bytes) -> None:
    error = await failure(model_server.flooding(piece), lambda server: chat(server, total_timeout=20.0))
    assert error.code == "too_large"


async def test_a_server_that_does_not_speak_http_is_garbage() -> None:
    assert (await failure(model_server.not_http)).code == "garbage"


async def test_nobody_there_is_unreachable() -> None:
    async with ModelServer(model_server.honest) as server:
        pass
    with pytest.raises(UpstreamError) as caught:
        await chat(server)
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    async with ModelServer(model_server.answering("volé")) as thief:
        error = await failure(model_server.redirecting(f"{thief.url}/v1/chat/completions", status))
        assert thief.requests == []
    assert error.code == "refused"


async def test_closing_the_stream_hangs_up() -> None:
    async with ModelServer(model_server.answering("a" * 10_000, delay=0.01)) as server:
        stream = stream_chat(endpoint(server), MESSAGES)
        await anext(stream)
        await stream.aclose()
        for _ in range(100):
            if server.hung_up:
                break
            await asyncio.sleep(0.01)
        assert server.hung_up == 1


@pytest.mark.parametrize("secret", [KEY, "clé", "two words", "new\nline"])
async def test_the_key_is_in_nothing_that_can_be_read(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripts = [script for script, _ in FAULTS] + [model_server.refusing(401, secret), model_server.not_http]
    for script in scripts:
        async with ModelServer(script) as server:
            target = endpoint(server, api_key=secret)
            assert secret not in repr(target)
            _, error = await until_it_fails(target)
        assert error is not None
        told = "".join(traceback.TracebackException.from_exception(error).format())
        assert secret not in told + repr(error) + repr(error.params)
        assert error.__cause__ is error.__context__ is None
    assert secret not in caplog.text


async def test_a_key_is_sent_without_the_blanks_around_it_and_not_at_all_when_empty() -> None:
    async with ModelServer(model_server.answering("x")) as server:
        for key in (f" {KEY}\n", ""):
            async for _ in stream_chat(endpoint(server, api_key=key), MESSAGES):
                pass
    assert [request.headers.get("authorization") for request in server.requests] == [f"Bearer {KEY}", None]


@pytest.mark.parametrize(("script", "counted"), [(model_server.embeddings, 3), (model_server.embeddings_in_base64, None)])
async def test_embeddings_come_in_the_order_of_the_texts(script: Script, counted: int | None) -> None:
    texts = [f"texte {number}" for number in range(130)]
    async with ModelServer(model_server.honest, embedding=script) as server:
        rows, tokens = await embed(endpoint(server), texts)
        again, _tokens = await embed(endpoint(server), [texts[100]])
        none, _tokens = await embed(endpoint(server), [])
    assert tokens == counted  # the one says one a request, the other nothing
    assert rows.shape == (130, 8)
    assert none.shape[0] == 0
    np.testing.assert_array_equal(rows[100], again[0])
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 3, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": "%%%"}]},
        {"data": [{"index": 0, "embedding": [1.0, "x"]}]},
        {"data": [{"index": 0, "embedding": [[1.0]]}]},
        {"data": [{"index": 0, "embedding": [float("inf")]}]},
        {"data": [{"index": 0, "embedding": None}]},
        [],
        "vectors",
    ],
)
async def test_embeddings_that_cannot_be_read_are_garbage(body: Any) -> None:
    async with ModelServer(model_server.honest, embedding=model_server.embedding_as(body)) as server:
        with pytest.raises(UpstreamError) as caught:
            await embed(endpoint(server), ["x"])
    assert caught.value.code == "garbage"


async def test_the_models_of_a_server_are_listed() -> None:
    async with ModelServer(model_server.honest) as server:
        assert await list_models(endpoint(server)) == ["petit-modele"]
