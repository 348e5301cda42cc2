"""What an institution pays twice for, and what that is honestly worth.

Money is integer nano-euro. A contract pays for one or several solutions; a solution serves a harmonised need when it covers
it as standard or by adaptation. Three kinds of saving are kept apart, because they are not equally true: observed (money no
longer paid), estimated (logs or a signed price book, not yet money), assumed (nobody has shown that use moved). They are
never added up, and one contract never counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import permutations

EURO = 10**9  # nano-euro
SERVING = frozenset({"ST", "DS"})  # of offers.answer.CODES: standard, and adaptation by settings


@dataclass(frozen=True, slots=True)
class Coverage:
    """`confirmed_used`: a person of the institution, or its logs, say that it is used for this need."""

    solution: str
    need: str
    level: str
    confirmed_used: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """`yearly_cost` None: nobody knows it. `free_date`: the first day it need not be paid, if notice is given in time.
    `ended_date`: the first day it was not."""

    id: str
    solutions: frozenset[str]
    yearly_cost: int | None
    free_date: date
    switching_cost: int = 0
    ended_date: date | None = None


@dataclass(frozen=True, slots=True)
class Containment:
    """Of the needs that `inner` serves, those that `outer` serves too; `confirmed`: both are known to be used for them."""

    inner: str
    outer: str
    shared: frozenset[str]
    confirmed: frozenset[str]
    needs_of_inner: int

    @property
    def is_complete(self) -> bool:
        return len(self.shared) == self.needs_of_inner


def served(coverages: Iterable[Coverage]) -> dict[str, frozenset[str]]:
    """The needs of each solution that serves some."""
    needs: dict[str, set[str]] = {}
    for coverage in coverages:
        if coverage.level in SERVING:
            needs.setdefault(coverage.solution, set()).add(coverage.need)
    return {solution: frozenset(found) for solution, found in sorted(needs.items())}


def containments(coverages: Sequence[Coverage]) -> list[Containment]:
    """Every pair with a need in common, the most contained first."""
    needs = served(coverages)
    used = served(coverage for coverage in coverages if coverage.confirmed_used)
    none: frozenset[str] = frozenset()
    found = [
        Containment(inner, outer, shared, used.get(inner, none) & used.get(outer, none), len(needs[inner]))
        for inner, outer in permutations(needs, 2)
        if (shared := needs[inner] & needs[outer])
    ]
    return sorted(found, key=lambda pair: (-len(pair.shared) / pair.needs_of_inner, pair.inner, pair.outer))


@dataclass(frozen=True, slots=True)
class Selection:
    """Contract ids. `proved`: no cheaper set exists, shown in whole numbers; otherwise only by the solver's floats."""

    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    yearly_cost: int
    yearly_difference: int
    proved: bool


def cheapest(contracts: Sequence[Contract], coverages: Iterable[Coverage]) -> Selection:
    """The contracts of least yearly cost that serve every need served today; among equals the fewest, then the first by id.

    A bound, not advice: it believes every coverage, and knows nothing of quality or of the cost of changing. A contract of
    unknown cost, or that serves nothing known, is kept: there is nothing to say of it."""
    needs = served(coverages)
    ordered = sorted(contracts, key=lambda contract: contract.id)
    judged = [contract for contract in ordered if contract.yearly_cost is not None and _needs_of([contract], needs)]
    met = _needs_of((contract for contract in ordered if contract not in judged), needs)
    costs = [contract.yearly_cost or 0 for contract in judged]
    chosen, proved = _least_cover(costs, _masks([_needs_of([contract], needs) - met for contract in judged]))
    dropped = [contract for place, contract in enumerate(judged) if place not in chosen]
    kept = [contract for contract in ordered if contract not in dropped]
    return Selection(
        kept=tuple(contract.id for contract in kept),
        dropped=tuple(contract.id for contract in dropped),
        yearly_cost=sum(contract.yearly_cost or 0 for contract in kept),
        yearly_difference=sum(contract.yearly_cost or 0 for contract in dropped),
        proved=proved,
    )


class Status(StrEnum):
    OBSERVED = "observed"  # constaté
    ESTIMATED = "estimated"  # estimé
    ASSUMED = "assumed"  # hypothèse


@dataclass(frozen=True, slots=True)
class Move:
    """The logs show that what people did for a need through this contract they do elsewhere since that day."""

    contract: str
    need: str
    to_solution: str
    since: date


@dataclass(frozen=True, slots=True)
class PriceTier:
    from_quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class TierEffect:
    """Buying `quantity` at the unit price that `quantity_together` reaches. `metered`: the quantities were counted."""

    contract: str
    quantity: int
    quantity_together: int
    tiers: tuple[PriceTier, ...]
    signed: bool
    metered: bool


@dataclass(frozen=True, slots=True)
class ProcedureAvoided:
    """`measured`: the institution counted the hours of this procedure; otherwise they are its guess."""

    contract: str
    hours: int
    measured: bool


@dataclass(frozen=True, slots=True)
class Saving:
    """`amount` may be negative: a change may cost more than it saves. `counted`: this line stands for its contract."""

    contract: str
    kind: str  # "redundancy" or "price_tier"
    status: Status
    amount: int
    from_date: date | None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Savings:
    """Every line of money; hours apart, which are not money. No total goes over two kinds, nor over two statuses."""

    lines: tuple[Saving, ...]
    hours: Mapping[Status, int]

    def amount(self, kind: str, status: Status) -> int:
        """Of the lines that stand for their contract."""
        return sum(line.amount for line in self.lines if line.counted and (line.kind, line.status) == (kind, status))


@dataclass(frozen=True, slots=True)
class Period:
    first: date
    until: date  # the day after the last

    def share(self, yearly: int, start: date) -> int:
        """Of a yearly amount, what falls in the period from `start` on; rounded down, never up."""
        days = (self.until - max(self.first, start)).days
        return yearly * max(days, 0) // 365


def savings(
    contracts: Sequence[Contract],
    coverages: Sequence[Coverage],
    *,
    moves: Sequence[Move] = (),
    tiers: Sequence[TierEffect] = (),
    procedures: Sequence[ProcedureAvoided] = (),
    period: Period,
    today: date,
) -> Savings:
    lines = [*_redundancies(contracts, coverages, moves, period, today), *_tier_effects(tiers)]
    standing = _one_for_each_contract(lines)
    marked = tuple(replace(line, counted=standing[line.contract] is line) for line in lines)
    hours = {status: 0 for status in Status}
    for procedure in procedures:
        hours[Status.ESTIMATED if procedure.measured else Status.ASSUMED] += procedure.hours
    return Savings(marked, hours)


def _redundancies(
    contracts: Sequence[Contract], coverages: Sequence[Coverage], moves: Sequence[Move], period: Period, today: date
) -> Iterable[Saving]:
    moved = _moved(contracts, coverages, [move for move in moves if move.since <= today])
    for contract in contracts:
        if contract.id in moved and contract.yearly_cost is not None:
            yield _of_moved(contract, period, today, use_confirmed=moved[contract.id])
    paid = [contract for contract in contracts if contract.id not in moved and not _has_ended(contract, today)]
    dropped = set(cheapest(paid, coverages).dropped)
    for contract in paid:
        if contract.id in dropped:
            yield _redundancy(contract, Status.ASSUMED, contract.free_date, period)


def _of_moved(contract: Contract, period: Period, today: date, *, use_confirmed: bool) -> Saving:
    ended = contract.ended_date if _has_ended(contract, today) else None
    status = Status.OBSERVED if ended else Status.ESTIMATED
    return _redundancy(contract, status if use_confirmed else Status.ASSUMED, ended or contract.free_date, period)


def _redundancy(contract: Contract, status: Status, start: date, period: Period) -> Saving:
    amount = period.share(contract.yearly_cost or 0, start) - contract.switching_cost
    return Saving(contract.id, "redundancy", status, amount, start)


def _has_ended(contract: Contract, today: date) -> bool:
    return contract.ended_date is not None and contract.ended_date <= today


def _moved(contracts: Sequence[Contract], coverages: Sequence[Coverage], moves: Sequence[Move]) -> dict[str, bool]:
    """The contracts whose every need is now met by one that stays, and whether the new use is confirmed for all of them."""
    serving = {(c.solution, c.need): c.confirmed_used for c in coverages if c.level in SERVING}
    leaving = {move.contract for move in moves}
    staying = {s for c in contracts if c.id not in leaving and c.ended_date is None for s in c.solutions}
    needs = served(coverages)
    found: dict[str, bool] = {}
    for contract in contracts:
        own = [move for move in moves if move.contract == contract.id and move.to_solution in staying]
        met = {move.need: serving[move.to_solution, move.need] for move in own if (move.to_solution, move.need) in serving}
        wanted = _needs_of([contract], needs)
        if wanted and wanted <= met.keys():
            found[contract.id] = all(met[need] for need in wanted)
    return found


def _tier_effects(effects: Iterable[TierEffect]) -> Iterable[Saving]:
    for effect in effects:
        alone, together = tier_of(effect.tiers, effect.quantity), tier_of(effect.tiers, effect.quantity_together)
        if effect.signed and alone and together and alone != together:  # a price that nobody signed saves nothing
            status = Status.OBSERVED if effect.metered else Status.ESTIMATED
            amount = effect.quantity * (alone.unit_price - together.unit_price)
            yield Saving(effect.contract, "price_tier", status, amount, None)


def tier_of(tiers: Sequence[PriceTier], quantity: int) -> PriceTier | None:
    """None below the first tier: no price is not a price of zero."""
    reached = [tier for tier in tiers if tier.from_quantity <= quantity]
    return max(reached, key=lambda tier: tier.from_quantity) if reached else None


def _one_for_each_contract(lines: Iterable[Saving]) -> dict[str, Saving]:
    """The best established line of each contract; of two as well established, the smaller."""
    certainty = list(Status)
    standing: dict[str, Saving] = {}
    for line in sorted(lines, key=lambda line: (certainty.index(line.status), line.amount)):
        standing.setdefault(line.contract, line)
    return standing


def _needs_of(contracts: Iterable[Contract], needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(need for contract in contracts for solution in contract.solutions for need in needs.get(solution, ()))


_NODES = 50_000  # of the proof, about two seconds; thirty contracts take some hundred


def _masks(sets: Sequence[frozenset[str]]) -> list[int]:
    bits = {need: 1 << place for place, need in enumerate(sorted(frozenset[str]().union(*sets)))}
    return [sum(bits[need] for need in needs) for needs in sets]


def _least_cover(costs: Sequence[int], masks: Sequence[int]) -> tuple[frozenset[int], bool]:
    """The solver finds a cover and prices for the needs; whole numbers then prove it the best, or find the better one.

    Weights order covers by cost, then by number, then by place: no two weigh the same, so the answer never depends on the
    solver. Prices such that the needs of no contract cost more than it are a least cost of serving them (LP duality)."""
    count = len(costs)
    unit = 2 * count << count
    weights = [cost * unit + (1 << count) - (1 << count - 1 - place) for place, cost in enumerate(costs)]
    needs = [1 << place for place in range(max(masks, default=0).bit_length())]
    if not needs:
        return frozenset(), True
    cover, prices = _solve(costs, masks, needs)
    whole = _whole_prices(weights, masks, needs, [int(price) * unit for price in prices])
    return _prove(cover, weights, masks, dict(zip(needs, whole, strict=True)))


def _solve(costs: Sequence[int], masks: Sequence[int], needs: Sequence[int]) -> tuple[frozenset[int], list[float]]:
    """HiGHS's cover, and what its linear relaxation says that serving each need costs."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp

    largest = float(max(costs)) or 1.0
    scaled = np.array(costs, dtype=float) / largest
    matrix = np.array([[1.0 if mask & need else 0.0 for mask in masks] for need in needs])
    found = milp(
        scaled,
        integrality=np.ones(len(costs), dtype=np.int8),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, lb=1),
        options={"mip_rel_gap": 0.0, "time_limit": 5.0},
    )
    relaxed = linprog(scaled, A_ub=-matrix, b_ub=-np.ones(len(needs)), bounds=(0, None), method="highs")
    prices = [-float(marginal) * largest for marginal in relaxed.ineqlin.marginals]
    chosen = range(len(costs)) if found.x is None else np.flatnonzero(found.x > 0.5).tolist()  # at worst, keep everything
    return frozenset(chosen), prices


def _whole_prices(weights: Sequence[int], masks: Sequence[int], needs: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Those wanted, as far as the contracts' weights go; then whatever is left of the weights."""
    left = list(weights)
    prices = [0] * len(needs)
    for most in (wanted, [max(weights)] * len(needs)):
        for place, need in enumerate(needs):
            holders = [holder for holder, mask in enumerate(masks) if mask & need]
            price = max(0, min(most[place], *(left[holder] for holder in holders)))
            prices[place] += price
            for holder in holders:
                left[holder] -= price
    return prices


def _prove(
    cover: frozenset[int], weights: Sequence[int], masks: Sequence[int], prices: Mapping[int, int]
) -> tuple[frozenset[int], bool]:
    """Branch and bound in whole numbers, from a cover already good. Sets of needs and of contracts are bits."""
    holders = {need: sum(1 << place for place, mask in enumerate(masks) if mask & need) for need in prices}
    best, least = sum(1 << place for place in cover), sum(weights[place] for place in cover)
    stack = [(sum(prices), 0, 0, 0)]  # needs left, contracts taken, their weight, contracts refused
    for _ in range(_NODES):
        if not stack:
            break
        left, taken, weight, refused = stack.pop()
        unmet = [need for need in prices if need & left]
        if weight + sum(prices[need] for need in unmet) >= least:
            continue
        if not unmet:
            best, least = taken, weight
            continue
        choices = min((holders[need] & ~refused for need in unmet), key=int.bit_count)
        while choices:
            choice = choices & -choices
            place = choice.bit_length() - 1
            stack.append((left & ~masks[place], taken | choice, weight + weights[place], refused))
            refused, choices = refused | choice, choices ^ choice
    return frozenset(place for place in range(len(masks)) if best >> place & 1), not stack
