"""Invented dates: what the demonstration does is done through the same actions as on a page, on a day that is past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone


class Clock:
    def __init__(self, today: datetime) -> None:
        self._today = today.replace(minute=0, second=0, microsecond=0)
        self.now = self._today

    def go_to(self, day: int, minutes: int = 0) -> datetime:
        """`day` days from today, at a working hour; never later than the real instant for a day that is not to come."""
        self.now = min(self.at(day) + timedelta(minutes=minutes), self._today)
        return self.now

    def at(self, day: int, hour: int = 9) -> datetime:
        return self._today.replace(hour=hour) + timedelta(days=day)


@contextmanager
def turned_back() -> Iterator[Clock]:
    """Until it ends, `timezone.now()` is the clock's. For a process that does nothing else meanwhile: rows that the database
    refuses to change cannot be given another date afterwards."""
    real = timezone.now
    clock = Clock(timezone.localtime())
    timezone.now = lambda: clock.now
    try:
        yield clock
    finally:
        timezone.now = real
