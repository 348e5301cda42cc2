"""Lists of people: the model to fill, what a file would do, and doing it."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.federation.models import PeopleList
from parvis.federation.provisioning.actions import lists as actions
from parvis.federation.provisioning.forms import ListForm
from parvis.federation.provisioning.models import ListState
from parvis.federation.provisioning.people_sheet import MOST_BYTES, Listed, Refused, template
from parvis.federation.provisioning.sentences import fault_sentence, refused_sentence
from parvis.institutions.models import Role

SHOWN = 50  # rows of a preview
FAULTS_SHOWN = 500


@requires("person:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: SignedInRequest) -> HttpResponse:
    form = (
        ListForm(request.principal, request.POST, request.FILES) if request.method == "POST" else ListForm(request.principal)
    )
    if form.is_valid():
        file: UploadedFile[bytes] = form.cleaned_data["file"]
        try:
            kept = actions.receive(
                request.principal,
                file.name or "",
                _content(file),
                list_name=form.cleaned_data["list_name"],
                source=form.cleaned_data.get("source"),
                now=timezone.now(),
            )
        except Refused as refusal:
            form.add_error("file", refused_sentence(refusal))
        else:
            return redirect("provisioning:import_preview", kept.id)
    return render(request, "provisioning/import.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("person:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: SignedInRequest, list_id: int) -> HttpResponse:
    kept = get_or_404(request.principal, "person:edit", PeopleList, id=list_id)
    if request.method == "POST":
        actions.confirm(kept, ends_absent=request.POST.get("end_absent") == "1")
        return redirect("provisioning:import_preview", kept.id)
    if kept.state != ListState.SEEN:
        return render(request, "provisioning/import_progress.html", {"list": kept, "states": ListState})
    seen = actions.preview(actions.target_of(kept), bytes(kept.content))
    context = {
        "list": kept,
        "new": _rows(seen.new[:SHOWN]),
        "new_count": len(seen.new),
        "changed": _rows(seen.changed[:SHOWN]),
        "changed_count": len(seen.changed),
        "same_count": seen.same,
        "absent": seen.absent[:SHOWN],
        "absent_count": len(seen.absent),
        "faults": [(fault.row_number, fault_sentence(fault)) for fault in seen.faults[:FAULTS_SHOWN]],
        "fault_count": len(seen.faults),
        "ignored": seen.sheet.ignored_columns,
        "is_empty": not seen.sheet.people and not seen.faults,
        "more": {
            "new": max(0, len(seen.new) - SHOWN),
            "changed": max(0, len(seen.changed) - SHOWN),
            "absent": max(0, len(seen.absent) - SHOWN),
            "faults": max(0, len(seen.faults) - FAULTS_SHOWN),
        },
    }
    return render(request, "provisioning/import_preview.html", context)


@requires("person:edit")
@require_GET
def model(request: SignedInRequest) -> HttpResponse:
    response = HttpResponse(template(), content_type="text/csv; charset=utf-8")
    name = content_disposition_header(True, "modele-de-liste-de-personnes.csv")
    response.headers["Content-Disposition"] = name or "attachment"
    return response


def _rows(people: tuple[Listed, ...]) -> list[tuple[Listed, list[str]]]:
    """Each with its roles in words."""
    return [(one, [_role(role, detail) for role, detail in one.roles]) for one in people]


def _role(role: str, detail: str) -> str:
    label = str(Role(role).label)
    return f"{label} ({detail})" if detail else label


def _content(file: UploadedFile[bytes]) -> bytes:
    """Raises Refused before a file too large is read."""
    if (file.size or 0) > MOST_BYTES:
        raise Refused("too_large", limit=str(MOST_BYTES // 1_000_000))
    content: bytes = file.read()
    return content
