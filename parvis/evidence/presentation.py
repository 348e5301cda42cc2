"""Entries as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from parvis.audit.models import Entry
from parvis.evidence.sentences import action_name, subject_name
from parvis.identity.models import Person
from parvis.institutions.models import Profile

SHOWN_DETAILS = 12
LONGEST_VALUE = 200


@dataclass(frozen=True)
class EntryShown:
    id: int
    number: int | None
    at: datetime
    who: str
    what: str  # the action in words
    about: str
    code: str
    details: tuple[tuple[str, str], ...]
    is_erased: bool
    holds: bool


def filtered(entries: Any, *, person: str, action: str, subject: str, period: tuple[datetime | None, datetime | None]) -> Any:
    """`person`: part of a name, or an actor as the log writes it; `subject`: "corpus:3", or a kind of things."""
    logs, (begun, ended) = entries, period
    if begun:
        entries = entries.filter(at__gte=begun)
    if ended:
        entries = entries.filter(at__lt=ended)
    if action:
        entries = entries.filter(action=action)
    if subject:
        entries = entries.filter(Q(subject=subject) | Q(subject__startswith=f"{subject}:"))
    if person:
        named = Person.objects.filter(display_name__icontains=person).values_list("id", flat=True)[:500]
        actors = {f"person:{one}" for one in named}
        entries = entries.filter(Q(actor__in=actors - _forgotten(logs, actors)) | Q(actor=person))
    return entries


def shown(entries: Sequence[Entry]) -> list[EntryShown]:
    names = {institution: _names(institution, entries) for institution in {entry.institution_id for entry in entries}}
    return [_shown(entry, names[entry.institution_id]) for entry in entries]


def _shown(entry: Entry, names: dict[str, str]) -> EntryShown:
    return EntryShown(
        id=entry.id,
        number=entry.number,
        at=entry.at,
        who=names.get(entry.actor) or _actor(entry.actor),
        what=_("erased entry") if entry.is_erased else action_name(entry.action),
        about=names.get(entry.subject) or subject_name(entry.subject),
        code=entry.action,
        details=tuple(_details(entry.details)),
        is_erased=entry.is_erased,
        holds=entry.holds,
    )


def _names(institution_id: int | None, entries: Iterable[Entry]) -> dict[str, str]:
    """Of the people that entries name by number, but for those whom this institution erased, and another may know still."""
    written = {one for entry in entries for one in (entry.actor, entry.subject) if one.startswith("person:")}
    ids = [int(one.removeprefix("person:")) for one in written if one.removeprefix("person:").isdigit()]
    forgotten = _forgotten(Entry.objects.filter(institution_id=institution_id), written)
    people = {f"person:{person.id}": person.display_name for person in Person.objects.filter(id__in=ids)}
    return {actor: name for actor, name in people.items() if actor not in forgotten}


def _forgotten(log: Any, actors: Iterable[str]) -> set[str]:
    """Those of them whose erasure is in the log. One who came back since has another number, unless they say themselves that
    they are the same by linking an account: then they have a profile again."""
    rows = log.filter(action="person.erase", subject__in=list(actors)).order_by()
    erased = set(rows.values_list("institution_id", "subject"))
    back = {
        subject
        for institution_id, subject in erased
        if Profile.objects.filter(institution=institution_id, person=int(subject.removeprefix("person:"))).exists()
    }
    return {subject for _institution, subject in erased} - back


def _actor(actor: str) -> str:
    kind, _colon, rest = actor.partition(":")
    if kind == "system":
        return _("Parvis itself")
    if kind == "person":
        return _("person no. %(number)s, no longer known") % {"number": rest}
    return subject_name(actor)


def _details(details: Any) -> Iterable[tuple[str, str]]:
    for name, value in list(details.items())[:SHOWN_DETAILS]:
        yield name, str(value)[:LONGEST_VALUE]


def table_rows(entries: Iterable[Entry]) -> Iterable[list[str]]:
    """For a spreadsheet; what begins a formula there is made a text."""
    yield [_("Number"), _("Date"), _("Person"), _("Action"), _("Code"), _("Object"), _("Details")]
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == 500:
            yield from _cells(batch)
            batch = []
    yield from _cells(batch)


def _cells(entries: Sequence[Entry]) -> Iterable[list[str]]:
    for row in shown(entries):
        details = "; ".join(f"{name}={value}" for name, value in row.details)
        number = "" if row.number is None else str(row.number)
        cells = [number, date_format(row.at, "Y-m-d H:i:s"), row.who, row.what, row.code, row.about, details]
        yield [f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in cells]
