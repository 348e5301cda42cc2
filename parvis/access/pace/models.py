"""How fast one may ask. One row a holder, of a single number, which every worker reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class PaceQuerySet(models.QuerySet["Pace"]):
    def visible_to(self, principal: Principal) -> PaceQuerySet:
        """Nobody's page shows it."""
        return self.none()


class Pace(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.OneToOneField(Profile, on_delete=models.CASCADE, related_name="+")
    free_at = models.FloatField(default=0.0)  # seconds since 1970: when all that was asked so far is paid for

    unscoped = PaceQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    def __str__(self) -> str:
        return f"profile:{self.profile_id}"
