"""The register of who received what and when, and the tender dossier of a need."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from parvis.access.doors import get_or_403, get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.needs.models import HarmonisedNeed
from parvis.offers.actions import requests as actions
from parvis.offers.actions.documents import dossier_of, frozen_documents, register_entries, vendor_names
from parvis.offers.dossier import documents as outlines
from parvis.offers.dossier.content import Dossier, VendorNamed
from parvis.offers.dossier.portable import pdf
from parvis.offers.dossier.writing import MEDIA_TYPES, register_csv, write_all, zipped
from parvis.offers.forms.requests import ExchangeForm
from parvis.offers.messages import namings
from parvis.offers.models import RequestForInformation
from parvis.offers.presentation import request_view


@requires("request:register")
@require_GET
def register(request: SignedInRequest, request_id: int) -> HttpResponse:
    return _register_page(request, _visible(request, request_id), ExchangeForm())


@requires("request:register")
@require_POST
def exchanges(request: SignedInRequest, request_id: int) -> HttpResponse:
    sentence = _("The coordination writes other exchanges in the register.")
    get_or_403(request.principal, "request:edit", RequestForInformation, sentence, id=request_id)
    row = _visible(request, request_id)
    form = ExchangeForm(request.POST)
    if not form.is_valid():
        return _register_page(request, row, form, status=422)
    actions.add_exchange(request.principal, row, **form.cleaned_data)
    messages.success(request, _("Written in the register, for good."))
    return redirect("offers:register", row.id)


@requires("request:register")
@require_GET
def register_file(request: SignedInRequest, request_id: int, kind: str) -> HttpResponse:
    row = _visible(request, request_id)
    dossier = dossier_of(row.version, now=timezone.now(), request=row)
    content = register_csv(dossier) if kind == "csv" else pdf(outlines.register(dossier))
    record_export(request.principal, f"request:{row.id}", what="register", kind=kind)
    return _download(content, MEDIA_TYPES[kind], f"{row.code}-registre.{kind}")


@requires("dossier:view")
@require_GET
def dossier(request: SignedInRequest, need_id: int) -> HttpResponse:
    """What the dossier holds, with the hash of each file; or why it cannot be made."""
    need, files, error, named, reference = _dossier(request, need_id)
    context = {
        "need": need,
        "version": need.in_force,
        "files": [(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()],
        "error": error,
        "namings": named,
        "ordinary": request.GET.getlist("ordinaire"),
        "request_code": reference,
    }
    return render(request, "offers/dossier.html", context)


@requires("dossier:view")
@require_GET
def dossier_file(request: SignedInRequest, need_id: int) -> HttpResponse:
    need, files, error, named, _reference = _dossier(request, need_id)
    if error or named or need.in_force is None:
        return redirect("offers:dossier", need.id)
    content = zipped(dossier_of(need.in_force, now=timezone.now()), files)
    record_export(request.principal, f"harmonised:{need.id}", what="dossier", kind="zip")
    return _download(content, MEDIA_TYPES["zip"], f"{need.code}-v{need.in_force.number}-dossier.zip")


def _dossier(
    request: SignedInRequest, need_id: int
) -> tuple[HarmonisedNeed, Mapping[str, bytes], str, list[tuple[str, str, str]], str]:
    """The need, its files, why there are none or where a vendor is named, and the request whose register goes with it."""
    get_or_404(request.principal, "harmonised:view", HarmonisedNeed, id=need_id)
    need = HarmonisedNeed.objects.visible_to(request.principal).prefetch_related("versions").get(id=need_id)
    if need.in_force is None:
        return (
            need,
            {},
            _("No version is stabilised yet: a dossier is made from a version whose words change no more."),
            [],
            "",
        )
    asked = RequestForInformation.objects.visible_to(request.principal).filter(version=need.in_force)
    row = asked.exclude(published_at=None).first()
    made = dossier_of(need.in_force, now=timezone.now(), request=row)
    try:
        files = _written(
            made, tuple(vendor_names()), tuple(request.GET.getlist("ordinaire")), tuple(frozen_documents(row).items())
        )
    except VendorNamed as refusal:
        return need, {}, "", namings(refusal), ""
    return need, files, "", [], row.code if row else ""


@lru_cache(maxsize=8)  # typesetting takes a second, and a page shows what the next one hands over
def _written(
    made: Dossier, vendors: tuple[str, ...], ordinary: tuple[str, ...], frozen: tuple[tuple[str, bytes], ...]
) -> Mapping[str, bytes]:
    return write_all(made, vendors=vendors, ordinary=ordinary, frozen=dict(frozen))


def _register_page(
    request: SignedInRequest, row: RequestForInformation, form: ExchangeForm, status: int = 200
) -> HttpResponse:
    context = {
        "request_row": request_view(row, timezone.now()),
        "entries": register_entries(row),
        "form": form if request.principal.may("request:edit") else None,
    }
    return render(request, "offers/register.html", context, status=status)


def _visible(request: SignedInRequest, request_id: int) -> RequestForInformation:
    get_or_404(request.principal, "request:view", RequestForInformation, id=request_id)
    rows = RequestForInformation.objects.visible_to(request.principal).select_related("need__working_group", "version__need")
    row: RequestForInformation = rows.get(id=request_id)
    return row


def _download(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
