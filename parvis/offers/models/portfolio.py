"""What an institution pays today, and which needs it covers: shown to itself, and to the alliance as aggregates only."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile
from parvis.needs.models import HarmonisedNeed
from parvis.offers.models.choices import Agreement

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class ToolSource(models.TextChoices):
    FORM = "form", _("typed in")
    CSV = "csv", _("imported file")
    DECP = "decp", _("open data of public contracts")
    AGREEMENT = "agreement", _("agreement in force here")


class PortfolioQuerySet(models.QuerySet[Any]):
    def visible_to(self, principal: Principal) -> PortfolioQuerySet:
        return self.filter(institution_id=principal.institution_id) if principal.may("portfolio:view") else self.none()

    def editable_by(self, principal: Principal) -> PortfolioQuerySet:
        return self.filter(institution_id=principal.institution_id) if principal.may("portfolio:edit") else self.none()


class OwnFileQuerySet(models.QuerySet["PortfolioFile"]):
    def visible_to(self, principal: Principal) -> OwnFileQuerySet:
        return self.filter(profile_id=principal.profile_id) if principal.may("portfolio:edit") else self.none()

    def editable_by(self, principal: Principal) -> OwnFileQuerySet:
        return self.visible_to(principal)


class Tool(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("tool"), max_length=200)
    vendor_name = models.CharField(_("vendor"), max_length=200, blank=True)
    service = models.CharField(_("service that pays"), max_length=120, blank=True)
    yearly_cents = models.PositiveBigIntegerField(_("cost per year before tax"), null=True, blank=True)  # unknown: not zero
    start_date = models.DateField(_("since"), null=True, blank=True)
    end_date = models.DateField(_("until"), null=True, blank=True)
    notice_date = models.DateField(_("last day to give notice"), null=True, blank=True)
    source = models.CharField(max_length=10, choices=ToolSource.choices, default=ToolSource.FORM)
    reference = models.CharField(_("contract reference"), max_length=120, null=True)  # imported once per institution
    cpv = models.CharField(max_length=20, blank=True)
    details = models.JSONField(default=dict)  # of the open data: object, duration, holders, offers received, innovation
    # What the institution alone knows: what it buys in a year in the unit of the tiers, and the hours of its own work spared.
    quantity = models.PositiveBigIntegerField(_("quantity per year"), null=True, blank=True)
    is_quantity_counted = models.BooleanField(_("this quantity was counted"), default=False)
    spared_hours = models.PositiveIntegerField(_("hours of procedure spared"), null=True, blank=True)
    are_hours_counted = models.BooleanField(_("these hours were counted"), default=False)
    agreement = models.OneToOneField(Agreement, on_delete=models.PROTECT, null=True, related_name="tool")  # opened it
    created_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    unscoped = PortfolioQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("tool")
        constraints = [models.UniqueConstraint(fields=["institution", "reference"], name="contract_once_per_institution")]

    def __str__(self) -> str:
        return self.name

    def has_begun_by(self, day: date) -> bool:
        """What was ended before its first day never begins."""
        return not self.start_date or (self.start_date <= day and not self.is_void)

    def is_paid_on(self, day: date) -> bool:
        return self.has_begun_by(day) and (not self.end_date or self.end_date >= day)

    @property
    def is_void(self) -> bool:
        """Ended before its first day: nothing was ever bought."""
        return bool(self.start_date and self.end_date and self.end_date < self.start_date)


class Coverage(models.Model):
    """That a tool answers a harmonised need, how, and whether its use was confirmed."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE, related_name="coverages")
    need = models.ForeignKey(HarmonisedNeed, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(_("how it covers the need"), max_length=4)  # offers.conformity.CODES
    is_used = models.BooleanField(_("use confirmed"), default=False)
    evidence = models.CharField(_("what confirms it"), max_length=400, blank=True)
    # What was done with it is done with another tool since that day, as the evidence shows.
    moved_to = models.ForeignKey(Tool, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    moved_date = models.DateField(null=True, blank=True)

    unscoped = PortfolioQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["need__number"]
        constraints = [models.UniqueConstraint(fields=["tool", "need"], name="one_coverage_per_tool_and_need")]

    def __str__(self) -> str:
        return f"{self.tool_id} {self.need_id}"


class PortfolioFile(models.Model):
    """What a file holds for a portfolio, between its preview and its confirmation. Kept for a day at most."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=10, choices=ToolSource.choices)
    name = models.CharField(max_length=200)
    rows = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    received_at = models.DateTimeField(auto_now_add=True)

    unscoped = OwnFileQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ThresholdParameter(models.Model):
    """An amount of procurement law, from a day to a day, with its reference. The law changes: amounts are rows."""

    code = models.CharField(max_length=40)
    amount_cents = models.PositiveBigIntegerField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    legal_reference = models.CharField(max_length=300)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ["code", "valid_from"]
        constraints = [models.UniqueConstraint(fields=["code", "valid_from"], name="one_threshold_per_day")]

    def __str__(self) -> str:
        return f"{self.code} {self.valid_from}"
