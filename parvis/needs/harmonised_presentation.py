"""What the page of a harmonised need shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.principal import Principal
from parvis.needs.actions.cosignatures import Totals, totals
from parvis.needs.actions.figures import totals_told_outside
from parvis.needs.actions.published import Signatory, signatories_of
from parvis.needs.models import (
    Attachment,
    AttachmentState,
    CoSignature,
    CoSignatureState,
    HarmonisedNeed,
    NeedVersion,
    OperationKind,
)
from parvis.needs.models.harmonised import OPEN
from parvis.needs.presentation import Event, person_words
from parvis.retrieval.analysis import sentences


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """An excerpt with what opens its original text, and what this person may do of it."""

    id: int
    excerpt: str
    institution: str
    title: str
    url: str
    written_at: datetime
    is_invented: bool
    by_operation: str  # "merge", "split", ""
    may_decide: bool
    may_cancel: bool


def attachment_view(principal: Principal, row: Attachment) -> AttachmentView:
    """The attachment's text, need, author's person, institution and operation must be loaded."""
    need = row.text.need
    own = row.institution_id == principal.institution_id and principal.may("attachment:decide")
    waits = row.state in OPEN
    return AttachmentView(
        id=row.id,
        excerpt=row.excerpt,
        institution=row.institution.short_name,
        title=row.text.title,
        url=reverse("needs:version", args=[need.id, row.text.number]),
        written_at=row.text.written_at,
        is_invented=row.institution.is_invented or need.author.person.is_invented,
        by_operation=row.operation.kind if row.operation else "",
        may_decide=own and waits,
        may_cancel=(own and row.state == AttachmentState.ACCEPTED) or (waits and row.proposed_by_id == principal.profile_id),
    )


@dataclass(frozen=True, slots=True)
class CosigningView:
    """`students` and `envelope` are totals in words, "—" when nobody said any; `own_state` is "" where one has no row. From
    outside there are names and no `rows`; figures are told to who follows the alliance, of several institutions together."""

    totals: Totals
    students: str
    envelope: str
    rows: tuple[CoSignature, ...]
    names: tuple[Signatory, ...]
    own_state: str
    has_figures: bool


def cosigning_view(principal: Principal, version: NeedVersion) -> CosigningView:
    """Totals of one version, and the rows this person may read."""
    inside = principal.may("cosignature:view")
    rows: list[CoSignature] = []
    if inside:
        signed = CoSignature.objects.visible_to(principal).filter(version=version)
        rows = list(
            signed.select_related("institution", "signed_by__person", "prepared_by__person").order_by("institution__name")
        )
    counted = totals(rows) if inside else totals_told_outside(version)
    own = next((row.state for row in rows if row.institution_id == principal.institution_id), "")
    return CosigningView(
        totals=counted,
        students=number_format(counted.students, force_grouping=True) if counted.said_students else "—",
        envelope=f"{number_format(counted.envelope_euros, force_grouping=True)} €" if counted.said_envelope else "—",
        rows=tuple(row for row in rows if row.state in (CoSignatureState.VALID, CoSignatureState.TO_CONFIRM)),
        names=() if inside else signatories_of(version),
        own_state=own,
        has_figures=inside or principal.may("alliance:view"),
    )


def excerpts_of(text: str) -> list[tuple[int, int]]:
    """What may be chosen of a text: its sentences, or all of it where there is one."""
    return sentences(text) or [(0, len(text))]


def harmonised_timeline(need: HarmonisedNeed, *, inside: bool) -> list[Event]:
    """The life of a harmonised need, oldest first. From outside, only what is published of it."""
    events = []
    for version in need.versions.select_related("written_by__person", "stabilised_by__person"):
        number = {"number": version.number}
        if inside:
            who = person_words(version.written_by)
            events.append(Event(version.created_at, "rename", _("Version %(number)d begun") % number, who))
        if version.stabilised_at:
            words = _("Version %(number)d stabilised after a vote") % number
            events.append(Event(version.stabilised_at, "check", words))
    if need.published_at:
        events.append(Event(need.published_at, "group", _("Opened to co-signature and published")))
    return sorted([*events, *(_inner_events(need) if inside else ())], key=lambda event: event.at)


def _inner_events(need: HarmonisedNeed) -> list[Event]:
    events = _days(need)
    for operation in need.operations.select_related("other", "done_by__person", "undone_by__person"):
        merged = operation.kind == OperationKind.MERGE
        words = _("%(code)s merged into this need") if merged else _("%(code)s split off from this need")
        url = reverse("needs:harmonised", args=[operation.other_id])
        code = {"code": operation.other.code}
        events.append(Event(operation.done_at, "group", words % code, person_words(operation.done_by), operation.reason, url))
        if operation.undone_at and operation.undone_by:
            words = _("Merge of %(code)s undone") if merged else _("Split of %(code)s undone")
            events.append(Event(operation.undone_at, "retry", words % code, person_words(operation.undone_by), "", url))
    return events


def _days(need: HarmonisedNeed) -> list[Event]:
    """Who accepted excerpts, and who took them back, one event for each day: what was undone was done."""
    by_day: dict[tuple[date, str], tuple[datetime, set[str]]] = {}
    for row in need.attachments.exclude(decided_at=None).exclude(state=AttachmentState.REFUSED).select_related("institution"):
        for kind, at in (("verified", row.decided_at), ("retry", row.cancelled_at)):
            if at:
                latest, names = by_day.setdefault((timezone.localdate(at), kind), (at, set()))
                by_day[timezone.localdate(at), kind] = (max(at, latest), names | {row.institution.short_name})
    events = []
    for (_day, kind), (at, names) in by_day.items():
        if kind == "verified":
            words = ngettext("Excerpt accepted by %(names)s", "Excerpts accepted by %(names)s", len(names))
        else:
            words = ngettext("Acceptance taken back: %(names)s", "Acceptances taken back: %(names)s", len(names))
        events.append(Event(at, kind, words % {"names": ", ".join(sorted(names))}))
    return events
