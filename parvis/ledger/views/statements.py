"""Statements of a month: made, read, taken away."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.ledger.actions import statements as actions
from parvis.ledger.actions.figures import components_and_apps, months_of
from parvis.ledger.files import statement_csv, statement_ods, statement_pdf
from parvis.ledger.focus import focus_csv
from parvis.ledger.forms import StatementForm
from parvis.ledger.invoice import factur_x
from parvis.ledger.listed import apps_of
from parvis.ledger.models import ExpenseStatement
from parvis.ledger.presentation import (
    app_name,
    carbon,
    carbon_unknown,
    estimated,
    euros,
    line_shown,
    month_name,
    today_in_paris,
)
from parvis.ledger.statement import CENT, Line, payable
from parvis.ledger.statement import estimated as estimated_of

_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "focus": "text/csv; charset=utf-8",
    "facture": "application/pdf",
}


@requires("expense:view")
@require_http_methods(["GET", "HEAD", "POST"])
def list_statements(request: SignedInRequest) -> HttpResponse:
    may_state = request.principal.may("expense:state")
    form = _form(request) if may_state else None
    if request.method == "POST":
        if form is None:
            raise Http404
        if form.is_valid():
            return _made(request, form)
    rows = ExpenseStatement.objects.visible_to(request.principal).select_related("completes")
    names = apps_of(request.principal.institution_id)
    context = {
        "form": form,
        "statements": [
            (row, month_name(row.month_date), _scope(row, names), euros(payable(_lines(row)) * CENT)) for row in rows[:200]
        ],
    }
    return render(request, "ledger/statements.html", context, status=422 if form and form.is_bound else 200)


@requires("expense:view")
@require_GET
def detail(request: SignedInRequest, statement_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "expense:view", ExpenseStatement, id=statement_id)
    lines, names = _lines(row), apps_of(row.institution_id)
    parties = actions.parties_of(request.principal.institution_id)
    sums = [sum(getattr(line, name) for line in lines) for name in ("carbon_low_ug", "carbon_high_ug", "carbon_calls")]
    context = {
        "statement": row,
        "month": month_name(row.month_date),
        "scope": _scope(row, names),
        "lines": [line_shown(line, names) for line in lines],
        "payable": euros(payable(lines) * CENT),
        "carbon": carbon(*sums) if sums[2] > 0 else "",
        "carbon_unknown": carbon_unknown(sum(line.calls for line in lines), sums[2]),
        "estimated": estimated(*estimated_of(lines)),
        "methods": sorted({line.carbon_method for line in lines if line.carbon_method}),
        "later": list(row.completed_by.all()),
        "is_component": bool(row.component),
        "may_invoice": _may_invoice(row, parties, lines),
    }
    return render(request, "ledger/statement.html", context)


@requires("expense:view")
@require_GET
def file(request: SignedInRequest, statement_id: int, kind: str) -> HttpResponse:
    row = get_or_404(request.principal, "expense:view", ExpenseStatement, id=statement_id)
    if kind not in _TYPES:
        raise Http404
    document = actions.document_of(row)
    name = f"{document.name}.{kind}"
    if kind == "facture":
        parties = actions.parties_of(request.principal.institution_id)
        if not _may_invoice(row, parties, document.lines):
            raise Http404
        content, name = factur_x(document, parties[""], parties[row.component]), f"{document.name}-factur-x.pdf"
    elif kind == "focus":
        content, name = focus_csv(document.lines, actions.billing_of(row)), f"focus-1.2-{document.reference}.csv"
    else:
        content = {"pdf": statement_pdf, "csv": statement_csv, "ods": statement_ods}[kind](document)
    record_export(request.principal, f"expense_statement:{row.id}", what="expense statement", kind=kind)
    response = HttpResponse(content, content_type=_TYPES[kind])
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _made(request: SignedInRequest, form: StatementForm) -> HttpResponse:
    try:
        row = actions.make_statement(request.principal, form.month_date, form.chosen)
    except actions.NothingToStateError:
        messages.info(request, _("There is nothing to state: all that was used in that month is in a statement already."))
        return redirect("ledger:statements")
    except actions.OverlappingScopeError as error:
        sentence = _("That month was stated otherwise, in %(reference)s: stated again in another way, it would be paid twice.")
        messages.error(request, sentence % {"reference": error.reference})
        return redirect("ledger:statements")
    return redirect("ledger:statement", row.id)


def _form(request: SignedInRequest) -> StatementForm:
    institution_id = request.principal.institution_id
    today = today_in_paris(timezone.now())
    months = months_of(institution_id, today)
    components: set[str] = set()
    apps: set[str] = set()
    for month in months:
        found = components_and_apps(institution_id, month)
        components |= set(found[0])
        apps |= set(found[1])
    data = request.POST if request.method == "POST" else None
    initial = {"month": f"{months[1] if len(months) > 1 else months[0]:%Y-%m}"}
    names = apps_of(institution_id)
    listed = sorted(components), sorted(apps)
    return StatementForm(data, months=months, components=listed[0], apps=listed[1], names=names, initial=initial)


def _may_invoice(row: ExpenseStatement, parties: Container[str], lines: Sequence[Line]) -> bool:
    """The institution invoices a component, once both are known, and nothing to pay is no invoice."""
    return bool(row.component) and "" in parties and row.component in parties and payable(lines) != 0


def _lines(row: ExpenseStatement) -> list[Line]:
    return [Line.from_plain(line) for line in row.lines]


def _scope(row: ExpenseStatement, names: Mapping[str, str]) -> str:
    return row.component or (app_name(row.app, names) if row.app else "")
