from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from parvis.ledger.budgets.periods import PARIS, Period, semester_starts, span


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("period", "at", "first", "following"),
    [
        (Period.DAY, paris(2026, 3, 29, 12), paris(2026, 3, 29), paris(2026, 3, 30)),  # 23 hours
        (Period.DAY, paris(2026, 10, 25, 12), paris(2026, 10, 25), paris(2026, 10, 26)),  # 25 hours
        (Period.DAY, datetime(2026, 7, 14, 22, 30, tzinfo=UTC), paris(2026, 7, 15), paris(2026, 7, 16)),
        (Period.MONTH, paris(2026, 12, 31, 23, 59), paris(2026, 12, 1), paris(2027, 1, 1)),
        (Period.MONTH, paris(2028, 2, 29), paris(2028, 2, 1), paris(2028, 3, 1)),
        (Period.YEAR, datetime(2026, 12, 31, 23, 0, tzinfo=UTC), paris(2027, 1, 1), paris(2028, 1, 1)),
        (Period.SEMESTER, paris(2026, 11, 23), paris(2026, 9, 1), paris(2027, 2, 1)),
        (Period.SEMESTER, paris(2027, 8, 31), paris(2027, 2, 1), paris(2027, 9, 1)),
    ],
)
def test_periods_are_those_of_the_calendar_of_paris(
    period: Period, at: datetime, first: datetime, following: datetime
) -> None:
    found = span(period, at)
    assert (found.starts_at, found.ends_at) == (first, following)


def test_days_are_as_long_as_they_are() -> None:
    days = [span(Period.DAY, paris(2026, month, day, 12)) for month, day in ((3, 29), (10, 25), (6, 1))]
    assert [(day.ends_at - day.starts_at) / timedelta(hours=1) for day in days] == [23, 25, 24]


def test_semesters_are_those_of_the_institution_for_the_years_it_said() -> None:
    chosen = [date(2026, 9, 14), date(2027, 1, 18)]
    assert semester_starts(date(2026, 11, 1), chosen) == [
        date(2025, 9, 1),
        date(2026, 2, 1),
        *chosen,
        date(2027, 9, 1),
        date(2028, 2, 1),
    ]
    found = span(Period.SEMESTER, paris(2026, 9, 13, 23, 59), chosen)
    assert (found.starts_at, found.ends_at) == (paris(2026, 2, 1), paris(2026, 9, 14))


def test_each_instant_is_in_one_period_which_the_next_follows() -> None:
    random, begin = Random(1), datetime(2020, 1, 1, tzinfo=UTC)
    for _case in range(300):
        period, at = random.choice(list(Period)), begin + timedelta(seconds=random.randrange(15 * 365 * 86_400))
        starts = [date(2020, 1, 1) + timedelta(days=random.randrange(15 * 365)) for _start in range(random.randrange(5))]
        found = span(period, at, starts)
        assert found.starts_at <= at < found.ends_at
        assert span(period, found.starts_at, starts) == found
        assert span(period, found.ends_at - timedelta(microseconds=1), starts) == found
        assert span(period, found.ends_at, starts).starts_at == found.ends_at
