"""The rules of an institution, each version as it was saved, and what the one in force gives to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Group, Institution, Profile, Role

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class RuleSetQuerySet(models.QuerySet["RuleSet"]):
    def visible_to(self, principal: Principal) -> RuleSetQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("rule:view") else self.none()

    def editable_by(self, principal: Principal) -> RuleSetQuerySet:
        return self.visible_to(principal) if principal.may("rule:edit") else self.none()


class RuleSet(models.Model):
    """One version, never changed: going back to it makes a new one."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()  # from 1, in the institution
    key = models.CharField(max_length=22)  # Institution.rules_key while it is in force
    text = models.TextField()  # all of its policies
    matrix = models.JSONField(default=dict)  # those among them that are cells of the matrix
    reason = models.CharField(_("reason"), max_length=300)
    author = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    restored = models.PositiveIntegerField(null=True)  # the number of the version that this one brings back
    created_at = models.DateTimeField(auto_now_add=True)

    unscoped = RuleSetQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "number"], name="rule_set_number_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.institution_id}, {self.number}"


class EntitlementQuerySet(models.QuerySet["Entitlement"]):
    def visible_to(self, principal: Principal) -> EntitlementQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("rule:view") else self.none()


class Entitlement(models.Model):
    """What the rules in force give to one kind of person, of one kind of tool: engine.Table.key, and its value."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    rules = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="+")
    affiliation = models.CharField(max_length=20)
    groups = models.JSONField(default=list)  # those that the rules name
    person = models.CharField(max_length=20, blank=True)  # a profile that the rules name
    kind = models.CharField(max_length=12)
    tool = models.CharField(max_length=40, blank=True)  # one that the rules name
    zone = models.CharField(max_length=10, blank=True)
    purpose = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=8)
    base_allowed = models.BooleanField()
    base_rules = models.JSONField(default=list)
    live_rules = models.JSONField(default=list)

    unscoped = EntitlementQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    def __str__(self) -> str:
        return f"{self.affiliation} {self.kind}: {self.state}"


class RuleCheckQuerySet(models.QuerySet["RuleCheck"]):
    def visible_to(self, principal: Principal) -> RuleCheckQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("rule:view") else self.none()

    def editable_by(self, principal: Principal) -> RuleCheckQuerySet:
        return self.visible_to(principal) if principal.may("rule:edit") else self.none()


class RuleCheck(models.Model):
    """What must hold whatever the rules: a first-year student does not use that model. Rules that break it are not saved."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    affiliation = models.CharField(max_length=20, choices=Role.choices)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    tool = models.CharField(max_length=60)  # a column of the matrix: "model:7"
    allowed = models.BooleanField(default=False)

    unscoped = RuleCheckQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "affiliation", "group", "tool"], name="rule_check_once_of_group"),
            models.UniqueConstraint(
                fields=["institution", "affiliation", "tool"], condition=Q(group=None), name="rule_check_once_of_all"
            ),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.affiliation} {self.tool}"


class CoursePeriodQuerySet(models.QuerySet["CoursePeriod"]):
    def visible_to(self, principal: Principal) -> CoursePeriodQuerySet:
        return self.filter(institution=principal.institution_id)

    def editable_by(self, principal: Principal) -> CoursePeriodQuerySet:
        return self.visible_to(principal) if principal.may("rule:edit") else self.none()


class CoursePeriod(models.Model):
    """A semester, as the institution counts it."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=60)
    starts_date = models.DateField(_("first day"))
    ends_date = models.DateField(_("last day"))

    unscoped = CoursePeriodQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="course_period_name_once"),
            models.CheckConstraint(condition=Q(ends_date__gte=F("starts_date")), name="course_period_in_order"),
        ]
        ordering = ["starts_date", "id"]

    def __str__(self) -> str:
        return self.name
