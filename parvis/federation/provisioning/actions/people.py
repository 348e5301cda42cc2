"""What the administrator of an institution does with its people, by hand."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import slugify

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.federation.models import Account, DirectoryEntry, Suspension
from parvis.federation.provisioning.actions.giving import end_profiles, suspended_among
from parvis.federation.provisioning.actions.suspending import bar, lift
from parvis.federation.provisioning.models import Barring
from parvis.federation.provisioning.unfit import Unfit
from parvis.identity.models import Person, Source
from parvis.institutions.models import ROLES_OF, Institution, Nature, Profile


def people_of(principal: Principal) -> QuerySet[Person]:
    """Whoever has, or had, a profile, an account or an entry in this institution, and is not erased."""
    here = {"institution": principal.institution_id, "person": OuterRef("pk")}
    if not principal.may("person:view"):
        return Person.objects.none()
    return Person.objects.filter(
        Exists(Profile.objects.filter(**here))
        | Exists(DirectoryEntry.unscoped.filter(**here))
        | Exists(Account.unscoped.filter(**here))
    ).exclude(source=Source.ERASED)


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
def restore(principal: Principal, person_id: int, *, now: datetime) -> bool:
    """They find again what directories and lists give them, and what was given by hand; what their sign-in source gives, when
    they next sign in. False when SCIM made them inactive: they stay so."""
    lift(principal.institution_id, person_id, by=Barring.HERE, actor=principal.actor, now=now)
    return not suspended_among(principal.institution_id, [person_id])


def _must_be_held_here(institution: Institution, role: str) -> None:
    if role not in ROLES_OF[Nature(institution.nature)]:
        raise ValueError(f"nobody is {role} there")


def _free(start: str, base: str) -> str:
    taken = set(Person.objects.filter(key__startswith=start + base).values_list("key", flat=True))
    keys = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(key for key in keys if start + key not in taken)


def _record(principal: Principal, action: str, person_id: int, **details: object) -> None:
    subject = f"person:{person_id}"
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)
