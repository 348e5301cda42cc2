"""An assistant asked through /v1 by a client that knows nothing of Parvis: both planes in one process, a real stream."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application

from conftest import House
from parvis.access.keys.actions import create_key
from parvis.assistants.models import Assistant, Turn
from parvis.assistants.tests.conftest import QUESTION, committed, course  # noqa: F401 - fixtures
from parvis.gateway.app import Gateway
from parvis.gateway.assistants import MountedConsole
from parvis.gateway.knowledge import Settings
from parvis.inference.publishing import Publisher


@pytest.mark.usefixtures("committed")
async def test_an_assistant_answers_a_stream(house: House, course: Assistant, tmp_path: Path) -> None:  # noqa: F811
    from asgiref.sync import sync_to_async

    def prepare() -> str:
        _key, token = create_key(house.student, name="Essai", scopes=["list", "ask"], days=30, by=None, actor="test")
        Publisher(tmp_path).tick()
        return token

    token = await sync_to_async(prepare)()
    console = MountedConsole(get_asgi_application(), "testserver")
    gateway = Gateway(Settings(tmp_path, settings.KEYRING, settings.SECRET_KEY), console)
    status, body = await _asked(gateway, token, "/v1/models")
    assert [one["id"] for one in json.loads(body)["data"]] == ["parvis/ici/droit-des-contrats"]
    asked = {"model": "parvis/ici/droit-des-contrats", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    status, body = await _asked(gateway, token, "/v1/chat/completions", asked)
    assert (status, body.endswith(b"data: [DONE]\n\n")) == (200, True)
    events = [json.loads(one.removeprefix(b"data: ")) for one in body.split(b"\n\n")[:-2]]
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in events)
    assert "cinq ans" in text
    assert "[1] Cours de droit, p. 2" in text
    status, body = await _asked(gateway, token, "/v1/chat/completions", {**asked, "model": "parvis/ici/inconnu"})
    assert (status, json.loads(body)["error"]["code"]) == (404, "model_not_found")
    await gateway.close()
    assert await sync_to_async(Turn.unscoped.count)() == 1


async def _asked(gateway: Gateway, token: str, path: str, body: Any = None) -> tuple[int, bytes]:
    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    sent: list[Any] = []

    messages = [{"type": "http.request", "body": b"" if body is None else json.dumps(body).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # the client stays to the end
        return messages.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await asyncio.wait_for(gateway(scope, receive, send), 30)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])
