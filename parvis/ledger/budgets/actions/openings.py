"""What a running period had spent already when a budget was set on it: read from the ledger when the account is opened, and
again when calls that were under way then are recorded.

What is counted are the calls before the budget was set; those after it reserve from its account themselves.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Greatest

from parvis.institutions.models import Group, Profile
from parvis.ledger.budgets.models import Budget, MeasureChoice, Node, NodeKind, Spending
from parvis.ledger.models import Call, Kind, Transfer

# A place, and every one below.
DOWNWARDS = """
WITH RECURSIVE downwards (id) AS (
    SELECT id FROM budgets_node WHERE id = %s
    UNION
    SELECT below.id FROM budgets_node below JOIN downwards ON below.parent_id = downwards.id
)
SELECT id FROM downwards
"""


def spent_before(budget: Budget, node_id: int, starts_at: datetime) -> int:
    """At a place, since the period began, in the budget's own measure. What has no price adds nothing."""
    if not budget.counts_earlier or budget.created_at <= starts_at:
        return 0
    calls = _calls_of(Node.unscoped.get(id=node_id)).filter(occurred_at__gte=starts_at, occurred_at__lt=budget.created_at)
    return max(0, _MEASURED[MeasureChoice(budget.measure)](calls) or 0)


def count_late(calls: Collection[tuple[datetime, int | None, int | None]]) -> None:
    """Calls were recorded, by instant, person and key: of those that were under way when a budget was set, its accounts learn.
    In the transaction that recorded them; what another was recording when the budget was set is found by the next."""
    if not calls:
        return
    earliest = min(instant for instant, _person, _key in calls)
    people, keys = {person for _at, person, _key in calls if person}, {key for _at, _person, key in calls if key}
    theirs = Q(node__profile__person_id__in=people) | Q(node__key_id__in=keys) | Q(node__kind__in=_OF_MANY)
    rows = Spending.unscoped.filter(theirs, budget__counts_earlier=True, budget__created_at__gt=earliest - _LATEST)
    rows = rows.filter(budget__created_at__gt=F("starts_at"), budget__created_at__lt=F("ends_at")).select_related("budget")
    for account in rows.select_for_update(of=("self",)).order_by("id"):
        late = spent_before(account.budget, account.node_id, account.starts_at) - account.opening
        if late > 0:
            Spending.unscoped.filter(id=account.id).update(
                opening=F("opening") + late,
                spent=F("spent") + late,
                ceiling=Greatest(F("ceiling"), F("spent") + F("leased") + late),
            )


_LATEST = timedelta(hours=1)  # no call lasts so long, its recording included
_OF_MANY = (NodeKind.ALLIANCE, NodeKind.INSTITUTION, NodeKind.COMPONENT, NodeKind.COURSE)


def _calls_of(node: Node) -> QuerySet[Call]:
    """Those that would be counted there today: of its people and of those of its groups, of its keys, of what is used."""
    if node.kind == NodeKind.ALLIANCE:
        return Call.unscoped.all()
    here = Call.unscoped.filter(institution=node.institution_id)
    if node.kind == NodeKind.INSTITUTION:
        return here
    below = Node.unscoped.filter(id__in=_downwards(node.id))
    people = Profile.objects.filter(id__in=below.exclude(profile=None).values("profile")).values("person")
    grouped = Group.objects.filter(id__in=below.exclude(group=None).values("group")).exclude(profiles=None)
    return here.filter(
        Q(person_id__in=people)
        | Q(person_id__in=grouped.values("profiles__person"))
        | Q(key_id__in=below.exclude(key=None).values("key"))
        | Q(app__in=below.exclude(subject="").values("subject"))
        | Q(component__in=below.filter(kind=NodeKind.COMPONENT).exclude(name="").values("name"))
    )


def _downwards(node_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(DOWNWARDS, [node_id])
        return [row[0] for row in cursor.fetchall()]


def _money(calls: QuerySet[Call]) -> Any:
    signed = Case(When(kind=Kind.REVERSAL, then=-F("amount_nano")), default=F("amount_nano"), output_field=BigIntegerField())
    return Transfer.unscoped.filter(call__in=calls.values("id")).aggregate(all=Sum(signed))["all"]


def _tokens(calls: QuerySet[Call]) -> Any:
    each = F("input_tokens") + F("cached_tokens") + F("output_tokens") + F("embedding_tokens")
    return calls.aggregate(all=Sum(each))["all"]


def _carbon(calls: QuerySet[Call]) -> Any:
    """In milligrams, the upper end of each call's, rounded up as when it was reserved."""
    return sum(-(-(high or 0) // 1_000) for high in calls.values_list("carbon_high_ug", flat=True))


_MEASURED = {MeasureChoice.MONEY: _money, MeasureChoice.TOKENS: _tokens, MeasureChoice.CARBON: _carbon}
