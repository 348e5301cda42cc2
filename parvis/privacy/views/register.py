"""The use register, its documents, and how long data are kept."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.offers.dossier.opendocument import odt
from parvis.offers.dossier.outline import Document
from parvis.offers.dossier.word import docx
from parvis.offers.dossier.writing import MEDIA_TYPES
from parvis.privacy import documents
from parvis.privacy.actions import register as actions
from parvis.privacy.actions.retention import choose_retention, retention_of
from parvis.privacy.forms import ProcessingForm, RetentionForm
from parvis.privacy.models import Processing, RetentionRun
from parvis.privacy.register import FIELDS

WRITERS: dict[str, Callable[[Document], bytes]] = {"odt": odt, "docx": docx}
SHOWN_RUNS = 14


@requires("register:view")
@never_cache
@require_GET
def register(request: SignedInRequest) -> HttpResponse:
    entries = actions.entries(request.profile.institution)
    context = {"entries": [(entry, documents.said(entry.line)) for entry in entries]}
    return render(request, "privacy/register.html", context)


@requires("register:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def line(request: SignedInRequest, code: str = "") -> HttpResponse:
    """`code` "": one that Parvis does not propose."""
    institution = request.profile.institution
    entry = actions.entry(institution, code) if code else None
    if code and entry is None:
        raise Http404
    form = ProcessingForm(request.POST or None, initial=entry.line.values() if entry else {})
    if request.method == "POST" and form.is_valid():
        actions.write_line(request.principal, institution, code, form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("privacy:register")
    proposal = entry.proposal.values() if entry and entry.proposal else {}
    news = [(form[name].label, proposal[name]) for name in FIELDS if entry and name in entry.changed]
    context = {"form": form, "entry": entry, "news": news}
    return render(request, "privacy/line.html", context, status=422 if form.errors else 200)


@requires("register:edit")
@require_POST
def forget_line(request: SignedInRequest, code: str) -> HttpResponse:
    row = get_or_404(request.principal, "register:edit", Processing, code=code)
    actions.forget_line(request.principal, row)
    return redirect("privacy:register")


@requires("register:view")
@require_GET
def register_file(request: SignedInRequest, extension: str) -> HttpResponse:
    institution = request.profile.institution
    lines = [entry.line for entry in actions.entries(institution) if not entry.is_over]
    if extension != "csv" and extension not in WRITERS:
        raise Http404
    _record(request, "register", extension)
    if extension == "csv":
        return _file(documents.register_csv(lines), "registre", extension)
    document = documents.register(institution.name, lines, on=timezone.localdate())
    return _file(WRITERS[extension](document), "registre", extension)


@requires("register:view")
@require_GET
def assessment_file(request: SignedInRequest, extension: str) -> HttpResponse:
    if extension not in WRITERS:
        raise Http404
    _record(request, "assessment", extension)
    institution = request.profile.institution
    lines = [entry.line for entry in actions.entries(institution) if not entry.is_over]
    document = documents.assessment(institution.name, lines, on=timezone.localdate())
    return _file(WRITERS[extension](document), "aipd", extension)


@requires("register:view")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def retention(request: SignedInRequest) -> HttpResponse:
    principal = request.principal
    kept = retention_of(principal.institution_id)
    form = RetentionForm(kept, request.POST or None)
    if request.method == "POST":
        if not principal.may("retention:edit"):
            raise Http404
        if form.is_valid():
            choose_retention(principal, form.days)
            messages.success(request, _("Saved: the clocks obey from their next day on."))
            return redirect("privacy:retention")
    labels = {one.clock.code: one.clock.label for one in kept}
    runs = RetentionRun.objects.visible_to(principal)[:SHOWN_RUNS]
    context = {
        "form": form,
        "may_edit": principal.may("retention:edit"),
        "runs": [(run, [(labels[code], count) for code, count in run.removed.items() if code in labels]) for run in runs],
    }
    return render(request, "privacy/retention.html", context, status=422 if form.errors else 200)


def _file(content: bytes, name: str, extension: str) -> HttpResponse:
    response = HttpResponse(content, content_type=MEDIA_TYPES[extension])
    response["Content-Disposition"] = f'attachment; filename="{name}-parvis-{timezone.localdate():%Y-%m-%d}.{extension}"'
    return response


def _record(request: SignedInRequest, what: str, kind: str) -> None:
    record_export(request.principal, f"institution:{request.principal.institution_id}", what=what, kind=kind)
