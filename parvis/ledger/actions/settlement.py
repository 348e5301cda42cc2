"""A batch of calls becomes rows and transfers, once, however often it is handed in: whole, or not at all."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import connection, transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.models import Institution
from parvis.isolation.scope import everywhere
from parvis.ledger.actions.books import books_of
from parvis.ledger.models import Call, Kind, Transfer
from parvis.ledger.pricing import Book, Price, price
from parvis.ledger.usage import EventId, Outcome, Quantities, Usage

log = logging.getLogger(__name__)
BATCH = 1_000  # calls of one transaction


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a batch. `contradicted` were settled before, and said something else then: what was said first stands.
    `refused` cannot be true: they are logged, and stop no other."""

    recorded: int = 0
    replayed: int = 0
    unvalued: int = 0  # of those recorded
    contradicted: tuple[EventId, ...] = ()
    refused: tuple[EventId, ...] = ()


def settle(batch: Iterable[Usage], *, now: datetime | None = None) -> Settled:
    """Records each call and charges it, in one transaction. Handed in again, it changes nothing."""
    with everywhere("settlement"), transaction.atomic():
        return _settle(list(batch), now or timezone.now())


def _settle(batch: Sequence[Usage], now: datetime) -> Settled:
    institutions = set(Institution.objects.filter(id__in={one.institution_id for one in batch}).values_list("id", flat=True))
    faulty = {one.event for one in batch if _fault(one, institutions)}
    unique: dict[EventId, Usage] = {}
    contradicted: list[Usage] = []
    for one in batch:
        if one.event in faulty:
            continue
        if unique.setdefault(one.event, one) is not one and fingerprint(unique[one.event]) != fingerprint(one):
            contradicted.append(one)
    for event in faulty:
        log.error("Call %s.%s cannot be true, and is not recorded", *event)
    books = books_of({one.institution_id for one in unique.values() if _is_to_price(one)})
    new, known = _insert(unique, books, now)
    contradicted += [one for event, one in unique.items() if event in known and known[event] != fingerprint(one)]
    for one in contradicted:
        _tell(one)
    charged = [(call_id, usage, paid) for call_id, usage, paid in new if paid.nano is not None]
    _insert_rows("ledger_transfer", _TRANSFER, [_charge(*one, now) for one in charged])
    unpaid = sum(paid.nano is None and usage.outcome != Outcome.REFUSED for _id, usage, paid in new)
    events = tuple(dict.fromkeys(one.event for one in contradicted))
    replayed = len(batch) - len(new) - len(contradicted) - sum(one.event in faulty for one in batch)
    return Settled(len(new), replayed, unpaid, events, tuple(sorted(faulty)))


def value(institution_id: int, *, now: datetime | None = None, most: int = 100_000) -> int:
    """Charges the calls of an institution that had no price, where a book of their own time has one by now. How many."""
    now, books = now or timezone.now(), books_of({institution_id})
    waiting = Call.unscoped.filter(institution=institution_id, transfers=None).exclude(outcome=Outcome.REFUSED)
    done = 0
    for first in range(0, most, BATCH):
        with transaction.atomic():
            rows = list(waiting.order_by("id")[first - done : first - done + BATCH])
            found = [(row, _price_of_row(books, row)) for row in rows]
            charges = [
                Transfer(
                    institution_id=institution_id,
                    call=row,
                    kind=Kind.CHARGE,
                    debit=_used_by(row.component, row.app),
                    credit=_owed_to(row.agreement_id),
                    amount_nano=paid.nano,
                    price_version=paid.version,
                    recorded_at=now,
                    reason="valued later",
                )
                for row, paid in found
                if paid.nano is not None
            ]
            Transfer.unscoped.bulk_create(charges)
        done += len(charges)
        if len(rows) < BATCH:
            break
    return done


def value_and_record(principal: Principal) -> int:
    """The same, for who asked."""
    count = value(principal.institution_id)
    if count:
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="ledger.value",
            subject="calls",
            calls=count,
        )
    return count


@transaction.atomic
def correct(transfer: Transfer, *, actor: str, reason: str, amount_nano: int | None = None) -> Transfer:
    """Reverses a transfer; with an amount, charges that in its place. Raises IntegrityError if it was reversed before. A
    reversal is not reversed: charge again instead."""
    if transfer.kind == Kind.REVERSAL:
        raise ValueError("a reversal is not reversed")
    same: dict[str, Any] = {
        "institution_id": transfer.institution_id,
        "call_id": transfer.call_id,
        "price_version": transfer.price_version,
        "reason": reason,
    }
    Transfer.unscoped.create(
        kind=Kind.REVERSAL,
        debit=transfer.credit,
        credit=transfer.debit,
        amount_nano=transfer.amount_nano,
        reverses=transfer,
        **same,
    )
    corrected = transfer
    if amount_nano is not None:
        corrected = Transfer.unscoped.create(
            kind=Kind.CORRECTION,
            debit=transfer.debit,
            credit=transfer.credit,
            amount_nano=amount_nano,
            replaces=transfer,
            **same,
        )
    record(
        institution_id=transfer.institution_id,
        actor=actor,
        action="ledger.correct",
        subject=f"transfer:{transfer.id}",
        amount_nano=amount_nano,
    )
    return corrected


def balances(institution_id: int) -> dict[str, int]:
    """Account → what it was charged less what it is owed, in nano-euro. They add up to zero."""
    found: dict[str, int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [institution_id, institution_id])
        for account, amount in cursor.fetchall():
            found[account] += int(amount)
    return dict(found)


def fingerprint(usage: Usage) -> bytes:
    """Of what was told, without who: it must not give back a person who was forgotten."""
    told = (
        usage.institution_id,
        usage.occurred_at.astimezone(UTC).isoformat(),
        usage.model_id,
        usage.model_name,
        msgspec.structs.astuple(usage.quantities),
        usage.outcome.value,
        usage.component,
        usage.app,
        usage.agreement_id,
        usage.price_version,
        usage.amount_nano,
        usage.is_estimated,
    )
    return hashlib.sha256(repr(told).encode()).digest()[:16]


# Beneath


_BALANCES = """
SELECT debit, SUM(amount_nano) FROM ledger_transfer WHERE institution_id = %s GROUP BY debit
UNION ALL
SELECT credit, -SUM(amount_nano) FROM ledger_transfer WHERE institution_id = %s GROUP BY credit
"""
_MOST = 2**62


def _fault(usage: Usage, institutions: set[int]) -> bool:
    """What no table could hold, or no call be."""
    numbers = (*msgspec.structs.astuple(usage.quantities), *usage.event, usage.amount_nano or 0)
    carbon = usage.carbon
    return (
        usage.institution_id not in institutions
        or usage.occurred_at.tzinfo is None
        or any(not 0 <= number < _MOST for number in numbers)
        or (usage.amount_nano is not None and not usage.price_version)
        or (carbon is not None and not 0 <= carbon.low_ug <= carbon.high_ug < _MOST)
        or "\0" in f"{usage.component}{usage.app}{usage.model_name}{usage.price_version}"
    )


def _is_to_price(usage: Usage) -> bool:
    return not usage.price_version and usage.outcome != Outcome.REFUSED


def _paid(usage: Usage, books: dict[int, list[Book]]) -> Price:
    """What was told with the call, else the price of its own time."""
    if not _is_to_price(usage):
        return Price(None if usage.outcome == Outcome.REFUSED else usage.amount_nano, usage.price_version)
    return price(
        books.get(usage.institution_id, []),
        usage.quantities,
        institution_id=usage.institution_id,
        agreement_id=usage.agreement_id,
        model_id=usage.model_id,
        at=usage.occurred_at,
    )


def _price_of_row(books: dict[int, list[Book]], row: Call) -> Price:
    return price(
        books.get(row.institution_id, []),
        Quantities(row.input_tokens, row.cached_tokens, row.output_tokens, row.embedding_tokens, row.images, row.milliseconds),
        institution_id=row.institution_id,
        agreement_id=row.agreement_id,
        model_id=row.model_id,
        at=row.occurred_at,
    )


_CALL = {
    "institution_id": "bigint",
    "epoch": "bigint",
    "sequence": "bigint",
    "fingerprint": "bytea",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "component": "text",
    "app": "text",
    "person_id": "bigint",
    "key_id": "bigint",
    "model_id": "bigint",
    "model_name": "text",
    "agreement_id": "bigint",
    "outcome": "text",
    "input_tokens": "bigint",
    "cached_tokens": "bigint",
    "output_tokens": "bigint",
    "embedding_tokens": "bigint",
    "images": "bigint",
    "milliseconds": "bigint",
    "is_estimated": "boolean",
    "price_version": "text",
    "carbon_low_ug": "bigint",
    "carbon_high_ug": "bigint",
    "carbon_method": "text",
}
_TRANSFER = {
    "institution_id": "bigint",
    "call_id": "bigint",
    "kind": "text",
    "debit": "text",
    "credit": "text",
    "amount_nano": "bigint",
    "price_version": "text",
    "reason": "text",
    "recorded_at": "timestamptz",
}


def _insert(
    unique: dict[EventId, Usage], books: dict[int, list[Book]], now: datetime
) -> tuple[list[tuple[int, Usage, Price]], dict[EventId, bytes]]:
    """Those that were not there, each with its row and its price; and the fingerprints of those that were. Two processes may
    hand in the same batch at once: the database lets one in."""
    known = _known(unique)
    prices = {event: _paid(one, books) for event, one in unique.items() if event not in known}
    rows = [_call(unique[event], paid, now) for event, paid in prices.items()]
    ids = _insert_rows("ledger_call", _CALL, rows, conflict="ON CONFLICT (epoch, sequence) DO NOTHING", returning=True)
    if len(ids) < len(rows):
        known |= _known({event: unique[event] for event in prices if event not in ids})
    return [(call_id, unique[event], prices[event]) for event, call_id in ids.items()], known


def _known(unique: Iterable[EventId]) -> dict[EventId, bytes]:
    found: dict[EventId, bytes] = {}
    by_epoch: dict[int, list[int]] = defaultdict(list)
    for epoch, sequence in unique:
        by_epoch[epoch].append(sequence)
    for epoch, sequences in by_epoch.items():
        rows = Call.unscoped.filter(epoch=epoch)
        for first in range(0, len(sequences), 500):
            part = rows.filter(sequence__in=sequences[first : first + 500])
            for sequence, digest in part.values_list("sequence", "fingerprint"):
                found[EventId(epoch, sequence)] = bytes(digest)
    return found


def _call(usage: Usage, paid: Price, now: datetime) -> tuple[Any, ...]:
    quantities, carbon = usage.quantities, usage.carbon
    return (
        usage.institution_id,
        *usage.event,
        fingerprint(usage),
        usage.occurred_at,
        now,
        usage.component[:120],
        usage.app[:120],
        usage.person_id,
        usage.key_id,
        usage.model_id,
        usage.model_name[:120],
        usage.agreement_id,
        usage.outcome.value,
        quantities.input_tokens,
        quantities.cached_tokens,
        quantities.output_tokens,
        quantities.embedding_tokens,
        quantities.images,
        quantities.milliseconds,
        usage.is_estimated and usage.outcome != Outcome.REFUSED,
        paid.version[:60],
        carbon.low_ug if carbon else None,
        carbon.high_ug if carbon else None,
        carbon.method[:60] if carbon else "",
    )


def _charge(call_id: int, usage: Usage, paid: Price, now: datetime) -> tuple[Any, ...]:
    debit, credit = _used_by(usage.component[:120], usage.app[:120]), _owed_to(usage.agreement_id)
    return (usage.institution_id, call_id, Kind.CHARGE.value, debit, credit, paid.nano, paid.version[:60], "", now)


def _used_by(component: str, app: str) -> str:
    return f"use/{component}/{app}"


def _owed_to(agreement_id: int | None) -> str:
    return f"owed/agreement/{agreement_id}" if agreement_id is not None else "owed"


def _insert_rows(
    table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]], *, conflict: str = "", returning: bool = False
) -> dict[EventId, int]:
    """The identifiers of what was inserted, if asked for. PostgreSQL is given one array a column, since COPY is closed where
    rows have policies; SQLite, which has one writer, rows."""
    if not rows:
        return {}
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
            statement = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608 - our names
            given = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(statement + (" RETURNING epoch, sequence, id" if returning else ""), given)
            return {EventId(epoch, sequence): row_id for epoch, sequence, row_id in cursor.fetchall()} if returning else {}
        marks = ", ".join("%s" for _ in columns)
        values = [tuple(_adapted(value) for value in row) for row in rows]
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608 - our names
    return _ids([EventId(row[1], row[2]) for row in rows]) if returning else {}


def _ids(events: Iterable[EventId]) -> dict[EventId, int]:
    found: dict[EventId, int] = {}
    by_epoch: dict[int, list[int]] = defaultdict(list)
    for epoch, sequence in events:
        by_epoch[epoch].append(sequence)
    for epoch, sequences in by_epoch.items():
        for first in range(0, len(sequences), 500):
            part = Call.unscoped.filter(epoch=epoch, sequence__in=sequences[first : first + 500])
            found |= {EventId(epoch, sequence): row_id for sequence, row_id in part.values_list("sequence", "id")}
    return found


def _adapted(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _tell(usage: Usage) -> None:
    log.error("Call %s.%s was settled before, and said something else", *usage.event)
    record(
        institution_id=usage.institution_id,
        actor="system:ledger",
        action="ledger.contradict",
        subject=f"call:{usage.event.epoch}.{usage.event.sequence}",
    )
