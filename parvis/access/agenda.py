"""What waits for a person, whichever package it comes from: shown on their dashboard, and its dates in their calendar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils.module_loading import import_string

from parvis.access.principal import Principal


@dataclass(frozen=True, slots=True)
class Awaited:
    """One thing to do or one date to know, in the reader's language. Those of one `heading` stand together."""

    heading: str
    title: str
    url: str
    act: str = ""  # words of the link; "" where there is nothing to do but know
    note: str = ""
    due: date | datetime | None = None
    more: int = 0  # how many others it stands for, which its address lists


Source = Callable[[Principal], Iterable[Awaited]]


def agenda(principal: Principal) -> list[Awaited]:
    """From every source of settings.AGENDA, in that order: each a function that takes the principal."""
    return [one for path in settings.AGENDA for one in import_string(path)(principal)]
