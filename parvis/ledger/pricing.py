"""What a call costs, exactly: whole nano-euro, from a table of prices in force at the instant of the call. Pure.

One rounding a call, half a nano-euro up; lines of a statement add these amounts, and round to the cent once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from parvis.ledger.usage import Quantities

PARIS = ZoneInfo("Europe/Paris")  # a price begins at midnight there, whatever the installation's own time zone


class Unit(StrEnum):
    """What a rate is the price of."""

    INPUT = "input"
    CACHED = "cached"
    OUTPUT = "output"
    EMBEDDING = "embedding"
    IMAGE = "image"
    REQUEST = "request"
    HOUR = "hour"


MILLION = 1_000_000
MILLISECONDS = 3_600_000  # in an hour
PER = {
    Unit.INPUT: MILLION,
    Unit.CACHED: MILLION,
    Unit.OUTPUT: MILLION,
    Unit.EMBEDDING: MILLION,
    Unit.IMAGE: 1,
    Unit.REQUEST: 1,
    Unit.HOUR: MILLISECONDS,
}
_COMMON = 18_000_000  # a multiple of each of PER: sums are exact before their one rounding

Rates = Mapping[Unit, int]  # nano-euro for `PER` of the unit


@dataclass(frozen=True, slots=True)
class Book:
    """A dated table of prices. `institution_id` None: the whole alliance's; `agreement_id` None: of calls under none.
    A later book takes the place of an earlier one as a whole; of two of the same day, the one with the greater `id`."""

    id: int
    institution_id: int | None
    agreement_id: int | None
    starts_date: date
    ends_date: date | None  # the first day on which it is over
    rates: Mapping[int | None, Rates] = field(default_factory=dict)  # by model; None is the environment's

    @property
    def version(self) -> str:
        return f"book:{self.id}"


@dataclass(frozen=True, slots=True)
class Price:
    """`nano` None: there is no price. It is not 0."""

    nano: int | None
    version: str = ""


NO_PRICE = Price(None)


def paris_date(instant: datetime) -> date:
    """The day it is in Paris. An instant without a time zone is an error of ours."""
    if instant.tzinfo is None:
        raise ValueError("an instant without its time zone has no day")
    return instant.astimezone(PARIS).date()


def paris_month(day: date) -> tuple[datetime, datetime]:
    """The instants at which the month of this day begins and ends in Paris, in UTC."""
    first = day.replace(day=1)
    after = (first.replace(year=first.year + 1, month=1)) if first.month == 12 else first.replace(month=first.month + 1)
    return paris_midnight(first), paris_midnight(after)


def paris_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


def book_for(
    books: Iterable[Book], *, institution_id: int, agreement_id: int | None, model_id: int | None, at: datetime
) -> Book | None:
    """The book in force at that instant for that model: the institution's own before the alliance's, the latest first. A call
    under an agreement has the prices of the agreement, and no others."""
    day = paris_date(at)
    found: dict[bool, Book] = {}
    for book in books:
        if book.agreement_id != agreement_id or book.institution_id not in (None, institution_id):
            continue
        if book.starts_date > day:
            continue
        is_own = book.institution_id is not None
        latest = found.get(is_own)
        if latest is None or (latest.starts_date, latest.id) < (book.starts_date, book.id):
            found[is_own] = book
    for is_own in (True, False):
        book_found = found.get(is_own)
        if book_found and (book_found.ends_date is None or day < book_found.ends_date) and model_id in book_found.rates:
            return book_found
    return None


def price(
    books: Sequence[Book],
    quantities: Quantities,
    *,
    institution_id: int,
    agreement_id: int | None,
    model_id: int | None,
    at: datetime,
) -> Price:
    """What it cost: the amount, and the book it comes from. NO_PRICE where a unit that was used has none."""
    book = book_for(books, institution_id=institution_id, agreement_id=agreement_id, model_id=model_id, at=at)
    if book is None:
        return NO_PRICE
    return Price(amount(book.rates[model_id], quantities), book.version)


def at_worst(rates: Rates) -> Rates:
    """Where cached tokens are dearer than others, any may be one."""
    if Unit.INPUT in rates and rates.get(Unit.CACHED, 0) > rates[Unit.INPUT]:
        return {**rates, Unit.INPUT: rates[Unit.CACHED]}
    return rates


def amount(rates: Rates, quantities: Quantities) -> int | None:
    """None where a unit that was used has no rate. Two exceptions: cached tokens without a rate of their own are input, as
    providers that give no discount bill them; requests and hours are paid only where they have a rate."""
    total = 0
    for unit, quantity in used(rates, quantities):
        if unit not in rates or (unit == Unit.HOUR and not quantity):  # nobody measured how long it took
            return None
        total += quantity * rates[unit] * (_COMMON // PER[unit])
    return (2 * total + _COMMON) // (2 * _COMMON)


class Linear:
    """The same as `amount`, for one table and many calls: each quantity has one coefficient, whatever its unit."""

    __slots__ = ("_cached", "_embedding", "_fixed", "_image", "_input", "_millisecond", "_output")

    def __init__(self, rates: Rates) -> None:
        is_by_the_hour = bool(rates) and set(rates) <= {Unit.HOUR, Unit.REQUEST}

        def each(*units: Unit) -> int | None:
            for unit in units:
                if unit in rates:
                    return rates[unit] * (_COMMON // PER[unit])
            return 0 if is_by_the_hour else None

        self._input, self._cached = each(Unit.INPUT), each(Unit.CACHED, Unit.INPUT)
        self._output, self._image = each(Unit.OUTPUT), each(Unit.IMAGE)
        self._embedding = each(Unit.EMBEDDING, Unit.INPUT)
        self._fixed = rates.get(Unit.REQUEST, 0) * (_COMMON // PER[Unit.REQUEST])
        self._millisecond = rates[Unit.HOUR] * (_COMMON // PER[Unit.HOUR]) if Unit.HOUR in rates else None

    def amount(self, quantities: Quantities) -> int | None:
        total = self._fixed
        if quantity := quantities.input_tokens:
            if self._input is None:
                return None
            total += quantity * self._input
        if quantity := quantities.cached_tokens:
            if self._cached is None:
                return None
            total += quantity * self._cached
        if quantity := quantities.output_tokens:
            if self._output is None:
                return None
            total += quantity * self._output
        if quantity := quantities.embedding_tokens:
            if self._embedding is None:
                return None
            total += quantity * self._embedding
        if quantity := quantities.images:
            if self._image is None:
                return None
            total += quantity * self._image
        if self._millisecond is not None:
            if not quantities.milliseconds:
                return None
            total += quantities.milliseconds * self._millisecond
        return (2 * total + _COMMON) // (2 * _COMMON)


def used(rates: Rates, quantities: Quantities) -> list[tuple[Unit, int]]:
    """What the rates are multiplied by. A table that prices nothing of a call that used nothing gives nothing."""
    cached_unit = Unit.CACHED if Unit.CACHED in rates else Unit.INPUT
    found = [
        (Unit.INPUT, quantities.input_tokens),
        (cached_unit, quantities.cached_tokens),
        (Unit.OUTPUT, quantities.output_tokens),
        (Unit.EMBEDDING, quantities.embedding_tokens),
        (Unit.IMAGE, quantities.images),
    ]
    if Unit.EMBEDDING not in rates and Unit.INPUT in rates:  # most price lists call them input tokens
        found[3] = (Unit.INPUT, quantities.embedding_tokens)
    paid = [(unit, quantity) for unit, quantity in found if quantity and not _by_the_hour(rates, unit)]
    if Unit.REQUEST in rates:
        paid.append((Unit.REQUEST, 1))
    if Unit.HOUR in rates:
        paid.append((Unit.HOUR, quantities.milliseconds))
    return paid


def _by_the_hour(rates: Rates, unit: Unit) -> bool:
    """Of a machine paid by the hour, or by the request, what has no rate of its own is in that price."""
    return unit not in rates and bool(rates) and set(rates) <= {Unit.HOUR, Unit.REQUEST}
