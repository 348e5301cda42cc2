"""What each institution decides, alone. No table here can hold a choice of the alliance: none exists (decision 0010)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile
from parvis.needs.models import HarmonisedNeed
from parvis.offers.models.offers import Offer, Zone

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class ChoiceState(models.TextChoices):
    STUDIED = "studied", _("under study")
    TRIED = "tried", _("on trial")
    CHOSEN = "chosen", _("chosen")
    DECLINED = "declined", _("declined")
    NOT_CONCERNED = "not_concerned", _("not concerned")


class ChoiceQuerySet(models.QuerySet["Choice"]):
    def visible_to(self, principal: Principal) -> ChoiceQuerySet:
        """One's own institution's; another's only if it shared it."""
        if not principal.may("choice:view"):
            return self.none()
        decided = Q(decided_at__isnull=False)
        own = Q(institution_id=principal.institution_id)
        if not principal.may("choice:prepare"):  # what is being prepared is for those who represent the institution
            own &= decided
        return self.filter(own | Q(is_shared=True) & decided)

    def editable_by(self, principal: Principal) -> ChoiceQuerySet:
        return self.filter(institution_id=principal.institution_id)


class Choice(models.Model):
    """Where an institution stands on a need, or on one offer for it. Prepared by a referent, decided by a signatory."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    need = models.ForeignKey(HarmonisedNeed, on_delete=models.PROTECT, related_name="choices")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, null=True, related_name="choices")
    state = models.CharField(_("decision"), max_length=14, choices=ChoiceState.choices)
    reason = models.TextField(_("reason"), max_length=4_000, blank=True)
    is_shared = models.BooleanField(_("shown to the other institutions"), default=False)
    prepared_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField(auto_now=True)
    decided_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    unscoped = ChoiceQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["need_id", "id"]
        verbose_name = _("choice")
        constraints = [
            models.UniqueConstraint(fields=["institution", "need", "offer"], name="one_choice_per_offer_and_institution"),
            models.UniqueConstraint(
                fields=["institution", "need"], condition=Q(offer=None), name="one_choice_per_need_without_offer"
            ),
            models.CheckConstraint(condition=~Q(state=ChoiceState.DECLINED) | ~Q(reason=""), name="declined_with_a_reason"),
            models.CheckConstraint(
                condition=Q(state__in=(ChoiceState.STUDIED, ChoiceState.DECLINED, ChoiceState.NOT_CONCERNED))
                | Q(offer__isnull=False),
                name="an_offer_is_tried_or_chosen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} {self.need_id} {self.state}"


class Vehicle(models.TextChoices):
    OWN = "own", _("own procedure")
    GROUPED = "grouped", _("grouped order")
    PURCHASING_BODY = "purchasing_body", _("purchasing body")
    INNOVATION = "innovation", _("innovative purchase")


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def visible_to(self, principal: Principal) -> AgreementQuerySet:
        return self.filter(institution_id=principal.institution_id) if principal.may("agreement:view") else self.none()

    def editable_by(self, principal: Principal) -> AgreementQuerySet:
        return self.filter(institution_id=principal.institution_id) if principal.may("agreement:edit") else self.none()


class Agreement(models.Model):
    """*Convention*: the terms an institution and a vendor agreed on, its own whatever the offer becomes."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    choice = models.ForeignKey(Choice, on_delete=models.PROTECT, related_name="agreements")
    vendor = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    product = models.CharField(_("product"), max_length=200)
    vehicle = models.CharField(_("purchasing procedure"), max_length=16, choices=Vehicle.choices)
    reference = models.CharField(_("reference"), max_length=80, blank=True)
    start_date = models.DateField(_("from"))
    end_date = models.DateField(_("until"))
    notice_date = models.DateField(_("last day to give notice"), null=True, blank=True)
    zone = models.CharField(_("hosting zone"), max_length=10, choices=Zone.choices)
    no_training_date = models.DateField(_("date of the no-training attestation"), null=True, blank=True)
    no_training_document = models.CharField(_("no-training attestation"), max_length=300, blank=True)
    users_quota = models.PositiveIntegerField(_("users included"), null=True, blank=True)
    yearly_euros = models.PositiveBigIntegerField(_("amount per year, in euros before tax"), null=True, blank=True)
    created_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    unscoped = AgreementQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-start_date", "id"]
        verbose_name = _("agreement")
        constraints = [
            models.CheckConstraint(condition=Q(end_date__gte=models.F("start_date")), name="agreement_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return self.product


class AgreementPrice(models.Model):
    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="prices")
    label = models.CharField(max_length=200)
    unit = models.CharField(max_length=60)
    amount_nano = models.BigIntegerField()
    tier_from = models.PositiveBigIntegerField(default=0)
    valid_from = models.DateField(null=True)
    valid_until = models.DateField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.label


class UsageReferenceQuerySet(models.QuerySet["UsageReference"]):
    def visible_to(self, principal: Principal) -> UsageReferenceQuerySet:
        if not principal.may("reference:view"):
            return self.none()
        if principal.may("reference:reply"):  # a vendor: those about its own offers
            return self.filter(offer__institution_id=principal.institution_id)
        return self

    def editable_by(self, principal: Principal) -> UsageReferenceQuerySet:
        """The institution that signed it. The vendor replies beside it, and never edits."""
        return self.filter(institution_id=principal.institution_id) if principal.may("reference:edit") else self.none()


class UsageReference(models.Model):
    """*Référence d’usage*: what an institution says of what it uses. Withdrawn, its words and name go; the trace stays."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, related_name="+")  # none: withdrawn
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="references")
    text = models.TextField(_("opinion"), max_length=4_000, blank=True)
    used_since_date = models.DateField(_("used since"), null=True, blank=True)
    users = models.PositiveIntegerField(_("users"), null=True, blank=True)
    signed_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    signed_at = models.DateTimeField()
    reply = models.TextField(_("the vendor’s reply"), max_length=4_000, blank=True)
    replied_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    replied_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    unscoped = UsageReferenceQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-signed_at"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "offer"], name="one_reference_per_offer_and_institution"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(institution=None, signed_by=None, replied_by=None, text="", reply=""),
                name="withdrawn_reference_is_nameless",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} {self.offer_id}"
