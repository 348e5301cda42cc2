"""Who asks is read at each request, by queries that are composed once."""

from __future__ import annotations

from pytest_django import DjangoAssertNumQueries

from conftest import House
from parvis.access import middleware
from parvis.access.middleware import principal_of
from parvis.identity.backends import KnownPerson
from parvis.institutions.models import Profile


def test_what_is_read_is_what_is_there_now(house: House, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for profile in (house.student, house.teacher, house.neighbour_teacher):
        asked = Profile.objects.select_related("institution").get(id=profile.id)
        with django_assert_num_queries(1):
            (found,) = middleware._profiles(profile.person_id)
            assert (found, found.institution.name, found.role) == (asked, asked.institution.name, asked.role)
    assert principal_of(house.student).group_ids == {house.group.id}
    assert principal_of(house.other_student).group_ids == set()
    house.group.profiles.add(house.other_student)
    assert principal_of(house.other_student).group_ids == {house.group.id}
    Profile.objects.filter(id=house.teacher.id).update(ended_at="2026-01-01T00:00Z")
    assert middleware._profiles(house.teacher.person_id) == []


def test_nobody_suspended_nor_absent_is_known(house: House) -> None:
    person = house.teacher.person
    assert KnownPerson().get_user(person.id) == person
    type(person).objects.filter(id=person.id).update(is_active=False)
    assert KnownPerson().get_user(person.id) is None
    assert KnownPerson().get_user(900_000_001) is None


def test_nothing_is_kept_of_the_thread_that_composed(house: House) -> None:
    """Its connection ends with it."""
    assert middleware._profiles(house.teacher.person_id)
    assert middleware._profiles._composed[1].connection is None
