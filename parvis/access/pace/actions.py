"""So many requests a minute, for a person or an application, whatever keys they hold and whichever worker answers.

The generic cell rate algorithm (ITU-T I.371): each request costs 60 / N seconds, and one may be a minute ahead of the clock.
One number a holder, changed by one statement: two workers never grant the same place twice.
"""

from __future__ import annotations

import math
import time

from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Greatest

from parvis.access.pace.models import Pace
from parvis.access.principal import Principal

AHEAD_SECONDS = 60.0


class TooFastError(Exception):
    """More than a minute's requests in a minute; `seconds`: after which the next is taken."""

    code = "too_fast"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{self.code}: {seconds} s")
        self.seconds = seconds


def take(principal: Principal, *, now: float | None = None) -> None:
    """One request of theirs. Raises TooFastError."""
    now, cost = time.time() if now is None else now, AHEAD_SECONDS / settings.REQUESTS_A_MINUTE
    latest = now + AHEAD_SECONDS - cost
    rows = Pace.unscoped.filter(profile=principal.profile_id)
    for _attempt in range(2):
        if rows.filter(free_at__lte=latest).update(free_at=Greatest(F("free_at"), Value(now)) + cost):
            return
        _row, is_new = Pace.unscoped.get_or_create(
            profile_id=principal.profile_id, defaults={"institution_id": principal.institution_id, "free_at": now + cost}
        )
        if is_new:
            return
    free_at = rows.values_list("free_at", flat=True).first() or now
    raise TooFastError(max(1, math.ceil(free_at - latest)))
