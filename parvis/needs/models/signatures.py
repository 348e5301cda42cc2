"""Co-signatures: an institution's word, given by who may give it, on one version of a harmonised need."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile
from parvis.needs.models.harmonised import NeedVersion, Operation

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class Engagement(models.TextChoices):
    INTERESTED = "interested", _("interested")
    COSIGNATORY = "cosignatory", _("co-signatory")
    PILOT = "pilot", _("pilot")


class CoSignatureState(models.TextChoices):
    PREPARED = "prepared", _("to be signed")
    VALID = "valid", _("signed")
    TO_CONFIRM = "to_confirm", _("to be confirmed")
    WITHDRAWN = "withdrawn", _("withdrawn")


class CoSignatureQuerySet(models.QuerySet["CoSignature"]):
    def visible_to(self, principal: Principal) -> CoSignatureQuerySet:
        """Signed ones are public among members; what one's institution prepares is its own."""
        if not principal.may("cosignature:view"):
            return self.none()
        own = models.Q(institution_id=principal.institution_id)
        return self.filter(own | models.Q(state__in=(CoSignatureState.VALID, CoSignatureState.TO_CONFIRM)))

    def editable_by(self, principal: Principal) -> CoSignatureQuerySet:
        return self.filter(institution_id=principal.institution_id)

    def valid(self) -> CoSignatureQuerySet:
        return self.filter(state=CoSignatureState.VALID)

    def taken_back(self) -> CoSignatureQuerySet:
        """By the undo of the merge that asked for them: their institutions said nothing there."""
        return self.filter(state=CoSignatureState.WITHDRAWN, operation__undone_at__isnull=False)

    def in_force(self) -> CoSignatureQuerySet:
        """Valid, and of the latest stabilised version of their need."""
        stable = NeedVersion.objects.filter(stabilised_at__isnull=False)
        later = stable.filter(need=models.OuterRef("version__need"), number__gt=models.OuterRef("version__number"))
        return self.valid().filter(~models.Exists(later), version__stabilised_at__isnull=False)


class CoSignature(models.Model):
    """One per institution and version. A new version gets new rows, to be confirmed; those of the old one stay as signed, so
    that taking the new version back restores them exactly. Amounts are not binding."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(NeedVersion, on_delete=models.CASCADE, related_name="cosignatures")
    state = models.CharField(max_length=10, choices=CoSignatureState.choices, default=CoSignatureState.PREPARED)
    engagement = models.CharField(_("level"), max_length=12, choices=Engagement.choices, default=Engagement.COSIGNATORY)
    students = models.PositiveIntegerField(_("students concerned"), null=True, blank=True)
    users = models.PositiveIntegerField(_("users expected"), null=True, blank=True)
    envelope_euros = models.PositiveBigIntegerField(_("envelope, in euros before tax"), null=True, blank=True)
    horizon_date = models.DateField(_("horizon"), null=True, blank=True)
    comment = models.CharField(_("comment"), max_length=1_000, blank=True)
    prepared_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    prepared_at = models.DateTimeField(auto_now_add=True)
    signed_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    signed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="cosignatures")

    unscoped = CoSignatureQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "version"], name="one_cosignature_per_institution_and_version"),
            models.CheckConstraint(
                condition=~models.Q(state=CoSignatureState.VALID) | models.Q(signed_by__isnull=False, signed_at__isnull=False),
                name="signed_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} {self.state}"
