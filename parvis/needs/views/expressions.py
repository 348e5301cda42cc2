"""Raw needs: read them, write one, see which ones are close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_403, get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.institutions.models import Institution
from parvis.needs.actions import expressions as actions
from parvis.needs.actions.expressions import Words
from parvis.needs.actions.writing import ChangedMeanwhile, basis_of
from parvis.needs.engine import index, key_of_text, readable_corpora
from parvis.needs.forms.expressions import FACETS, NeedForm
from parvis.needs.models import Answer, Attachment, HarmonisedNeed, Judgement, RawNeed, RawNeedState, RawNeedText
from parvis.needs.models.expressions import RawNeedQuerySet
from parvis.needs.presentation import (
    MOST_CHIPS,
    export_rows,
    facet_choices,
    harmonised_url,
    need_view,
    person_words,
    suggestion_view,
    timeline,
    words_beside,
)
from parvis.needs.suggestions import SHORTEST_DRAFT, close_needs, group_of, of_group
from parvis.needs.workbooks import csv_bytes
from parvis.retrieval.analysis import terms

NEEDS_A_PAGE = 40
FOUND_BY_WORDS = 500
MOST_VALUES = 60  # of a facet


@requires("need:view")
@require_GET
def needs(request: SignedInRequest) -> HttpResponse:
    rows = _filtered(request)
    mine = Case(
        When(author__person_id=request.principal.person_id, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    ordered = rows.annotate(part=mine).order_by("part", "-id").values_list("id", flat=True)
    page = Paginator(ordered, NEEDS_A_PAGE).get_page(request.GET.get("page"))
    loaded = _loaded(RawNeed.objects.visible_to(request.principal)).in_bulk(list(page))
    kept = request.GET.copy()
    kept.pop("page", None)
    context = {
        "needs": [need_view(request.principal, loaded[need_id]) for need_id in page if need_id in loaded],
        "page": page,
        "count": page.paginator.count,
        "query": f"{kept.urlencode()}&" if kept else "",
        "filters": _filters(request),
        "is_filtered": any(_asked(request).get(name) for name in ("q", "etat", "etablissement", *FACETS)),
        "may_write": request.principal.may("need:edit"),
        "export_url": f"{reverse('needs:export')}?{kept.urlencode()}",
    }
    return render(request, "needs/list.html", context)


@requires("need:view")
@require_GET
def export(request: SignedInRequest) -> HttpResponse:
    """What the list shows, with the same filters; its columns are those that an import reads."""
    rows = _filtered(request).order_by("id")
    record_export(request.principal, f"institution:{request.principal.institution_id}", what="needs", kind="csv")
    response = HttpResponse(csv_bytes(export_rows(rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="besoins.csv"'
    return response


@requires("need:edit")
@require_http_methods(["GET", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    form = NeedForm(request.principal, request.POST if request.method == "POST" else None)
    if "close" in request.POST:
        return _write_page(request, _refilled(request, form))
    if form.is_valid():
        chosen = form.cleaned_data.get("institution")
        need = actions.write_need(
            request.principal,
            form.words(),
            service=form.cleaned_data["service"],
            institution_id=chosen.id if chosen else None,
            judgements=_judgements(request),
        )
        messages.success(request, _("Draft saved. Only you and the people who represent your institution see it."))
        return redirect("needs:detail", need.id)
    return _write_page(request, form, status=422 if form.is_bound else 200)


@requires("need:edit")
@require_POST
def close(request: SignedInRequest) -> HttpResponse:
    """The close needs alone, while one writes. A POST that changes nothing: what is being written stays out of logs."""
    need = None
    if number := _number(request.POST.get("need", "")):
        need = get_or_404(request.principal, "need:view", RawNeed, id=number)
    return render(request, "needs/write.html#close", _close_context(request, need))


@requires("need:view")
@require_GET
def need(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    texts = list(RawNeedText.objects.visible_to(request.principal).filter(need=row).select_related("written_by__person"))
    attachments = Attachment.objects.visible_to(request.principal).filter(text__need=row)
    said = Judgement.objects.visible_to(request.principal).filter(Q(need=row) | Q(other_need=row))
    at_home = _at_home(request, row)
    context = {
        "need": need_view(request.principal, row),
        "text": row.wording,
        "row": row,
        "texts": texts,
        "events": timeline(
            request.principal,
            row,
            texts,
            attachments.select_related("harmonised", "proposed_by__person", "decided_by__person"),
            said.select_related("harmonised", "need__current", "other_need__current", "profile__person"),
        ),
        "attached": [
            (one.harmonised.code, harmonised_url(one.harmonised))
            for one in attachments.accepted().select_related("harmonised").distinct()
        ],
        "group": group_of(row),
        "may": _allowed(request, row),
        "suggestions": _close_to(request, row) if at_home and row.state != RawNeedState.ARCHIVED else [],
        "at_home": at_home,
    }
    return render(request, "needs/detail.html", context)


@requires("need:view")
@require_GET
def version(request: SignedInRequest, need_id: int, number: int) -> HttpResponse:
    row = _visible(request, need_id)
    text = get_or_404(request.principal, "need:view", RawNeedText, need_id=row.id, number=number)
    context = {
        "need": need_view(request.principal, row),
        "text": text,
        "author": person_words(text.written_by),
        "is_current": text.id == row.current_id,
        "row": row,
    }
    return render(request, "needs/version.html", context)


@requires("need:view")
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, "need:edit", need_id)
    standing = actions.words_of_need(row)
    form = NeedForm(request.principal, request.POST if request.method == "POST" else None, initial=standing, on_behalf=False)
    if "close" in request.POST:
        return _write_page(request, _refilled(request, form), row)
    if not form.is_valid():
        return _write_page(request, form, row, status=422 if form.is_bound else 200)
    try:
        changed = actions.correct_need(
            request.principal,
            row,
            form.words(),
            service=form.cleaned_data["service"],
            basis=request.POST.get("basis"),
        )
    except actions.WrongMoment:
        return _too_late(request, row)
    except ChangedMeanwhile:
        return _write_page(request, form, row, status=409, is_late=True)
    for about, answer in _judgements(request).items():
        actions.judge(request.principal, row, about, answer)
    messages.success(request, _("The new wording was saved.") if changed else _("Nothing was changed."))
    return redirect("needs:detail", row.id)


@requires("need:view")
@require_POST
def validation(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, "need:validate", need_id)
    return _done(request, row, actions.validate_need, _("Validated. Your institution reads it; the others not yet."))


@requires("need:view")
@require_POST
def publication(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, "need:validate", need_id)
    return _done(request, row, actions.publish_need, _("Published. Every member of the alliance reads it."))


@requires("need:view")
@require_POST
def archiving(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, "need:validate", need_id)
    return _done(request, row, actions.archive_need, _("Archived. It stays readable, and is proposed to nobody."))


@requires("need:view")
@require_POST
def deletion(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    if row.state != RawNeedState.DRAFT:
        raise Refused(_("What an institution has validated is not deleted: it can be archived."))
    row = _editable(request, "need:edit", need_id)
    if row.author.person_id != request.principal.person_id:
        raise Refused(_("A draft is deleted by the person who wrote it."))
    title = row.wording.title
    try:
        actions.delete_draft(request.principal, row)
    except actions.WrongMoment:
        return _too_late(request, row)
    messages.info(request, _("The draft “%(title)s” was deleted.") % {"title": title})
    return redirect("needs:list")


@requires("need:view")
@require_POST
def judgement(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    if not _at_home(request, row):
        raise Refused(_("Only the institution that wrote a need says which ones it is close to."))
    for about, answer in _judgements(request).items():
        actions.judge(request.principal, row, about, answer)
    return redirect("needs:detail", row.id)


def _visible(request: SignedInRequest, need_id: int) -> RawNeed:
    row = get_or_404(request.principal, "need:view", RawNeed, id=need_id)
    people = ("validated_by__person", "published_by__person", "archived_by__person")
    return _loaded(RawNeed.objects.visible_to(request.principal)).select_related(*people).get(id=row.id)


def _editable(request: SignedInRequest, action: str, need_id: int) -> RawNeed:
    sentences = {
        "need:validate": _("Only the people who represent the institution that wrote a need validate, publish or archive it."),
        "need:edit": _(
            "Only its author while it is a draft, then the referent of its institution, change the words of a need."
        ),
    }
    return get_or_403(request.principal, action, RawNeed, sentences[action], id=need_id)


def _loaded(rows: RawNeedQuerySet) -> RawNeedQuerySet:
    return rows.select_related("current", "institution", "author__person", "author__institution")


def _done(request: SignedInRequest, row: RawNeed, act: Callable[..., None], sentence: str) -> HttpResponse:
    try:
        act(request.principal, row)
    except actions.WrongMoment:
        return _too_late(request, row)
    messages.success(request, sentence)
    return redirect("needs:detail", row.id)


def _too_late(request: SignedInRequest, row: RawNeed) -> HttpResponse:
    messages.error(request, _("Somebody changed this need meanwhile: nothing was done. Here is how it stands now."))
    return redirect("needs:detail", row.id)


def _at_home(request: SignedInRequest, row: RawNeed) -> bool:
    own = row.author.person_id == request.principal.person_id
    return own or row.institution_id == request.principal.institution_id


def _allowed(request: SignedInRequest, row: RawNeed) -> dict[str, bool]:
    principal = request.principal
    reached = RawNeed.objects.editable_by(principal).filter(id=row.id).exists()
    answers = reached and principal.may("need:validate")
    own = row.author.person_id == principal.person_id
    return {
        "edit": reached and principal.may("need:edit") and row.state != RawNeedState.ARCHIVED,
        "validate": answers and row.state == RawNeedState.DRAFT,
        "publish": answers and row.state == RawNeedState.VALIDATED,
        "archive": answers and row.state in (RawNeedState.PUBLISHED, RawNeedState.ATTACHED),
        "attach": principal.may("attachment:propose") and row.state in (RawNeedState.PUBLISHED, RawNeedState.ATTACHED),
        "join": principal.may("need:edit") and row.is_shared and not _at_home(request, row),
        "delete": reached and own and principal.may("need:edit") and row.state == RawNeedState.DRAFT,
    }


def _filtered(request: SignedInRequest) -> RawNeedQuerySet:
    rows: RawNeedQuerySet = RawNeed.objects.visible_to(request.principal)
    asked = _asked(request)
    if asked.get("etat") in RawNeedState.values:
        rows = rows.filter(state=asked["etat"])
    if asked.get("etablissement"):
        rows = rows.filter(institution__slug=asked["etablissement"])
    for name in FACETS:
        if asked.get(name):
            rows = rows.filter(**{f"current__{name}": asked[name]})
    return _searched(request, rows, asked.get("q", ""))


def _asked(request: SignedInRequest) -> dict[str, str]:
    """What the list is asked for. No column holds a zero byte, and one database refuses to be asked for it."""
    return {name: str(value).replace("\0", "").strip() for name, value in request.GET.items()}


def _searched(request: SignedInRequest, rows: RawNeedQuerySet, question: str) -> RawNeedQuerySet:
    """By stems through the index, and by the very characters typed."""
    if not question:
        return rows
    asked = terms(question)
    found = index().candidates(asked, readable_corpora(request.principal), FOUND_BY_WORDS)
    texts = [key // 2 for key, _score in found if key == key_of_text(key // 2)]
    literal = Q(current__title__icontains=question) | Q(current__text__icontains=question)
    return rows.filter(Q(current__in=texts) | literal)


def _filters(request: SignedInRequest) -> dict[str, object]:
    visible, in_use = RawNeed.objects.visible_to(request.principal).order_by(), _in_use(request)
    return {
        "q": request.GET.get("q", ""),
        "states": [(value, label, value == request.GET.get("etat")) for value, label in RawNeedState.choices],
        "institutions": [
            (one.slug, one.short_name, one.slug == request.GET.get("etablissement"))
            for one in Institution.objects.filter(id__in=visible.values("institution")).order_by("short_name")
        ],
        "facets": [(name, NeedForm.base_fields[name].label, in_use[name], request.GET.get(name, "")) for name in FACETS],
    }


def _in_use(request: SignedInRequest) -> dict[str, list[str]]:
    """For each facet, its values in the needs one sees, most chosen first. One reading of the needs for all four."""
    columns = [f"current__{name}" for name in FACETS]
    visible = RawNeed.objects.visible_to(request.principal).order_by()
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for *values, times in visible.values_list(*columns).annotate(times=Count("id")):
        for name, value in zip(FACETS, values, strict=True):
            if value:
                counts[name][value] += times
    return {name: [value for value, _times in count.most_common(MOST_VALUES)] for name, count in counts.items()}


def _write_page(
    request: SignedInRequest, form: NeedForm, row: RawNeed | None = None, *, status: int = 200, is_late: bool = False
) -> HttpResponse:
    """`is_late`: the form was filled from other words than those of the need now."""
    in_use = _in_use(request)
    standing = actions.words_of_need(row) if row else {}
    context = {
        "form": form,
        "row": row,
        "basis": request.POST.get("basis", "") if request.method == "POST" and not is_late else basis_of(standing),
        "is_late": is_late,
        "theirs": words_beside(form, standing) if is_late else [],
        "facets": [
            (form[name], values, values[:MOST_CHIPS], bool(in_use[name])) for name, values in facet_choices(in_use).items()
        ],
        **_close_context(request, row),
    }
    return render(request, "needs/write.html", context, status=status)


def _close_context(request: SignedInRequest, row: RawNeed | None) -> dict[str, object]:
    """What the words being written are close to. Answers given to what is no longer among the closest are kept."""
    words, answers = _draft_words(request, row), _answers(request)
    found = close_needs(request.principal, words, need=row)
    shown = {one.group for one in found}
    return {
        "suggestions": [suggestion_view(one, words, answers.get(one.group, "")) for one in found],
        "kept": _kept(request, {group: answer for group, answer in answers.items() if group not in shown}),
        "is_short": len(words.title) + len(words.text) < SHORTEST_DRAFT,
    }


def _kept(request: SignedInRequest, answers: dict[int, str]) -> list[tuple[str, str, str]]:
    """Field, answer, and what it was said of."""
    about = {group: of_group(request.principal, group) for group in answers}
    return [(f"close-{group}", answer, str(about[group])) for group, answer in answers.items() if about[group]]


def _draft_words(request: SignedInRequest, row: RawNeed | None) -> Words:
    if request.method != "POST":
        return Words.of(row.wording) if row else Words("", "")
    return Words(**{name: request.POST.get(name, "").strip()[:8_000] for name in Words.__dataclass_fields__})


def _refilled(request: SignedInRequest, form: NeedForm) -> NeedForm:
    """The form as it was typed, judged by nobody yet."""
    typed = {name: request.POST.get(name, "") for name in form.fields}
    return NeedForm(request.principal, initial=typed, on_behalf="institution" in form.fields)


def _answers(request: SignedInRequest) -> dict[int, str]:
    """What is said of other needs, by group; somebody who starts from another's need says that theirs is the same."""
    if request.method == "GET":
        same = _number(request.GET.get("meme", ""))
        return {same: Answer.SAME} if same else {}
    return {
        group: value
        for name, value in request.POST.items()
        if name.startswith("close-") and value in Answer.values and (group := _number(name.removeprefix("close-")))
    }


def _number(typed: str) -> int:
    """0 for what is no number of a row."""
    return int(typed) if typed.isdecimal() and len(typed) < 19 else 0


def _judgements(request: SignedInRequest) -> dict[RawNeed | HarmonisedNeed, str]:
    found = {of_group(request.principal, group): answer for group, answer in _answers(request).items()}
    return {close: answer for close, answer in found.items() if close is not None}


def _close_to(request: SignedInRequest, row: RawNeed) -> list[object]:
    said = Judgement.objects.visible_to(request.principal).filter(Q(need=row) | Q(other_need=row))
    answers = {
        group_of(one.harmonised or (one.other_need if one.need_id == row.id else one.need)): one.answer
        for one in said.select_related("need", "other_need", "harmonised")
    }
    words = Words.of(row.wording)
    found = close_needs(request.principal, words, need=row)
    return [suggestion_view(one, words, answers.get(one.group, "")) for one in found]
