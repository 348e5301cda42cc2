"""The tree of who spends, the budgets set on it, what each has spent in its period, and what is leased out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.models import ApiKey
from parvis.institutions.models import Group, Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class NodeKind(models.TextChoices):
    """What a place in the tree is, from its root to its leaves."""

    ALLIANCE = "alliance", _("alliance")
    INSTITUTION = "institution", _("institution")
    COMPONENT = "component", _("component")
    COURSE = "course", _("course")
    APP = "app", _("application")
    KEY = "key", _("API key")
    PERSON = "person", _("person")


# Under which kinds a place may hang.
ABOVE: dict[str, frozenset[str]] = {
    NodeKind.ALLIANCE: frozenset(),
    NodeKind.INSTITUTION: frozenset({NodeKind.ALLIANCE}),
    NodeKind.COMPONENT: frozenset({NodeKind.INSTITUTION, NodeKind.COMPONENT}),
    NodeKind.COURSE: frozenset({NodeKind.INSTITUTION, NodeKind.COMPONENT}),
    NodeKind.APP: frozenset({NodeKind.INSTITUTION, NodeKind.COMPONENT}),
    NodeKind.KEY: frozenset({NodeKind.INSTITUTION, NodeKind.COMPONENT, NodeKind.APP}),
    NodeKind.PERSON: frozenset({NodeKind.INSTITUTION, NodeKind.COMPONENT}),
}


class NodeQuerySet(models.QuerySet["Node"]):
    def visible_to(self, principal: Principal) -> NodeQuerySet:
        """An institution's whole tree to who oversees its budgets; the alliance's place to who coordinates; to anybody, the
        place that is their own."""
        if principal.may("budget:oversee"):
            return self.filter(institution_id=principal.institution_id)
        if principal.may("budget:coordinate"):
            return self.filter(institution=None)
        return self.filter(institution_id=principal.institution_id, profile_id=principal.profile_id)

    def editable_by(self, principal: Principal) -> NodeQuerySet:
        return self.visible_to(principal) if principal.may("budget:edit") else self.none()


class Node(models.Model):
    """Whose name stands where: the institution's own, that of `group`, `profile` or `key`, or `name`. `subject` says which
    course, as whoever asks for it writes it: "assistant:12"."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", null=True)
    kind = models.CharField(max_length=12, choices=NodeKind.choices)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, related_name="children", null=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    group = models.ForeignKey(Group, on_delete=models.SET_NULL, related_name="+", null=True)
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+", null=True)
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+", null=True)
    subject = models.CharField(max_length=60, blank=True)

    unscoped = NodeQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(kind="alliance"), name="one_alliance"),
            models.UniqueConstraint(fields=["institution"], condition=Q(kind="institution"), name="one_place_per_institution"),
            models.UniqueConstraint(fields=["profile"], name="one_place_per_profile"),
            models.UniqueConstraint(fields=["key"], name="one_place_per_key"),
            models.UniqueConstraint(fields=["group"], name="one_place_per_group"),
            models.UniqueConstraint(fields=["institution", "subject"], condition=~Q(subject=""), name="one_place_per_subject"),
            models.CheckConstraint(
                condition=Q(kind="alliance", institution=None, parent=None)
                | (~Q(kind="alliance") & Q(institution__isnull=False, parent__isnull=False)),
                name="places_hang_from_the_alliance",
            ),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        if self.kind == NodeKind.ALLIANCE:
            return str(_("The alliance"))
        if self.profile is not None:
            return str(self.profile.person)
        return str(self.key or self.name or self.institution)


class MeasureChoice(models.TextChoices):
    MONEY = "money", _("money")
    TOKENS = "tokens", _("tokens")
    CARBON = "carbon", _("carbon")


class PeriodChoice(models.TextChoices):
    DAY = "day", _("day")
    MONTH = "month", _("month")
    SEMESTER = "semester", _("semester")
    YEAR = "year", _("year")


class BudgetQuerySet(models.QuerySet["Budget"]):
    def visible_to(self, principal: Principal) -> BudgetQuerySet:
        if principal.may("budget:oversee"):
            return self.filter(institution_id=principal.institution_id)
        return self.filter(institution=None) if principal.may("budget:coordinate") else self.none()

    def editable_by(self, principal: Principal) -> BudgetQuerySet:
        return self.visible_to(principal) if principal.may("budget:edit") else self.none()

    def in_force(self) -> BudgetQuerySet:
        return self.filter(ended_at=None)


class Budget(models.Model):
    """A limit at one place, for all that is below it. `each`: the limit is of each place of this kind below it, apart."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", null=True)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="budgets")
    measure = models.CharField(max_length=6, choices=MeasureChoice.choices)
    period = models.CharField(max_length=8, choices=PeriodChoice.choices)
    limit = models.BigIntegerField()  # nano-euro, tokens, or milligrams of CO2e
    each = models.CharField(max_length=12, blank=True)  # a NodeKind
    way_down: models.JSONField[Any, Any] = models.JSONField(default=list)  # steps of `descent`
    counts_earlier = models.BooleanField(default=True)  # what its first period had spent before it was set
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    unscoped = BudgetQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(limit__gte=0), name="budget_is_not_negative")]
        indexes = [models.Index(fields=["node"], condition=Q(ended_at=None), name="budgets_in_force")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.limit} {self.measure} / {self.period}"


class SpendingQuerySet(models.QuerySet["Spending"]):
    def visible_to(self, principal: Principal) -> SpendingQuerySet:
        if principal.may("budget:oversee"):
            return self.filter(institution_id=principal.institution_id)
        if principal.may("budget:coordinate"):
            return self.filter(budget__institution=None)
        return self.filter(institution_id=principal.institution_id, node__profile=principal.profile_id)


class Spending(models.Model):
    """What one budget has spent at one place in one period. `leased` is what workers hold of it: never more than the limit is
    spent or leased. `ceiling` is the limit, or what was spent and leased already when it was lowered below that. `excess`:
    calls that cost more than the worst that was reserved for them."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", null=True)  # of the node
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="spendings")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    limit = models.BigIntegerField()
    ceiling = models.BigIntegerField()
    spent = models.BigIntegerField(default=0)
    leased = models.BigIntegerField(default=0)
    excess = models.BigIntegerField(default=0)
    opening = models.BigIntegerField(default=0)  # of `spent`, what was before the budget
    alerted = models.PositiveSmallIntegerField(default=0)  # per cent: the highest that was told

    unscoped = SpendingQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["budget", "node", "starts_at"], name="one_spending_per_period"),
            models.CheckConstraint(
                condition=Q(spent__gte=0, leased__gte=0, excess__gte=0, opening__gte=0), name="spending_is_not_negative"
            ),
            models.CheckConstraint(condition=Q(ceiling__gte=F("spent") + F("leased")), name="never_beyond_the_ceiling"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="spending_ends_later"),
        ]
        indexes = [models.Index(fields=["node", "ends_at"], name="spendings_of_a_place")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.budget_id} · {self.node_id}"

    @property
    def used(self) -> int:
        return self.spent + self.excess


class LeaseQuerySet(models.QuerySet["Lease"]):
    def visible_to(self, principal: Principal) -> LeaseQuerySet:
        here = self.filter(institution_id=principal.institution_id)
        return here if principal.may("budget:oversee") else self.none()


class Lease(models.Model):
    """What the worker of one epoch holds of one account. `written_off`: it expired, and what is left of it counts as spent
    until its worker's slate says better."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", null=True)  # of the account
    account = models.ForeignKey(Spending, on_delete=models.CASCADE, related_name="leases")
    epoch = models.CharField(max_length=32)
    granted = models.BigIntegerField()
    spent = models.BigIntegerField(default=0)
    excess = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    written_off = models.BooleanField(default=False)

    unscoped = LeaseQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch", "account"], name="one_lease_per_worker_and_account"),
            models.CheckConstraint(condition=Q(spent__gte=0, granted__gte=F("spent")), name="lease_is_not_overspent"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="leases_by_expiry")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.epoch} · {self.account_id}"


class TermQuerySet(models.QuerySet["Term"]):
    def visible_to(self, principal: Principal) -> TermQuerySet:
        return self.filter(institution_id=principal.institution_id)

    def editable_by(self, principal: Principal) -> TermQuerySet:
        return self.visible_to(principal) if principal.may("budget:edit") else self.none()


class Term(models.Model):
    """The day on which a semester of the institution begins; the coordination's are the alliance's."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    starts_date = models.DateField(_("first day"))

    unscoped = TermQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "starts_date"], name="term_starts_once")]
        ordering = ["starts_date"]

    def __str__(self) -> str:
        return str(self.starts_date)
