"""People of an institution as its administrator reads them: roles, groups, where they come from, when they were last seen.
Nothing of what they are elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.federation.models import Account, AccountQuerySet, DirectoryEntry, Suspension
from parvis.federation.provisioning.actions.people import people_of
from parvis.federation.provisioning.models import Barring, Origin
from parvis.identity.models import Person, Source
from parvis.institutions.models import Group, Profile
from parvis.retrieval.analysis import fold


@dataclass(slots=True)
class Shown:
    person: Person
    profiles: list[Profile] = field(default_factory=list)
    groups: dict[int, Group] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    entries: list[DirectoryEntry] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    others_profiles: int = 0  # of other institutions: counted, never shown

    @property
    def at_work(self) -> list[Profile]:
        return [profile for profile in self.profiles if profile.ended_at is None]

    @property
    def is_suspended_here(self) -> bool:
        return any(one.by == Barring.HERE for one in self.suspensions)

    @property
    def origins(self) -> list[str]:
        names = [account.source.name for account in self.accounts]
        names += [_("SCIM") if entry.origin == Origin.SCIM else entry.list_name for entry in self.entries]
        return list(dict.fromkeys(names)) or [_("here")]

    @property
    def seen_at(self) -> datetime | None:
        """By an account of this institution. Of who signs in by a link, only if they are nowhere else."""
        seen = [account.seen_at for account in self.accounts if account.seen_at]
        if not seen and self.person.source != Source.FEDERATED and not self.others_profiles:
            return self.person.last_login
        return max(seen, default=None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of people is narrowed to; "" and 0 narrow nothing."""

    query: str = ""
    role: str = ""
    group_id: int = 0
    origin: str = ""  # "scim", "here", "list:<name>" or "source:<id>"
    state: str = ""  # "ended" or "suspended"


def found_ids(principal: Principal, wanted: Wanted) -> list[int]:
    """In the order of their names. Accents and case count for nothing: names are looked through here."""
    rows = people_of(principal)
    here = {"institution": principal.institution_id}
    profiles = Profile.objects.filter(**here)
    if wanted.role or wanted.group_id:
        held = profiles.filter(ended_at=None)
        held = held.filter(role=wanted.role) if wanted.role else held
        held = held.filter(groups=wanted.group_id) if wanted.group_id else held
        rows = rows.filter(id__in=held.values("person"))
    if wanted.state == "suspended":
        rows = rows.filter(id__in=Suspension.objects.visible_to(principal).values("person"))
    elif wanted.state == "ended":
        rows = rows.exclude(id__in=profiles.filter(ended_at=None).values("person"))
    accounts, entries = _accounts(principal), DirectoryEntry.objects.visible_to(principal)
    kind, _colon, which = wanted.origin.partition(":")
    if kind == "source" and which.isdecimal():
        rows = rows.filter(id__in=accounts.filter(source=int(which)).values("person"))
    elif kind in Origin.values:
        rows = rows.filter(id__in=entries.filter(origin=kind, list_name=which).values("person"))
    elif kind == "here":
        rows = rows.exclude(id__in=accounts.values("person")).exclude(id__in=entries.values("person"))
    names = list(rows.order_by("display_name", "id").values_list("id", "display_name"))
    return _matching(principal, names, fold(wanted.query).split()) if wanted.query else [one for one, _name in names]


def shown(principal: Principal, ids: Collection[int]) -> list[Shown]:
    """In the order of `ids`."""
    people = {person.id: Shown(person) for person in Person.objects.filter(id__in=ids)}
    for profile in Profile.objects.filter(person__in=ids).order_by("id"):
        if profile.institution_id == principal.institution_id:
            people[profile.person_id].profiles.append(profile)
        else:
            people[profile.person_id].others_profiles += 1
    here = {"institution": principal.institution_id}
    links = Group.profiles.through.objects.filter(profile__person__in=ids, profile__institution=principal.institution_id)
    for link in links.select_related("group", "profile").order_by("group__name"):
        people[link.profile.person_id].groups[link.group_id] = link.group
    for account in _accounts(principal).filter(person__in=ids).select_related("source"):
        people[account.person_id].accounts.append(account)
    for entry in DirectoryEntry.objects.visible_to(principal).filter(person__in=ids, **here):
        people[entry.person_id].entries.append(entry)
    for one in Suspension.objects.visible_to(principal).filter(person__in=ids):
        people[one.person_id].suspensions.append(one)
    return [people[one] for one in ids if one in people]


def _accounts(principal: Principal) -> AccountQuerySet:
    rows: AccountQuerySet = Account.objects.visible_to(principal)
    return rows


def _matching(principal: Principal, names: list[tuple[int, str]], words: list[str]) -> list[int]:
    identifiers: dict[int, list[str]] = defaultdict(list)
    for person_id, key in _accounts(principal).order_by().values_list("person_id", "key"):
        identifiers[person_id].append(key.lower())
    for person_id, name in DirectoryEntry.objects.visible_to(principal).order_by().values_list("person_id", "user_name_key"):
        identifiers[person_id].append(name)
    return [
        one
        for one, name in names
        if all(word in text for word in words for text in [" ".join([fold(name), *identifiers.get(one, ())])])
    ]
