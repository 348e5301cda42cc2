"""No figure is of fewer than five people, nor can one be found by taking away."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.ledger.crowd import K, Row, told, told_groups

people = st.frozensets(st.integers(1, 40), max_size=12)


def rows(*sets: frozenset[int]) -> list[Row[int]]:
    return [Row(number, one, (len(one), number)) for number, one in enumerate(sets)]


@given(st.lists(people, max_size=10))
@settings(max_examples=80, deadline=None)
def test_rows_that_share_no_call(sets: list[frozenset[int]]) -> None:
    found = told(rows(*sets))
    assert all(not row.people or len(row.people) >= K for row in found.shown)
    if found.together:
        assert len(found.together.people) >= K
        assert found.together.label >= 2, "one row under another name would be itself"
    hidden = [one for number, one in enumerate(sets) if number not in {row.label for row in found.shown}]
    assert found.is_withheld == (bool(hidden) and found.together is None)
    if found.is_withheld:
        assert len(frozenset().union(*hidden)) < K
        assert not any(row.people for row in found.shown), "or the difference from the total would tell"
    if found.together:
        assert sum(row.values[0] for row in found.shown) + found.together.values[0] == sum(map(len, sets))


@given(st.lists(people, max_size=8), people)
@settings(max_examples=80, deadline=None)
def test_groups_of_the_same_people(sets: list[frozenset[int]], others: frozenset[int]) -> None:
    everybody = others.union(*sets)
    found = told_groups(rows(*sets), everybody)
    shown = [row.people for row in found.shown]
    for one in shown:
        assert len(one) >= K
        for other in (*shown, everybody):
            assert not one < other or len(other - one) >= K
    if shown:
        left = everybody - frozenset().union(*shown)
        assert len(left) == 0 or len(left) >= K


def test_what_programs_do_in_their_own_name_is_told() -> None:
    found = told([Row("api", frozenset(), (3,)), Row("assistant:1", frozenset(range(6)), (4,))])
    assert [row.label for row in found.shown] == ["api", "assistant:1"]
