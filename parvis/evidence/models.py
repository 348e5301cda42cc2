"""Members who watch each other's logs, and what was read of other people's contents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.audit.models import Log
from parvis.institutions.models import Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


REASON_LENGTH = 20  # characters, at least


class Watch(models.TextChoices):
    """What is known of a witness's log."""

    NEW = "new", _("not reached yet")
    HOLDS = "holds", _("consistent")
    SILENT = "silent", _("does not answer")
    UNSIGNED = "unsigned", _("not signed by the key you gave")
    SHRUNK = "shrunk", _("shorter than it was")
    FORKED = "forked", _("rewritten: two histories are signed")
    OURS_FORKED = "ours_forked", _("it saw another history of your own log")


# What nobody but a person who looks into it puts an end to.
ALARMS = frozenset({Watch.UNSIGNED, Watch.SHRUNK, Watch.FORKED, Watch.OURS_FORKED})


class WitnessQuerySet(models.QuerySet["Witness"]):
    def visible_to(self, principal: Principal) -> WitnessQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("evidence:view") else self.none()

    def editable_by(self, principal: Principal) -> WitnessQuerySet:
        return self.visible_to(principal) if principal.may("evidence:edit") else self.none()

    def due(self, before: datetime) -> WitnessQuerySet:
        return self.filter(models.Q(checked_at=None) | models.Q(checked_at__lt=before))


class Witness(models.Model):
    """Another member's log, which one of ours watches and is watched by."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    log = models.ForeignKey(Log, on_delete=models.CASCADE, related_name="+")  # ours
    name = models.CharField(_("name"), max_length=120)
    address = models.CharField(_("address of its log"), max_length=300)
    key = models.CharField(_("its public key"), max_length=300)  # the one given, then those it names after it
    state = models.CharField(max_length=12, choices=Watch.choices, default=Watch.NEW)
    origin = models.CharField(max_length=200, blank=True)
    origin_digest = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)  # of the head below
    head = models.TextField(blank=True)  # the latest that was seen and is consistent with those before
    seen_at = models.DateTimeField(null=True)
    countersigned = models.TextField(blank=True)  # the same, with our word that it was seen
    contrary = models.TextField(blank=True)  # what contradicts it, kept as a proof
    our_note = models.TextField(blank=True)  # the latest head of ours that this witness countersigned
    our_size = models.BigIntegerField(default=0)
    our_seen_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)

    unscoped = WitnessQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "log", "address"], name="witness_once_per_log"),
        ]
        indexes = [models.Index(fields=["log", "origin_digest"], name="witness_of_origin")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_alarming(self) -> bool:
        return self.state in ALARMS


class ConsultationQuerySet(models.QuerySet["Consultation"]):
    def visible_to(self, principal: Principal) -> ConsultationQuerySet:
        """One's own, to read what they open."""
        return self.filter(institution=principal.institution_id, reader=principal.profile_id)

    def open(self, now: datetime) -> ConsultationQuerySet:
        return self.filter(until__gt=now)

    def opened(self, principal: Principal, kind: str, now: datetime) -> Any:
        """The numbers of what this person may read now for a reason they wrote."""
        return self.visible_to(principal).open(now).filter(kind=kind).order_by().values("number")

    def about(self, person_id: int) -> ConsultationQuerySet:
        """Of the contents of one person, whatever the institution: told to that person only."""
        return self.filter(person=person_id).select_related("reader__person", "institution")


class Consultation(models.Model):
    """Somebody who may, for a reason they wrote, reads for a while what another person wrote here. That person is told."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    reader = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)  # "conversation", "corpus"
    number = models.BigIntegerField()  # its id
    reason = models.TextField(_("reason"), max_length=1_000)
    opened_at = models.DateTimeField()
    until = models.DateTimeField()

    unscoped = ConsultationQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-opened_at", "-id"]
        indexes = [models.Index(fields=["reader", "kind", "number", "until"], name="consultations_open")]

    def __str__(self) -> str:
        return f"{self.reader_id}: {self.kind} {self.number}"
