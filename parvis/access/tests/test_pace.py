"""So many requests a minute of one holder, whoever answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.db import connection

from conftest import House
from parvis.access.pace.actions import TooFastError, take
from parvis.access.pace.models import Pace
from parvis.access.principal import Principal
from parvis.isolation import scope

NOW = 1_800_000_000.0


def taken(principal: Principal, *instants: float) -> Iterator[int]:
    """0 for a request that is taken, else the seconds to wait."""
    for instant in instants:
        try:
            take(principal, now=NOW + instant)
            yield 0
        except TooFastError as error:
            yield error.seconds


def test_a_minute_holds_so_many_and_they_come_back_one_by_one(house: House, settings: LazySettings) -> None:
    settings.REQUESTS_A_MINUTE = 3
    student, other = house.principal(house.student), house.principal(house.other_student)
    assert list(taken(student, 0, 0, 1, 1, 19, 20, 20)) == [0, 0, 0, 19, 1, 0, 20]
    assert list(taken(other, 0, 1, 1, 1)) == [0, 0, 0, 19]
    assert list(taken(student, 600, 600, 600, 600)) == [0, 0, 0, 20], "what was not asked is not kept for later"


@pytest.mark.django_db(transaction=True)
def test_workers_share_it(house: House, settings: LazySettings) -> None:
    settings.REQUESTS_A_MINUTE = 10
    principal = house.principal(house.student)

    def worker(_number: int) -> int:
        scope.begin("tests")
        try:
            return sum(waited == 0 for waited in taken(principal, *[0.0] * 8))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(worker, range(4))) == 10
    assert Pace.unscoped.get().free_at == NOW + 60
