"""What an institution decides about personal data, and what was done for people who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class RightKind(models.TextChoices):
    EXPORT = "export", _("export")
    ERASURE = "erasure", _("erasure")


class OfInstitution(models.QuerySet[Any]):
    """Rows of the institution's data protection."""

    def visible_to(self, principal: Principal) -> OfInstitution:
        return self.filter(institution=principal.institution_id) if principal.may("register:view") else self.none()

    def editable_by(self, principal: Principal) -> OfInstitution:
        return self.visible_to(principal) if principal.may("register:edit") else self.none()


class RightRequestQuerySet(OfInstitution):
    def own(self, person_id: int) -> models.QuerySet[Any]:
        return self.filter(person=person_id).select_related("institution", "answered_by__person")


class RightRequest(models.Model):
    """A right that somebody exercised: by themselves, or answered for them by who looks after data protection."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=RightKind.choices)
    answered_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")  # none: themselves
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    counts = models.JSONField(default=dict)  # rows by table
    answered_at = models.DateTimeField(default=timezone.now)
    overwritten_at = models.DateTimeField(null=True)  # of an erasure: when the database's files were written anew

    unscoped = RightRequestQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}, person {self.person_id}"


class RetentionQuerySet(OfInstitution):
    def editable_by(self, principal: Principal) -> OfInstitution:
        return self.visible_to(principal) if principal.may("retention:edit") else self.none()


class Retention(models.Model):
    """How long an institution keeps a class of data, where it is not as `clocks` says."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=20)  # of a clock
    days = models.PositiveIntegerField()

    unscoped = RetentionQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "code"], name="one_retention_per_class")]

    def __str__(self) -> str:
        return f"{self.code}: {self.days}"


class RetentionRun(models.Model):
    """One day's work of the clocks for one institution."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    removed = models.JSONField(default=dict)  # rows by class

    unscoped = RetentionQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["institution", "day"], name="one_retention_run_a_day")]

    def __str__(self) -> str:
        return f"{self.institution_id}, {self.day}"


class LegalBase(models.TextChoices):
    """Article 6(1) of the regulation."""

    PUBLIC_TASK = "public_task", _("public task (6(1)(e))")
    LEGAL_OBLIGATION = "legal_obligation", _("legal obligation (6(1)(c))")
    CONTRACT = "contract", _("contract (6(1)(b))")
    LEGITIMATE_INTERESTS = "legitimate_interests", _("legitimate interests (6(1)(f))")
    CONSENT = "consent", _("consent (6(1)(a))")
    VITAL_INTERESTS = "vital_interests", _("vital interests (6(1)(d))")


class Processing(models.Model):
    """One line of the use register as somebody wrote it. What nobody wrote is as Parvis proposes (`register`)."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)  # of a proposal, or "own:…"
    name = models.CharField(_("name"), max_length=200)
    purpose = models.TextField(_("purpose"), max_length=4_000)
    legal_base = models.CharField(_("legal base"), max_length=24, choices=LegalBase.choices)
    people = models.TextField(_("people concerned"), max_length=1_000)
    data = models.TextField(_("data"), max_length=4_000)
    retention = models.TextField(_("how long"), max_length=1_000)
    recipients = models.TextField(_("who reads them"), max_length=2_000, blank=True)
    processors = models.TextField(_("processors, and where they compute"), max_length=4_000, blank=True)
    measures = models.TextField(_("security measures"), max_length=4_000, blank=True)
    proposed = models.JSONField(default=dict)  # what Parvis proposed when it was written
    edited_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField(auto_now=True)

    unscoped = OfInstitution.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        verbose_name = _("processing")
        constraints = [models.UniqueConstraint(fields=["institution", "code"], name="one_processing_per_code")]

    def __str__(self) -> str:
        return self.name
