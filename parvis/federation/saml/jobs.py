"""Federations are read by the worker, one after the other, when they are due: never by a request."""

from __future__ import annotations

import logging

from django.db import Error
from django.utils import timezone

from parvis.federation.saml.actions import due, refresh

log = logging.getLogger("parvis.federations")


def refresh_next() -> bool:
    """Reads one that is due. False when none is."""
    try:
        federation = due(timezone.now())
        if federation is None:
            return False
        refresh(federation, now=timezone.now())
    except Error:
        log.exception("The database did not answer; the federation is read later")
        return False
    return True
