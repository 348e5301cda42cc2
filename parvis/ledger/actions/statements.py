"""Statements of a month, invoices compared with them, and who internal invoices are between."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.models import Institution
from parvis.ledger.files import Document
from parvis.ledger.focus import Billing
from parvis.ledger.invoice import InvoiceParty
from parvis.ledger.models import ExpenseStatement, Nature, Party, Rate, Reconciliation
from parvis.ledger.pricing import Rates, Unit, paris_month
from parvis.ledger.reconciliation import Gap, Invoiced, compare, whole
from parvis.ledger.statement import Counted, Line, digest, less, lines_of, total, unvalued
from parvis.ledger.usage import Quantities


class NothingToStateError(Exception):
    """All that the ledger holds of this month was stated."""


class OverlappingScopeError(Exception):
    """The month was stated otherwise: of the whole institution, or by component, or by app. `reference` is one of them."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


@dataclass(frozen=True, slots=True)
class Scope:
    """The whole institution, one component, or one app."""

    component: str | None = None
    app: str | None = None


WHOLE = Scope()


def ledger_lines(institution_id: int, month: date, scope: Scope = WHOLE) -> list[Line]:
    """The month as the ledger has it now, exactly."""
    counted = _counted(institution_id, month, scope)
    return lines_of(counted, _rates_of({one.price_version for one in counted}))


def make_statement(principal: Principal, month: date, scope: Scope = WHOLE) -> ExpenseStatement:
    """What the ledger holds of the month and was not stated yet: a statement, then supplements or credit notes. Raises
    NothingToStateError, OverlappingScopeError."""
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return _make_statement(principal, month.replace(day=1), scope)
        except IntegrityError:  # another took the number
            continue
    raise NothingToStateError


def _make_statement(principal: Principal, month: date, scope: Scope) -> ExpenseStatement:
    institution_id = principal.institution_id
    Institution.objects.select_for_update().get(id=institution_id)
    of_month = ExpenseStatement.unscoped.filter(institution=institution_id, month_date=month)
    if other := next((one for one in of_month if _kind(one.component, one.app) != _kind(scope.component, scope.app)), None):
        raise OverlappingScopeError(other.reference)
    before = list(of_month.filter(component=scope.component or "", app=scope.app or "").order_by("id"))
    stated = [Line.from_plain(line) for one in before for line in one.lines]
    lines = less(ledger_lines(institution_id, month, scope), stated)
    if not lines:
        raise NothingToStateError
    amount = total(lines)
    nature = Nature.STATEMENT if not before else Nature.CREDIT if amount < 0 else Nature.SUPPLEMENT
    latest = ExpenseStatement.unscoped.filter(institution=institution_id).aggregate(Max("number"))["number__max"] or 0
    statement = ExpenseStatement.unscoped.create(
        institution_id=institution_id,
        number=latest + 1,
        nature=nature,
        month_date=month,
        component=scope.component or "",
        app=scope.app or "",
        completes=before[-1] if before else None,
        lines=[line.plain() for line in lines],
        total_nano=amount,
        unvalued=max(0, unvalued(lines)),
        digest=digest(lines),
        made_by=principal.actor,
        made_at=timezone.now(),
    )
    record(
        institution_id=institution_id,
        actor=principal.actor,
        action="ledger.state",
        subject=f"expense_statement:{statement.id}",
        digest=statement.digest,
        nature=nature.value,
    )
    return statement


def document_of(statement: ExpenseStatement) -> Document:
    return Document(
        reference=statement.reference,
        nature=statement.nature,
        institution=statement.institution.name,
        month_date=statement.month_date,
        component=statement.component,
        app=statement.app,
        completes=statement.completes.reference if statement.completes else "",
        made_at=statement.made_at,
        digest=statement.digest,
        lines=tuple(Line.from_plain(line) for line in statement.lines),
        is_invented=statement.institution.is_invented,
    )


def billing_of(statement: ExpenseStatement) -> Billing:
    starts_at, ends_at = paris_month(statement.month_date)
    institution = statement.institution
    return Billing(
        account_id=institution.slug,
        account_name=institution.name,
        issuer="Parvis",
        invoice_id=statement.reference,
        starts_at=starts_at,
        ends_at=ends_at,
        is_correction=statement.nature != Nature.STATEMENT,
        vendors={},
    )


# Invoices


@transaction.atomic
def reconcile(
    principal: Principal, *, month: date, agreement_id: int | None, file_name: str, data: bytes, invoice: Iterable[Invoiced]
) -> Reconciliation:
    """Keeps what the invoice said beside the ledger, of that agreement or, without one, of all calls under none."""
    lines = [line for line in ledger_lines(principal.institution_id, month) if line.agreement_id == agreement_id]
    counted: dict[str, int] = {}
    estimated: dict[str, int] = {}
    for line in lines:
        if line.is_valued:
            counted[line.model_name] = counted.get(line.model_name, 0) + line.amount_nano
            estimated[line.model_name] = estimated.get(line.model_name, 0) + line.estimated_nano
    gaps = compare(invoice, counted, estimated)
    sum_of = whole(gaps)
    row = Reconciliation.unscoped.create(
        institution_id=principal.institution_id,
        month_date=month.replace(day=1),
        agreement_id=agreement_id,
        file_name=file_name[:200],
        file_digest=hashlib.sha256(data).hexdigest(),
        lines=[gap.plain() for gap in gaps],
        invoiced_nano=sum_of.invoiced_nano or 0,
        counted_nano=sum_of.counted_nano or 0,
        unvalued=max(0, unvalued(lines)),
        is_flagged=sum_of.is_flagged or any(gap.is_flagged for gap in gaps),
        made_by=principal.actor,
    )
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="ledger.reconcile",
        subject=f"reconciliation:{row.id}",
        flagged=row.is_flagged,
    )
    return row


def gaps_of(row: Reconciliation) -> list[Gap]:
    return [Gap(**gap) for gap in row.lines]


def sum_of(row: Reconciliation) -> Gap:
    return Gap("", row.invoiced_nano, row.counted_nano, whole(gaps_of(row)).estimated_nano)


# Internal invoices


@transaction.atomic
def write_party(principal: Principal, component: str, values: InvoiceParty) -> None:
    Party.unscoped.update_or_create(institution_id=principal.institution_id, component=component, defaults=asdict(values))
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="ledger.party",
        subject="invoice_party",
    )


def parties_of(institution_id: int) -> dict[str, InvoiceParty]:
    names = ("legal_name", "siret", "vat_number", "street", "postcode", "city")
    rows = Party.unscoped.filter(institution=institution_id).values("component", *names)
    return {str(row.pop("component")): InvoiceParty(**row) for row in rows}


# Beneath


def _kind(component: str | None, app: str | None) -> str:
    return "component" if component else "app" if app else "whole"


# Inside, one row a call, with what its transfers add up to; outside, calls that are alike. A call is of the book that charged
# it, which may have come after it.
_COUNTED = """
SELECT component, app, model_id, model_name, agreement_id, version, carbon_method, COUNT(*),
    SUM(input_tokens), SUM(cached_tokens), SUM(output_tokens), SUM(embedding_tokens), SUM(images), SUM(milliseconds),
    SUM(amount), SUM(carbon_low), SUM(carbon_high), SUM(carbon_known), SUM(estimated), SUM(estimated * amount)
FROM (
    SELECT c.id, c.component, c.app, c.model_id, c.model_name, c.agreement_id, c.carbon_method, c.input_tokens,
        c.cached_tokens, c.output_tokens, c.embedding_tokens, c.images, c.milliseconds,
        COALESCE(MAX(CASE WHEN t.kind = 'charge' THEN t.price_version END), '') AS version,
        COALESCE(SUM(CASE WHEN t.kind = 'reversal' THEN -t.amount_nano ELSE t.amount_nano END), 0) AS amount,
        COALESCE(c.carbon_low_ug, 0) AS carbon_low, COALESCE(c.carbon_high_ug, 0) AS carbon_high,
        CASE WHEN c.carbon_low_ug IS NULL THEN 0 ELSE 1 END AS carbon_known,
        CASE WHEN c.is_estimated THEN 1 ELSE 0 END AS estimated
    FROM ledger_call c LEFT JOIN ledger_transfer t ON t.call_id = c.id
    WHERE c.institution_id = %s AND c.occurred_at >= %s AND c.occurred_at < %s AND c.outcome <> 'refused' {scope}
    GROUP BY c.id
) AS calls
GROUP BY component, app, model_id, model_name, agreement_id, version, carbon_method
"""


def _counted(institution_id: int, month: date, scope: Scope) -> list[Counted]:
    given: list[Any] = [institution_id, *(connection.ops.adapt_datetimefield_value(at) for at in paris_month(month))]
    narrowed = ""
    for column, value in (("component", scope.component), ("app", scope.app)):
        if value is not None:
            narrowed += f" AND c.{column} = %s"
            given.append(value)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(scope=narrowed), given)
        rows = cursor.fetchall()
    return [
        Counted(
            component=row[0],
            app=row[1],
            model_id=row[2],
            model_name=row[3],
            agreement_id=row[4],
            price_version=row[5],
            carbon_method=row[6],
            calls=int(row[7]),
            quantities=Quantities(*(int(value) for value in row[8:14])),
            amount_nano=int(row[14]),
            carbon_low_ug=int(row[15]),
            carbon_high_ug=int(row[16]),
            carbon_calls=int(row[17]),
            estimated_calls=int(row[18]),
            estimated_nano=int(row[19]),
        )
        for row in rows
    ]


def _rates_of(versions: Iterable[str]) -> dict[tuple[str, int | None], Rates]:
    numbers = [int(version[5:]) for version in versions if version.startswith("book:") and version[5:].isdigit()]
    found: dict[tuple[str, int | None], dict[Unit, int]] = {}
    rows = Rate.unscoped.filter(book__in=numbers).values_list("book_id", "model_id", "unit", "amount_nano")
    for book_id, model_id, unit, amount in rows:
        found.setdefault((f"book:{book_id}", model_id), {})[Unit(unit)] = amount
    return dict(found)
