"""Calls and books that tests and benches begin with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from parvis.ledger.actions.books import RateValues
from parvis.ledger.models import PriceBook, Rate
from parvis.ledger.pricing import Unit
from parvis.ledger.usage import EventId, Quantities, Usage

NOON = datetime(2026, 10, 15, 12, tzinfo=UTC)
EURO = 1_000_000_000


def call(institution_id: int, sequence: int, **changed: Any) -> Usage:
    values: dict[str, Any] = {
        "event": EventId(1, sequence),
        "institution_id": institution_id,
        "occurred_at": NOON,
        "model_id": 7,
        "model_name": "petit",
        "quantities": Quantities(input_tokens=1_000, output_tokens=100),
        "component": "UFR Droit",
        "app": "assistant:1",
        "person_id": 1,
    }
    return Usage(**(values | changed))


def rates(*, model_id: int | None = 7, input_euros: float = 0.1, output_euros: float = 0.3) -> list[RateValues]:
    """Per million tokens."""
    return [
        RateValues(model_id, "petit", Unit.INPUT, round(input_euros * EURO)),
        RateValues(model_id, "petit", Unit.OUTPUT, round(output_euros * EURO)),
    ]


def book_in_force(institution_id: int | None, starts: date, **changed: Any) -> PriceBook:
    agreement_id = changed.pop("agreement_id", None)
    book = PriceBook.unscoped.create(
        institution_id=institution_id,
        name="Tarif public",
        agreement_id=agreement_id,
        starts_date=starts,
        source="page des tarifs",
        source_date=starts,
        created_by="person:1",
    )
    for rate in rates(**changed):
        Rate.unscoped.create(
            institution_id=institution_id,
            book=book,
            model_id=rate.model_id,
            model_name=rate.model_name,
            unit=rate.unit.value,
            amount_nano=rate.amount_nano,
        )
    book.published_at = NOON
    book.save()
    return book
