"""The log as people read it, its proofs and witnesses, and what other installations ask of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from parvis.access.doors import get_or_404, public, requires
from parvis.access.http import SignedInRequest
from parvis.audit import actions as audit
from parvis.audit import verifier
from parvis.audit.models import Entry, Log
from parvis.evidence import actions
from parvis.evidence.forms import FilterForm, WitnessForm, addresses
from parvis.evidence.models import Watch, Witness
from parvis.evidence.presentation import filtered, shown, table_rows

PER_PAGE = 50
ALLIANCE = "alliance"


@requires("evidence:view")
@require_safe
def entries(request: SignedInRequest) -> HttpResponse:
    row, form = _log(request), FilterForm(request.GET)
    found = _filtered(row, form).order_by("-id")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "entries": shown(list(page.object_list)),
        "is_filtered": any(value for name, value in form.data.items() if name in form.fields),
        "query": _kept(request),
        **_state(request, row),
    }
    return render(request, "evidence/entries.html", context)


@requires("evidence:view")
@require_safe
def entry(request: SignedInRequest, entry_id: int) -> HttpResponse:
    found = _entry(request, entry_id)
    context = {"entry": shown([found])[0], "commitment": bytes(found.commitment).hex(), **_state(request, _log_of(found))}
    return render(request, "evidence/entry.html", context)


@requires("evidence:edit")
@require_POST
def proof(request: SignedInRequest, entry_id: int) -> HttpResponseBase:
    made = actions.prove(request.principal, _entry(request, entry_id))
    if made is None:
        sentence = _(
            "No head could be signed: the key of this installation is missing from its data folder. Restore its backup."
        )
        messages.error(request, sentence)
        return redirect("evidence:entry", entry_id)
    content = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    return _file(content, "application/json", f"preuve-{made['entry']['n']}.json")


@requires("evidence:edit")
@require_POST
def export(request: SignedInRequest) -> HttpResponseBase:
    lines = actions.export(request.principal, _log(request))
    return _file(lines, "application/jsonl; charset=utf-8", f"journal-{timezone.localdate():%Y-%m-%d}.jsonl")


@requires("evidence:edit")
@require_POST
def table(request: SignedInRequest) -> HttpResponseBase:
    """What the filters show, for a spreadsheet."""
    row, form = _log(request), FilterForm(request.POST)
    found = actions.table(request.principal, row, _filtered(row, form).order_by("id"))
    writer = csv.writer(_Echo(), delimiter=";")
    lines = (writer.writerow(cells) for cells in table_rows(found.iterator(chunk_size=500)))
    return _file(_with_mark(lines), "text/csv; charset=utf-8", f"journal-{timezone.localdate():%Y-%m-%d}.csv")


@requires("evidence:view")
@require_http_methods(["GET", "HEAD", "POST"])
def witnesses(request: SignedInRequest) -> HttpResponse:
    row = _log(request)
    rows = Witness.objects.visible_to(request.principal).filter(log=row)
    form = WitnessForm(request.POST or None, taken=addresses(rows), own=_own_key())
    if request.method == "POST":
        if not request.principal.may("evidence:edit"):
            raise Http404
        if form.is_valid():
            witness = actions.add_witness(request.principal, row, **form.cleaned_data)
            actions.look_at(witness, now=timezone.now())
            messages.success(request, _("%(name)s is a witness: its log is watched from now on.") % {"name": witness.name})
            return redirect(request.get_full_path())
    context = {
        "form": form,
        "witnesses": rows,
        "address": request.build_absolute_uri(reverse("evidence:log", args=[row.name])),
        "key": _own_key(),
        **_state(request, row),
    }
    return render(request, "evidence/witnesses.html", context, status=422 if form.is_bound else 200)


@requires("evidence:edit")
@require_POST
def check(request: SignedInRequest, witness_id: int) -> HttpResponse:
    witness = get_or_404(request.principal, "evidence:edit", Witness, id=witness_id)
    actions.look_at(witness, now=timezone.now())
    return redirect(_witnesses_of(witness))


@requires("evidence:edit")
@require_POST
def removal(request: SignedInRequest, witness_id: int) -> HttpResponse:
    witness = get_or_404(request.principal, "evidence:edit", Witness, id=witness_id)
    address = _witnesses_of(witness)
    actions.remove_witness(request.principal, witness)
    messages.info(request, _("%(name)s is no longer a witness.") % {"name": witness.name})
    return redirect(address)


@requires("consultation:view")
@require_safe
def consultations(request: SignedInRequest) -> HttpResponse:
    """To each person, who read what they wrote, and why."""
    found = actions.consultations_of(request.principal.person_id)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "evidence/consultations.html", {"page": page})


# For other installations


@public
@require_safe
def public_log(request: HttpRequest, name: str) -> HttpResponse:
    row = _public(name)
    context = {"log": row, "head": audit.latest_head(row), "key": _own_key()}
    return render(request, "evidence/log.html", context)


@public
@never_cache
@require_safe
def head(request: HttpRequest, name: str) -> HttpResponse:
    latest = audit.latest_head(_public(name))
    if latest is None:
        raise Http404
    return HttpResponse(latest.note, content_type="text/plain; charset=utf-8")


@public
@never_cache
@require_safe
def keys(request: HttpRequest, name: str) -> HttpResponse:
    _public(name)
    return JsonResponse({"keys": audit.keys()})


@public
@never_cache
@require_safe
def consistency(request: HttpRequest, name: str) -> HttpResponse:
    row = _public(name)
    size, new_size = (_size(request.GET.get(which, "")) for which in ("de", "a"))
    try:
        path = audit.consistency(row, size, new_size)
    except ValueError:
        raise Http404 from None
    return JsonResponse({"path": [one.hex() for one in path]})


@public
@never_cache
@require_safe
def testimony(request: HttpRequest, name: str, digest: str) -> HttpResponse:
    note = actions.testimony(name, digest)
    if not note:
        raise Http404
    return HttpResponse(note, content_type="text/plain; charset=utf-8")


@public
@cache_control(max_age=3600, public=True)
@require_safe
def verifier_file(request: HttpRequest) -> HttpResponseBase:
    return _file(Path(verifier.__file__).read_text(encoding="utf-8"), "text/x-python; charset=utf-8", "verifier.py")


def _log(request: SignedInRequest) -> Log:
    return actions.log_for(request.principal, alliance=_journal(request) == ALLIANCE)


def _journal(request: HttpRequest) -> str:
    return request.POST.get("journal") or request.GET.get("journal", "")


def _log_of(found: Entry) -> Log:
    return audit.log_of(found.institution_id)


def _entry(request: SignedInRequest, entry_id: int) -> Entry:
    own = [actions.log_for(request.principal), actions.log_for(request.principal, alliance=True)]
    for row in own:
        found = Entry.objects.filter(institution_id=row.institution_id, id=entry_id).first()
        if found:
            return found
    raise Http404


def _filtered(row: Log, form: FilterForm) -> Any:
    rows = Entry.objects.filter(institution_id=row.institution_id)
    if not form.is_valid():
        return rows.none()
    kept = {name: form.cleaned_data[name].strip() for name in ("person", "action", "subject")}
    return filtered(rows, period=form.period, **kept)


def _state(request: SignedInRequest, row: Log) -> dict[str, Any]:
    """What every page of the log tells of it."""
    rows = Witness.objects.visible_to(request.principal).filter(log=row)
    return {
        "log": row,
        "head": audit.latest_head(row),
        "waiting": Entry.objects.filter(institution_id=row.institution_id, number=None).count(),
        "alarms": [one for one in rows if one.is_alarming],
        "countersigned": rows.exclude(our_note="").exclude(state=Watch.OURS_FORKED).count(),
        "has_alliance": request.principal.may("alliance:edit"),
        "is_alliance": row.institution_id is None,
        "journal": ALLIANCE if row.institution_id is None else "",
        "may_edit": request.principal.may("evidence:edit"),
    }


def _witnesses_of(witness: Witness) -> str:
    kept = f"?journal={ALLIANCE}" if witness.log.institution_id is None else ""
    return reverse("evidence:witnesses") + kept


def _kept(request: HttpRequest) -> str:
    query: QueryDict = request.GET.copy()
    query.pop("page", None)
    return f"{query.urlencode()}&" if query else ""


def _public(name: str) -> Log:
    found = Log.objects.filter(name=name).first()
    if found is None:
        raise Http404
    return found


def _own_key() -> str:
    rows = audit.keys()
    return rows[-1]["key"] if rows else ""


def _size(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Http404
    return int(given)


class _Echo:
    """A file for csv.writer that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def _with_mark(lines: Iterable[str]) -> Iterable[str]:
    yield "\N{ZERO WIDTH NO-BREAK SPACE}"  # a spreadsheet then reads UTF-8
    yield from lines


def _file(content: str | Iterable[str], kind: str, name: str) -> HttpResponseBase:
    response: HttpResponseBase = (
        HttpResponse(content, content_type=kind)
        if isinstance(content, str)
        else StreamingHttpResponse(content, content_type=kind)
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
