"""Erasure while the same person signs in, on another connection: the sign-in is refused, or what it made is erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.access.sessions.models import Session
from parvis.access.sign_in import make_token, open_session
from parvis.federation.actions import arrive
from parvis.federation.attributes import Identity
from parvis.federation.failure import SignInError
from parvis.federation.models import Account, OpenSession, SignInSource
from parvis.federation.tests.conftest import Landing, cas_servers, cas_source, come_back, go, landing, someone
from parvis.federation.tests.conftest import Person as Browser
from parvis.identity.models import Person, Source
from parvis.institutions.models import Profile, Role
from parvis.isolation import scope
from parvis.privacy.actions import people

__all__ = ["cas_servers", "landing", "someone"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
Given = TypeVar("Given")
BLOCKED = 0.25  # seconds after which who has not ended waits for the other


class Hands:
    """Threads, each with its connection."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)

    def start(self, do: Callable[[], Given]) -> Future[Given]:
        def alone() -> Given:
            scope.begin("tests")
            try:
                return do()
            finally:
                connection.close()

        return self._pool.submit(alone)

    @contextmanager
    def erasing(self, house: House, person: Person, *, is_read: bool) -> Iterator[Future[bool]]:
        """The person is held and, where `is_read`, erased already; nothing is committed before the end."""
        began, go_on = Event(), Event()

        def erase() -> bool:
            with transaction.atomic():
                Person.objects.hold(person.id)
                done = is_read and people.erase_for(house.principal(house.administrator), person, reason="À sa demande")
                began.set()
                assert go_on.wait(10)
                return done or people.erase_for(house.principal(house.administrator), person, reason="À sa demande")

        erasure = self.start(erase)
        assert began.wait(10)
        try:
            yield erasure
        finally:
            go_on.set()
        assert erasure.result(20)

    def end(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def hands() -> Iterator[Hands]:
    made = Hands()
    yield made
    made.end()


def leftovers(person: Person) -> dict[str, int]:
    """Of somebody erased: rows of theirs, whatever signed them in."""
    now = Person.objects.get(id=person.id)
    assert (now.source, now.is_active, now.email) == (Source.ERASED, False, "")
    kept = {
        "sign-in": int(now.last_login is not None),
        "sessions": Session.objects.filter(person=person).count(),
        "accounts": Account.unscoped.filter(person=person).count(),
        "opened": OpenSession.unscoped.filter(account__person=person).count(),
        "open profiles": Profile.objects.filter(person=person, ended_at=None).count(),
    }
    return {name: count for name, count in kept.items() if count}


def is_waiting(one: Future[Any]) -> bool:
    return not wait([one], timeout=BLOCKED).done


def test_a_link_opens_nothing_for_who_is_being_erased(house: House, hands: Hands) -> None:
    person = house.student.person
    address = reverse("access:sign_in_link", args=[make_token(person)])
    with hands.erasing(house, person, is_read=True):
        answer = hands.start(lambda: Client().post(address))
        assert is_waiting(answer)
    assert answer.result(20).headers["Location"].endswith("?refused")
    assert leftovers(person) == {}


def known(source: SignInSource) -> Person:
    """Somebody whom the source has brought already."""
    who = Identity("cdelmas", "Claire Delmas", "", ((Role.TEACHER, "Droit"),), ())
    return arrive(source, who, now=timezone.now()).person


def test_who_comes_back_while_they_are_erased_is_somebody_new(
    house: House, hands: Hands, landing: Landing, cas_servers: list[str], someone: Browser
) -> None:
    source = cas_source(house.institution, cas_servers[0])
    person = known(source)
    client = landing.client()
    back = someone.log_in(go(client, source), username="cdelmas", password="samledc")
    with hands.erasing(house, person, is_read=False):
        answer = hands.start(lambda: come_back(client, back))
        assert is_waiting(answer)
    assert answer.result(20).status_code == 302
    assert leftovers(person) == {}
    assert Account.unscoped.get().person_id != person.id


def test_an_erasure_in_the_middle_of_a_sign_in_takes_what_it_made(
    house: House, hands: Hands, landing: Landing, cas_servers: list[str], someone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = cas_source(house.institution, cas_servers[0])
    person = known(source)
    client = landing.client()
    back = someone.log_in(go(client, source), username="cdelmas", password="samledc")
    erasures: list[Future[bool]] = []

    def slowly(*given: Any, **details: Any) -> None:
        erase = lambda: people.erase_for(house.principal(house.administrator), person, reason="À sa demande")  # noqa: E731
        erasures.append(hands.start(erase))
        assert is_waiting(erasures[0])
        open_session(*given, **details)

    monkeypatch.setattr("parvis.federation.views.open_session", slowly)
    signed_in: HttpResponse = come_back(client, back)
    assert signed_in.status_code in (302, 400)  # 400: the session had gone before it was written a last time
    assert erasures[0].result(20)
    assert leftovers(person) == {}
    assert client.get("/").status_code == 302


def test_an_account_is_not_joined_to_who_is_being_erased(house: House, hands: Hands) -> None:
    source = cas_source(house.institution, "http://127.0.0.1:1/cas")
    person = house.student.person
    who = Identity("cdelmas", "Claire Delmas", "", ((Role.TEACHER, "Droit"),), ())
    with hands.erasing(house, person, is_read=True):
        joined = hands.start(lambda: arrive(source, who, now=timezone.now(), person=person))
        assert is_waiting(joined)
    with pytest.raises(SignInError):
        joined.result(20)
    assert leftovers(person) == {}
