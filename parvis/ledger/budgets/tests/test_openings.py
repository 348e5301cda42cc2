"""A budget set in the middle of its period counts what the period had spent before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from conftest import House
from parvis.institutions.models import Group
from parvis.ledger.actions.settlement import settle
from parvis.ledger.budgets.actions import holds
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.tree import add_place, alliance, place_of_institution, place_of_profile
from parvis.ledger.budgets.messages import Amounts, Code, Refused
from parvis.ledger.budgets.models import Budget, Node, NodeKind, Spending
from parvis.ledger.tests.calls import call
from parvis.ledger.usage import Carbon, Usage


@pytest.fixture
def earlier() -> datetime:
    return timezone.now() - timedelta(milliseconds=5)


def used(house: House, number: int, at: datetime, **more: Any) -> Usage:
    """60 nano-euro, 1 100 tokens and 3 mg at most, by a student."""
    said = {"person_id": house.student.person_id, "carbon": Carbon(1_000, 2_001, "test"), "component": ""} | more
    return call(house.institution.id, number, occurred_at=at, price_version="test", amount_nano=60, **said)


def limit(node: Node, amount: int, measure: str = "money", **more: Any) -> Budget:
    return set_budget(node, measure=measure, period="year", limit=amount, actor="system:test", **more)


def spent(budget: Budget) -> int:
    return Spending.unscoped.get(budget=budget).spent


def reserved(node: Node, amount: int) -> holds.Hold | Refused:
    return holds.reserve((node.id,), Amounts(amount, 0, 0))


def test_what_was_spent_before_is_counted_at_every_kind_of_place(house: House, earlier: datetime) -> None:
    group = Group.objects.create(institution=house.institution, name="Licence 2")
    group.profiles.add(house.student)
    root, own = place_of_institution(house.institution.id), place_of_profile(house.student)
    component = add_place(root, NodeKind.COMPONENT, name="UFR Droit", group=group, actor="system:test")
    course = add_place(component, NodeKind.COURSE, name="Contrats", subject="assistant:5", actor="system:test")
    last_year = earlier.replace(year=earlier.year - 1)
    someone = {"person_id": house.other_student.person_id}
    settle([used(house, 1, earlier), used(house, 2, earlier, app="assistant:5", **someone)])
    settle([used(house, 3, earlier, **someone), used(house, 4, last_year)])
    budgets = [limit(node, 10_000) for node in (alliance(), root, component, course, own)]
    assert [spent(budget) for budget in budgets] == [180, 180, 120, 60, 60]
    assert [spent(limit(own, 10_000, measure)) for measure in ("tokens", "carbon")] == [1_100, 3]


def test_what_is_left_is_never_exceeded(house: House, earlier: datetime) -> None:
    settle([used(house, 1, earlier), used(house, 2, earlier)])
    root, own = place_of_institution(house.institution.id), place_of_profile(house.student)
    limit(root, 200)
    refused = reserved(own, 81)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.left) == (Code.OVER_LIMIT, 80)
    held = reserved(own, 80)
    assert isinstance(held, holds.Hold)
    holds.settle(held, Amounts(80, 0, 0))
    assert isinstance(reserved(own, 1), Refused)


def test_a_budget_of_each_counts_what_each_had_spent(house: House, earlier: datetime) -> None:
    settle([used(house, 1, earlier), used(house, 2, earlier)])
    root = place_of_institution(house.institution.id)
    budget = limit(root, 150, each=NodeKind.PERSON)
    other = place_of_profile(house.other_student)
    held = reserved(other, 150)
    assert isinstance(held, holds.Hold)
    holds.release(held)
    own = place_of_profile(house.student)
    refused = reserved(own, 31)
    assert isinstance(refused, Refused)
    assert (refused.left, refused.kind, refused.name, refused.period) == (30, "person", "", "year")
    assert set(Spending.unscoped.filter(budget=budget).values_list("node", "spent")) == {(own.id, 120), (other.id, 0)}


def test_a_budget_below_what_was_spent_stops_at_once(house: House, earlier: datetime) -> None:
    settle([used(house, 1, earlier)])
    budget = limit(place_of_institution(house.institution.id), 50)
    refused = reserved(place_of_profile(house.student), 1)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.left, refused.kind) == (Code.OVER_LIMIT, 0, "institution")
    assert spent(budget) == 60


def test_a_call_that_was_under_way_is_counted_when_it_is_recorded_and_once(house: House, earlier: datetime) -> None:
    settle([used(house, 1, earlier)])
    budget = limit(place_of_institution(house.institution.id), 100)
    for _again in range(2):
        settle([used(house, 2, earlier)])
    assert spent(budget) == 120
    settle([used(house, 3, timezone.now() + timedelta(seconds=1))])  # it reserved from the budget itself
    assert spent(budget) == 120


def test_earlier_spending_may_be_left_out(house: House, earlier: datetime) -> None:
    settle([used(house, 1, earlier)])
    limit(place_of_institution(house.institution.id), 50, counts_earlier=False)
    assert isinstance(reserved(place_of_profile(house.student), 50), holds.Hold)
