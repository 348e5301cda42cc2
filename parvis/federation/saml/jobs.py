"""Federations are read by the worker, one after the other, when they are due: never by a request."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from parvis.federation.saml.actions import due, refresh

Leave = Callable[[], bool]


def refresh_federations(_leave: Leave) -> bool:
    """Reads one that is due. True when others may be. It is not left in the middle: it lasts some seconds, and would have to
    be downloaded anew."""
    federation = due(timezone.now())
    if federation is None:
        return False
    refresh(federation, now=timezone.now())
    return True
