"""The ledger of what was asked: one row a question, which outlives the conversation where the course asks for a trace."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils import timezone

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class AskedQuerySet(models.QuerySet["Asked"]):
    def visible_to(self, principal: Principal) -> AskedQuerySet:
        """One's own. A teacher reads what a student hands them, and nothing here."""
        return self.filter(institution_id=principal.institution_id, profile__person_id=principal.person_id)

    def between(self, begun: datetime, ended: datetime) -> AskedQuerySet:
        return self.filter(asked_at__gte=begun, asked_at__lt=ended)


class Asked(models.Model):
    """A question, without its words: they are those of its turn, as long as that is kept."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    turn = models.OneToOneField("assistants.Turn", on_delete=models.SET_NULL, related_name="asked", null=True)
    courses: models.JSONField[Any, Any] = models.JSONField(default=list)  # identifiers of those it was asked in
    assistant_name = models.CharField(max_length=160)  # as it was: the assistant may go
    traced = models.BooleanField(default=False)  # a course asked for it: this row stays when the conversation is deleted
    asked_at = models.DateTimeField(default=timezone.now)
    question_hash = models.CharField(max_length=64)
    outcome = models.CharField(max_length=12, blank=True)  # of the turn, once it is closed
    mode = models.CharField(max_length=12, blank=True)
    model_name = models.CharField(max_length=80, blank=True)
    zone = models.CharField(max_length=10, blank=True)
    documents: models.JSONField[Any, Any] = models.JSONField(default=list)  # titles of those it cites

    unscoped = AskedQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["asked_at", "id"]
        indexes = [models.Index(fields=["profile", "asked_at"], name="asked_by_person")]

    def __str__(self) -> str:
        return f"{self.profile_id}, {self.asked_at:%Y-%m-%d %H:%M}"


class StatementQuerySet(models.QuerySet["Statement"]):
    def visible_to(self, principal: Principal) -> StatementQuerySet:
        """One's own; and for those who teach, any of the institution's, of which they are given the file or its number."""
        here = self.filter(institution_id=principal.institution_id)
        return here if principal.may("statement:check") else here.filter(profile__person_id=principal.person_id)


class Statement(models.Model):
    """A statement that was exported: what tells, later, whether a file is the one that was given."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=14)  # "7F3K-92QD-XM4T", written in the file
    course_name = models.CharField(max_length=160)
    first_date = models.DateField()
    last_date = models.DateField()
    questions = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)  # of what it says, whatever its format
    file_hash = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now)

    unscoped = StatementQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "number"], name="statement_number_once")]
        indexes = [models.Index(fields=["institution", "file_hash"], name="statement_by_file")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.number
