"""The ASGI application: one process serves pages, streams, and /v1 without Django."""

from __future__ import annotations

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - as below

from parvis.gateway.app import Gateway  # noqa: E402
from parvis.gateway.assistants import MountedConsole  # noqa: E402
from parvis.gateway.knowledge import Settings  # noqa: E402
from parvis.web.receiving import Handler  # noqa: E402 - it asks for the settings

pages = Handler()
gateway = Gateway(
    Settings.of(settings),
    MountedConsole(pages, settings.ALLOWED_HOSTS[0].lstrip("*.") or "127.0.0.1"),
)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    is_model = scope["type"] != "http" or scope["path"].startswith("/v1/") or scope["path"] == "/v1"
    await (gateway if is_model else pages)(scope, receive, send)
