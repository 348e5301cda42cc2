"""Who works in the alliance: its working groups, and the people who represent each institution."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Profile, Role, WorkingGroup

GIVEN = (Role.REFERENT, Role.SIGNATORY)  # the roles given here; the others come from who runs the installation


class NameTaken(Exception):
    """Two working groups of one name could not be told apart."""

    code = "name_taken"


def create_group(principal: Principal, name: str) -> WorkingGroup:
    with transaction.atomic():
        if WorkingGroup.objects.filter(name__iexact=name).exists():
            raise NameTaken
        group = WorkingGroup.objects.create(name=name, slug=_free_slug(name))
        _record(principal, "group.create", f"group:{group.id}", name=name)
    return group


def change_group(
    principal: Principal, group: WorkingGroup, *, name: str, is_active: bool, profiles: Iterable[Profile]
) -> None:
    """Its needs and their history stay, whatever becomes of the group."""
    with transaction.atomic():
        if WorkingGroup.objects.filter(name__iexact=name).exclude(id=group.id).exists():
            raise NameTaken
        group.name, group.is_active = name, is_active
        group.save(update_fields=["name", "is_active"])
        group.profiles.set(profiles)
        members = sorted(profile.id for profile in profiles)
        _record(principal, "group.edit", f"group:{group.id}", name=name, is_active=is_active, members=members)


def give_role(
    principal: Principal, institution: Institution, role: str, *, person: Person | None, name: str = "", email: str = ""
) -> Profile:
    """To somebody of the institution, or to a new person. A role that had ended begins again."""
    if role not in GIVEN:
        raise ValueError(f"{role} is not given here")
    with transaction.atomic():
        if person is None:
            key = f"{Source.LOCAL}:{institution.slug}:{_free_key(institution, name)}"
            person = Person.objects.create(key=key, source=Source.LOCAL, display_name=name, email=email)
        profile, _created = Profile.objects.update_or_create(
            institution=institution, person=person, role=role, defaults={"ended_at": None}
        )
        _record(principal, "role.give", f"person:{person.id}", role=role, institution=institution.id)
    return profile


def end_role(principal: Principal, profile: Profile) -> None:
    """From the next request on nobody acts in it. What was signed in it stays signed, by the same name."""
    with transaction.atomic():
        held = Profile.objects.select_for_update(of=("self",)).get(id=profile.id)
        held.ended_at = timezone.now()
        held.save(update_fields=["ended_at"])
        for group in WorkingGroup.objects.filter(profiles=held):
            group.profiles.remove(held)
        _record(principal, "role.end", f"person:{held.person_id}", role=held.role, institution=held.institution_id)


def _free_slug(name: str) -> str:
    base = slugify(name)[:40] or "groupe"
    taken = set(WorkingGroup.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken)


def _free_key(institution: Institution, name: str) -> str:
    base = slugify(name) or "personne"
    start = f"{Source.LOCAL}:{institution.slug}:"
    taken = set(Person.objects.filter(key__startswith=start + base).values_list("key", flat=True))
    keys = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(key for key in keys if start + key not in taken)


def _record(principal: Principal, action: str, subject: str, **details: object) -> None:
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)
