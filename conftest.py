"""The house every test may use: two institutions, their people, and a client signed in as any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from parvis.access.middleware import PROFILE_KEY, principal_of
from parvis.access.principal import Principal
from parvis.identity.models import Person, Source
from parvis.institutions.models import Group, Institution, Profile, Role


@dataclass(frozen=True)
class House:
    """Two institutions; in the first a student in a group, one outside it, two teachers and an administrator; a neighbour's
    teacher and student in the second."""

    institution: Institution
    neighbour_institution: Institution
    group: Group
    student: Profile
    other_student: Profile
    teacher: Profile
    other_teacher: Profile
    administrator: Profile
    neighbour_teacher: Profile
    neighbour_student: Profile

    def principal(self, profile: Profile) -> Principal:
        return principal_of(profile)


@pytest.fixture
def house(db: None) -> House:
    here = Institution.objects.create(slug="ici", name="Université d’ici", short_name="Ici")
    there = Institution.objects.create(slug="la-bas", name="Université de là-bas", short_name="Là-bas")
    group = Group.objects.create(institution=here, name="L1 Droit")
    student = _profile(here, "Étudiante d’ici", Role.STUDENT)
    group.profiles.add(student)
    return House(
        institution=here,
        neighbour_institution=there,
        group=group,
        student=student,
        other_student=_profile(here, "Autre étudiant", Role.STUDENT),
        teacher=_profile(here, "Enseignante d’ici", Role.TEACHER),
        other_teacher=_profile(here, "Autre enseignant", Role.TEACHER),
        administrator=_profile(here, "Administratrice d’ici", Role.ADMINISTRATOR),
        neighbour_teacher=_profile(there, "Enseignant voisin", Role.TEACHER),
        neighbour_student=_profile(there, "Étudiante voisine", Role.STUDENT),
    )


def _profile(institution: Institution, name: str, role: Role) -> Profile:
    person = Person.objects.create(key=f"local:{institution.slug}:{name}", source=Source.LOCAL, display_name=name)
    return Profile.objects.create(institution=institution, person=person, role=role)


@pytest.fixture
def sign_in() -> Callable[[Profile], Client]:
    """A client signed in as a profile, its language French as for most readers."""

    def make(profile: Profile) -> Client:
        client = Client(headers={"accept-language": "fr"})
        client.force_login(profile.person)
        session = client.session
        session[PROFILE_KEY] = profile.id
        session.save()
        return client

    return make
