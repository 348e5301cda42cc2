"""No institution reaches another through any address (decision 0017)."""

from __future__ import annotations

from random import Random

import pytest
from django.db import connection
from django.test import Client

from parvis.identity.models import Person
from parvis.institutions.models import Role
from tests.isolation import world
from tests.isolation.attempts import (
    ANONYMOUS,
    SUSPENDED,
    Attempt,
    Range,
    Visitor,
    addresses,
    drawn,
    leaks,
    names_a_row,
    neutral,
    shown,
)
from tests.isolation.routes import ROUTES, To
from tests.isolation.world import ABSENT, COLLEAGUE, FOREIGN, HOLDER, OWN

PORTIONS = [sorted(ROUTES)[start::5] for start in range(5)]
SEED, DRAWN = 17, 12


@pytest.fixture
def place(db: None) -> Range:
    return Range(world.build())


def test_every_route_has_its_line() -> None:
    silent = set(addresses()) - set(ROUTES)
    assert silent == set(), "Write the line of each in tests/isolation/routes.py: who opens it, and how far it reaches."
    assert set(ROUTES) - set(addresses()) == set(), "These lines are of no route any more."
    assert [name for name, route in ROUTES.items() if (route.to is To.NOBODY) != bool(route.why)] == []


@pytest.mark.parametrize("portion", PORTIONS)
def test_each_route_opens_for_its_people_and_nobody_else(place: Range, portion: list[str]) -> None:
    faults = [fault for name in portion for fault in faults_of(place, name)]
    assert faults == [], "\n".join(faults)


def faults_of(place: Range, name: str) -> list[str]:
    route = ROUTES[name]
    to = route.to if names_a_row(name) or route.to in (To.NOBODY, To.ANYBODY) else To.ALLIANCE

    def ask(visitor: Visitor, target: int) -> tuple[str, bool, object]:
        answer = place.ask(Attempt(name, route.verb, visitor, target))
        said = f"{name} for {visitor.who} {visitor.role} of {visitor.side}: {answer.status}"
        return said + f" {shown(answer, visitor)}", answer.opened and not shown(answer, visitor), answer

    wanted = [
        (Visitor(HOLDER, route.opens), To.HOLDER),
        (Visitor(COLLEAGUE, route.opens), To.INSTITUTION),
        (Visitor(HOLDER, route.opens, FOREIGN), To.ALLIANCE),
        (Visitor(ANONYMOUS), To.ANYBODY),
        (Visitor(SUSPENDED, route.opens), To.ANYBODY),
    ]
    if route.by == "token":  # an institution's, whoever is suspended
        wanted = wanted[:4]
    if route.by != "session":  # of one holder
        wanted = [one for one in wanted if one[0].who != COLLEAGUE]
    if not names_a_row(name):  # it shows each their own: what differs is whether one comes in
        wanted = [one for one in wanted if one[0].who in (HOLDER, ANONYMOUS, SUSPENDED) and one[0].side == OWN]
    faults = []
    for visitor, least in wanted:
        if visitor.who in (ANONYMOUS, SUSPENDED) and name == "access:sign_out":
            continue  # leaving is for everybody
        said, opened, answer = ask(visitor, OWN)
        wanted_open = to >= least and to is not To.NOBODY and not (route.holder_only and visitor.who == COLLEAGUE)
        wanted_open = wanted_open and not (route.others_only and visitor.who == HOLDER)
        if opened != wanted_open:
            faults.append(said)
        elif route.known or route.holder_only or route.others_only:
            continue
        elif not opened and names_a_row(name) and answer != ask(visitor, ABSENT)[2]:
            faults.append(f"{said}, but otherwise than what does not exist")
    if names_a_row(name) and to < To.ALLIANCE:
        attempt = Attempt(name, route.verb, Visitor(HOLDER, route.opens), FOREIGN)
        faults += [fault] if (fault := leaks(place, attempt)) else []
    return faults


def test_drawn_attempts_give_nothing_away(place: Range) -> None:
    attempts = drawn(place, Random(SEED))
    assert [fault for _ in range(DRAWN) if (fault := leaks(place, next(attempts)))] == []


def test_a_leak_would_be_seen(place: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    from parvis.corpora.models import CorpusQuerySet

    monkeypatch.setattr(CorpusQuerySet, "visible_to", lambda self, principal: self)
    found = leaks(place, Attempt("corpora:detail", "get", Visitor(HOLDER, Role.TEACHER), FOREIGN))
    assert bool(found) is (connection.vendor == "sqlite"), "PostgreSQL keeps them apart even where a door does not"


def test_a_calendar_is_closed_with_its_person(place: Range) -> None:
    address = f"/calendrier/{place.world.calendars[OWN]}.ics"
    assert Client().get(address).status_code == 200
    Person.objects.filter(id=OWN).update(is_active=False)
    absent, closed = Client().get(address.replace(".ics", "x.ics")), Client().get(address)
    assert absent.status_code == closed.status_code == 404
    assert neutral(closed.content).replace(b".ics", b"") == neutral(absent.content).replace(b"x.ics", b"")
