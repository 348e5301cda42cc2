"""When a budget begins again: days, months, semesters and years of the calendar of Paris, as instants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
# Where an institution said nothing of a university year, its semesters begin then.
USUAL_STARTS = ((9, 1), (2, 1))
_YEAR_BEGINS = 8  # a university year, from August


class Period(StrEnum):
    DAY = "day"
    MONTH = "month"
    SEMESTER = "semester"
    YEAR = "year"  # the civil one: budgets of universities are voted for it


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant to another, which is no part of it."""

    starts_at: datetime
    ends_at: datetime


def span(period: Period, at: datetime, starts: Iterable[date] = ()) -> Span:
    """The period around an instant. It begins and ends at midnight in Paris, whichever the time of the year. `starts`: the
    days on which the institution's semesters begin; each lasts until the next, so that no day is without one."""
    first, following = _days(period, at.astimezone(PARIS).date(), starts)
    return Span(midnight(first), midnight(following))


def midnight(day: date) -> datetime:
    """Never one of the hours that daylight saving skips or repeats, which are at night's end."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def _days(period: Period, day: date, starts: Iterable[date]) -> tuple[date, date]:
    if period is Period.DAY:
        return day, day + timedelta(days=1)
    if period is Period.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    if period is Period.YEAR:
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    known = semester_starts(day, starts)
    return max(start for start in known if start <= day), min(start for start in known if start > day)


def semester_starts(around: date, chosen: Iterable[date]) -> list[date]:
    """Of the three university years around a day: those that were chosen, the usual ones for a year of which none was."""
    chosen = set(chosen)
    years = {university_year(start) for start in chosen}
    middle = university_year(around)
    usual = {
        date(year if month >= _YEAR_BEGINS else year + 1, month, number)
        for year in range(middle - 1, middle + 2)
        if year not in years
        for month, number in USUAL_STARTS
    }
    return sorted(chosen | usual)


def university_year(day: date) -> int:
    """Named after the civil year in which it begins."""
    return day.year if day.month >= _YEAR_BEGINS else day.year - 1
