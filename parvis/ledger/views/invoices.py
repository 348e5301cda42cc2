"""Invoices of vendors beside the ledger; and who internal invoices are between."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.ledger.actions import statements as actions
from parvis.ledger.actions.figures import months_of
from parvis.ledger.forms import InvoiceForm, PartyForm
from parvis.ledger.listed import agreements_of
from parvis.ledger.models import Party, Reconciliation
from parvis.ledger.presentation import gap_shown, month_name, today_in_paris, unreadable
from parvis.ledger.reconciliation import UnreadableInvoice, read_invoice, whole


@requires("expense:view")
@require_http_methods(["GET", "HEAD", "POST"])
def list_reconciliations(request: SignedInRequest) -> HttpResponse:
    form = _form(request) if request.principal.may("expense:state") else None
    if request.method == "POST":
        if form is None:
            raise Http404
        if form.is_valid() and (row := _compared(request, form)):
            return redirect("ledger:reconciliation", row.id)
    rows = Reconciliation.objects.visible_to(request.principal)[:200]
    context = {"form": form, "rows": [(row, month_name(row.month_date), gap_shown(actions.sum_of(row))) for row in rows]}
    return render(request, "ledger/reconciliations.html", context, status=422 if form and form.is_bound else 200)


@requires("expense:view")
@require_GET
def detail(request: SignedInRequest, reconciliation_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "expense:view", Reconciliation, id=reconciliation_id)
    gaps = actions.gaps_of(row)
    context = {
        "row": row,
        "month": month_name(row.month_date),
        "gaps": [gap_shown(gap) for gap in gaps],
        "whole": gap_shown(whole(gaps)),
    }
    return render(request, "ledger/reconciliation.html", context)


@requires("expense:state")
@require_http_methods(["GET", "HEAD", "POST"])
def parties(request: SignedInRequest) -> HttpResponse:
    known = actions.parties_of(request.principal.institution_id)
    asked = request.GET.get("composante", "")
    initial = {**asdict(known[asked]), "component": asked} if asked in known else {"component": asked}
    form = PartyForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        actions.write_party(request.principal, form.cleaned_data["component"], form.values)
        messages.success(request, _("%(name)s is saved.") % {"name": form.values.legal_name})
        return redirect("ledger:parties")
    rows = Party.objects.visible_to(request.principal)
    return render(request, "ledger/parties.html", {"form": form, "parties": rows}, status=422 if form.is_bound else 200)


def _form(request: SignedInRequest) -> InvoiceForm:
    institution_id = request.principal.institution_id
    months = months_of(institution_id, today_in_paris(timezone.now()))
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    initial = {"month": f"{months[1] if len(months) > 1 else months[0]:%Y-%m}"}
    return InvoiceForm(*given, months=months, agreements=agreements_of(institution_id), initial=initial)


def _compared(request: SignedInRequest, form: InvoiceForm) -> Reconciliation | None:
    file: UploadedFile[bytes] = form.cleaned_data["file"]
    data = file.read()
    try:
        invoice = read_invoice(data)
    except UnreadableInvoice as error:
        form.add_error("file", unreadable(error))
        return None
    return actions.reconcile(
        request.principal,
        month=form.month_date,
        agreement_id=form.cleaned_data["agreement"],
        file_name=file.name or "",
        data=data,
        invoice=invoice,
    )
