from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.chores.jobs import Chore, Leave, do_next
from parvis.chores.models import LONGEST

pytestmark = pytest.mark.django_db
NOW = timezone.now()
HOUR = timedelta(hours=1)


def chore(done: list[str], name: str = "sweep", more: int = 0) -> Chore:
    left = [True] * more

    def do(_leave: Leave) -> bool:
        done.append(name)
        return bool(left and left.pop())

    return Chore(name, HOUR, do)


def test_a_chore_is_done_when_it_is_due_and_not_before() -> None:
    done: list[str] = []
    sweep = chore(done)
    assert do_next([sweep], now=NOW)
    assert not do_next([sweep], now=NOW + HOUR - timedelta(seconds=1))
    assert do_next([sweep], now=NOW + HOUR)
    assert done == ["sweep", "sweep"]


def test_a_chore_with_more_to_do_comes_again_at_once() -> None:
    done: list[str] = []
    sweep = chore(done, more=2)
    while do_next([sweep], now=NOW):
        pass
    assert len(done) == 3


def test_two_workers_never_do_the_same_chore_until_one_is_dead() -> None:
    done: list[str] = []
    sweep = chore(done)

    def other_comes(_leave: Leave) -> bool:
        assert not do_next([sweep], now=NOW)
        assert do_next([sweep], now=NOW + LONGEST + timedelta(seconds=1)), "the first one is taken for dead"
        return False

    assert do_next([Chore("sweep", HOUR, other_comes)], now=NOW)
    assert done == ["sweep"]


def test_a_chore_that_fails_is_logged_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail(_leave: Leave) -> bool:
        raise ValueError("a broken chore")

    chores = [Chore("broken", HOUR, fail), chore(done)]
    while do_next(chores, now=NOW):
        pass
    assert done == ["sweep"]
    assert "The chore broken failed" in caplog.text
    assert not do_next(chores, now=NOW), "it waits for its next turn"
