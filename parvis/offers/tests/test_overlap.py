from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from itertools import combinations

import pytest

from parvis.offers import overlap
from parvis.offers.overlap import (
    EURO,
    Contract,
    Coverage,
    Move,
    Period,
    PriceTier,
    ProcedureAvoided,
    Saving,
    Status,
    TierEffect,
)

YEAR = Period(date(2027, 1, 1), date(2028, 1, 1))
TODAY = date(2026, 11, 23)


def contract(name: str, euros: int, notice: date = YEAR.first) -> Contract:
    """A contract named as the one solution it pays for."""
    return Contract(name, frozenset({name}), euros * EURO, notice)


def coverage(solution: str, needs: str, level: str = "ST", *, used: bool = True) -> list[Coverage]:
    return [Coverage(solution, need, level, used) for need in needs.split()]


def by_trying_all(contracts: list[Contract], coverages: list[Coverage]) -> tuple[str, ...]:
    """The definition, word for word."""
    serves = {c.id: {v.need for v in coverages if v.solution in c.solutions and v.level in ("ST", "DS")} for c in contracts}
    wanted = set[str]().union(*serves.values())
    candidates = [
        (sum(c.yearly_cost or 0 for c in kept), len(kept), tuple(c.id for c in kept))
        for size in range(len(contracts) + 1)
        for kept in combinations(contracts, size)
        if set().union(*(serves[c.id] for c in kept)) == wanted and all(serves[c.id] or c in kept for c in contracts)
    ]
    return min(candidates)[2]


@pytest.mark.parametrize(
    "prices",
    [range(10**14), range(0, 3 * 10**12, 10**12), range(10**14, 10**14 + 3)],
    ids=["any", "many equal, some free", "a nano-euro apart"],
)
def test_the_cheapest_subset_is_the_one_that_trying_all_finds(prices: range) -> None:
    generator = random.Random(3)
    for _ in range(8):
        contracts = [replace(contract(f"c{place}", 0), yearly_cost=generator.choice(prices)) for place in range(8)]
        coverages = [
            Coverage(f"c{place}", f"n{need}", generator.choice(("ST", "DS", "DEV", "SP", "HP")))
            for place in range(8)
            for need in range(8)
            if generator.random() < 0.6
        ]
        found = overlap.cheapest(contracts, coverages)
        assert found.kept == by_trying_all(contracts, coverages)
        assert found.proved
        assert found.yearly_cost + found.yearly_difference == sum(c.yearly_cost or 0 for c in contracts)
        assert overlap.cheapest(contracts[::-1], coverages[::-1]) == found


def test_a_contract_serves_what_any_of_its_solutions_serves() -> None:
    suite = Contract("suite", frozenset({"visio", "sondage"}), 100 * EURO, YEAR.first)
    tools = [*coverage("visio", "réunion"), *coverage("sondage", "enquête"), *coverage("quiz", "enquête")]
    assert overlap.cheapest([suite, contract("quiz", 10)], tools).dropped == ("quiz",)


def test_what_needs_a_development_or_is_not_covered_serves_nothing() -> None:
    tools = [
        *coverage("a", "n1 n2", "DS"),
        *coverage("b", "n1", "DEV"),
        *coverage("c", "n2", "SP"),
    ]
    assert overlap.cheapest([contract("a", 900), contract("b", 1), contract("c", 1)], tools).dropped == ()
    assert overlap.cheapest([], tools).kept == ()


def test_a_contract_that_serves_nothing_known_is_kept() -> None:
    found = overlap.cheapest([contract("a", 5), contract("mystère", 900)], coverage("a", "n1"))
    assert (found.kept, found.yearly_cost) == (("a", "mystère"), 905 * EURO)


def test_a_contract_of_unknown_cost_is_kept_and_what_it_serves_needs_no_other() -> None:
    unknown = replace(contract("inconnu", 0), yearly_cost=None)
    tools = [*coverage("inconnu", "n1"), *coverage("a", "n1"), *coverage("b", "n1 n2")]
    found = overlap.cheapest([unknown, contract("a", 1), contract("b", 7)], tools)
    assert (found.kept, found.dropped, found.yearly_cost) == (("b", "inconnu"), ("a",), 7 * EURO)
    assert redundancy([unknown, contract("b", 7)], tools, [Move("inconnu", "n1", "b", TODAY)]) == []


def test_containment_says_what_is_shared_and_what_of_it_is_known_to_be_used() -> None:
    tools = [
        *coverage("grand", "n1 n2 n3"),
        *coverage("petit", "n1"),
        *coverage("petit", "n2", used=False),
        *coverage("seul", "n9"),
    ]
    first, second = overlap.containments(tools)
    assert (first.inner, first.outer, first.is_complete) == ("petit", "grand", True)
    assert first.shared == {"n1", "n2"}
    assert first.confirmed == {"n1"}
    assert (second.inner, second.outer, second.is_complete) == ("grand", "petit", False)


OLD, NEW = contract("ancien", 3650, notice=date(2027, 7, 1)), contract("nouveau", 9000)
BOTH = [*coverage("ancien", "n1 n2"), *coverage("nouveau", "n1 n2 n3")]
MOVES = [Move("ancien", need, "nouveau", since=date(2026, 10, 1)) for need in ("n1", "n2")]


def redundancy(contracts: list[Contract], coverages: list[Coverage], moves: list[Move]) -> list[Saving]:
    return list(overlap.savings(contracts, coverages, moves=moves, period=YEAR, today=TODAY).lines)


def test_use_that_the_logs_show_moved_is_an_estimate_from_the_notice_date_less_the_cost_of_switching() -> None:
    (line,) = redundancy([replace(OLD, switching_cost=500 * EURO), NEW], BOTH, MOVES)
    assert (line.contract, line.status, line.from_date) == ("ancien", Status.ESTIMATED, date(2027, 7, 1))
    assert line.amount == 184 * 10 * EURO - 500 * EURO


def test_it_is_observed_once_the_contract_is_no_longer_paid() -> None:
    (line,) = redundancy([replace(OLD, ended_date=date(2026, 11, 1)), NEW], BOTH, MOVES)
    assert (line.status, line.amount) == (Status.OBSERVED, 3650 * EURO)
    (line,) = redundancy([replace(OLD, ended_date=date(2026, 12, 1)), NEW], BOTH, MOVES)
    assert line.status == Status.ESTIMATED


def test_without_logs_or_confirmed_use_a_saving_is_an_assumption() -> None:
    unconfirmed = [replace(c, confirmed_used=False) if c.need == "n2" else c for c in BOTH]
    not_yet = [replace(move, since=date(2027, 2, 1)) for move in MOVES]
    for coverages, moves in ((BOTH, []), (BOTH, MOVES[:1]), (BOTH, not_yet), (unconfirmed, MOVES)):
        assert [line.status for line in redundancy([OLD, NEW], coverages, moves)] == [Status.ASSUMED]


def test_use_that_moved_to_a_tool_that_leaves_too_is_not_saved() -> None:
    ending = replace(NEW, ended_date=date(2027, 3, 1))
    assert redundancy([OLD, ending], BOTH, MOVES) == redundancy([OLD, ending], BOTH, [])


def test_a_price_tier_counts_only_if_signed_and_one_contract_never_twice() -> None:
    tiers = (PriceTier(1, 12 * EURO), PriceTier(1000, 9 * EURO))
    effect = TierEffect("nouveau", 300, 5000, tiers, signed=True, metered=False)
    on_old = replace(effect, contract="ancien", metered=True)
    below = replace(effect, contract="autre", quantity=0)
    found = overlap.savings([OLD, NEW], BOTH, moves=MOVES, tiers=[effect, on_old, below], period=YEAR, today=TODAY)
    assert [(line.contract, line.kind, line.counted) for line in found.lines] == [
        ("ancien", "redundancy", False),
        ("nouveau", "price_tier", True),
        ("ancien", "price_tier", True),
    ]
    assert [found.amount("price_tier", status) for status in Status] == [900 * EURO, 900 * EURO, 0]
    assert [found.amount("redundancy", status) for status in Status] == [0, 0, 0]
    alike = overlap.savings([OLD, NEW], BOTH, moves=MOVES, tiers=[replace(on_old, metered=False)], period=YEAR, today=TODAY)
    assert [(line.amount, line.counted) for line in alike.lines] == [(1840 * EURO, False), (900 * EURO, True)]
    unsigned = overlap.savings([NEW], BOTH, tiers=[replace(effect, signed=False)], period=YEAR, today=TODAY)
    assert unsigned.lines == ()


def test_procedures_avoided_are_hours_and_never_money() -> None:
    avoided = [ProcedureAvoided("nouveau", 40, measured=True), ProcedureAvoided("ancien", 25, measured=False)]
    found = overlap.savings([], [], procedures=avoided, period=YEAR, today=TODAY)
    assert found.hours == {Status.OBSERVED: 0, Status.ESTIMATED: 40, Status.ASSUMED: 25}
    assert found.lines == ()
