"""Lists of people are imported by the worker, once somebody has confirmed them: never by a request."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from parvis.federation.provisioning.actions.lists import carry_out, next_confirmed


def import_lists(leave: Callable[[], bool]) -> bool:
    """Imports one that was confirmed, or goes on with it. True when there may be more."""
    kept = next_confirmed()
    if kept is None:
        return False
    carry_out(kept, now=timezone.now(), leave=leave)
    return True
