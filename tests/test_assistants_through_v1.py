"""An assistant asked through /v1 by a client that knows nothing of Parvis: both planes in one process, a real stream."""

from __future__ import annotations

import json
from pathlib import Path

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
from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import honest
from parvis.inference.tests.test_door import row
from tests.v1 import asked


@pytest.mark.usefixtures("committed")
async def test_an_assistant_answers_a_stream(house: House, course: Assistant, tmp_path: Path) -> None:  # noqa: F811
    from asgiref.sync import sync_to_async

    def prepare() -> str:
        _key, token = create_key(house.student, name="Essai", scopes=["list", "ask"], days=30, by=None, actor="test")
        Publisher(tmp_path).tick()
        return token

    token = await sync_to_async(prepare)()
    console = MountedConsole(get_asgi_application(), "testserver")
    gateway = Gateway(Settings(tmp_path, settings.KEYRING, settings.SECRET_KEY, tmp_path), console)
    listed = await asked(gateway, token, "/v1/models")
    assert [one["id"] for one in listed.json["data"]] == ["parvis/ici/droit-des-contrats"]
    question = {"model": "parvis/ici/droit-des-contrats", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    answer = await asked(gateway, token, "/v1/chat/completions", question)
    assert (answer.status, answer.body.endswith(b"data: [DONE]\n\n")) == (200, True)
    events = [json.loads(one.removeprefix(b"data: ")) for one in answer.body.split(b"\n\n")[:-2]]
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in events)
    assert "cinq ans" in text
    assert "[1] Cours de droit, p. 2" in text
    refused = await asked(gateway, token, "/v1/chat/completions", {**question, "model": "parvis/ici/inconnu"})
    assert (refused.status, refused.json["error"]["code"]) == (404, "model_not_found")
    with running(honest) as server:  # the view waits on its thread while the model is paid for on another
        await sync_to_async(row)(house, server, "on_prem", is_default=True)
        whole = await asked(gateway, token, "/v1/chat/completions", {**question, "stream": False})
    await gateway.close()
    assert (whole.status, "[1]" in whole.json["choices"][0]["message"]["content"]) == (200, True)
    assert whole.headers["x-parvis-zone"] == "on_prem"
    assert await sync_to_async(Turn.unscoped.count)() == 2
