"""What is being answered, seen and stopped by the administrators of one institution and of no other."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import House
from parvis.access.keys.actions import create_app, create_key
from parvis.assistants import actions
from parvis.assistants.models import LEASE, Assistant, State, Turn
from parvis.assistants.tests.conftest import QUESTION, course  # noqa: F401 - a fixture
from parvis.audit.models import Entry
from parvis.inference.actions import forget_stops
from parvis.inference.models import Stop
from parvis.inference.open_streams import OpenFile, OpenStream, open_streams
from parvis.inference.publishing import Publisher
from parvis.institutions.models import Institution, Profile, Role

SignIn = Callable[[Profile], Client]
Open = Callable[..., str]
PAGE = "/administration/en-cours/"


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.SNAPSHOTS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def opened(house: House, folder: Path) -> Iterator[Open]:
    """A stream of a worker that lives; gives the number of its request."""
    worker, streams = OpenFile(folder), list[OpenStream]()

    def add(institution: Institution = house.institution, *, key: int = 0, model: str = "petit", component: str = "") -> str:
        request_id = f"req_{len(streams):024x}"
        started = time.time() - 75
        streams.append(
            OpenStream(request_id, institution.id, key, 0, component, "chat/completions", model, started, True, "fr", 12, 3456)
        )
        worker.write(streams)
        return request_id

    yield add
    worker.close()


@pytest.fixture
def neighbour_administrator(house: House) -> Profile:
    teacher = house.neighbour_teacher
    return Profile.objects.create(institution=teacher.institution, person=teacher.person, role=Role.ADMINISTRATOR)


def test_an_administrator_sees_what_is_answered_and_who_asks_without_the_name_of_a_person(
    house: House, sign_in: SignIn, opened: Open
) -> None:
    app = create_app(house.institution.id, name="Borne d’accueil", detail="", groups=[], actor="test")
    given: Any = {"scopes": ["models"], "days": 30, "by": None, "actor": "test"}
    of_app, _token = create_key(app, name="Nuit", **given)
    of_person, _token = create_key(house.teacher, name="Mon essai", **given)
    opened(key=of_app.id, model="grand")
    opened(key=of_person.id, component="UFR Droit")
    page = sign_in(house.administrator).get(PAGE).content.decode()
    for shown in (
        "grand",
        "Borne d’accueil",
        "Nuit",
        of_app.hint,
        "petit",
        "UFR Droit",
        "La clé d’une personne, « Mon essai »",
        "France",
    ):
        assert shown in page.replace("\u00a0", " ")
    assert "1 min 15 s" in page.replace("\u00a0", " ")
    assert "12 morceaux" in page.replace("\u00a0", " ")
    for hidden in ("Enseignante d’ici", of_person.hint):
        assert hidden not in page


def test_it_is_for_administrators_and_says_when_there_is_nothing(house: House, sign_in: SignIn, folder: Path) -> None:
    page = sign_in(house.administrator).get(PAGE)
    assert "Rien n’est en cours" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    for profile in (house.student, house.teacher):
        client = sign_in(profile)
        assert client.get(PAGE).status_code == client.post(f"{PAGE}arret/", {"stream": "x"}).status_code == 404


def test_it_follows_until_it_is_paused(house: House, sign_in: SignIn, folder: Path) -> None:
    client = sign_in(house.administrator)
    assert "every 2s" in client.get(PAGE).content.decode()
    assert "every 2s" not in client.get(f"{PAGE}?fige=1").content.decode()


def test_an_institution_sees_and_stops_only_its_own(
    house: House, sign_in: SignIn, opened: Open, folder: Path, neighbour_administrator: Profile
) -> None:
    own, theirs = opened(model="le-notre"), opened(house.neighbour_institution, model="le-leur")
    client = sign_in(house.administrator)
    page = client.get(PAGE).content.decode()
    assert "le-notre" in page
    assert "le-leur" not in page
    for request_id in (theirs, "req_" + "f" * 24):  # another's and nobody's are told alike
        answer = client.post(f"{PAGE}arret/", {"stream": request_id}, follow=True)
        assert "déjà terminée" in answer.content.decode()
    assert not Stop.unscoped.exists()
    answer = client.post(f"{PAGE}arret/", {"stream": own}, follow=True)
    assert "quelques secondes" in answer.content.decode()
    assert 'value="' + own not in answer.content.decode()  # it ends: there is nothing more to press
    client.post(f"{PAGE}arret/", {"stream": own})
    [stop] = Stop.unscoped.all()
    assert (stop.institution, stop.request_id, stop.stopped_by) == (house.institution, own, house.administrator)
    [entry] = Entry.objects.filter(action="stream.stop")
    assert (entry.institution_id, entry.subject, entry.details["model"]) == (house.institution.id, f"stream:{own}", "le-notre")
    assert Publisher(folder).tick().stopped == ((house.institution.id, own),)
    assert "le-leur" in sign_in(neighbour_administrator).get(PAGE).content.decode()


@pytest.mark.parametrize("sent", ["", "req_", "req_" + "0" * 23, "req_" + "0" * 24 + "\n", "é" * 5_000, "\0", "1 OR 1=1"])
def test_what_names_no_answer_is_refused(house: House, sign_in: SignIn, opened: Open, sent: str) -> None:
    opened()
    answer = sign_in(house.administrator).post(f"{PAGE}arret/", {"stream": sent})
    assert answer.status_code == 422
    assert "petit" in answer.content.decode()
    assert not Stop.unscoped.exists()


def test_workers_are_told_for_a_minute_and_the_row_goes_after_an_hour(
    house: House, sign_in: SignIn, opened: Open, folder: Path
) -> None:
    request_id = opened()
    client = sign_in(house.administrator)
    client.post(f"{PAGE}arret/", {"stream": request_id})
    Stop.unscoped.update(stopped_at=timezone.now() - timedelta(minutes=2))
    assert Publisher(folder).tick().stopped == ()
    client.post(f"{PAGE}arret/", {"stream": request_id})  # it is still there: they are told again
    assert Publisher(folder).tick().stopped == ((house.institution.id, request_id),)
    assert forget_stops(timezone.now()) == 0
    assert forget_stops(timezone.now() + timedelta(hours=1, seconds=1)) == 1


def test_what_a_dead_worker_left_is_not_shown_and_goes(house: House, sign_in: SignIn, folder: Path) -> None:
    script = f"""
import os, pathlib, time
from parvis.inference.open_streams import OpenFile, OpenStream
worker = OpenFile(pathlib.Path({str(folder)!r}))
worker.write([OpenStream("req_dead", {house.institution.id}, 1, 1, "", "chat/completions", "mourant", time.time())])
print(flush=True)
input()
os._exit(1)
"""
    worker = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout
    worker.stdout.readline()
    client = sign_in(house.administrator)
    assert "mourant" in client.get(PAGE).content.decode()
    [file] = (folder / "open").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    Publisher(folder).tick()
    assert file.exists()
    worker.communicate(b"\n", timeout=10)
    assert "mourant" not in client.get(PAGE).content.decode()
    Publisher(folder).tick()
    assert not file.exists()


def test_what_another_version_wrote_is_passed_over(house: House, opened: Open, folder: Path) -> None:
    opened()
    kept = [one.request_id for one in open_streams(folder, house.institution.id)]
    for content in (b"", b"\xff\xff", b"\x91\x91\x01"):
        (folder / "open" / "1-other.open").write_bytes(content)
        assert [one.request_id for one in open_streams(folder, house.institution.id)] == kept


def test_the_answer_of_an_assistant_is_stopped_and_its_asker_told(
    house: House,
    sign_in: SignIn,
    course: Assistant,  # noqa: F811
    folder: Path,
    neighbour_administrator: Profile,
) -> None:
    turn = actions.ask(house.principal(house.student), course, QUESTION)
    client, neighbour = sign_in(house.administrator), sign_in(neighbour_administrator)
    page = client.get(PAGE).content.decode()
    assert "Droit des contrats" in page
    for hidden in ("prescription", "Étudiante d’ici"):
        assert hidden not in page
    assert "Droit des contrats" not in neighbour.get(PAGE).content.decode()
    stop = f"{PAGE}reponses/{turn.id}/arret/"
    assert neighbour.post(stop).status_code == client.post(f"{PAGE}reponses/999999/arret/").status_code == 404
    assert client.post(stop).status_code == 302
    assert Turn.unscoped.get().state == State.CANCELLED
    [entry] = Entry.objects.filter(action="stream.stop")
    assert entry.subject == f"turn:{turn.id}"
    assert "Droit des contrats" not in client.get(f"{PAGE}?fige=1").content.decode().partition('id="streams"')[2]
    conversation = sign_in(house.student).get(f"/conversations/{turn.conversation_id}/").content.decode()
    assert "arrêté cette réponse" in conversation
    assert "déjà terminée" in client.post(stop, follow=True).content.decode()


def test_a_turn_whose_server_died_is_not_being_written(
    house: House,
    sign_in: SignIn,
    course: Assistant,  # noqa: F811
    folder: Path,
) -> None:
    actions.ask(house.principal(house.student), course, QUESTION)
    Turn.unscoped.update(lease_until=timezone.now() - LEASE)
    assert "Droit des contrats" not in sign_in(house.administrator).get(PAGE).content.decode()
