"""What the pages of needs show, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from django.forms import ChoiceField, Field, Form, ModelMultipleChoiceField
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.access.principal import Principal
from parvis.identity.models import Source
from parvis.institutions.models import Institution, Profile
from parvis.needs.actions.expressions import Words
from parvis.needs.models import (
    Answer,
    Attachment,
    AttachmentState,
    HarmonisedNeed,
    Judgement,
    NeedVersion,
    RawNeed,
    RawNeedState,
    RawNeedText,
)
from parvis.needs.models.expressions import RawNeedQuerySet
from parvis.needs.suggestions import Suggestion
from parvis.retrieval.analysis import analyse, terms

FACETS = ("domain", "public", "activity", "data_class")
MOST_CHIPS = 5
EXCERPT = 320  # characters


@dataclass(frozen=True, slots=True)
class NeedView:
    id: int
    title: str
    url: str
    institution: str
    service: str
    author: str
    is_invented: bool
    on_behalf: bool
    state: str
    state_words: str
    excerpt: str
    facets: tuple[str, ...]
    written_at: datetime
    is_mine: bool
    language: str


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    shared: bool


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """`field` names the answer in a form; `answer` is the one given so far."""

    group: int
    field: str
    name: str
    title: tuple[Segment, ...]
    url: str
    institution: str  # "" for the words of the alliance itself
    code: str  # of the harmonised need, "" where there is none
    code_url: str
    is_invented: bool
    in_common: tuple[str, ...]  # words, then facets
    theirs: tuple[Segment, ...]  # none where the title says it all
    yours: tuple[Segment, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Event:
    """A moment in the life of a need. `kind` chooses its drawing."""

    at: datetime
    kind: str
    words: str
    who: str = ""
    detail: str = ""
    url: str = ""


def need_view(principal: Principal, need: RawNeed) -> NeedView:
    """The need's current wording, institution, author and their person must be loaded."""
    text = need.wording
    return NeedView(
        id=need.id,
        title=text.title,
        url=reverse("needs:detail", args=[need.id]),
        institution=need.institution.short_name,
        service=need.service,
        author=need.author.person.display_name,
        is_invented=is_invented(need),
        on_behalf=need.on_behalf,
        state=need.state,
        state_words=need.get_state_display(),
        excerpt="" if _says_no_more(text.text, text.title) else _shortened(text.text, 220),
        facets=tuple(value for name in FACETS if (value := getattr(text, name))),
        written_at=text.written_at,
        is_mine=need.author.person_id == principal.person_id,
        language=text.language,
    )


def suggestion_view(suggestion: Suggestion, draft: Words, answer: str = "") -> SuggestionView:
    row, harmonised = suggestion.text, suggestion.harmonised
    raw = row.need if isinstance(row, RawNeedText) else None
    words = row.text if isinstance(row, RawNeedText) else row.description
    title_only = _says_no_more(words, row.title)
    stems = {token.term for word in suggestion.shared_terms for token in analyse(word)}
    yours = [excerpt(words, stems) for words in (draft.text, draft.title) if words]
    return SuggestionView(
        group=suggestion.group,
        field=f"close-{suggestion.group}",
        name=row.title,
        title=excerpt(row.title, stems) if title_only else (Segment(row.title, False),),
        url=reverse("needs:detail", args=[raw.id]) if raw else harmonised_url(harmonised),
        institution=raw.institution.short_name if raw else "",
        code=harmonised.code if harmonised else "",
        code_url=harmonised_url(harmonised) if raw else "",
        is_invented=raw is not None and is_invented(raw),
        in_common=(*_telling(_once_a_stem(suggestion.shared_terms))[:6], *_facets_alike(row, draft)) or (_("the meaning"),),
        theirs=() if title_only else excerpt(words, stems),
        yours=next((one for one in yours if any(run.shared for run in one)), yours[0]),
        answer=answer,
    )


def words_beside(form: Form, standing: Mapping[str, object]) -> list[tuple[str, str]]:
    """Label and words of what stands elsewhere than in a filled form, where they differ."""
    others = []
    for name, field in form.fields.items() if not standing.get("dropped") else ():
        said = _in_words(field, standing.get(name, ""))
        if said != _in_words(field, form.cleaned_data.get(name, "")):
            others.append((str(field.label), said or _("nothing")))
    return others


def excerpt(text: str, stems: set[str]) -> tuple[Segment, ...]:
    """The part of a text with the words of those stems, and where they stand."""
    marks = [(token.start, token.end) for token in analyse(text) if token.term in stems]
    begin = 0
    if len(text) > EXCERPT and marks and marks[0][0] > EXCERPT // 3:
        begin = text.rfind(" ", 0, marks[0][0] - 60) + 1
    end = len(text) if len(text) - begin <= EXCERPT else max(text.rfind(" ", 0, begin + EXCERPT), begin + 1)
    segments = [Segment("… ", False)] if begin else []
    at = begin
    for start, stop in marks:
        if begin <= start and stop <= end:
            segments += [Segment(text[at:start], False), Segment(text[start:stop], True)]
            at = stop
    segments.append(Segment(text[at:end] + (" …" if end < len(text) else ""), False))
    return tuple(segment for segment in segments if segment.text)


def timeline(
    principal: Principal,
    need: RawNeed,
    texts: Iterable[RawNeedText],
    attachments: Iterable[Attachment],
    said: Iterable[Judgement],
) -> list[Event]:
    """The life of a need, oldest first, from the rows this person may read."""
    events = [_written(need, text) for text in texts]
    for at, who, kind, words in (
        (need.validated_at, need.validated_by, "check", _("Validated by its institution")),
        (need.published_at, need.published_by, "group", _("Shared with the alliance")),
        (need.archived_at, need.archived_by, "book", _("Archived")),
    ):
        if at:
            events.append(Event(at, kind, words, person_words(who) if who else ""))
    for attachment in attachments:
        events += _attachment_events(attachment)
    events += [_judged(need, judgement) for judgement in said]
    return sorted(events, key=lambda event: event.at)


def export_rows(needs: RawNeedQuerySet) -> Iterator[Sequence[str]]:
    """Headings, then a row for each need: from plain values, for lists of thousands."""
    yield [str(heading) for heading in _COLUMNS]
    address = reverse("needs:detail", args=[0])
    states = {value: str(label) for value, label in RawNeedState.choices}
    yes = _("yes")
    rows = needs.values_list(
        "id",
        "state",
        "current__written_at",
        "institution__is_invented",
        "author__person__source",
        "institution__name",
        "service",
        *(f"current__{name}" for name in ("title", "text", *_SAID)),
    )
    for need_id, state, at, invented, source, institution, service, title, text, *said, wording in rows.iterator(
        chunk_size=2_000
    ):
        yield [
            address.replace("/0/", f"/{need_id}/"),
            institution,
            service,
            states[state],
            title,
            text,
            *said,
            str(wording),
            timezone.localdate(at).isoformat(),
            yes if invented or source == Source.DEMO else "",
        ]


def facet_choices(in_use: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """For each facet, the values in use, most chosen first, then the first proposals."""
    return {name: tuple(dict.fromkeys((*in_use.get(name, ()), *_PROPOSALS[name]))) for name in FACETS}


def is_invented(need: RawNeed) -> bool:
    return need.institution.is_invented or need.author.person.is_invented


def harmonised_url(need: HarmonisedNeed | None) -> str:
    try:
        return reverse("needs:harmonised", args=[need.id]) if need else ""
    except NoReverseMatch:
        return ""


def person_words(profile: Profile) -> str:
    """A name, and whether nobody bears it."""
    name = profile.person.display_name
    return _("%(name)s (invented person)") % {"name": name} if profile.person.is_invented else name


# In the order of the columns; the last is the number of the wording.
_SAID = ("audience", "frequency", "data_used", "insufficient_tool", *FACETS, "number")
_COLUMNS = (
    gettext_lazy("Address"),
    gettext_lazy("Institution"),
    gettext_lazy("Service"),
    gettext_lazy("State"),
    gettext_lazy("Title"),
    gettext_lazy("Description"),
    gettext_lazy("For whom"),
    gettext_lazy("How often"),
    gettext_lazy("Data"),
    gettext_lazy("Current tool"),
    gettext_lazy("Domain"),
    gettext_lazy("Public"),
    gettext_lazy("Activity"),
    gettext_lazy("Sensitivity of the data"),
    gettext_lazy("Wording"),
    gettext_lazy("Written on"),
    gettext_lazy("Invented"),
)
_CHANCE = frozenset(
    terms("partir titre titrer place cadre cas type exemple manière niveau mise mettre faire permettre besoin")
)
_PROPOSALS: dict[str, list[str]] = json.loads((Path(__file__).parent / "facets.json").read_text(encoding="utf-8"))


def _written(need: RawNeed, text: RawNeedText) -> Event:
    if text.number == 1:
        words = _("Written in the name of %(institution)s") if need.on_behalf else _("Written at %(institution)s")
        words %= {"institution": need.institution.short_name}
        detail = need.service
    else:
        words, detail = _("Corrected: wording %(number)d") % {"number": text.number}, ""
    url = reverse("needs:version", args=[need.id, text.number]) if text.id != need.current_id else ""
    return Event(text.written_at, "rename", words, person_words(text.written_by), detail, url)


def _attachment_events(attachment: Attachment) -> Iterable[Event]:
    code, url = {"code": attachment.harmonised.code}, harmonised_url(attachment.harmonised)
    proposer = person_words(attachment.proposed_by) if attachment.proposed_by else ""
    yield Event(attachment.proposed_at, "info", _("Attachment to %(code)s proposed") % code, proposer, "", url)
    if attachment.decided_at and attachment.decided_by:
        refused = attachment.state == AttachmentState.REFUSED
        words = _("Attachment to %(code)s refused") if refused else _("Attachment to %(code)s accepted")
        kind = "close" if refused else "verified"
        yield Event(attachment.decided_at, kind, words % code, person_words(attachment.decided_by), attachment.reason, url)
    if attachment.cancelled_at:
        yield Event(attachment.cancelled_at, "retry", _("Attachment to %(code)s cancelled") % code, "", "", url)


def _judged(need: RawNeed, judgement: Judgement) -> Event:
    if judgement.harmonised:
        about, url = judgement.harmonised.code, harmonised_url(judgement.harmonised)
    else:
        other = judgement.other_need if judgement.need_id == need.id else judgement.need
        about, url = _("“%(title)s”") % {"title": other}, reverse("needs:detail", args=[other.id]) if other else ""
    words = {
        Answer.SAME: _("Said to be the same need as %(about)s"),
        Answer.LINKED: _("Said to be linked to %(about)s"),
        Answer.DIFFERENT: _("Said to be different from %(about)s"),
    }[Answer(judgement.answer)]
    return Event(judgement.answered_at, "quotation", words % {"about": about}, person_words(judgement.profile), "", url)


def _in_words(field: Field, value: object) -> str:
    if isinstance(field, ModelMultipleChoiceField) and field.queryset is not None:
        chosen: Any = value if isinstance(value, list) else [one.pk for one in cast("Iterable[Institution]", value or ())]
        return ", ".join(sorted(str(one) for one in field.queryset.filter(pk__in=chosen)))
    if isinstance(field, ChoiceField):
        return str(dict(cast("Iterable[tuple[str, str]]", field.choices)).get(str(value), value))
    return str(value).replace("\r\n", "\n").strip()


def _once_a_stem(words: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for word in words:
        for token in analyse(word):
            seen.setdefault(token.term, word)
    return tuple(dict.fromkeys(seen.values()))


def _telling(words: Sequence[str]) -> Sequence[str]:
    """Without those that two needs share by chance, unless they share nothing else."""
    return [word for word in words if not _CHANCE.intersection(terms(word))] or words


def _facets_alike(row: RawNeedText | NeedVersion, draft: Words) -> tuple[str, ...]:
    if not isinstance(row, RawNeedText):
        return ()
    return tuple(value for name in FACETS if (value := getattr(draft, name)) and value == getattr(row, name))


def _says_no_more(text: str, title: str) -> bool:
    return text.strip(" .…") == title.strip(" .…")


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"
