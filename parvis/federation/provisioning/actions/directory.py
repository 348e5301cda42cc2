"""What an institution's SCIM client writes: its users are people here, and its groups are groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from time import sleep
from typing import Any

from django.db import transaction
from scim2_models import InvalidValueException, NotFoundException, TooManyException, UniquenessException

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.federation.actions import recognise
from parvis.federation.attributes import BY_NAME, LONGEST_KEY
from parvis.federation.models import Account, DirectoryEntry, DirectoryGroup, ScimSetup, ScimToken, SignInSource
from parvis.federation.provisioning import scim
from parvis.federation.provisioning.actions.giving import Gift, end_profiles, end_sessions, settle
from parvis.federation.provisioning.actions.groups import is_named_by_rules
from parvis.federation.provisioning.actions.resettling import AT_ONCE, resettle, setup_of
from parvis.federation.provisioning.actions.suspending import bar, lift
from parvis.federation.provisioning.actions.tokens import save_setup
from parvis.federation.provisioning.models import Barring, EntryQuerySet, KeyAttribute, Origin, name_key, new_uid
from parvis.federation.provisioning.scim_sentences import said
from parvis.identity.models import Person, Source
from parvis.institutions.models import Group, Institution, Profile

LONGEST = 200
LONGEST_NAME = 120
MOST_VALUES = 50
PAUSE_SECONDS = 0.15  # between two transactions of a long change: whoever else writes has their turn
_KEPT = ("name", "displayName", "userType", "active", "roles", "emails")


class Client:
    """Who writes: a token, for its institution alone."""

    def __init__(self, token: ScimToken) -> None:
        self.institution: Institution = token.institution
        self.actor = f"scim:{token.id}"
        self.setup = setup_of(token.institution_id)

    @property
    def users(self) -> EntryQuerySet:
        rows = DirectoryEntry.unscoped.filter(institution=self.institution, origin=Origin.SCIM)
        return rows.select_related("person")

    @property
    def groups(self) -> Any:
        """`Any`: the query set of the doors' own manager has no public name."""
        return DirectoryGroup.unscoped.filter(institution=self.institution).select_related("group")


@transaction.atomic
def create_user(client: Client, user: scim.User, *, now: datetime) -> DirectoryEntry:
    """Raises SCIMException."""
    uid = new_uid()
    entry = DirectoryEntry(institution=client.institution, origin=Origin.SCIM, uid=uid, created_at=now)
    _fill(client, entry, user)
    key = _key(client.setup, entry)
    if client.setup.source and key:
        entry.person = recognise(client.setup.source, key, name=entry.display_name).person
    else:
        key = f"{Origin.SCIM}:{client.institution.id}:{uid}"
        entry.person = Person.objects.create(key=key, source=Source.FEDERATED, display_name=entry.display_name)
    entry.changed_at = now
    entry.save()
    _record(client, "person.provision", entry)
    _follow(client, entry, user, now=now)
    return entry


@transaction.atomic
def change_user(
    client: Client, uid: str, change: Callable[[DirectoryEntry], scim.User | None], *, now: datetime
) -> DirectoryEntry:
    """To what `change` makes of it, whole; None changes nothing. Nobody else changes it meanwhile. Raises SCIMException."""
    entry = user_or_404(client, uid, locked=True)
    user = change(entry)
    if user is None:
        return entry
    before = _key(client.setup, entry)
    _fill(client, entry, user)
    key = _key(client.setup, entry)
    if client.setup.source and key and key != before:
        _change_key(client.setup.source, entry, before, key)
    entry.version, entry.changed_at = entry.version + 1, now
    entry.save()
    _record(client, "person.change", entry)
    _follow(client, entry, user, now=now)
    return entry


@transaction.atomic
def delete_user(client: Client, uid: str, check: Callable[[int], None], *, now: datetime) -> None:
    """`check` may raise, by its version. What SCIM gave ends, and what the sign-in source gave, until they sign in there
    again. What they did stays, and finds them again if they come back."""
    entry = user_or_404(client, uid, locked=True)
    check(entry.version)
    here = {"institution": client.institution, "person": entry.person}
    settle(client.institution.id, [Gift(entry)], actor=client.actor, now=now)
    _record(client, "person.remove", entry)
    entry.delete()
    lift(client.institution.id, entry.person_id, by=Barring.SCIM, actor=client.actor, now=now)
    others = {role for roles in DirectoryEntry.unscoped.filter(**here).values_list("given_roles", flat=True) for role in roles}
    for account in Account.unscoped.filter(**here):
        gone = set(account.given_roles) - others
        end_profiles(list(Profile.objects.filter(**here, role__in=gone, ended_at=None)), now=now)
        account.given_roles = []
        account.save(update_fields=["given_roles"])
    end_sessions(client.institution.id, [entry.person_id], actor=client.actor)


def create_group(client: Client, group: scim.Group, *, now: datetime) -> DirectoryGroup:
    """One of that name that was here becomes the directory's; who was in it stays. Raises SCIMException."""
    with transaction.atomic():
        row, _made = Group.objects.get_or_create(institution=client.institution, name=_group_name(client, group, None))
        kept = DirectoryGroup.unscoped.create(
            institution=client.institution, group=row, external_id=_short(group.external_id), created_at=now, changed_at=now
        )
        _record_group(client, "people.group.create", kept)
        moves = _moves(client, kept, group)
        _move(client, kept, moves[:AT_ONCE], now=now)
    _move_by_batches(client, kept, moves[AT_ONCE:], now=now)
    return kept


def change_group(
    client: Client, uid: str, change: Callable[[DirectoryGroup], scim.Group | None], *, now: datetime
) -> DirectoryGroup:
    """As `change_user`. What comes and goes is settled under the lock; beyond a batch it is done after it, so that others
    write meanwhile: a client that heard no answer sends the same again."""
    with transaction.atomic():
        kept = group_or_404(client, uid, locked=True)
        group = change(kept)
        if group is None:
            return kept
        name = _group_name(client, group, kept)
        is_read_by_rules = name != kept.group.name and any(rule.attribute == "groups" for rule in client.setup.role_rules)
        kept.group.name = name
        kept.group.save(update_fields=["name"])
        kept.external_id, kept.version, kept.changed_at = _short(group.external_id), kept.version + 1, now
        kept.save()
        _record_group(client, "people.group.change", kept)
        moves = _moves(client, kept, group)
        _move(client, kept, moves[:AT_ONCE], now=now)
    _move_by_batches(client, kept, moves[AT_ONCE:], now=now)
    if is_read_by_rules:
        stay = kept.members.exclude(id__in=[entry_id for entry_id, _comes in moves]).values_list("id", flat=True)
        _move_by_batches(client, kept, [(entry_id, True) for entry_id in stay], now=now)
    return kept


def delete_group(client: Client, uid: str, check: Callable[[int], None], *, now: datetime) -> None:
    """`check` may raise, by its version. The directory's people leave it. It stays a group while somebody else is in it, or
    while rules name it."""
    kept = group_or_404(client, uid)
    check(kept.version)
    moves = [(entry_id, False) for entry_id in kept.members.values_list("id", flat=True)]
    _move_by_batches(client, kept, moves[AT_ONCE:], now=now)
    with transaction.atomic():
        kept = group_or_404(client, uid, locked=True)
        _record_group(client, "people.group.remove", kept)
        _move(client, kept, moves[:AT_ONCE], now=now)
        group = kept.group
        kept.delete()
        if not group.profiles.exists() and not is_named_by_rules(group):
            group.delete()


def change_setup(principal: Principal, setup: ScimSetup, *, now: datetime) -> None:
    """Reads anew whom SCIM brought before, by the new rules and the new source; a batch at a time."""
    save_setup(principal, setup)
    rows = DirectoryEntry.unscoped.filter(institution_id=principal.institution_id, origin=Origin.SCIM).order_by("id")
    ids = list(rows.values_list("id", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        with transaction.atomic():
            entries = list(rows.filter(id__in=ids[start : start + AT_ONCE]).select_related("person"))
            for entry in entries:
                _recognise_anew(setup, entry, actor=principal.actor, now=now)
            if not setup.keeps_mail:
                _forget_mails(entries)
            resettle(principal.institution_id, entries, actor=principal.actor, now=now)
        sleep(PAUSE_SECONDS)


def _fill(client: Client, entry: DirectoryEntry, user: scim.User) -> None:
    name = (user.user_name or "").strip()
    if not name:
        raise InvalidValueException(detail=said("user_name_missing"))
    _check(user)
    entry.user_name, entry.user_name_key, entry.external_id = name, name_key(name), user.external_id or ""
    taken = client.users.filter(user_name_key=entry.user_name_key).exclude(id=entry.id)
    if taken.exists():
        raise UniquenessException(detail=said("user_name_taken"))
    if client.setup.key_attribute == KeyAttribute.EXTERNAL_ID and entry.external_id:
        if client.users.filter(external_id=entry.external_id).exclude(id=entry.id).exists():
            raise UniquenessException(detail=said("key_of_another"))
    entry.is_active = user.active is not False
    entry.display_name = scim.shown_name(user)
    entry.said = {name: value for name, value in user.model_dump().items() if name in _KEPT}


def _check(user: scim.User) -> None:
    texts = [user.user_name, user.external_id, user.display_name, user.user_type, scim.address(user)]
    if user.name:
        texts += [user.name.formatted, user.name.family_name, user.name.given_name]
    texts += [role.value for role in user.roles or ()]
    emails = getattr(user, "emails", None) or ()
    texts += [text for email in emails for text in (email.value, email.type)]
    if any(len(text) > LONGEST for text in texts if text):
        raise InvalidValueException(detail=said("too_long", limit=LONGEST))
    if len(user.roles or ()) > MOST_VALUES or len(emails) > MOST_VALUES:
        raise InvalidValueException(detail=said("too_many_values", limit=MOST_VALUES))


def _key(setup: ScimSetup, entry: DirectoryEntry) -> str:
    """By which the sign-in source knows them; "" when SCIM does not say it."""
    if setup.source is None:
        return ""
    key = entry.user_name if setup.key_attribute == KeyAttribute.USER_NAME else entry.external_id
    known = BY_NAME.get(setup.source.correspondence.key)
    key = key.lower() if known and known.is_caseless else key
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise InvalidValueException(detail=said("bad_key", attribute=setup.key_attribute))
    return key


def _change_key(source: SignInSource, entry: DirectoryEntry, before: str, key: str) -> None:
    """The same person under another key. The former one must lead to them no more: it may be given to somebody else."""
    other = Account.unscoped.filter(source=source, key=key).first()
    account = Account.unscoped.filter(source=source, key=before, person=entry.person).first()
    name = f"{source.id}:{key}"
    if (other and other.person_id != entry.person_id) or Person.objects.filter(key=name).exclude(id=entry.person_id).exists():
        raise UniquenessException(detail=said("key_of_another"))
    if other:
        return
    if account is None:
        Account.unscoped.create(institution_id=source.institution_id, source=source, key=key, person=entry.person)
        return
    if entry.person.key == str(account):
        entry.person.key = name
        entry.person.save(update_fields=["key"])
    account.key = key
    account.save(update_fields=["key"])


def _recognise_anew(setup: ScimSetup, entry: DirectoryEntry, *, actor: str, now: datetime) -> None:
    """Once a source is named, an entry is the person whom that source knows. What was given to the stand-in is taken back."""
    key = _key(setup, entry)
    if setup.source is None or not key or Account.unscoped.filter(source=setup.source, person=entry.person).exists():
        return
    known = Account.unscoped.filter(source=setup.source, key=key).select_related("person").first()
    if known is None:
        Account.unscoped.create(institution_id=setup.institution_id, source=setup.source, key=key, person=entry.person)
        return
    settle(setup.institution_id, [Gift(entry)], actor=actor, now=now)
    entry.person = known.person
    entry.save(update_fields=["person"])
    if entry.display_name and known.person.key == str(known):
        Person.objects.filter(id=known.person_id).update(display_name=entry.display_name)


def _forget_mails(entries: Sequence[DirectoryEntry]) -> None:
    """The institution keeps them no more. A sign-in source that gives one gives it again when they come."""
    told = [entry for entry in entries if entry.said.pop("emails", None)]
    if told:
        DirectoryEntry.unscoped.all().rewrite(told, ["said"])
        Person.objects.filter(id__in=[entry.person_id for entry in told]).update(email="")


def _follow(client: Client, entry: DirectoryEntry, user: scim.User, *, now: datetime) -> None:
    """What the entry says takes effect: the name, the roles and groups, and whether they may come in at all."""
    _rename(client, entry, user)
    change = lift if entry.is_active else bar
    change(client.institution.id, entry.person_id, by=Barring.SCIM, actor=client.actor, now=now)
    entry.refresh_from_db(fields=["given_roles", "given_groups"])
    resettle(client.institution.id, [entry], actor=client.actor, now=now)


def _rename(client: Client, entry: DirectoryEntry, user: scim.User) -> None:
    """Of a person whom this institution brought: one who came from elsewhere keeps the name they have there."""
    person = entry.person
    mail = scim.address(user) if client.setup.keeps_mail else person.email
    of_here = [f"{Origin.SCIM}:{client.institution.id}:{entry.uid}"]
    if client.setup.source:
        of_here.append(f"{client.setup.source_id}:{_key(client.setup, entry)}")
    if person.key in of_here and (person.display_name, person.email) != (entry.display_name, mail):
        person.display_name, person.email = entry.display_name, mail
        person.save(update_fields=["display_name", "email"])


def _group_name(client: Client, group: scim.Group, kept: DirectoryGroup | None) -> str:
    name = (group.display_name or "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise InvalidValueException(detail=said("group_name", limit=LONGEST_NAME))
    rows = Group.objects.filter(institution=client.institution, name=name)
    if kept:
        rows = rows.exclude(id=kept.group_id)
    else:
        rows = rows.filter(directory_group__isnull=False)
    if rows.exists():
        raise UniquenessException(detail=said("group_taken"))
    return name


def _moves(client: Client, kept: DirectoryGroup, group: scim.Group) -> list[tuple[int, bool]]:
    """(entry, whether it comes in or goes out)."""
    wanted = _entries(client, [_member(one) for one in group.members or ()])
    there = set(kept.members.values_list("id", flat=True))
    moves = [(one, True) for one in sorted(wanted.keys() - there)] + [(one, False) for one in sorted(there - wanted.keys())]
    if len(moves) > scim.MOST_CHANGES:
        raise TooManyException(detail=said("too_many_members", limit=scim.MOST_CHANGES))
    return moves


def _move(client: Client, kept: DirectoryGroup, moves: Sequence[tuple[int, bool]], *, now: datetime) -> None:
    """Inside the caller's transaction."""
    kept.members.remove(*(one for one, comes in moves if not comes))
    kept.members.add(*(one for one, comes in moves if comes))
    touched = DirectoryEntry.unscoped.filter(id__in=[one for one, _comes in moves]).select_related("person")
    resettle(client.institution.id, list(touched), actor=client.actor, now=now)


def _move_by_batches(client: Client, kept: DirectoryGroup, moves: Sequence[tuple[int, bool]], *, now: datetime) -> None:
    for start in range(0, len(moves), AT_ONCE):
        sleep(PAUSE_SECONDS)
        with transaction.atomic():
            _move(client, kept, moves[start : start + AT_ONCE], now=now)


def _entries(client: Client, uids: Sequence[str]) -> dict[int, str]:
    found = {uid: entry_id for entry_id, uid in client.users.filter(uid__in=uids).values_list("id", "uid")}
    unknown = next((uid for uid in uids if uid not in found), None)
    if unknown is not None:
        raise InvalidValueException(detail=said("unknown_member", member=unknown[:80]))
    return {entry_id: uid for uid, entry_id in found.items()}


def _member(one: scim.Member) -> str:
    if one.value:
        return one.value
    return str(one.ref or "").rstrip("/").rpartition("/")[2]


def _short(text: str | None) -> str:
    if text and len(text) > LONGEST:
        raise InvalidValueException(detail=said("too_long", limit=LONGEST))
    return text or ""


def user_or_404(client: Client, uid: str, *, locked: bool = False) -> DirectoryEntry:
    rows = client.users.select_for_update(of=("self",)) if locked else client.users
    found = rows.filter(uid=uid).first() if uid.isalnum() else None
    if found is None:
        raise NotFoundException(detail=said("absent"))
    return found


def group_or_404(client: Client, uid: str, *, locked: bool = False) -> DirectoryGroup:
    rows = client.groups.select_for_update(of=("self",)) if locked else client.groups
    found: DirectoryGroup | None = rows.filter(uid=uid).first() if uid.isalnum() else None
    if found is None:
        raise NotFoundException(detail=said("absent"))
    return found


def _record(client: Client, action: str, entry: DirectoryEntry) -> None:
    subject = f"person:{entry.person_id}"
    record(institution_id=client.institution.id, actor=client.actor, action=action, subject=subject, entry=entry.uid)


def _record_group(client: Client, action: str, kept: DirectoryGroup) -> None:
    subject = f"group:{kept.group_id}"
    record(institution_id=client.institution.id, actor=client.actor, action=action, subject=subject, entry=kept.uid)
