"""Lists of needs: the model to fill, what a file would do, and doing it; and all one sees, as CSV."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.needs.actions import imports as actions
from parvis.needs.forms.imports import ListForm
from parvis.needs.import_messages import list_sentence, row_sentence
from parvis.needs.models import ImportedFile
from parvis.needs.presentation import facet_choices
from parvis.needs.sheets import template
from parvis.needs.workbooks import MOST_BYTES, Refused

SHOWN = 12  # rows of a preview
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@requires("need:edit")
@require_http_methods(["GET", "POST"])
def upload(request: SignedInRequest) -> HttpResponse:
    form = (
        ListForm(request.principal, request.POST, request.FILES) if request.method == "POST" else ListForm(request.principal)
    )
    if form.is_valid():
        chosen = form.cleaned_data.get("institution")
        try:
            file = actions.receive_list(
                request.principal,
                form.cleaned_data["file"].name,
                _content(form.cleaned_data["file"]),
                institution_id=chosen.id if chosen else None,
            )
        except Refused as refusal:
            form.add_error("file", list_sentence(refusal.code, refusal.params))
        else:
            return redirect("needs:import_preview", file.id)
    return render(request, "needs/import.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("need:edit")
@require_http_methods(["GET", "POST"])
def preview(request: SignedInRequest, file_id: int) -> HttpResponse:
    file = get_or_404(request.principal, "need:edit", ImportedFile, id=file_id)
    if request.method == "POST":
        return _confirmed(request, file)
    seen = actions.preview(file)
    context = {
        "file": file,
        "institution": file.institution if file.institution_id != request.principal.institution_id else None,
        "new": seen.new[:SHOWN],
        "new_count": len(seen.new),
        "more_count": max(0, len(seen.new) - SHOWN),
        "known_count": len(seen.known),
        "is_long": len(seen.new) > actions.AT_ONCE,
        "reworded": [(need, reverse("needs:detail", args=[need_id])) for need, need_id in seen.reworded[:SHOWN]],
        "reworded_count": len(seen.reworded),
        "errors": [(error.row_number, row_sentence(error)) for error in seen.found.errors],
        "error_rows": len({error.row_number for error in seen.found.errors}),
        "ignored": seen.found.ignored_columns,
    }
    return render(request, "needs/import_preview.html", context)


@requires("need:edit")
@require_GET
def model(request: SignedInRequest) -> HttpResponse:
    choices: dict[str, Sequence[str]] = dict(facet_choices({}))
    return _download(template(choices), XLSX, "modele-de-recueil-des-besoins.xlsx")


def _confirmed(request: SignedInRequest, file: ImportedFile) -> HttpResponse:
    added = actions.import_needs(request.principal, file)
    if added:
        words = ngettext("%(count)d draft added.", "%(count)d drafts added.", added) % {"count": added}
        messages.success(
            request, words + " " + _("The people who represent the institution validate them, then publish them.")
        )
    else:
        messages.info(request, _("Every need of this list was already here: nothing was added."))
    return redirect("needs:list")


def _content(file: UploadedFile[bytes]) -> bytes:
    """Raises Refused before a file too large is read."""
    if (file.size or 0) > MOST_BYTES:
        raise Refused("too_large", {"bytes": str(file.size), "limit": str(MOST_BYTES)})
    content: bytes = file.read()
    return content


def _download(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
