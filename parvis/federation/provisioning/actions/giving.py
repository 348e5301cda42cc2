"""What people hold here is the sum of what sources, directories and lists give them and of what was done by hand. Each takes
back what it gave and no longer gives, except what another still gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from parvis.audit.models import record
from parvis.federation.models import Account, OpenSession
from parvis.federation.provisioning.models import DirectoryEntry, Suspension
from parvis.institutions.models import Group, Profile, WorkingGroup


@dataclass(frozen=True, slots=True)
class Gift:
    """What an entry gives from now on. To whoever is suspended it gives nothing, until they are restored."""

    entry: DirectoryEntry
    roles: tuple[tuple[str, str], ...] = ()  # (role, detail)
    group_ids: frozenset[int] = field(default=frozenset())


def settle(institution_id: int, gifts: Sequence[Gift], *, actor: str, now: datetime) -> None:
    """Makes profiles and groups what these entries give, and remembers it in them. Inside the caller's transaction; the same
    few queries whether there is one entry or a hundred. A profile that somebody here has ended stays ended."""
    people = {gift.entry.person_id for gift in gifts}
    barred = suspended_among(institution_id, people)
    gifts = [gift for gift in gifts if gift.entry.person_id not in barred or not (gift.roles or gift.group_ids)]
    if not gifts:
        return
    held = _profiles(institution_id, people)
    opened = _give_roles(institution_id, gifts, held)
    ended = _take_back_roles(institution_id, gifts, held, now)
    _give_groups(gifts, held, {profile.id for profile in opened})
    _take_back_groups(institution_id, gifts, held)
    for gift in gifts:
        gift.entry.given_roles = [role for role, _ in gift.roles]
        gift.entry.given_groups = sorted(gift.group_ids)
    DirectoryEntry.unscoped.all().rewrite([gift.entry for gift in gifts], ["given_roles", "given_groups"])
    for action, profiles in (("profile.give", opened), ("profile.end", ended)):
        if profiles:
            _record(institution_id, actor, action, profiles)


def suspended_among(institution_id: int, people: Collection[int]) -> set[int]:
    rows = Suspension.unscoped.filter(institution_id=institution_id, person_id__in=people)
    return set(rows.values_list("person_id", flat=True))


def is_barred(account: Account) -> bool:
    """No account of this institution opens a session for its person."""
    return bool(suspended_among(account.institution_id, [account.person_id]))


def given_by_directories(account: Account) -> tuple[set[str], set[int]]:
    """Roles and groups that a source which stops giving them does not take from this account's person."""
    rows = DirectoryEntry.unscoped.filter(institution_id=account.institution_id, person_id=account.person_id)
    roles: set[str] = set()
    groups: set[int] = set()
    for given_roles, given_groups in rows.values_list("given_roles", "given_groups"):
        roles.update(given_roles)
        groups.update(given_groups)
    return roles, groups


def end_sessions(institution_id: int, people: Collection[int], *, actor: str) -> None:
    """Those that the sources of this institution opened for them."""
    for account in OpenSession.unscoped.filter(institution_id=institution_id, account__person_id__in=people).end():
        record(
            institution_id=institution_id,
            actor=actor,
            action="session.end",
            subject=f"person:{account.person_id}",
            source=account.source_id,
        )


def end_profiles(profiles: Sequence[Profile], *, now: datetime) -> None:
    """Nobody acts in them from the next request on; they leave the working groups of the alliance."""
    for profile in profiles:
        profile.ended_at = now
    Profile.objects.filter(id__in=[profile.id for profile in profiles]).update(ended_at=now)
    for group in WorkingGroup.objects.filter(profiles__in=profiles).distinct():
        group.profiles.remove(*profiles)


def _profiles(institution_id: int, people: Collection[int]) -> dict[tuple[int, str], Profile]:
    rows = Profile.objects.filter(institution_id=institution_id, person_id__in=people)
    return {(profile.person_id, profile.role): profile for profile in rows}


def _give_roles(institution_id: int, gifts: Sequence[Gift], held: dict[tuple[int, str], Profile]) -> list[Profile]:
    """Those that were opened; `held` knows them afterwards."""
    new: dict[tuple[int, str], Profile] = {}
    opened: list[Profile] = []
    changed: list[Profile] = []
    for gift in gifts:
        for role, detail in gift.roles:
            place = (gift.entry.person_id, role)
            profile = held.get(place) or new.get(place)
            if profile is None:
                new[place] = Profile(institution_id=institution_id, person_id=place[0], role=role, detail=detail)
                continue
            if profile.ended_at and role not in gift.entry.given_roles:
                profile.ended_at = None
                opened.append(profile)
            elif not detail or profile.detail == detail:
                continue
            profile.detail = detail or profile.detail
            changed.append(profile)
    Profile.objects.bulk_update([profile for profile in changed if profile.id], ["ended_at", "detail"])
    made = Profile.objects.bulk_create(list(new.values()))
    held.update({(profile.person_id, profile.role): profile for profile in made})
    return opened + made


def _take_back_roles(
    institution_id: int, gifts: Sequence[Gift], held: dict[tuple[int, str], Profile], now: datetime
) -> list[Profile]:
    gone = {(gift.entry.person_id, role) for gift in gifts for role in gift.entry.given_roles if role not in dict(gift.roles)}
    kept = {(gift.entry.person_id, role) for gift in gifts for role, _ in gift.roles}
    others = _given_by_others(institution_id, gifts) if gone else {}
    ended = [
        profile
        for place in gone - kept
        if (profile := held.get(place)) and not profile.ended_at and place[1] not in others.get(place[0], _NOTHING)[0]
    ]
    if ended:
        end_profiles(ended, now=now)
    return ended


def _give_groups(gifts: Sequence[Gift], held: dict[tuple[int, str], Profile], opened: Collection[int]) -> None:
    """To every profile that their people hold here: to all when the group is new to them, else to those just opened."""
    of_person = defaultdict(list)
    for (person_id, _role), profile in held.items():
        if profile.ended_at is None:
            of_person[person_id].append(profile.id)
    membership = Group.profiles.through
    membership.objects.bulk_create(
        [
            membership(group_id=group_id, profile_id=profile_id)
            for gift in gifts
            for group_id in gift.group_ids
            for profile_id in of_person[gift.entry.person_id]
            if group_id not in gift.entry.given_groups or profile_id in opened
        ],
        ignore_conflicts=True,
    )


def _take_back_groups(institution_id: int, gifts: Sequence[Gift], held: dict[tuple[int, str], Profile]) -> None:
    gone = {(gift.entry.person_id, one) for gift in gifts for one in set(gift.entry.given_groups) - gift.group_ids}
    others = _given_by_others(institution_id, gifts) if gone else {}
    leaving = {(person, group) for person, group in gone if group not in others.get(person, _NOTHING)[1]}
    if not leaving:
        return
    membership = Group.profiles.through.objects
    people = {profile.id: person for (person, _role), profile in held.items()}
    links = membership.filter(profile_id__in=people, group_id__in={group for _person, group in leaving})
    rows = links.values_list("id", "profile_id", "group_id")
    membership.filter(id__in=[one for one, profile, group in rows if (people[profile], group) in leaving]).delete()


_NOTHING: tuple[frozenset[str], frozenset[int]] = (frozenset(), frozenset())


def _given_by_others(institution_id: int, gifts: Sequence[Gift]) -> dict[int, tuple[set[str], set[int]]]:
    """By person: what their accounts and their other entries give."""
    people = {gift.entry.person_id for gift in gifts}
    own = Q(id__in=[gift.entry.id for gift in gifts])
    entries = DirectoryEntry.unscoped.filter(institution_id=institution_id, person_id__in=people).exclude(own)
    accounts = Account.unscoped.filter(institution_id=institution_id, person_id__in=people)
    given: dict[int, tuple[set[str], set[int]]] = defaultdict(lambda: (set(), set()))
    for rows in (entries, accounts):
        for person_id, roles, groups in rows.order_by().values_list("person_id", "given_roles", "given_groups"):
            given[person_id][0].update(roles)
            given[person_id][1].update(groups)
    return given


def _record(institution_id: int, actor: str, action: str, profiles: Iterable[Profile]) -> None:
    """One entry however many there are: a list of forty thousand people must not keep the others waiting."""
    held = [[profile.person_id, profile.role] for profile in profiles]
    subject = f"person:{held[0][0]}" if len(held) == 1 else f"people:{len(held)}"
    record(institution_id=institution_id, actor=actor, action=action, subject=subject, profiles=held)
