"""Asking a gateway without a network in between."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from parvis.gateway.app import Gateway


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def asked(gateway: Gateway, token: str, path: str, body: Any = None) -> Answer:
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
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(one.get("body", b"") for one in sent[1:]))
