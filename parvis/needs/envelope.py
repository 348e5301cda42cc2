"""A shared envelope between published needs: who approves what, from valid co-signatures, and who would pay for what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parvis.access.principal import Principal
from parvis.needs.cost_sharing import whole_units
from parvis.needs.equal_shares import Ballot, Completion, Outcome, Priced, equal_shares
from parvis.needs.models import CoSignature, Engagement, HarmonisedNeed
from parvis.needs.models.harmonised import HarmonisedNeedQuerySet

CENTS = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """`said_euros`: envelopes that institutions wrote beside their signatures, together; `approving`: their ids."""

    id: int
    code: str
    title: str
    said_euros: int
    approving: frozenset[int]


@dataclass(frozen=True, slots=True)
class Payer:
    id: int
    name: str
    students: int | None  # the most it said on any need
    is_invented: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Amounts in euros; `paid` in the order of what was bought. Each column adds up to its total."""

    name: str
    share: float
    paid: tuple[float, ...]
    left: float
    is_invented: bool = False


@dataclass(frozen=True, slots=True)
class Sharing:
    bought: tuple[tuple[Candidate, float, bool], ...]  # need, cost, by completion
    not_bought: tuple[tuple[Candidate, float], ...]
    rows: tuple[Row, ...]
    total: Row
    without_students: tuple[str, ...]  # left out of a sharing weighted by students


def candidates(principal: Principal) -> tuple[list[Candidate], list[Payer]]:
    """Published needs, and the institutions that signed one as more than interested."""
    rows: HarmonisedNeedQuerySet = HarmonisedNeed.objects.visible_to(principal)
    needs = {version.id: need for need in rows.living().published().prefetch_related("versions") if (version := need.in_force)}
    signed = CoSignature.objects.visible_to(principal).valid().filter(version__in=needs)
    approving: defaultdict[int, set[int]] = defaultdict(set)
    said: defaultdict[int, int] = defaultdict(int)
    payers: dict[int, Payer] = {}
    for row in signed.exclude(engagement=Engagement.INTERESTED).select_related("institution", "signed_by__person"):
        approving[row.version_id].add(row.institution_id)
        said[row.version_id] += row.envelope_euros or 0
        before = payers[row.institution_id].students if row.institution_id in payers else None
        figures = [figure for figure in (before, row.students) if figure]
        invented = row.institution.is_invented or (row.signed_by is not None and row.signed_by.person.is_invented)
        payers[row.institution_id] = Payer(
            row.institution_id, row.institution.short_name, max(figures, default=None), invented
        )
    found = [
        Candidate(need.id, need.code, need.title, said[version], frozenset(approving[version]))
        for version, need in needs.items()
    ]
    return found, sorted(payers.values(), key=lambda one: one.name)


def share(
    needs: Sequence[Candidate],
    payers: Sequence[Payer],
    *,
    euros: int,
    costs: Mapping[int, int],
    by_students: bool,
    completion: Completion,
) -> Sharing:
    """`costs` in euros by need; a need without one is left out. Weighted by students, so is who said no number of them."""
    taking = [one for one in payers if one.students or not by_students]
    priced = [one for one in needs if costs.get(one.id)]
    ballots = [
        Ballot(one.id, frozenset(need.id for need in priced if one.id in need.approving), (by_students and one.students) or 1)
        for one in taking
    ]
    lots = [Priced(one.id, costs[one.id] * CENTS) for one in priced]
    outcome = equal_shares(euros * CENTS, lots, ballots, completion=completion)
    return _shown(outcome, priced, taking, costs, [one.name for one in payers if one not in taking])


def _shown(
    outcome: Outcome,
    needs: Sequence[Candidate],
    payers: Sequence[Payer],
    costs: Mapping[int, int],
    without: Sequence[str],
) -> Sharing:
    by_id = {one.id: one for one in needs}
    columns = [whole_units(one.cost, one.paid) for one in outcome.bought]
    rest = sum(outcome.left.values())
    left = whole_units(rest.numerator, outcome.left) if rest else dict.fromkeys(outcome.left, 0)
    rows = [
        _row(one.name, [column.get(one.id, 0) for column in columns], left[one.id], is_invented=one.is_invented)
        for one in payers
    ]
    bought = [(by_id[one.need], float(costs[one.need]), one.price is None) for one in outcome.bought]
    taken = {one.need for one in outcome.bought}
    return Sharing(
        bought=tuple(bought),
        not_bought=tuple((one, float(costs[one.id])) for one in needs if one.id not in taken),
        rows=tuple(rows),
        total=_row("", [sum(column.values()) for column in columns], sum(left.values())),
        without_students=tuple(without),
    )


def _row(name: str, paid: Sequence[int], left: int, *, is_invented: bool = False) -> Row:
    return Row(name, (sum(paid) + left) / CENTS, tuple(one / CENTS for one in paid), left / CENTS, is_invented)
