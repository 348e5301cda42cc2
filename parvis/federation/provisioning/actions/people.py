"""What the administrator of an institution does with its people and its groups, by hand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import slugify

from parvis.access.principal import Principal
from parvis.access.rules import actions as rules
from parvis.audit.models import record
from parvis.federation.models import Account, DirectoryEntry, DirectoryGroup, Suspension
from parvis.federation.provisioning.actions.giving import end_profiles
from parvis.federation.provisioning.actions.suspending import bar, lift
from parvis.federation.provisioning.models import Barring
from parvis.identity.models import Person, Source
from parvis.institutions.models import ROLES_OF, Group, Institution, Nature, Profile


class Unfit(Exception):
    """What was asked cannot be done; `code` has its sentence in `sentences`."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def people_of(principal: Principal) -> QuerySet[Person]:
    """Whoever has, or had, a profile, an account or an entry in this institution."""
    here = {"institution": principal.institution_id, "person": OuterRef("pk")}
    if not principal.may("person:view"):
        return Person.objects.none()
    return Person.objects.filter(
        Exists(Profile.objects.filter(**here))
        | Exists(DirectoryEntry.unscoped.filter(**here))
        | Exists(Account.unscoped.filter(**here))
    )


@transaction.atomic
def add_person(principal: Principal, *, name: str, role: str, detail: str, identifier: str) -> Profile:
    """Somebody no directory knows. Raises Unfit("identifier_taken") when the identifier is somebody's."""
    institution = Institution.objects.get(id=principal.institution_id)
    _must_be_held_here(institution, role)
    start = f"{Source.LOCAL}:{institution.slug}:"
    key = start + (identifier or _free(start, slugify(name) or "personne"))
    if Person.objects.filter(key=key).exists():
        raise Unfit("identifier_taken", identifier=identifier)
    person = Person.objects.create(key=key, source=Source.LOCAL, display_name=name)
    profile = Profile.objects.create(institution=institution, person=person, role=role, detail=detail)
    _record(principal, "profile.give", person.id, role=role)
    return profile


@transaction.atomic
def give_profile(principal: Principal, person: Person, role: str, *, detail: str) -> Profile:
    """A role more, or one that had ended. Raises Unfit("suspended")."""
    _must_be_held_here(Institution.objects.get(id=principal.institution_id), role)
    if Suspension.unscoped.filter(institution_id=principal.institution_id, person=person).exists():
        raise Unfit("suspended")
    profile, _made = Profile.objects.update_or_create(
        institution_id=principal.institution_id, person=person, role=role, defaults={"ended_at": None, "detail": detail}
    )
    _record(principal, "profile.give", person.id, role=role)
    return profile


@transaction.atomic
def end_profile(principal: Principal, profile: Profile, *, now: datetime) -> None:
    """What was done in it stays, under the same name. Raises Unfit("own_profile"): nobody shuts themselves out."""
    if profile.id == principal.profile_id:
        raise Unfit("own_profile")
    end_profiles([profile], now=now)
    _record(principal, "profile.end", profile.person_id, role=profile.role)


@transaction.atomic
def suspend(principal: Principal, person_id: int, *, now: datetime) -> None:
    """Every profile they hold in this institution ends, and no way of signing in opens one, until they are restored. Raises
    Unfit("own_profile")."""
    if person_id == principal.person_id:
        raise Unfit("own_profile")
    bar(principal.institution_id, person_id, by=Barring.HERE, actor=principal.actor, now=now)


@transaction.atomic
def restore(principal: Principal, person_id: int, *, now: datetime) -> None:
    """They find again what directories and lists give them, and what was given by hand; what their sign-in source gives, when
    they next sign in. What SCIM made inactive stays so."""
    lift(principal.institution_id, person_id, by=Barring.HERE, actor=principal.actor, now=now)


@transaction.atomic
def create_group(principal: Principal, name: str) -> Group:
    """Raises Unfit("group_taken")."""
    _must_be_free(principal, name)
    group = Group.objects.create(institution_id=principal.institution_id, name=name)
    _record_group(principal, "people.group.create", group)
    return group


@transaction.atomic
def rename_group(principal: Principal, group: Group, name: str) -> None:
    """Raises Unfit("group_taken" | "kept_by_scim")."""
    _must_be_kept_here(group)
    _must_be_free(principal, name, but=group.id)
    group.name = name
    group.save(update_fields=["name"])
    _record_group(principal, "people.group.rename", group)


@transaction.atomic
def delete_group(principal: Principal, group: Group) -> None:
    """Its people stay. Raises Unfit("kept_by_scim" | "named_by_rules")."""
    _must_be_kept_here(group)
    if is_named_by_rules(group):
        raise Unfit("named_by_rules")
    _record_group(principal, "people.group.delete", group, name=group.name)
    group.delete()


@transaction.atomic
def add_to_group(principal: Principal, group: Group, profiles: Collection[Profile]) -> None:
    group.profiles.add(*profiles)
    _record_group(principal, "people.group.add", group, profiles=sorted(profile.id for profile in profiles))


@transaction.atomic
def remove_from_group(principal: Principal, group: Group, profile: Profile) -> None:
    """A directory that put them in does not put them in again, unless it took them out meanwhile."""
    group.profiles.remove(profile)
    _record_group(principal, "people.group.remove", group, profiles=[profile.id])


def is_kept_by_scim(group: Group) -> bool:
    return DirectoryGroup.unscoped.filter(group=group).exists()


def is_named_by_rules(group: Group) -> bool:
    """By those in force."""
    return f'Group::"{group.id}"' in rules.current(group.institution_id).text


def _must_be_held_here(institution: Institution, role: str) -> None:
    if role not in ROLES_OF[Nature(institution.nature)]:
        raise ValueError(f"nobody is {role} there")


def _must_be_free(principal: Principal, name: str, *, but: int = 0) -> None:
    if Group.objects.filter(institution_id=principal.institution_id, name=name).exclude(id=but).exists():
        raise Unfit("group_taken", name=name)


def _must_be_kept_here(group: Group) -> None:
    if is_kept_by_scim(group):
        raise Unfit("kept_by_scim")


def _free(start: str, base: str) -> str:
    taken = set(Person.objects.filter(key__startswith=start + base).values_list("key", flat=True))
    keys = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(key for key in keys if start + key not in taken)


def _record(principal: Principal, action: str, person_id: int, **details: object) -> None:
    subject = f"person:{person_id}"
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)


def _record_group(principal: Principal, action: str, group: Group, **details: object) -> None:
    subject = f"group:{group.id}"
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)
