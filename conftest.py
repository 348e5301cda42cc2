"""The house every test may use: two institutions, their people, and a client signed in as any of them."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client, TransactionTestCase

from parvis.access.middleware import PROFILE_KEY, principal_of
from parvis.access.principal import Principal
from parvis.access.sessions.store import SessionStore
from parvis.identity.models import Person, Source
from parvis.inference.door import forget_health
from parvis.institutions.models import Group, Institution, Profile, Role
from tests.emptying import empty_tables

gc.disable()  # to the end of collection: what is imported stays
TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined]  # noqa: SLF001


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
    here, there = Institution.objects.bulk_create(
        [
            Institution(slug="ici", name="Université d’ici", short_name="Ici"),
            Institution(slug="la-bas", name="Université de là-bas", short_name="Là-bas"),
        ]
    )
    group = Group.objects.create(institution=here, name="L1 Droit")
    people = _profiles(
        student=(here, "Étudiante d’ici", Role.STUDENT),
        other_student=(here, "Autre étudiant", Role.STUDENT),
        teacher=(here, "Enseignante d’ici", Role.TEACHER),
        other_teacher=(here, "Autre enseignant", Role.TEACHER),
        administrator=(here, "Administratrice d’ici", Role.ADMINISTRATOR),
        neighbour_teacher=(there, "Enseignant voisin", Role.TEACHER),
        neighbour_student=(there, "Étudiante voisine", Role.STUDENT),
    )
    group.profiles.add(people["student"])
    return House(here, there, group, **people)


def _profiles(**wanted: tuple[Institution, str, Role]) -> dict[str, Profile]:
    people = Person.objects.bulk_create(
        Person(key=f"local:{institution.slug}:{name}", source=Source.LOCAL, display_name=name)
        for institution, name, _ in wanted.values()
    )
    profiles = Profile.objects.bulk_create(
        Profile(institution=institution, person=person, role=role)
        for person, (institution, _, role) in zip(people, wanted.values(), strict=True)
    )
    return dict(zip(wanted, profiles, strict=True))


@pytest.fixture
def sign_in() -> Callable[[Profile], Client]:
    """A client signed in as a profile, its language French as for most readers."""

    def make(profile: Profile) -> Client:
        client = Client(headers={"accept-language": "fr"})
        session = SessionStore(secrets.token_hex(16))
        session[SESSION_KEY] = str(profile.person_id)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = profile.person.get_session_auth_hash()
        session[PROFILE_KEY] = profile.id
        session.save(must_create=True)
        client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
        return client

    return make


@pytest.fixture(autouse=True)
def _models_are_well() -> None:
    """Another server may answer where one failed before."""
    forget_health()


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    gc.enable()
