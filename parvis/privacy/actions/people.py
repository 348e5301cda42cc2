"""What is done for a person about their data: a copy of all of it, and its erasure."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.federation.actions import barred_in
from parvis.identity.models import Person
from parvis.institutions.actions import notify
from parvis.institutions.models import Institution, Profile
from parvis.isolation.scope import everywhere
from parvis.personal import Erased, Kept, Subject
from parvis.privacy.actions.holdings import clear, columns, own_subjects, renumber, rows, subject_in
from parvis.privacy.declarations import about_people, files_of, forgets
from parvis.privacy.models import RightKind, RightRequest

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SHOWN_ROWS = 200  # of a table in the reading copy: the rest is in its JSON
_MEMORY = 4_000_000  # of a copy being made; what exceeds it is a file without a name, which goes when it is closed


@dataclass(frozen=True, slots=True)
class Section:
    """A table in the reading copy."""

    label: StrOrPromise
    file: str
    rows: list[list[tuple[str, Any]]]
    more: int
    why: StrOrPromise = ""


@everywhere("personal data")
def requests_of(person_id: int) -> list[RightRequest]:
    """Of whatever institution."""
    return list(RightRequest.unscoped.own(person_id))


@everywhere("personal data")
def export_own(principal: Principal) -> IO[bytes]:
    """All that the institutions where they signed in hold about the person who asks, as a ZIP. Kept nowhere."""
    with transaction.atomic():
        for subject in own_subjects(principal):
            _note(subject, RightKind.EXPORT)
            _record(subject, "person.export", principal.actor)
    return _copy(principal.person_id, own_subjects(principal))


@everywhere("personal data")
def export_for(principal: Principal, person: Person, *, reason: str) -> IO[bytes] | None:
    """The same, of what one's own institution holds, for a request that the person made. They are told, with the reason."""
    subject = subject_in(person.id, principal.institution_id)
    if subject is None:
        return None
    with transaction.atomic():
        _note(subject, RightKind.EXPORT, principal, reason)
        _record(subject, "person.export", principal.actor)
        notify(Profile.objects.filter(id__in=subject.profile_ids), "data_exported", "/mon-profil/", but=principal.profile_id)
    return _copy(person.id, [subject])


@everywhere("personal data")
@transaction.atomic
def erase_own(principal: Principal, *, with_shared: bool) -> None:
    """In every institution where they signed in. What stays is said beforehand (`holdings`)."""
    Person.objects.hold(principal.person_id)
    barred = barred_in(principal.person_id)  # by whom a suspension is lifted: not by being forgotten
    subjects = own_subjects(principal, with_shared=with_shared)
    for subject in subjects:
        if subject.institution_id not in barred:
            _erase(replace(subject, is_last=subject.is_last and not barred), principal.actor)


@everywhere("personal data")
@transaction.atomic
def erase_for(principal: Principal, person: Person, *, reason: str) -> bool:
    """In one's own institution, for a request that the person made. False when it knows no such person."""
    Person.objects.hold(person.id)
    subject = subject_in(person.id, principal.institution_id)
    if subject is not None:
        _erase(subject, principal.actor, principal, reason)
    return subject is not None


@transaction.atomic
def erase_departed(person_id: int, institution_id: int) -> bool:
    """By the clock: see `retention`."""
    Person.objects.hold(person_id)
    subject = subject_in(person_id, institution_id)
    if subject is not None:
        _erase(subject, "system:retention")
    return subject is not None


def _erase(subject: Subject, by: str, principal: Principal | None = None, reason: str = "") -> None:
    counts: dict[str, int] = {}
    of_table = dict(about_people())
    for tables, forget in forgets():
        fates = {table: of_table[table] for table in tables if table in of_table}
        going = {table: rows(table, fate, subject) for table, fate in fates.items() if isinstance(fate, Erased)}
        counts |= {table: count for table, found in going.items() if (count := found.count())}
        for found in going.values():
            found.delete()
        for table, fate in fates.items():
            clear(table, fate, subject)
        forget(subject)
    known_as = subject if subject.is_last else replace(subject, person_id=renumber(subject))
    _note(known_as, RightKind.ERASURE, principal, reason, counts)
    _record(subject, "person.erase", by, rows=sum(counts.values()), is_whole=subject.is_last)


def _note(
    subject: Subject,
    kind: RightKind,
    principal: Principal | None = None,
    reason: str = "",
    counts: dict[str, int] | None = None,
) -> None:
    RightRequest.unscoped.create(
        institution_id=subject.institution_id,
        person_id=subject.person_id,
        kind=kind,
        answered_by_id=principal.profile_id if principal else None,
        reason=reason,
        counts=counts or {},
    )


def _record(subject: Subject, action: str, by: str, **details: int) -> None:
    record(institution_id=subject.institution_id, actor=by, action=action, subject=subject.actor, **details)


# The copy


def _copy(person_id: int, subjects: list[Subject]) -> IO[bytes]:
    content: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_MEMORY)
    try:
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            _fill(archive, person_id, subjects)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return content


def _fill(archive: zipfile.ZipFile, person_id: int, subjects: list[Subject]) -> None:
    parts = []
    for subject in subjects:
        institution = Institution.objects.get(id=subject.institution_id)
        folder = institution.slug
        parts.append((institution, list(_tables(archive, folder, subject)), _files(archive, folder, subject)))
    context = {"person": Person.objects.get(id=person_id), "parts": parts, "made_at": timezone.now()}
    archive.writestr(_("read-me.html"), render_to_string("privacy/copy.html", context))


def _tables(archive: zipfile.ZipFile, folder: str, subject: Subject) -> Iterator[Section]:
    for table, fate in about_people():
        found = rows(table, fate, subject).order_by("pk")
        shown: list[list[tuple[str, Any]]] = []
        count = 0
        name = f"{folder}/{table}.json"
        if not found.exists():
            continue
        with archive.open(name, "w") as file:
            for row in found.iterator(chunk_size=500):
                said = list(columns(row, fate.omit))
                file.write((b"[" if count == 0 else b",\n") + _json(dict(said)))
                count += 1
                if len(shown) < SHOWN_ROWS:
                    shown.append([(column, value) for column, value in said if value not in ("", None, [], {})])
            file.write(b"]\n")
        yield Section(fate.label, name, shown, count - len(shown), fate.why if isinstance(fate, Kept) else "")


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False).encode()


def _files(archive: zipfile.ZipFile, folder: str, subject: Subject) -> list[str]:
    names: dict[str, None] = {}
    for given in files_of(subject):
        name = _free(f"{folder}/{_inside(given.name)}", names)
        names[name] = None
        if given.path is None:
            archive.writestr(name, given.text)
            continue
        with given.path.open("rb") as original, archive.open(name, "w", force_zip64=True) as copy:
            shutil.copyfileobj(original, copy, 1 << 20)
    return list(names)


def _inside(name: str) -> str:
    """A path that stays in the folder where the archive is opened, whatever a file was called."""
    parts = [part.strip().replace("\\", "_").replace(":", "_") for part in PurePosixPath(name).parts]
    return "/".join(part for part in parts if part not in ("", "/", ".", "..")) or "file"


def _free(name: str, taken: dict[str, None]) -> str:
    path = PurePosixPath(name)
    numbered = (str(path.with_name(f"{path.stem} ({number}){path.suffix}")) for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)
