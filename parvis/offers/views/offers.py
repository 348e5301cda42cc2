"""Offers once opened: side by side, one at a time, as CSV and XLSX. Nothing ranks them."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from parvis.access.doors import get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.offers.comparison_files import comparison_csv, comparison_xlsx
from parvis.offers.dossier.writing import MEDIA_TYPES
from parvis.offers.models import Offer, RequestForInformation
from parvis.offers.presentation import Comparison, comparison, request_view


@requires("offer:view")
@require_GET
def compare(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _opened(request, request_id)
    found = _comparison(request, row)

    context = {
        "request_row": request_view(row, timezone.now()),
        "comparison": found,
        "unreadable": [] if request.principal.may("answer:view") else row.unreadable_vendors(),
        "is_vendor": request.principal.may("answer:view"),
    }
    return render(request, "offers/compare.html", context)


@requires("offer:view")
@require_GET
def compare_file(request: SignedInRequest, request_id: int, kind: str) -> HttpResponse:
    row = _opened(request, request_id)
    found = _comparison(request, row)
    content = {"csv": comparison_csv, "xlsx": comparison_xlsx}[kind](row.code, found)
    record_export(request.principal, f"request:{row.id}", what="comparison", kind=kind)
    response = HttpResponse(content, content_type=MEDIA_TYPES[kind])
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{row.code}-offres.{kind}") or "attachment"
    return response


def _opened(request: SignedInRequest, request_id: int) -> RequestForInformation:
    get_or_404(request.principal, "request:view", RequestForInformation, id=request_id)
    rows = RequestForInformation.objects.visible_to(request.principal).select_related("need__working_group", "version")
    row: RequestForInformation = rows.get(id=request_id)
    if not row.opened_at:
        raise Http404
    return row


def _comparison(request: SignedInRequest, row: RequestForInformation) -> Comparison:
    offers = Offer.objects.visible_to(request.principal).filter(request=row).select_related("institution")
    return comparison(row, list(offers.prefetch_related("lines", "prices")))
