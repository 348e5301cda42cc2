"""Offers: vendors' answers once opened, requirement by requirement."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution
from parvis.needs.models import RequirementText
from parvis.offers.models.requests import RequestForInformation, SealedAnswer

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class Zone(models.TextChoices):
    """*Zone d’hébergement*, from the closest to the farthest."""

    ON_PREM = "on-prem", _("on the institution’s servers")
    FR = "fr", _("France")
    EU = "eu", _("European Union")
    WORLD = "world", _("elsewhere")


class OfferQuerySet(models.QuerySet["Offer"]):
    def visible_to(self, principal: Principal) -> OfferQuerySet:
        """To members and the coordination; a vendor reads its own and no other's."""
        if not principal.may("offer:view"):
            return self.none()
        return self.filter(institution_id=principal.institution_id) if principal.may("answer:view") else self


class Offer(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")  # the vendor
    request = models.ForeignKey(RequestForInformation, on_delete=models.PROTECT, related_name="offers")
    sealed = models.OneToOneField(SealedAnswer, on_delete=models.PROTECT, related_name="offer")
    product = models.CharField(_("product"), max_length=200)
    summary = models.TextField(_("summary"), max_length=8_000, blank=True)
    zone = models.CharField(_("hosting zone"), max_length=10, choices=Zone.choices, blank=True)
    processor = models.CharField(_("who processes the data"), max_length=300, blank=True)
    no_training = models.BooleanField(_("data never used for training"), null=True)
    no_training_date = models.DateField(null=True)
    no_training_document = models.CharField(max_length=300, blank=True)
    accessibility = models.TextField(_("accessibility statement"), max_length=4_000, blank=True)
    reversibility = models.TextField(_("reversibility"), max_length=4_000, blank=True)
    opened_at = models.DateTimeField()

    unscoped = OfferQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["request_id", "institution__name"]
        verbose_name = _("offer")
        constraints = [models.UniqueConstraint(fields=["request", "institution"], name="one_offer_per_vendor_and_request")]

    def __str__(self) -> str:
        return self.product


class ConformityLine(models.Model):
    """What an offer answers to one requirement. No code is "no answer", which is not conformity."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="lines")
    requirement = models.ForeignKey(RequirementText, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=4, blank=True)  # offers.conformity.CODES
    proof = models.CharField(max_length=1_000, blank=True)
    available_date = models.DateField(null=True)
    comment = models.CharField(max_length=2_000, blank=True)

    class Meta:
        ordering = ["requirement__requirement__number"]
        constraints = [models.UniqueConstraint(fields=["offer", "requirement"], name="one_line_per_requirement")]

    def __str__(self) -> str:
        return f"{self.requirement_id} {self.code}"


class PriceLine(models.Model):
    """A line of the price book, before tax. Money is integer nano-euro (1 € = 10⁹)."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="prices")
    label = models.CharField(max_length=200)
    unit = models.CharField(max_length=60)
    amount_nano = models.BigIntegerField()
    tier_from = models.PositiveBigIntegerField(default=0)
    valid_from = models.DateField(null=True)
    valid_until = models.DateField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount_nano__gte=0), name="price_is_not_negative")]

    def __str__(self) -> str:
        return self.label
