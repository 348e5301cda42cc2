"""How often a key and its holder may ask, within one worker."""

from __future__ import annotations

import time

from parvis.gateway.knowledge import Caller
from parvis.ledger.budgets.rates import Bucket, Rate

MOST_BUCKETS = 20_000


class Paces:
    """How often each key, and each holder, asks. Of one worker."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._rate = Rate(count / 60, count)
        self._buckets: dict[tuple[str, int], Bucket] = {}

    def take(self, caller: Caller) -> float:
        """0, or after how many seconds it may be asked again."""
        now = time.monotonic()
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets = {name: one for name, one in self._buckets.items() if not one.is_full(self._rate, now)}
        return self._of("holder", caller.holder.id, now) or self._of("key", caller.key.id, now)

    def _of(self, kind: str, number: int, now: float) -> float:
        place = (kind, number)
        bucket = self._buckets.get(place) or self._buckets.setdefault(place, Bucket.full(self._rate, now))
        return bucket.take(self._rate, now)
