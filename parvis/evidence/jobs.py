"""Numbering and signing of entries, and the exchange of heads: a thread of the worker, whatever it reads meanwhile."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from parvis.audit.actions import integrate_all
from parvis.evidence.actions import exchange_due
from parvis.isolation.scope import everywhere

log = logging.getLogger("parvis.evidence")

EVERY_SECONDS = 20.0  # an entry is in a signed head within twice that, while a worker runs
EXCHANGE_EVERY = timedelta(minutes=10)


def keep(stop: threading.Event) -> threading.Thread:
    """Begins the thread; it ends soon after `stop` is set."""
    thread = threading.Thread(target=_run, args=(stop,), name="evidence", daemon=True)
    thread.start()
    return thread


def tick() -> None:
    """Once: the entries that wait, then the witnesses whose turn it is."""
    integrate_all()
    exchange_due(timezone.now(), every=EXCHANGE_EVERY)


@everywhere("evidence")
def _run(stop: threading.Event) -> None:
    while True:
        try:
            tick()
        except Exception:
            log.exception("Entries and witnesses wait for the next turn")
        finally:
            connection.close()
        if stop.wait(EVERY_SECONDS):
            return
