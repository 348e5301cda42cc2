"""Lists of people: kept until somebody has seen what they would do, then done. Importing a list twice changes nothing, and who
is no longer in it is ended only when that is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep
from typing import TypeVar

from django.db import Error, transaction
from django.db.models import F

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.federation.attributes import BY_NAME
from parvis.federation.models import Account, DirectoryEntry, PeopleList, SignInSource
from parvis.federation.provisioning.actions.giving import Gift, settle
from parvis.federation.provisioning.actions.resettling import resettle
from parvis.federation.provisioning.models import EntryQuerySet, ListState, Origin, name_key
from parvis.federation.provisioning.people_sheet import Fault, Listed, PeopleSheet, read
from parvis.identity.models import Person, Source
from parvis.institutions.models import ROLES_OF, Institution, Nature

log = logging.getLogger("parvis.people")
T = TypeVar("T")
KEPT = timedelta(days=1)  # a list that nobody confirms
AT_ONCE = 100  # people of one transaction: others write after a tenth of a second
PAUSE_SECONDS = 0.11  # so that a writer who waits has its turn: SQLite lets it sleep a tenth of a second between two tries


@dataclass(frozen=True, slots=True)
class Target:
    """Where a list goes: entries of `list_name`, of people who sign in by `source` under their identifier, or by a link."""

    institution: Institution
    list_name: str
    source: SignInSource | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a list would do now."""

    sheet: PeopleSheet
    faults: tuple[Fault, ...]  # those of the sheet, and those of people who cannot have these roles here
    new: tuple[Listed, ...]
    changed: tuple[Listed, ...]
    same: int
    absent: tuple[tuple[str, str], ...]  # (identifier, name) of those whom the list named before


@dataclass(frozen=True, slots=True)
class Outcome:
    added: int
    changed: int
    ended: int
    is_whole: bool = True  # False: it was left, and the rest is for another time


def receive(
    principal: Principal, name: str, content: bytes, *, list_name: str, source: SignInSource | None, now: datetime
) -> PeopleList:
    """Keeps a list for its preview; the one this person had before is forgotten. Raises people_sheet.Refused."""
    read(content)
    with transaction.atomic():
        idle = PeopleList.unscoped.exclude(state=ListState.CONFIRMED)
        idle.filter(profile_id=principal.profile_id).delete()
        idle.filter(received_at__lt=now - KEPT).delete()
        return PeopleList.unscoped.create(
            institution_id=principal.institution_id,
            profile_id=principal.profile_id,
            list_name=list_name,
            source=source,
            file_name=name[:200],
            content=content,
            received_at=now,
        )


def sources_of(institution: Institution) -> dict[str, SignInSource]:
    """By name: those whose identifiers a list may hold."""
    return {source.name: source for source in SignInSource.unscoped.filter(institution=institution).defer("logo")}


def target_of(kept: PeopleList) -> Target:
    return Target(kept.institution, kept.list_name, kept.source)


def confirm(kept: PeopleList, *, ends_absent: bool) -> None:
    """From here it is the worker's. Confirmed twice, it is done once."""
    if kept.state != ListState.SEEN:
        return
    seen = preview(target_of(kept), bytes(kept.content))
    ended = len(seen.absent) if ends_absent else 0
    PeopleList.unscoped.filter(id=kept.id, state=ListState.SEEN).update(
        state=ListState.CONFIRMED, ends_absent=ends_absent, added=len(seen.new), changed=len(seen.changed), ended=ended
    )


def next_confirmed() -> PeopleList | None:
    rows = PeopleList.unscoped.filter(state=ListState.CONFIRMED).select_related("institution", "profile", "source")
    return rows.order_by("id").first()


def carry_out(kept: PeopleList, *, now: datetime, leave: Callable[[], bool]) -> bool:
    """Imports what is left of it. False when it left: the same goes on another time."""
    row = PeopleList.unscoped.filter(id=kept.id)

    def keep_count(count: int) -> bool:
        row.update(done=F("done") + count)
        return leave()

    actor = f"person:{kept.profile.person_id}"
    try:
        outcome = import_people(
            target_of(kept), bytes(kept.content), ends_absent=kept.ends_absent, actor=actor, now=now, leave=keep_count
        )
    except Error:
        raise  # the database is away, and comes back
    except Exception:
        log.exception("The list of people %s stopped", kept.id)
        row.update(state=ListState.FAILED, content=b"")
        return True
    if not outcome.is_whole:
        return False
    row.update(state=ListState.DONE, content=b"", done=F("added") + F("changed") + F("ended"))
    return True


def preview(target: Target, content: bytes) -> Preview:
    """Raises people_sheet.Refused."""
    sheet = read(content)
    allowed = ROLES_OF[Nature(target.institution.nature)]
    faults = list(sheet.faults)
    here = {key: (name, said) for key, name, said in _entries(target).values_list("user_name_key", "display_name", "said")}
    known = _known_keys(target, here.keys())
    new, changed, same = [], [], 0
    listed: set[str] = set()
    for one in sheet.people:
        key = name_key(one.identifier)
        strange = next((role for role, _detail in one.roles if role not in allowed), None)
        if strange or key in listed:
            code = "role_elsewhere" if strange else "same_but_case"
            faults.append(Fault(one.row_number, code, {"value": one.identifier}))
            listed.add(key)
            continue
        listed.add(key)
        if key not in here:
            new.append(one)
        elif here[key] != (one.name, _said(one)) or key not in known:
            changed.append(one)
        else:
            same += 1
    rows = _entries(target).order_by("display_name", "id").values_list("user_name", "display_name", "user_name_key")
    # A row to correct is not an absence: its identifier may be what is wrong.
    absent = tuple((name, shown) for name, shown, key in rows if key not in listed)
    faults.sort(key=lambda fault: fault.row_number)
    return Preview(sheet, tuple(faults), tuple(new), tuple(changed), same, absent)


def import_people(
    target: Target,
    content: bytes,
    *,
    ends_absent: bool,
    actor: str,
    now: datetime,
    leave: Callable[[int], bool] = lambda _count: False,
) -> Outcome:
    """Each batch is a transaction of its own, and leaves its turn to whoever else writes. Where this stops halfway, doing it
    again goes on. `leave`, told how many people each batch had, ends it early. Raises people_sheet.Refused."""
    seen = preview(target, content)
    gone = [name_key(name) for name, _shown in seen.absent] if ends_absent else []
    for batch in _batches([*seen.new, *seen.changed]):
        _import(target, batch, actor=actor, now=now)
        if leave(len(batch)):
            return Outcome(len(seen.new), len(seen.changed), len(gone), is_whole=False)
        sleep(PAUSE_SECONDS)
    for keys in _batches(gone):
        _end(target, keys, actor=actor, now=now)
        if leave(len(keys)):
            return Outcome(len(seen.new), len(seen.changed), len(gone), is_whole=False)
        sleep(PAUSE_SECONDS)
    return Outcome(len(seen.new), len(seen.changed), len(gone))


@transaction.atomic
def _import(target: Target, wanted: Sequence[Listed], *, actor: str, now: datetime) -> None:
    by_key = {name_key(one.identifier): one for one in wanted}
    held = {entry.user_name_key: entry for entry in _entries(target).filter(user_name_key__in=by_key).select_related("person")}
    people = _people(target, by_key, held)
    moved = [entry for key, entry in held.items() if entry.person_id != people[key].id]
    if moved:  # a source is named now, and it knows them as somebody else: what the stand-in was given is taken back
        settle(target.institution.id, [Gift(entry) for entry in moved], actor=actor, now=now)
    entries = []
    for key, one in by_key.items():
        entry = held.get(key) or _entry(target, key, now)
        entry.person, entry.user_name = people[key], one.identifier
        entry.display_name, entry.said, entry.changed_at = one.name, _said(one), now
        entries.append(entry)
    DirectoryEntry.unscoped.bulk_create(entry for entry in entries if entry.id is None)
    fields = ["person", "user_name", "display_name", "said", "changed_at"]
    DirectoryEntry.unscoped.all().rewrite([entry for entry in entries if entry.user_name_key in held], fields)
    _rename(target, entries)
    resettle(target.institution.id, entries, actor=actor, now=now)
    _record(target, actor, "people.import", people=len(entries))


@transaction.atomic
def _end(target: Target, keys: Sequence[str], *, actor: str, now: datetime) -> None:
    """What the list gave ends; what they did stays."""
    entries = list(_entries(target).filter(user_name_key__in=keys).select_related("person"))
    settle(target.institution.id, [Gift(entry) for entry in entries], actor=actor, now=now)
    _entries(target).filter(id__in=[entry.id for entry in entries]).delete()
    _record(target, actor, "people.import.end", people=len(entries))


def _people(target: Target, wanted: Mapping[str, Listed], held: Mapping[str, DirectoryEntry]) -> dict[str, Person]:
    """By key: whom each row is about, made if need be."""
    if target.source is None:
        prefix = f"{Source.LOCAL}:{target.institution.slug}:"
        found = {key: entry.person for key, entry in held.items()}
        names = {key: prefix + one.identifier for key, one in wanted.items() if key not in found}
        return found | _made(names, wanted, Source.LOCAL)
    keys = {key: _account_key(target.source, one.identifier) for key, one in wanted.items()}
    rows = Account.unscoped.filter(source=target.source, key__in=keys.values()).select_related("person")
    accounts = {account.key: account.person for account in rows}
    found = {key: accounts[account] for key, account in keys.items() if account in accounts}
    stand_ins = {key: entry.person for key, entry in held.items() if key not in found}
    names = {key: f"{target.source.id}:{keys[key]}" for key in wanted if key not in found and key not in stand_ins}
    made = _made(names, wanted, Source.FEDERATED) | stand_ins
    Account.unscoped.bulk_create(
        Account(institution_id=target.institution.id, source=target.source, key=keys[key], person=person)
        for key, person in made.items()
    )
    return found | made


def _made(names: Mapping[str, str], wanted: Mapping[str, Listed], source: str) -> dict[str, Person]:
    """By key: people of these names, which are `Person.key`."""
    there = {person.key: person for person in Person.objects.filter(key__in=names.values())}
    new = Person.objects.bulk_create(
        Person(key=name, source=source, display_name=wanted[key].name) for key, name in names.items() if name not in there
    )
    there |= {person.key: person for person in new}
    return {key: there[name] for key, name in names.items()}


def _rename(target: Target, entries: Iterable[DirectoryEntry]) -> None:
    """Of people whom this institution brought: one who came from elsewhere keeps the name they have there."""
    prefixes = [f"{Source.LOCAL}:{target.institution.slug}:"] + ([f"{target.source.id}:"] if target.source else [])
    renamed = []
    for entry in entries:
        if entry.person.key.startswith(tuple(prefixes)) and entry.person.display_name != entry.display_name:
            entry.person.display_name = entry.display_name
            renamed.append(entry.person)
    Person.objects.bulk_update(renamed, ["display_name"])


def _known_keys(target: Target, keys: Iterable[str]) -> set[str]:
    """Of entries that are there, those whose account the source of the list opens already."""
    if target.source is None:
        return set(keys)
    accounts = Account.unscoped.filter(source=target.source).values_list("key", "person_id")
    held = dict(accounts.order_by())
    rows = _entries(target).values_list("user_name_key", "user_name", "person_id")
    return {key for key, name, person in rows if held.get(_account_key(target.source, name)) == person}


def _account_key(source: SignInSource, identifier: str) -> str:
    known = BY_NAME.get(source.correspondence.key)
    return identifier.lower() if known and known.is_caseless else identifier


def _entries(target: Target) -> EntryQuerySet:
    return DirectoryEntry.unscoped.filter(institution=target.institution, origin=Origin.LIST, list_name=target.list_name)


def _entry(target: Target, key: str, now: datetime) -> DirectoryEntry:
    return DirectoryEntry(
        institution=target.institution,
        origin=Origin.LIST,
        list_name=target.list_name,
        user_name_key=key,
        created_at=now,
    )


def _said(one: Listed) -> dict[str, list[list[str]] | list[str]]:
    return {"roles": [list(pair) for pair in one.roles], "groups": list(one.groups)}


def _batches(rows: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _record(target: Target, actor: str, action: str, **details: int) -> None:
    subject = f"list:{target.list_name}"
    record(institution_id=target.institution.id, actor=actor, action=action, subject=subject, **details)
