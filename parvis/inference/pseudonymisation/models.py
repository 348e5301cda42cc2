"""Where an institution asks that people be given pseudonyms before a model is asked, and what it adds to what is found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class PseudonymisationQuerySet(models.QuerySet["Pseudonymisation"]):
    def visible_to(self, principal: Principal) -> PseudonymisationQuerySet:
        return self.filter(institution=principal.institution_id)


class Pseudonymisation(models.Model):
    """Of an institution that asks for none there is no row. `cases` are pairs "class:zone", as "personal:eu"."""

    institution = models.OneToOneField(Institution, on_delete=models.CASCADE, related_name="+")
    cases: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    student_numbers = models.TextField(_("numbers of students"), max_length=300, blank=True)
    terms = models.TextField(_("other words to hide"), max_length=20_000, blank=True)
    set_at = models.DateTimeField(default=timezone.now)

    unscoped = PseudonymisationQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    def __str__(self) -> str:
        return f"{self.institution_id}: {', '.join(self.cases)}"

    def asks(self, data_class: str, zones: Iterable[str]) -> bool:
        """Of data that may go to any of these zones: one that asks is enough."""
        return any(f"{data_class}:{zone}" in self.cases for zone in zones)
