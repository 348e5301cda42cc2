"""What the pages show: the tree with what is spent, who is near a limit, and what is left to one person."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, F, QuerySet
from django.db.models.functions import Cast

from parvis.access.principal import Principal
from parvis.institutions.models import Profile, Role
from parvis.isolation.scope import everywhere
from parvis.ledger.budgets.actions.resolution import places
from parvis.ledger.budgets.models import Budget, Node, NodeKind, Spending
from parvis.ledger.crowd import K

Limited = tuple[Budget, Spending | None]


@dataclass(frozen=True, slots=True)
class Branch:
    """One place, so many below the root, with its budgets. For one that is of each, `spending` is None."""

    node: Node
    depth: int
    budgets: list[Limited]


def tree(principal: Principal, now: datetime) -> list[Branch]:
    """The places this person oversees, each before those below it. People and keys are there if a budget is their own."""
    with _reading(principal):
        budgets: dict[int, list[Budget]] = defaultdict(list)
        for budget in Budget.objects.visible_to(principal).in_force():
            budgets[budget.node_id].append(budget)
        running = {(row.budget_id, row.node_id): row for row in _running(principal, now).filter(node=F("budget__node"))}
        rows = Node.objects.visible_to(principal).exclude(
            id__in=Node.objects.visible_to(principal)
            .filter(kind__in=(NodeKind.PERSON, NodeKind.KEY, NodeKind.APP))
            .exclude(id__in=budgets)
            .values("id")
        )
        below: dict[int | None, list[Node]] = defaultdict(list)
        found = list(rows.select_related("institution", "profile__person", "key", "group"))
    known = {node.id for node in found}
    for node in sorted(found, key=lambda node: (_ORDER[node.kind], str(node).casefold(), node.id)):
        below[node.parent_id if node.parent_id in known else None].append(node)

    def walk(parent_id: int | None, depth: int) -> list[Branch]:
        return [
            branch
            for node in below[parent_id]
            for branch in (
                Branch(node, depth, [(one, None if one.each else running.get((one.id, node.id))) for one in budgets[node.id]]),
                *walk(node.id, depth + 1),
            )
        ]

    return walk(None, 0)


@dataclass(frozen=True, slots=True)
class Near:
    """`named`: places, and people of whom a limit was set by name. `crowds`: each budget for each person, with how many of
    them; None where they are fewer than are ever told."""

    named: list[Spending]
    crowds: list[tuple[Budget, int | None]]

    @property
    def count(self) -> int:
        return len(self.named) + sum(people or 0 for _budget, people in self.crowds)


def near(principal: Principal, now: datetime, *, percent: int) -> Near:
    """What has used so much of a limit, the nearest first. What each person uses is theirs to know: of a limit that is the
    same for each, only how many are near it is told, of `crowd.K` at least."""
    named: list[Spending] = []
    people: dict[Budget, list[Spending]] = defaultdict(list)
    for row in _near(principal, now, percent=percent):
        (people[row.budget] if _is_of_somebody(row) else named).append(row)
    crowds = [(budget, len(rows) if len(rows) >= K else None) for budget, rows in people.items()]
    return Near(named, sorted(crowds, key=lambda one: (-(one[1] or 0), one[0].id)))


def _is_of_somebody(row: Spending) -> bool:
    """Of one person among others, or of a key of theirs."""
    holder = row.node.key.profile if row.node.key else row.node.profile
    return row.budget.node_id != row.node_id and holder is not None and holder.role != Role.APP


def _near(principal: Principal, now: datetime, *, percent: int) -> list[Spending]:
    used = Cast(F("spent") + F("excess"), BigIntegerField())
    with _reading(principal):
        rows = _running(principal, now).annotate(share=used * 100 - F("limit") * percent).filter(share__gte=0)
        rows = rows.select_related("budget", "node__profile__person", "node__institution", "node__key__profile")
        return sorted(rows, key=lambda row: (-(row.used / row.limit if row.limit else 1), row.id))


def account_of(principal: Principal, budget: Budget, now: datetime) -> Spending | None:
    """Of one budget, where its own place has spent something in the running period."""
    with _reading(principal):
        return _running(principal, now).filter(budget=budget, node=budget.node_id).first()


def from_above(principal: Principal, now: datetime) -> list[Limited]:
    """What the alliance allots to the institution of who oversees it."""
    rows = Spending.objects.visible_to(principal).filter(budget__institution=None, starts_at__lte=now, ends_at__gt=now)
    spent = {row.budget_id: row for row in rows if principal.may("budget:oversee")}
    budgets = Budget.unscoped.in_force().filter(institution=None, each=NodeKind.INSTITUTION)
    return [(budget, spent.get(budget.id)) for budget in budgets if principal.may("budget:oversee")]


def remaining(profile: Profile, now: datetime) -> list[Limited]:
    """The budgets that are this person's own: set for them alone, or for each person at their institution or in a group."""
    here = Node.unscoped.filter(institution=profile.institution_id)
    starts = [
        *here.filter(kind=NodeKind.INSTITUTION).values_list("id", flat=True),
        *here.filter(profile=profile).values_list("id", flat=True),
        *here.filter(group__profiles=profile).values_list("id", flat=True),
    ]
    own = here.filter(profile=profile).first()
    budgets = Budget.unscoped.in_force().filter(node__in=places(starts))
    mine = [budget for budget in budgets if budget.each == NodeKind.PERSON or (own and budget.node_id == own.id)]
    rows = Spending.unscoped.filter(budget__in=mine, node=own, starts_at__lte=now, ends_at__gt=now) if own else ()
    spent = {row.budget_id: row for row in rows}
    return [(budget, spent.get(budget.id)) for budget in mine]


_ORDER = {kind: number for number, kind in enumerate(NodeKind.values)}


def _running(principal: Principal, now: datetime) -> QuerySet[Spending]:
    rows: QuerySet[Spending] = Spending.objects.visible_to(principal)
    return rows.filter(starts_at__lte=now, ends_at__gt=now, budget__ended_at=None)


def _reading(principal: Principal) -> AbstractContextManager[None]:
    """Who coordinates sees what the alliance allots, which is counted at each institution."""
    return everywhere("budgets") if principal.may("budget:coordinate") else nullcontext()
