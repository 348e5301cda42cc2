from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta

import pytest
from django.utils import timezone

from parvis.inference.models import Attestation, Provider, Zone
from parvis.inference.tests.model_server import ModelServer, Script

Serve = Callable[[Script], ModelServer]


@contextmanager
def running(script: Script) -> Iterator[ModelServer]:
    """A model server on a loop of its own thread, for code that is not asynchronous."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = ModelServer(script)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(5)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def attest(provider: Provider, *, until: date | None = None) -> Provider:
    """It does not train on what it is sent, since yesterday."""
    document = None if provider.zone == Zone.ON_PREM else b"%PDF-1.7"
    Attestation.unscoped.create(
        institution_id=provider.institution_id,
        provider=provider,
        origin=provider.origin,
        zone=provider.zone,
        processor=provider.processor,
        attested_date=timezone.localdate() - timedelta(days=1),
        until_date=until,
        document_name="" if document is None else "engagement.pdf",
        document=document,
    )
    return provider


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(running(script))
