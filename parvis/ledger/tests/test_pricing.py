"""What a call costs, and which table of prices says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.ledger.pricing import NO_PRICE, PARIS, PER, Book, Price, Unit, amount, paris_month, price
from parvis.ledger.tariff import Tariff
from parvis.ledger.usage import Quantities

counts = st.integers(0, 2_000_000)
quantities = st.builds(Quantities, counts, counts, counts, counts, st.integers(0, 50), st.integers(0, 900_000))
tables = st.dictionaries(st.sampled_from(list(Unit)), st.integers(0, 200_000_000_000), max_size=7)


def book(number: int = 1, starts: date = date(2026, 1, 1), **changed: object) -> Book:
    values: dict[str, object] = {"institution_id": 1, "agreement_id": None, "ends_date": None}
    values |= {"rates": {7: {Unit.INPUT: 100_000_000, Unit.OUTPUT: 300_000_000}}} | changed
    return Book(id=number, starts_date=starts, **values)  # type: ignore[arg-type]


def of(books: list[Book], at: datetime, **changed: object) -> Price:
    values: dict[str, object] = {"institution_id": 1, "agreement_id": None, "model_id": 7} | changed
    return price(books, Quantities(1_000, 0, 100), at=at, **values)  # type: ignore[arg-type]


@given(tables, quantities)
@settings(max_examples=60, deadline=None)
def test_the_amount_is_exact_but_for_one_rounding(rates: dict[Unit, int], used: Quantities) -> None:
    found = amount(rates, used)
    if Unit.INPUT not in rates or Unit.OUTPUT not in rates or found is None:
        return
    cached = rates.get(Unit.CACHED, rates[Unit.INPUT])
    embedding = rates.get(Unit.EMBEDDING, rates[Unit.INPUT])
    exact = Fraction(used.input_tokens * rates[Unit.INPUT] + used.cached_tokens * cached, 1_000_000)
    exact += Fraction(used.output_tokens * rates[Unit.OUTPUT] + used.embedding_tokens * embedding, 1_000_000)
    exact += used.images * rates.get(Unit.IMAGE, 0) + rates.get(Unit.REQUEST, 0)
    exact += Fraction(used.milliseconds * rates.get(Unit.HOUR, 0), PER[Unit.HOUR])
    assert abs(found - exact) <= Fraction(1, 2)


@given(tables, quantities, quantities, st.integers(0, 2_000_000))
@settings(max_examples=60, deadline=None)
def test_no_call_costs_more_than_its_worst_case(
    rates: dict[Unit, int], used: Quantities, more: Quantities, cached: int
) -> None:
    """Whatever part of the question the provider had kept."""
    most = Quantities(*(getattr(used, name) + getattr(more, name) for name in Quantities.__struct_fields__))
    cached = min(cached, used.input_tokens)
    given_back = Quantities(
        used.input_tokens - cached,
        used.cached_tokens + cached,
        used.output_tokens,
        used.embedding_tokens,
        used.images,
        used.milliseconds,
    )
    books, where = [book(rates={7: rates})], {"institution_id": 1, "agreement_id": None, "model_id": 7}
    at = datetime(2026, 6, 1, tzinfo=UTC)
    tariff = Tariff(1, 7, None, books)
    bound = tariff.worst(most, at).nano_euro
    cost = price(books, given_back, at=at, **where)  # type: ignore[arg-type]
    assert tariff.amounts(given_back, None, at).nano_euro == cost.nano, "both planes count alike"
    if bound is not None and cost.nano is not None:
        assert cost.nano <= bound
        assert cost.version == "book:1"
    if bound is not None and rates.get(Unit.HOUR) is None:
        assert cost.nano is not None, "what had a worst case has a price"


@pytest.mark.parametrize(
    ("rates", "used"),
    [
        ({}, Quantities(1)),
        ({Unit.INPUT: 5}, Quantities(1, 0, 1)),
        ({Unit.INPUT: 5, Unit.OUTPUT: 5}, Quantities(1, 0, 1, 0, 1)),
        ({Unit.HOUR: 5}, Quantities(1, 0, 1)),
    ],
    ids=["no rate", "answer without a rate", "image without a rate", "hour not measured"],
)
def test_what_has_no_price_is_not_free(rates: dict[Unit, int], used: Quantities) -> None:
    assert amount(rates, used) is None
    assert price([book(rates={7: rates})], used, institution_id=1, agreement_id=None, model_id=7, at=datetime.now(UTC)) in (
        NO_PRICE,
        Price(None, "book:1"),
    )


def test_a_machine_paid_by_the_hour_counts_no_token() -> None:
    assert amount({Unit.HOUR: 3_600_000_000}, Quantities(1_000, 0, 1_000, milliseconds=1_500)) == 1_500_000
    assert amount({Unit.REQUEST: 2_000_000}, Quantities(1_000, 0, 1_000)) == 2_000_000


def test_free_is_a_price() -> None:
    assert amount({Unit.INPUT: 0, Unit.OUTPUT: 0}, Quantities(5, 0, 5)) == 0


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(date(2026, 3, 29), 23), (date(2026, 3, 30), 22), (date(2026, 10, 25), 22), (date(2026, 10, 26), 23)],
    ids=["the eve of summer time", "in summer time", "the last of summer", "in winter time"],
)
def test_a_price_begins_at_midnight_in_paris(day: date, utc_hour: int) -> None:
    """Two days at each change: midnight there is another instant before and after it."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=24 - utc_hour)
    books = [book(1), book(2, day, rates={7: {Unit.INPUT: 200_000_000, Unit.OUTPUT: 600_000_000}})]
    assert of(books, midnight - timedelta(microseconds=1)) == Price(130_000, "book:1")
    assert of(books, midnight) == Price(260_000, "book:2")
    assert of(books, midnight.astimezone(PARIS)) == Price(260_000, "book:2"), "the same instant, said otherwise"
    tariff = Tariff(1, 7, None, books)  # one for many calls, as workers keep it
    at = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=22), midnight - timedelta(hours=20)]
    assert [tariff.worst(Quantities(1_000, 0, 100), one).nano_euro for one in at] == [130_000, 260_000, 260_000, 130_000]


def test_each_instant_of_the_hour_that_happens_twice_has_one_price() -> None:
    books = [book(1), book(2, date(2026, 10, 25), rates={7: {Unit.INPUT: 0, Unit.OUTPUT: 0}})]
    first = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    assert of(books, first) == of(books, first.replace(fold=1)) == Price(0, "book:2")


def test_a_month_is_that_of_paris() -> None:
    begins, ends = paris_month(date(2026, 10, 17))
    assert begins == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert ends == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert (ends - begins) == timedelta(days=31, hours=1)


def test_an_instant_without_its_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        of([book()], datetime(2026, 10, 25, 2, 30))  # noqa: DTZ001 - what is refused


def test_which_book_says_so() -> None:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    cheap = {7: {Unit.INPUT: 0, Unit.OUTPUT: 0}}
    own, alliance = book(1), book(2, institution_id=None, rates=cheap)
    assert of([alliance, own], at).version == "book:1", "its own before the alliance's"
    assert of([alliance], at).version == "book:2"
    assert of([book(3, institution_id=2)], at) == NO_PRICE, "a neighbour's is nobody else's"
    assert of([own, book(4, agreement_id=5)], at, agreement_id=5).version == "book:4"
    assert of([own], at, agreement_id=5) == NO_PRICE, "an agreement has its own prices and no others"
    assert of([own], at, model_id=8) == NO_PRICE
    assert of([own, book(9)], at).version == "book:9", "of two of the same day, what was written last"
    assert of([book(1, ends_date=date(2026, 6, 1))], at) == NO_PRICE
    assert of([book(1), book(2, date(2026, 5, 1), rates={})], at) == NO_PRICE, "a later book takes the whole place"
