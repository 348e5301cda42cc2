"""A working group's sessions, and their minutes, written as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Profile, Role, WorkingGroup
from parvis.needs.models.harmonised import HarmonisedNeed

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class WorkshopQuerySet(models.QuerySet["Workshop"]):
    def visible_to(self, principal: Principal) -> WorkshopQuerySet:
        return self if principal.may("workshop:view") else self.none()

    def editable_by(self, principal: Principal) -> WorkshopQuerySet:
        open_ones = self.filter(closed_at=None)
        if principal.role == Role.COORDINATOR:
            return open_ones
        return open_ones.filter(working_group__profiles=principal.profile_id)


class Workshop(models.Model):
    alliance_wide = True

    working_group = models.ForeignKey(WorkingGroup, on_delete=models.PROTECT, related_name="workshops")
    title = models.CharField(_("title"), max_length=200)
    opened_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    unscoped = WorkshopQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class MinuteKind(models.TextChoices):
    NOTE = "note", _("note")
    DECISION = "decision", _("decision")
    ACT = "act", _("done during the session")  # written by the application: an attachment proposed, a need created


class Minute(models.Model):
    """A line of the minutes. A mistake is corrected by another line."""

    workshop = models.ForeignKey(Workshop, on_delete=models.CASCADE, related_name="minutes")
    kind = models.CharField(max_length=10, choices=MinuteKind.choices, default=MinuteKind.NOTE)
    text = models.CharField(_("text"), max_length=2_000)
    harmonised = models.ForeignKey(HarmonisedNeed, on_delete=models.SET_NULL, null=True, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
