"""Rates beside budgets: so many calls a minute of one key or one person. A token bucket, without a clock or a lock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` calls at once, then `per_second` on average."""

    per_second: float
    burst: int


@dataclass(slots=True)
class Bucket:
    """Of one key or person. Full when it is made."""

    tokens: float
    filled_at: float

    @classmethod
    def full(cls, rate: Rate, now: float) -> Bucket:
        return cls(float(rate.burst), now)

    def take(self, rate: Rate, now: float, count: int = 1) -> float:
        """0 when they are taken; otherwise after how many seconds they could be, and nothing is. infinity: never, as more than
        a burst is asked for. A clock that goes back fills nothing."""
        if now > self.filled_at:
            tokens = self.tokens + (now - self.filled_at) * rate.per_second
            self.tokens = tokens if tokens < rate.burst else float(rate.burst)
            self.filled_at = now
        if count <= self.tokens:
            self.tokens -= count
            return 0.0
        if count > rate.burst or rate.per_second <= 0:
            return float("inf")
        return (count - self.tokens) / rate.per_second

    def is_full(self, rate: Rate, now: float) -> bool:
        """It says nothing that a new one would not: whoever keeps many may forget it."""
        return self.tokens + (now - self.filled_at) * rate.per_second >= rate.burst
