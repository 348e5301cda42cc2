"""When each chore is due next, for all the workers of an installation."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

LONGEST = timedelta(minutes=30)  # then whoever did it is taken for dead, and another does it


class TurnQuerySet(models.QuerySet["Turn"]):
    def take(self, name: str, *, now: datetime) -> bool:
        """True for one worker alone: it is due, and nobody else is at it."""
        free = Q(held_until=None) | Q(held_until__lt=now)
        return bool(self.filter(free, name=name, due_at__lte=now).update(held_until=now + LONGEST))

    def done(self, name: str, *, next_at: datetime) -> None:
        self.filter(name=name).update(held_until=None, due_at=next_at)


class Turn(models.Model):
    """Of one chore, by its name."""

    name = models.CharField(max_length=40, unique=True)
    due_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True)

    objects = TurnQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
