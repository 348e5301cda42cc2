"""Making people and profiles of what a source says, and ending the sessions that it opened."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.federation import oidc
from parvis.federation.attributes import Correspondence, Identity
from parvis.federation.failure import SignInError
from parvis.federation.models import Account, Kind, OpenSession, OpenSessionQuerySet, SignInSource, Suspension, handle_of
from parvis.federation.outbound import Outbound
from parvis.federation.provisioning.actions import giving
from parvis.identity.models import Person, Source
from parvis.institutions.models import ROLES_OF, Group, Nature, Profile

log = logging.getLogger(__name__)
MOST_GROUPS = 60  # given to one person by one source


@dataclass(frozen=True, slots=True)
class SourceValues:
    """`secret` and `logo` None keep what is stored; "" and b"" forget it."""

    kind: str
    name: str
    settings: dict[str, Any]
    correspondence: Correspondence
    secret: str | None = field(default=None, repr=False)
    logo: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """`profile` None: known, and nothing that they are gives them a place here any more."""

    account: Account
    person: Person
    profile: Profile | None


def outbound() -> Outbound:
    return Outbound(private_hosts=settings.PRIVATE_HOSTS)


def offered_sources() -> QuerySet[SignInSource]:
    """What anybody may choose on the sign-in page."""
    present = Q(institution__left_date=None) | Q(institution__left_date__gt=timezone.localdate())
    rows = SignInSource.unscoped.filter(present, is_active=True).select_related("institution").defer("logo")
    return rows.order_by("institution__name", "name", "id")


def choice_address() -> str:
    return reverse("federation:choice") if offered_sources().exists() else ""


def offered(source_id: int) -> SignInSource | None:
    return offered_sources().filter(id=source_id).first()


def source_of(source_id: int) -> SignInSource | None:
    """Active or not: for a trial, and for the messages by which a server ends sessions."""
    return SignInSource.unscoped.select_related("institution").defer("logo").filter(id=source_id).first()


def accounts_of(person_id: int) -> QuerySet[Account]:
    return Account.unscoped.own(person_id)


def institutions_of(person_id: int) -> set[int]:
    """Whose accounts recognise them."""
    return set(Account.unscoped.filter(person=person_id).values_list("institution", flat=True))


def proven_by(account: Account) -> frozenset[int]:
    """The institutions whose profiles a sign-in by this account opens: its own, and those that have no other way to know the
    person. Another's profiles wait for its own sign-in: its administrators answer for nobody elsewhere."""
    held = Profile.objects.filter(person=account.person_id).values_list("institution", flat=True)
    return frozenset({account.institution_id} | (set(held) - institutions_of(account.person_id)))


def barred_in(person_id: int) -> set[int]:
    """The institutions that suspended them."""
    return set(Suspension.unscoped.filter(person=person_id).values_list("institution", flat=True))


def logo_of(source_id: int) -> bytes:
    row = SignInSource.unscoped.filter(id=source_id).values_list("logo", flat=True).first()
    return bytes(row or b"")


@transaction.atomic
def add_source(principal: Principal, values: SourceValues) -> SignInSource:
    source = SignInSource(institution_id=principal.institution_id, kind=values.kind)
    _write(source, values)
    _record(principal, "source.add", source)
    return source


@transaction.atomic
def edit_source(principal: Principal, source: SignInSource, values: SourceValues) -> None:
    _write(source, values)
    _record(principal, "source.edit", source)


@transaction.atomic
def activate_source(principal: Principal, source: SignInSource, *, is_active: bool) -> None:
    """Switched off, it brings nobody any more, and those it brought are out."""
    source.is_active = is_active
    source.save(update_fields=["is_active"])
    if not is_active:
        _end(OpenSession.unscoped.filter(account__source=source))
    _record(principal, "source.activate" if is_active else "source.deactivate", source)


@transaction.atomic
def delete_source(principal: Principal, source: SignInSource, *, now: datetime) -> None:
    """What its people did stays, under their name; what it gave them ends."""
    _record(principal, "source.delete", source)
    for account in Account.unscoped.filter(source=source):
        _take_back(account, account.given_roles, account.given_groups, now=now)
    _end(OpenSession.unscoped.filter(account__source=source))
    source.delete()


@transaction.atomic
def arrive(source: SignInSource, identity: Identity, *, now: datetime, person: Person | None = None) -> Arrived:
    """The person whom this source recognises, with the profiles and groups that it gives them now: what it no longer gives
    is taken back. An account that is new becomes another one of `person`, or makes somebody new. Raises
    SignInError("no_role" | "suspended" | "account_of_another")."""
    roles = [(role, detail) for role, detail in identity.roles if role in ROLES_OF[Nature(source.institution.nature)]]
    account = _known_account(source, identity.key)
    if account is None:
        if not roles and not (person and _held(person.id, [source.institution_id]).exists()):
            raise SignInError("no_role")
        account = _new_account(source, identity.key, name=identity.display_name, person=person)
    if person is not None and account.person != person:
        raise SignInError("account_of_another")
    if not account.person.is_active or giving.is_barred(account):
        raise SignInError("suspended")
    _rename(account, identity)
    gone = [role for role in account.given_roles if role not in dict(roles)]
    profiles = [_give(account, role, detail) for role, detail in roles]
    opened = [one for one in profiles if one.ended_at is None]
    groups = _give_groups(account, opened, identity.groups)
    _roles, of_directories = giving.given_by_directories(account)
    for one in opened:
        one.groups.add(*of_directories)
    _take_back(account, gone, [one for one in account.given_groups if one not in groups], now=now)
    account.given_roles, account.given_groups, account.seen_at = [role for role, _ in roles], groups, now
    account.save(update_fields=["given_roles", "given_groups", "seen_at"])
    return Arrived(account, account.person, _first_profile(account, profiles))


@transaction.atomic
def remember_session(
    account: Account, session_key: str, name: str, *, now: datetime, subject: str = "", former: str = ""
) -> None:
    """`name`: the CAS ticket, the `sid` or the SessionIndex, under which the source may end it; `subject`: the SAML name of
    its holder, where that is another than the key of the account. `former`: the key that this session had, when the same
    person had opened it by another source, which may still end it."""
    age = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    OpenSession.unscoped.filter(opened_at__lt=now - age).delete()
    if former:
        same = OpenSession.unscoped.filter(session_key=former, account__person=account.person_id)
        same.update(session_key=session_key)
    OpenSession.unscoped.create(
        institution_id=account.institution_id,
        account=account,
        handle=handle_of(name),
        subject=handle_of(subject),
        session_key=session_key,
        opened_at=now,
    )


@transaction.atomic
def end_sessions(source: SignInSource, *, name: str = "", key: str = "", subject: str = "") -> int:
    """Those that this source opened under all of what is given: a name, the account `key`, a `subject`; how many."""
    rows = OpenSession.unscoped.filter(account__source=source)
    if name:
        rows = rows.filter(handle=handle_of(name))
    if key:
        rows = rows.filter(account__key=key)
    if subject:
        rows = rows.filter(subject=handle_of(subject))
    return _end(rows) if name or key or subject else 0


def _end(rows: OpenSessionQuerySet) -> int:
    ended = rows.end()
    for account in ended:
        _record_account("system:sign-in", "session.end", account)
    return len(ended)


def _write(source: SignInSource, values: SourceValues) -> None:
    source.name, source.settings, source.correspondence = values.name, values.settings, values.correspondence
    if values.logo is not None:
        source.logo, source.has_logo = values.logo, bool(values.logo)
    source.save()
    if values.secret is not None:
        source.keep_secret(values.secret)
    if source.kind == Kind.OIDC:
        transaction.on_commit(oidc.forget)


def recognise(source: SignInSource, key: str, *, name: str, person: Person | None = None) -> Account:
    """The account of this key, made if need be, of `person` or of somebody new. Inside the caller's transaction, until whose
    end its person is held."""
    return _known_account(source, key) or _new_account(source, key, name=name, person=person)


def _known_account(source: SignInSource, key: str) -> Account | None:
    rows = Account.unscoped.filter(source=source, key=key)
    if person_id := rows.values_list("person", flat=True).first():
        Person.objects.hold(person_id)  # before the account, as an erasure does, which may have deleted it meanwhile
    return rows.select_for_update(of=("self",)).select_related("person").first()


def _new_account(source: SignInSource, key: str, *, name: str, person: Person | None = None) -> Account:
    """Of `person` as they are now, or of somebody new."""
    held = Person.objects.hold(person.id) or person if person else _somebody(f"{source.id}:{key}", name or key)
    account, _ = Account.unscoped.get_or_create(
        source=source, key=key, defaults={"institution_id": source.institution_id, "person": held}
    )
    _record_account(f"person:{held.id}", "account.add", account)
    return account


def _somebody(key: str, name: str) -> Person:
    person, is_new = Person.objects.get_or_create(key=key, defaults={"source": Source.FEDERATED, "display_name": name})
    held = person if is_new else Person.objects.hold(person.id)
    return held if held and held.key == key else _somebody(key, name)  # erased meanwhile, the key is nobody's


def _rename(account: Account, identity: Identity) -> None:
    """The name and the address that the source gives today. An address it does not give is not kept. A linked account
    changes neither: they are those of the first."""
    person = account.person
    if person.key != str(account):
        return
    name = identity.display_name or person.display_name
    if (person.display_name, person.email) != (name, identity.mail):
        person.display_name, person.email = name, identity.mail
        person.save(update_fields=["display_name", "email"])


def _give(account: Account, role: str, detail: str) -> Profile:
    """A profile that somebody here has ended is not opened again by the source that goes on giving it."""
    profile, is_new = Profile.objects.get_or_create(
        institution_id=account.institution_id, person=account.person, role=role, defaults={"detail": detail}
    )
    is_given_anew = role not in account.given_roles
    if is_given_anew and (is_new or profile.ended_at):
        profile.ended_at = None
        _record_account("system:sign-in", "profile.give", account, role=role)
    if detail and profile.detail != detail:
        profile.detail = detail
    profile.save(update_fields=["ended_at", "detail"])
    return profile


def _give_groups(account: Account, profiles: Iterable[Profile], names: Iterable[str]) -> list[int]:
    """The ids of the groups, made if need be: a group that a directory knows is one here."""
    groups = [
        Group.objects.get_or_create(institution_id=account.institution_id, name=name)[0] for name in list(names)[:MOST_GROUPS]
    ]
    for profile in profiles:
        profile.groups.add(*groups)
    return [group.id for group in groups]


def _take_back(account: Account, roles: Iterable[str], group_ids: Iterable[int], *, now: datetime) -> None:
    profiles = Profile.objects.filter(institution_id=account.institution_id, person_id=account.person_id)
    kept_roles, kept_groups = giving.given_by_directories(account)
    for profile in profiles:
        profile.groups.remove(*(one for one in group_ids if one not in kept_groups))
    for role in roles:
        if role not in kept_roles and profiles.filter(role=role, ended_at=None).update(ended_at=now):
            _record_account("system:sign-in", "profile.end", account, role=role)


def _first_profile(account: Account, profiles: Iterable[Profile]) -> Profile | None:
    """What the source gives them first; else a profile that they hold here from elsewhere; else one of another institution
    that this sign-in opens."""
    given = next((one for one in profiles if one.ended_at is None), None)
    here, opened = [account.institution_id], proven_by(account)
    return given or _held(account.person_id, here).first() or _held(account.person_id, opened).first()


def _held(person_id: int, institution_ids: Iterable[int]) -> QuerySet[Profile]:
    return Profile.objects.filter(person=person_id, institution__in=institution_ids, ended_at=None)


def _record(principal: Principal, action: str, source: SignInSource) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"source:{source.id}",
        kind=source.kind,
    )


def _record_account(actor: str, action: str, account: Account, **details: str) -> None:
    record(
        institution_id=account.institution_id,
        actor=actor,
        action=action,
        subject=f"person:{account.person_id}",
        source=account.source_id,
        **details,
    )
