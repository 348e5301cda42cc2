"""Price books: written, put in force, read by whoever prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.ledger.models import Call, PriceBook, Rate
from parvis.ledger.pricing import Book, Unit
from parvis.ledger.usage import Outcome


@dataclass(frozen=True, slots=True)
class BookValues:
    name: str
    agreement_id: int | None
    starts_date: date
    ends_date: date | None
    source: str
    source_date: date


@dataclass(frozen=True, slots=True)
class RateValues:
    model_id: int | None
    model_name: str
    unit: Unit
    amount_nano: int


def books_of(institutions: Collection[int]) -> dict[int, list[Book]]:
    """What each may be priced by: its own books in force, and the alliance's."""
    if not institutions:
        return {}
    rows = PriceBook.unscoped.filter(Q(institution__in=institutions) | Q(institution=None), published_at__isnull=False)
    rates: dict[int, dict[int | None, dict[Unit, int]]] = defaultdict(lambda: defaultdict(dict))
    for book_id, model_id, unit, amount in Rate.unscoped.filter(book__in=rows).values_list(
        "book_id", "model_id", "unit", "amount_nano"
    ):
        rates[book_id][model_id][Unit(unit)] = amount
    found: dict[int, list[Book]] = {institution_id: [] for institution_id in institutions}
    for row in rows:
        book = Book(row.id, row.institution_id, row.agreement_id, row.starts_date, row.ends_date, dict(rates[row.id]))
        for institution_id in [row.institution_id] if row.institution_id else found:
            found[institution_id].append(book)
    return found


@transaction.atomic
def write_book(principal: Principal, book: PriceBook | None, values: BookValues, rates: Iterable[RateValues]) -> PriceBook:
    """A new book, or another text of one that is not in force yet."""
    book = book or PriceBook(institution_id=principal.institution_id, created_by=principal.actor)
    book.name, book.agreement_id = values.name, values.agreement_id
    book.starts_date, book.ends_date = values.starts_date, values.ends_date
    book.source, book.source_date = values.source, values.source_date
    book.save()
    book.rates.all().delete()
    _add_rates(book, rates)
    _record(principal.actor, "price.write", book)
    return book


@transaction.atomic
def publish_book(book: PriceBook, *, actor: str) -> None:
    """From now on nothing of it changes. Calls that are settled from now on are priced by it, by their own time."""
    book.published_at = timezone.now()
    book.save(update_fields=["published_at"])
    _record(actor, "price.publish", book)


@transaction.atomic
def discard_book(principal: Principal, book: PriceBook) -> None:
    _record(principal.actor, "price.discard", book)
    book.delete()


@transaction.atomic
def alliance_book(values: BookValues, rates: Sequence[RateValues]) -> PriceBook:
    """The whole alliance's, in force at once: for who runs Parvis. No page leads here."""
    book = PriceBook.unscoped.create(
        institution=None,
        name=values.name,
        agreement_id=values.agreement_id,
        starts_date=values.starts_date,
        ends_date=values.ends_date,
        source=values.source,
        source_date=values.source_date,
        created_by="system:operator",
    )
    _add_rates(book, rates)
    publish_book(book, actor="system:operator")
    return book


def _add_rates(book: PriceBook, rates: Iterable[RateValues]) -> None:
    Rate.unscoped.bulk_create(
        Rate(
            institution_id=book.institution_id,
            book=book,
            model_id=rate.model_id,
            model_name=rate.model_name,
            unit=rate.unit.value,
            amount_nano=rate.amount_nano,
        )
        for rate in rates
    )


def unvalued_calls(institution_id: int) -> int:
    """Calls that no book had a price for, until now."""
    return Call.unscoped.filter(institution=institution_id, transfers=None).exclude(outcome=Outcome.REFUSED).count()


def _record(actor: str, action: str, book: PriceBook) -> None:
    record(
        institution_id=book.institution_id,
        actor=actor,
        action=action,
        subject=f"price_book:{book.id}",
        starts=str(book.starts_date),
        rates=book.rates.count(),
    )
