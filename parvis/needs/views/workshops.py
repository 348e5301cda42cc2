"""Sessions of a working group: bring needs together, write the minutes, take them away."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_403, get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.needs.actions import workshops as actions
from parvis.needs.actions.harmonised import Impossible
from parvis.needs.clusters import MOST_TEXTS, TooManyTexts
from parvis.needs.forms.workshops import MinuteForm, WorkshopForm
from parvis.needs.messages import impossible_sentence
from parvis.needs.minutes import WRITERS
from parvis.needs.models import HarmonisedNeed, MinuteKind, RawNeed, Workshop
from parvis.needs.workshop_presentation import board, minutes_of

MEDIA_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
MOST_AT_ONCE = 200  # needs of one gesture


@requires("workshop:view")
@require_http_methods(["GET", "HEAD", "POST"])
def workshops(request: SignedInRequest) -> HttpResponse:
    may_open = request.principal.may("workshop:edit")
    form = WorkshopForm(request.principal, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_open:
            raise Refused(_("The coordination and the referents of a working group open its workshops."))
        if form.is_valid():
            opened = actions.open_workshop(request.principal, form.cleaned_data["working_group"], form.cleaned_data["title"])
            return redirect("needs:workshop", opened.id)
    rows = Workshop.objects.visible_to(request.principal).select_related("working_group", "opened_by__person")
    context = {
        "workshops": rows.annotate(lines=Count("minutes")),
        "form": form if may_open and form["working_group"].field.queryset.exists() else None,  # type: ignore[attr-defined]
    }
    return render(request, "needs/workshops.html", context, status=422 if form.is_bound else 200)


@requires("workshop:view")
@require_GET
def workshop(request: SignedInRequest, workshop_id: int) -> HttpResponse:
    row = _visible(request, workshop_id)
    domain = request.GET.get("domaine", "")
    too_many, shown = None, None
    if row.closed_at is None:
        try:
            shown = board(request.principal, row, domain)
        except TooManyTexts as refusal:
            too_many = refusal.params
    context = {
        "workshop": row,
        "board": shown,
        "too_many": too_many,
        "domain": domain,
        "form": MinuteForm(),
        "may_edit": _may_edit(request, row),
        **_minutes(request, row),
    }
    return render(request, "needs/workshop.html", context)


@requires("workshop:view")
@require_GET
def following(request: SignedInRequest, workshop_id: int) -> HttpResponse:
    """The minutes, if a line was written since the reader's; nothing otherwise, and the page stays as it is."""
    row = _visible(request, workshop_id)
    context = {"workshop": row, **_minutes(request, row)}
    if str(context["latest"]) == request.GET.get("vu") and row.closed_at is None:
        return HttpResponse(status=204)
    return render(request, "needs/workshop.html#minutes", context)


@requires("workshop:view")
@require_POST
def minute(request: SignedInRequest, workshop_id: int) -> HttpResponse:
    row = _editable(request, workshop_id)
    form = MinuteForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write a few words, 2,000 characters at most."))
        return _back(row, "minutes-title")
    try:
        actions.write(request.principal, row, **form.cleaned_data)
    except Impossible as refusal:
        messages.error(request, impossible_sentence(refusal.code, refusal.params))
    if request.headers.get("HX-Request"):
        return render(request, "needs/workshop.html#minutes", {"workshop": row, **_minutes(request, row)})
    return _back(row, "minutes-title")


@requires("workshop:view")
@require_POST
def gathering(request: SignedInRequest, workshop_id: int) -> HttpResponse:
    """The chosen needs, proposed to the harmonised need whose button was pressed, to the one chosen below a cluster, or to a
    new one."""
    row = _editable(request, workshop_id)
    needs = _chosen(request)
    if not needs:
        messages.error(request, impossible_sentence("nothing_chosen", {}))
        return _back(row)
    title, description = (request.POST.get(name, "").strip() for name in ("title", "description"))
    number = request.POST.get("harmonised", "")
    if "way" in request.POST and not title:
        number = request.POST.get(f"to-{request.POST['way']}", "")
        if not number:
            messages.error(request, _("Choose the harmonised need that the ticked ones belong to."))
            return _back(row, f"choose-{needs[0].id}")
    if not number:
        if not title or len(title) > 200 or len(description) > 20_000:
            messages.error(request, _("Give the new harmonised need a title, 200 characters at most."))
            return _back(row)
        words = {"title": title, "description": description or title}
        return _done(request, row, lambda: _gathered(request, row, needs, words), _next(request, needs))
    target = get_or_404(request.principal, "harmonised:view", HarmonisedNeed, id=_id(number))
    if target.working_group_id != row.working_group_id:
        raise Http404
    return _done(request, row, lambda: _proposed(request, row, needs, target), _next(request, needs))


@requires("workshop:view")
@require_POST
def closing(request: SignedInRequest, workshop_id: int) -> HttpResponse:
    row = _editable(request, workshop_id)
    sentence = _("Closed. Its minutes are ready to be taken away.")

    def close() -> str:
        actions.close(request.principal, row)
        return sentence

    return _done(request, row, close)


@requires("workshop:view")
@require_GET
def minutes_file(request: SignedInRequest, workshop_id: int, kind: str) -> HttpResponse:
    row = _visible(request, workshop_id)
    if kind not in WRITERS:
        raise Http404
    record_export(request.principal, f"workshop:{row.id}", what="minutes", kind=kind)
    response = HttpResponse(WRITERS[kind](minutes_of(row)), content_type=MEDIA_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="compte-rendu-{row.id}.{kind}"'
    return response


def _gathered(request: SignedInRequest, row: Workshop, needs: list[RawNeed], words: dict[str, str]) -> str:
    need = actions.gather(request.principal, row, needs, **words)
    return _("%(code)s is written, and the chosen needs are proposed for it.") % {"code": need.code}


def _proposed(request: SignedInRequest, row: Workshop, needs: list[RawNeed], target: HarmonisedNeed) -> str:
    count = actions.propose_to(request.principal, row, needs, target)
    sentence = ngettext(
        "%(count)d need proposed for %(code)s. It counts once its institution accepts.",
        "%(count)d needs proposed for %(code)s. Each counts once its institution accepts.",
        count,
    )
    return sentence % {"count": count, "code": target.code}


def _chosen(request: HttpRequest) -> list[RawNeed]:
    numbers = {_id(one) for one in request.POST.getlist("need")}
    rows = RawNeed.objects.visible_to(request.principal).unattached().filter(id__in=sorted(numbers)[:MOST_AT_ONCE])  # type: ignore[attr-defined]
    return list(rows.select_related("current", "institution").order_by("id"))


def _next(request: HttpRequest, chosen: list[RawNeed]) -> str:
    """Where one goes on: the card that followed the last chosen one on the page, else the one before."""
    gone = {need.id for need in chosen}
    order = [_id(one) for one in request.POST.get("order", "").split()[:MOST_TEXTS]]
    last = max((place for place, need_id in enumerate(order) if need_id in gone), default=-1)
    around = [*order[last + 1 :], *order[: max(last, 0)][::-1]]
    return next((f"choose-{need_id}" for need_id in around if need_id and need_id not in gone), "needs-title")


def _id(typed: str) -> int:
    """0 for what is no number of a row."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


def _minutes(request: SignedInRequest, row: Workshop) -> dict[str, object]:
    """`seen_act`: the latest act when the board was drawn; another one since means that the board has changed."""
    lines = list(row.minutes.select_related("profile__person", "profile__institution", "harmonised"))
    acts = [line.id for line in lines if line.kind == MinuteKind.ACT]
    latest_act = acts[-1] if acts else 0
    seen = request.GET.get("carte") or request.POST.get("carte") or str(latest_act)
    return {
        "lines": lines[::-1],
        "latest": lines[-1].id if lines else 0,
        "seen_act": seen,
        "board_changed": seen != str(latest_act),
    }


def _visible(request: SignedInRequest, workshop_id: int) -> Workshop:
    found = get_or_404(request.principal, "workshop:view", Workshop, id=workshop_id)
    row: Workshop = Workshop.objects.visible_to(request.principal).select_related("working_group").get(id=found.id)
    return row


def _may_edit(request: SignedInRequest, row: Workshop) -> bool:
    rows = Workshop.objects.editable_by(request.principal)
    return request.principal.may("workshop:edit") and bool(rows.filter(id=row.id).exists())


def _editable(request: SignedInRequest, workshop_id: int) -> Workshop:
    row = _visible(request, workshop_id)
    if row.closed_at:
        raise Refused(impossible_sentence("workshop_closed", {}))
    sentence = _("Only the coordination and the referents of its working group write in a workshop.")
    get_or_403(request.principal, "workshop:edit", Workshop, sentence, id=row.id)
    return row


def _done(request: SignedInRequest, row: Workshop, act: Callable[[], str], anchor: str = "") -> HttpResponse:
    try:
        messages.success(request, act())
    except Impossible as refusal:
        messages.error(request, impossible_sentence(refusal.code, refusal.params))
    return _back(row, anchor)


def _back(row: Workshop, anchor: str = "") -> HttpResponse:
    return redirect(reverse("needs:workshop", args=[row.id]) + (f"#{anchor}" if anchor else ""))
