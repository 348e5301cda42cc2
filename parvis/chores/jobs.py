"""What is done in the background while no document waits. Each package declares its chores; `parvis.background` lists them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error

from parvis.chores.models import Turn

log = logging.getLogger(__name__)

Leave = Callable[[], bool]  # something more urgent waits: end early, and say that more is left


@dataclass(frozen=True, slots=True)
class Chore:
    """Done `every` so often, by one worker at a time; at once again as long as `do` says True: more is left. It may be cut at
    any moment and begun again later, by another worker."""

    name: str  # never another's, nor changed: it is known by it
    every: timedelta
    do: Callable[[Leave], bool]


def do_next(chores: Iterable[Chore], *, now: datetime, leave: Leave = lambda: False) -> bool:
    """Does the first that is due. False when none is. One that fails is logged and waits its turn; others go on."""
    wanted = {chore.name: chore for chore in chores}
    known = dict(Turn.objects.filter(name__in=wanted).values_list("name", "due_at"))
    Turn.objects.bulk_create(
        [Turn(name=name, due_at=now) for name in wanted if name not in known],
        ignore_conflicts=True,  # another worker has just done so
    )
    for name, chore in wanted.items():
        if known.get(name, now) <= now and Turn.objects.take(name, now=now):
            _do(chore, now, leave)
            return True
    return False


def _do(chore: Chore, now: datetime, leave: Leave) -> None:
    more = False
    try:
        more = chore.do(leave)
    except Error:
        raise  # the database is away: the worker waits for it, and this turn's hold ends by itself
    except Exception:
        log.exception("The chore %s failed", chore.name)
    Turn.objects.done(chore.name, next_at=now if more else now + chore.every)
