from __future__ import annotations

import random
from fractions import Fraction

import pytest

from parvis.needs.equal_shares import Ballot, Completion, Priced, equal_shares
from parvis.needs.tests.oracles import random_election, textbook_equal_shares


def test_it_equals_the_textbook_on_two_hundred_elections() -> None:
    chance = random.Random(40)
    for number in range(200):
        envelope, needs, ballots = random_election(chance, weighted=number % 2 == 1)
        outcome = equal_shares(envelope, needs, ballots)
        assert ([(one.need, one.paid) for one in outcome.bought], outcome.left) == textbook_equal_shares(
            envelope, needs, ballots
        )


@pytest.mark.parametrize("completion", Completion)
def test_money_adds_up_and_nobody_pays_more_than_its_share(completion: Completion) -> None:
    chance = random.Random(41)
    completed = 0
    for _ in range(100):
        envelope, needs, ballots = random_election(chance, weighted=True)
        outcome = equal_shares(envelope, needs, ballots, completion=completion)
        approves = {ballot.institution: ballot.approves for ballot in ballots}
        for one in outcome.bought:
            assert sum(one.paid.values()) == one.cost
            assert one.price is None or all(one.need in approves[who] for who in one.paid)
        assert sum(outcome.left.values()) + sum(one.cost for one in outcome.bought) == envelope
        assert all(0 <= outcome.left[who] <= outcome.endowments[who] for who in approves)
        completed += sum(one.price is None for one in outcome.bought)
    assert (completed > 0) == (completion is Completion.MOST_APPROVED)


def test_completion_leaves_no_approved_need_that_the_money_left_could_pay() -> None:
    chance = random.Random(42)
    for _ in range(100):
        envelope, needs, ballots = random_election(chance, weighted=False)
        outcome = equal_shares(envelope, needs, ballots, completion=Completion.MOST_APPROVED)
        bought = {one.need for one in outcome.bought}
        missed = [
            one.cost for one in needs if one.need not in bought and any(one.need in ballot.approves for ballot in ballots)
        ]
        assert all(cost > sum(outcome.left.values()) for cost in missed)
        alone = equal_shares(envelope, needs, ballots)
        assert outcome.bought[: len(alone.bought)] == alone.bought


def test_an_institution_counts_by_its_weight() -> None:
    needs = [Priced(1, 90), Priced(2, 30)]
    ballots = [Ballot(7, frozenset({1}), weight=3), Ballot(8, frozenset({1, 2}), weight=1)]
    outcome = equal_shares(120, needs, ballots)
    assert [(one.need, one.paid, one.price) for one in outcome.bought] == [
        (1, {7: Fraction(135, 2), 8: Fraction(45, 2)}, Fraction(45, 2))
    ]
    assert outcome.left == {7: Fraction(45, 2), 8: Fraction(15, 2)}


def test_a_minority_that_agrees_gets_its_part() -> None:
    """Nine institutions want the same ten needs, one wants another: the majority would take all by counting votes."""
    needs = [Priced(number, 100) for number in range(11)]
    ballots = [Ballot(100 + number, frozenset(range(10))) for number in range(9)] + [Ballot(200, frozenset({10}))]
    outcome = equal_shares(1_000, needs, ballots)
    assert [one.paid for one in outcome.bought if one.need == 10] == [{200: 100}]
    assert len(outcome.bought) == 10


@pytest.mark.parametrize(
    ("envelope", "needs", "ballots"),
    [
        (10, [Priced(1, 0)], [Ballot(1, frozenset())]),
        (10, [Priced(1, 1), Priced(1, 2)], [Ballot(1, frozenset())]),
        (10, [], [Ballot(1, frozenset()), Ballot(1, frozenset())]),
        (10, [], [Ballot(1, frozenset(), weight=0)]),
        (-1, [], []),
    ],
)
def test_what_makes_no_sense_is_refused(envelope: int, needs: list[Priced], ballots: list[Ballot]) -> None:
    with pytest.raises(ValueError, match=r"twice|above 0"):
        equal_shares(envelope, needs, ballots)


def test_an_empty_election_buys_nothing() -> None:
    assert equal_shares(10, [], []).bought == ()
    assert equal_shares(10, [Priced(1, 5)], []).left == {}
