"""Which accounts a call is counted in: those of every budget at the places it concerns and above them, for this period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from parvis.institutions.models import Nature
from parvis.ledger.budgets.actions.openings import spent_before
from parvis.ledger.budgets.models import Budget, PeriodChoice, Spending, Term
from parvis.ledger.budgets.periods import Period, Span, span

# Every place named, and every one above.
UPWARDS = """
WITH RECURSIVE upwards (id, parent_id, kind, institution_id) AS (
    SELECT id, parent_id, kind, institution_id FROM budgets_node WHERE id IN ({places})
    UNION
    SELECT above.id, above.parent_id, above.kind, above.institution_id
    FROM budgets_node above JOIN upwards ON above.id = upwards.parent_id
)
SELECT id, parent_id, kind, institution_id FROM upwards
"""


@dataclass(frozen=True, slots=True)
class Place:
    id: int
    parent_id: int | None
    kind: str
    institution_id: int | None


def resolve(chains: Sequence[tuple[int, ...]], now: datetime) -> list[list[Spending] | None]:
    """For each chain its accounts, made where the period has none yet; not locked. None for a chain that is empty or names a
    place that is not there."""
    tree = places({place for chain in chains for place in chain})
    wholes = [_upwards(chain, tree) for chain in chains]
    budgets: dict[int, list[Budget]] = defaultdict(list)
    for budget in Budget.unscoped.in_force().filter(node__in=tree):
        budgets[budget.node_id].append(budget)
    spans = _Spans(now)
    counted = [_counted(whole, budgets) for whole in wholes]
    accounts = _accounts([pair for pairs in counted for pair in pairs or ()], spans, now)
    return [None if pairs is None else [accounts[budget.id, place.id] for budget, place in pairs] for pairs in counted]


def opened(budget: Budget, now: datetime) -> Spending | None:
    """The account of a budget that is not of each, if the running period has spent something already."""
    if budget.each:
        return None
    place = places([budget.node_id])[budget.node_id]
    period = _Spans(now).of(budget)
    if not spent_before(budget, place.id, period.starts_at):
        return None
    return _accounts([(budget, place)], _Spans(now), now)[budget.id, place.id]


def places(named: Iterable[int]) -> dict[int, Place]:
    """These and all above them, by number; those that are not there are left out."""
    numbers = list(named)
    if not numbers:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(UPWARDS.format(places=", ".join(["%s"] * len(numbers))), numbers)
        return {row[0]: Place(*row) for row in cursor.fetchall()}


def _upwards(chain: tuple[int, ...], tree: Mapping[int, Place]) -> list[Place] | None:
    if not chain or any(place not in tree for place in chain):
        return None
    found: dict[int, Place] = {}
    for named in chain:
        place: Place | None = tree[named]
        while place is not None and place.id not in found:
            found[place.id] = place
            place = tree[place.parent_id] if place.parent_id else None
    return list(found.values())


def _counted(whole: list[Place] | None, budgets: Mapping[int, list[Budget]]) -> list[tuple[Budget, Place]] | None:
    """Each budget with the place that it is counted at: its own, or each place of a kind."""
    if whole is None:
        return None
    return [
        (budget, counted)
        for place in whole
        for budget in budgets.get(place.id, ())
        for counted in ([place] if not budget.each else [other for other in whole if other.kind == budget.each])
    ]


def _accounts(wanted: Iterable[tuple[Budget, Place]], spans: _Spans, now: datetime) -> dict[tuple[int, int], Spending]:
    pairs = {(budget.id, place.id): (budget, place) for budget, place in wanted}
    if not pairs:
        return {}
    found = _present(pairs, now)
    if missing := sorted(pairs.keys() - found.keys()):
        made = [_new(*pairs[pair], spans.of(pairs[pair][0])) for pair in missing]
        Spending.unscoped.bulk_create(made, ignore_conflicts=True)  # another transaction may be first
        found = _present(pairs, now)
    return found


def _present(pairs: Mapping[tuple[int, int], object], now: datetime) -> dict[tuple[int, int], Spending]:
    budgets, counted = {budget for budget, _place in pairs}, {place for _budget, place in pairs}
    rows = Spending.unscoped.filter(budget__in=budgets, node__in=counted, starts_at__lte=now, ends_at__gt=now)
    return {
        (row.budget_id, row.node_id): row for row in rows.select_related("budget") if (row.budget_id, row.node_id) in pairs
    }


def _new(budget: Budget, place: Place, period: Span) -> Spending:
    earlier = spent_before(budget, place.id, period.starts_at)
    return Spending(
        institution_id=place.institution_id,
        budget=budget,
        node_id=place.id,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        limit=budget.limit,
        ceiling=max(budget.limit, earlier),
        spent=earlier,
        opening=earlier,
    )


class _Spans:
    """The periods around an instant, with the semesters of each institution read once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._starts: dict[int | None, list[date]] = {}

    def of(self, budget: Budget) -> Span:
        starts = self._of_institution(budget.institution_id) if budget.period == PeriodChoice.SEMESTER else ()
        return span(Period(budget.period), self._now, starts)

    def _of_institution(self, institution_id: int | None) -> list[date]:
        if institution_id not in self._starts:
            self._starts[institution_id] = semester_days(institution_id)
        return self._starts[institution_id]


def semester_days(institution_id: int | None) -> list[date]:
    """Those that an institution chose; for the alliance, those of its coordination."""
    terms = Term.unscoped.all()
    if institution_id is None:
        terms = terms.filter(institution__nature=Nature.COORDINATION)
    else:
        terms = terms.filter(institution=institution_id)
    return list(terms.values_list("starts_date", flat=True))
