"""Notices are told to whom they wait for, mailed as each chose, and dates reach a calendar by an address one may revoke."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.access.agenda import Awaited
from parvis.access.calendars import calendar
from parvis.access.principal import Principal
from parvis.institutions.actions import notify, send_notices
from parvis.institutions.models import Mailing, Notice, Profile
from parvis.institutions.notices import _SENTENCES, send_by_mail, sentence

SignIn = Callable[[Profile], Client]
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def dated(_principal: Principal) -> list[Awaited]:
    return [Awaited("Réponses", "SI-001, assistants; suite", "/sondages/1/", due=NOW)]


def _with_mail(profile: Profile, mailing: Mailing) -> Profile:
    profile.person.email = f"p{profile.id}@exemple.fr"
    profile.person.save()
    profile.notices_by_mail = mailing
    profile.save()
    return profile


def test_a_notice_is_counted_opened_and_belongs_to_its_reader(house: House, sign_in: SignIn) -> None:
    notify([house.teacher, house.other_teacher], "vote_opened", "/besoins/", but=house.other_teacher.id, code="BH-001")
    row = Notice.objects.get()
    client = sign_in(house.teacher)
    assert "1 avis non lu" in client.get("/avis/").content.decode()
    assert "BH-001 est en discussion" in client.get("/avis/").content.decode()
    assert sign_in(house.other_teacher).post(f"/avis/{row.id}/").status_code == 404
    opened = client.post(f"/avis/{row.id}/")
    assert opened.headers["Location"] == "/besoins/"
    assert "non lu" not in client.get("/avis/").content.decode()


def test_mails_follow_what_each_chose_and_are_sent_once(house: House) -> None:
    each, daily = _with_mail(house.teacher, Mailing.EACH), _with_mail(house.student, Mailing.DAILY)
    none = _with_mail(house.administrator, Mailing.NONE)
    people = [each, daily, none, house.other_teacher]  # the last has no address
    notify(people, "vote_opened", "/besoins-harmonises/1/", code="BH-001")
    notify(people, "cosignature_open", "/besoins-harmonises/2/", code="BH-002")
    assert send_notices(send_by_mail, now=timezone.now()) == 2
    assert {one.to[0].split("<")[-1] for one in mail.outbox} == {f"{p.person.email}>" for p in (each, daily)}
    assert "http://127.0.0.1:8000/besoins-harmonises/2/" in mail.outbox[0].body
    assert send_notices(send_by_mail, now=timezone.now()) == 0
    notify(people, "cosignature_open", "/besoins-harmonises/3/", code="BH-003")
    assert send_notices(send_by_mail, now=timezone.now()) == 1, "the digest waits for its day"
    assert send_notices(send_by_mail, now=timezone.now() + timedelta(days=1, minutes=1)) == 1


def test_a_server_that_refuses_loses_nothing(house: House) -> None:
    notify([_with_mail(house.teacher, Mailing.EACH)], "vote_opened", "/", code="BH-001")

    def refuse(_profile: Profile, _notices: list[Notice]) -> None:
        raise ConnectionRefusedError

    assert send_notices(refuse, now=NOW) == 0
    assert send_notices(send_by_mail, now=NOW) == 1


@pytest.mark.parametrize("kind", sorted(_SENTENCES))
def test_every_sentence_is_filled_by_what_acts_give(kind: str) -> None:
    params = {"code": "BH-001", "institution": "Ici", "group": "Pédagogie", "deadline": "2026-11-23T08:00:00+00:00"}
    words = sentence(Notice(code=kind, params={**params, "place": "UFR de droit", "percent": 80}))
    assert not re.search(r"%[(%]", words)


def test_a_calendar_opens_by_its_address_until_it_is_revoked(house: House, sign_in: SignIn, settings: LazySettings) -> None:
    settings.AGENDA = [f"{__name__}.dated"]
    client, stranger = sign_in(house.teacher), Client()
    client.post("/avis/calendrier/", {"renew": "1"})
    house.teacher.refresh_from_db()
    address = f"/calendrier/{house.teacher.calendar_key}.ics"
    assert address in client.get("/avis/").content.decode()
    content = stranger.get(address).content.decode()
    assert "SUMMARY:Réponses : SI-001\\, assistants\\; suite\r\n" in content
    assert "DTSTART:20261123T080000Z" in content
    assert "URL:http://testserver/" in content  # as it is reached, whatever its port
    client.post("/avis/calendrier/", {"revoke": "1"})
    assert stranger.get(address).status_code == 404
    assert stranger.get("/calendrier/.ics").status_code == 404


def test_two_dates_of_one_thing_are_two_events_and_a_postponed_date_is_the_same() -> None:
    questions = Awaited("Dates", "SI-003", "/sondages/3/", note="Fin des questions", due=NOW)
    answers = replace(questions, note="Fin des réponses")
    first, second, postponed = (
        re.findall(rb"UID:\S+", calendar("x", [one], site="", now=NOW))
        for one in (questions, answers, replace(answers, due=NOW + timedelta(days=9)))
    )
    assert first != second == postponed


def test_long_lines_are_folded_between_characters() -> None:
    words = "é" * 200
    content = calendar("x", [Awaited("t", words, "/", due=NOW.date())], site="https://x", now=NOW)
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    assert words in content.replace(b"\r\n ", b"").decode()
    assert b"DTSTART;VALUE=DATE:20261123\r\nDTEND;VALUE=DATE:20261124" in content
