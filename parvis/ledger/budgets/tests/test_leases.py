"""What is granted, settled and given back never exceeds a limit, at any level of the tree."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from conftest import House
from parvis.institutions.models import Notice
from parvis.ledger.budgets.actions import holds
from parvis.ledger.budgets.actions.leases import From, expire, reconcile, work
from parvis.ledger.budgets.actions.limits import change_budget, end_budget, set_budget
from parvis.ledger.budgets.actions.tree import alliance, place_of_institution, place_of_profile, places_of
from parvis.ledger.budgets.lease import SECONDS
from parvis.ledger.budgets.messages import Amounts, Ask, Code, Granted, Measure, NotGranted, Refused, Report, Use
from parvis.ledger.budgets.models import Budget, Lease, Node, Spending

EURO = 10**9


def money(amount: int | None) -> Amounts:
    return Amounts(amount, 0, 0)


def limit(node: Node, amount: int, measure: str = "money", period: str = "month", **more: object) -> Budget:
    return set_budget(node, measure=measure, period=period, limit=amount, actor="system:test", **more)  # type: ignore[arg-type]


def ask(chain: tuple[int, ...], amount: int, epoch: str = "one", **more: int) -> Granted | NotGranted:
    [answer] = work([From(epoch, Ask(1, chain, money(amount), {}))], **more)  # type: ignore[arg-type]
    assert isinstance(answer, Granted | NotGranted)
    return answer


def test_a_reservation_is_held_at_every_level_or_at_none(house: House) -> None:
    own = place_of_profile(house.student)
    above = limit(alliance(), 100), limit(place_of_institution(house.institution.id), 50), limit(own, 10)
    assert isinstance(holds.reserve((own.id,), money(10)), holds.Hold)
    assert [Spending.unscoped.get(budget=budget).leased for budget in above] == [10, 10, 10]
    other = place_of_profile(house.other_student)
    assert isinstance(holds.reserve((other.id,), money(40)), holds.Hold)
    refused = holds.reserve((other.id,), money(1))
    assert isinstance(refused, Refused)
    assert (refused.budget_id, refused.code, refused.left) == (above[1].id, Code.HELD, 0)
    assert Spending.unscoped.get(budget=above[0]).leased == 50


def test_what_was_not_spent_comes_back(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100)
    held = holds.reserve((own.id,), money(80))
    assert isinstance(held, holds.Hold)
    holds.settle(held, money(30))
    account = Spending.unscoped.get(budget=budget)
    assert (account.spent, account.leased, Lease.unscoped.count()) == (30, 0, 0)
    again = holds.reserve((own.id,), money(70))
    assert isinstance(again, holds.Hold)
    holds.release(again)
    assert isinstance(refused := holds.reserve((own.id,), money(71)), Refused)
    assert (refused.code, refused.left, refused.resets_at) == (Code.OVER_LIMIT, 70, account.ends_at.timestamp())


def test_an_amount_that_nobody_knows_is_refused_before_and_counted_whole_after(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100)
    refused = holds.reserve((own.id,), money(None))
    assert isinstance(refused, Refused)
    assert refused.code is Code.UNKNOWN_PRICE
    held = holds.reserve((own.id,), money(60))
    assert isinstance(held, holds.Hold)
    holds.settle(held, money(None))
    assert Spending.unscoped.get(budget=budget).spent == 60


def test_a_call_that_cost_more_than_its_worst_is_counted_whole(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100)
    held = holds.reserve((own.id,), money(60))
    assert isinstance(held, holds.Hold)
    holds.settle(held, money(90))
    account = Spending.unscoped.get(budget=budget)
    assert (account.spent, account.excess, account.used) == (60, 30, 90)
    assert isinstance(holds.reserve((own.id,), money(11)), Refused)


def test_a_place_that_is_not_there_is_refused(house: House) -> None:
    own = place_of_profile(house.student)
    for chain in ((), (own.id, 10**6)):
        refused = holds.reserve(chain, money(1))
        assert isinstance(refused, Refused)
        assert refused.code is Code.NO_BUDGET


def test_a_budget_of_each_person_is_counted_for_each(house: House) -> None:
    budget = limit(place_of_institution(house.institution.id), 10, each="person")
    for profile in (house.student, house.other_student):
        assert isinstance(holds.reserve(places_of(profile).chain, money(10)), holds.Hold)
        assert isinstance(holds.reserve(places_of(profile).chain, money(1)), Refused)
    assert isinstance(holds.reserve(places_of(house.neighbour_student).chain, money(11)), holds.Hold)
    assert sorted(Spending.unscoped.filter(budget=budget).values_list("node__profile", "leased")) == sorted(
        [(house.student.id, 10), (house.other_student.id, 10)]
    )


def test_three_measures_hold_side_by_side(house: House) -> None:
    own = place_of_profile(house.student)
    limit(own, 100)
    tokens = limit(own, 50, "tokens", "day")
    carbon = limit(own, 1_000, "carbon", "year")
    assert isinstance(holds.reserve((own.id,), Amounts(1, 50, 1)), holds.Hold)
    refused = holds.reserve((own.id,), Amounts(1, 1, 1))
    assert isinstance(refused, Refused)
    assert (refused.budget_id, refused.measure) == (tokens.id, Measure.TOKENS)
    end_budget(tokens, actor="system:test")
    refused = holds.reserve((own.id,), Amounts(1, 1, 1_000))
    assert isinstance(refused, Refused)
    assert refused.budget_id == carbon.id


def test_leases_are_large_far_from_the_limit_and_of_one_call_near_it(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100_000)
    granted = []
    while isinstance(answer := ask((own.id,), 100), Granted):
        granted.append(answer.parts[0].granted)
    assert granted[0] == 6_400
    assert granted == sorted(granted, reverse=True)
    assert granted[-1] == 100
    assert sum(granted) == Spending.unscoped.get(budget=budget).leased > 100_000 - 100


def test_a_group_is_granted_in_order_and_one_refusal_holds_nobody_back(house: House) -> None:
    own = place_of_profile(house.student)
    limit(own, 100)
    asks = [From(f"worker{n}", Ask(n, (own.id,), money(amount), {})) for n, amount in enumerate((60, 50, 40, 1))]
    assert [type(answer) for answer in work(asks)] == [Granted, NotGranted, Granted, NotGranted]


def test_a_report_writes_down_what_was_spent_and_keeps_the_worker_alive(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 1_000)
    start = timezone.now()
    [answer] = work([From("one", Ask(1, (own.id,), money(10), {}))], now=start)
    assert isinstance(answer, Granted)
    part = answer.parts[0]
    use = Use(part.account, spent=30, excess=0, give_back=part.granted - 50)
    later = start + timedelta(seconds=SECONDS - 1)
    [renewed] = work([From("one", Report((use,)))], now=later)
    assert renewed.seconds == {part.account: SECONDS}  # type: ignore[union-attr]
    account = Spending.unscoped.get(budget=budget)
    assert (account.spent, account.leased) == (30, 20)
    assert expire(now=later + timedelta(seconds=SECONDS - 1)) == 0
    over = Use(part.account, spent=50, excess=0, give_back=0)
    [renewed] = work([From("one", Report((over,)))], now=later)
    assert renewed.seconds == {}  # type: ignore[union-attr]
    assert not Lease.unscoped.exists()


def test_a_lease_of_the_dead_counts_as_spent_then_as_its_slate_says(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 1_000)
    answer = ask((own.id,), 10)
    assert isinstance(answer, Granted)
    account_id, granted = answer.parts[0].account, answer.parts[0].granted
    assert expire(now=timezone.now() + timedelta(seconds=SECONDS + 1)) == 1
    account = Spending.unscoped.get(budget=budget)
    assert (account.spent, account.leased) == (granted, 0)
    reconcile("one", {account_id: 7})
    account.refresh_from_db()
    assert (account.spent, account.leased, Lease.unscoped.count()) == (7, 0, 0)


def test_without_a_slate_to_believe_all_of_it_is_spent(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 1_000)
    answer = ask((own.id,), 10)
    assert isinstance(answer, Granted)
    reconcile("one", None)
    account = Spending.unscoped.get(budget=budget)
    assert (account.spent, account.leased) == (answer.parts[0].granted, 0)


def test_a_lowered_limit_grants_nothing_more_and_a_raised_one_does(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100)
    held = holds.reserve((own.id,), money(80))
    assert isinstance(held, holds.Hold)
    change_budget(budget, limit=50, way_down=[], actor="system:test")
    assert isinstance(holds.reserve((own.id,), money(1)), Refused)
    holds.settle(held, money(80))
    change_budget(budget, limit=81, way_down=[], actor="system:test")
    assert isinstance(holds.reserve((own.id,), money(1)), holds.Hold)
    assert isinstance(holds.reserve((own.id,), money(1)), Refused)


def test_the_database_refuses_what_would_exceed_a_limit(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100)
    ask((own.id,), 1)
    for change in ({"leased": 101}, {"spent": 101}, {"spent": 60, "leased": 41}, {"leased": -1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Spending.unscoped.filter(budget=budget).update(**change)


def test_another_period_begins_at_nothing(house: House) -> None:
    own = place_of_profile(house.student)
    limit(own, 10, period="day")
    now = timezone.now()
    assert isinstance(ask((own.id,), 10), Granted)
    assert isinstance(ask((own.id,), 1, epoch="two"), NotGranted)
    [answer] = work([From("two", Ask(1, (own.id,), money(10), {}))], now=now + timedelta(days=1))
    assert isinstance(answer, Granted)


def test_it_is_told_once_at_each_level(house: House) -> None:
    own = place_of_profile(house.student)
    budget = limit(own, 100)
    for amount in (49, 1, 1, 28, 1, 1, 19):
        held = holds.reserve((own.id,), money(amount))
        assert isinstance(held, holds.Hold)
        holds.settle(held, money(amount))
    holds.reserve((own.id,), money(1))
    told = [(notice.profile_id, notice.params["percent"]) for notice in Notice.objects.order_by("id")]
    assert sorted(told) == sorted(
        [(profile.id, level) for level in (50, 80, 100) for profile in (house.student, house.administrator)]
    )
    change_budget(budget, limit=1_000, way_down=[], actor="system:test")
    assert Spending.unscoped.get(budget=budget).alerted == 0
