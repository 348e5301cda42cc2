"""The pages: one's own, and those of who looks after data protection."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory, Client
from django.urls import reverse

from conftest import House
from parvis.access.sign_in import make_token
from parvis.audit.models import Entry
from parvis.identity.models import Person, Source
from parvis.inference.models import LanguageModel, Provider, Zone
from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.privacy.clocks import CLOCKS
from parvis.privacy.models import Processing, Retention, RightRequest
from parvis.privacy.presentation import zip_response
from parvis.privacy.register import days
from parvis.privacy.tests.conftest import WORD, make_canary

SignIn = Callable[[Profile], Client]
ADMINISTRATION = ["register", "retention", "people", "add_line"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def page(client: Client, name: str, *args: object) -> str:
    response = client.get(reverse(f"privacy:{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def signed_in_by_link(person: Person, agent: str) -> Client:
    client = Client(headers={"accept-language": "fr", "user-agent": agent})
    assert client.post(reverse("access:sign_in_link", args=[make_token(person)])).status_code == 302
    return client


def test_one_sees_who_one_is_and_closes_the_other_sessions(house: House) -> None:
    here = signed_in_by_link(house.student.person, AGENT)
    there = signed_in_by_link(
        Person.objects.get(id=house.student.person_id), "Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Edg/126"
    )
    other = signed_in_by_link(house.teacher.person, AGENT)
    shown = page(here, "me")
    assert "Étudiante d’ici" in shown
    assert "Firefox, Linux" in shown
    assert "Edge, Windows" in shown
    assert here.post(reverse("privacy:other_sessions")).status_code == 302
    assert here.get("/mon-profil/").status_code == 200
    assert there.get("/mon-profil/").status_code == 302, "closed"
    assert other.get("/mon-profil/").status_code == 200, "another person’s stays"
    assert Entry.objects.get(action="session.close_others").details == {"closed": 1}


def test_one_gets_a_copy_and_it_is_recorded(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.student)
    assert client.get(reverse("privacy:copy")).status_code == 405
    response = client.post(reverse("privacy:copy"))
    assert response["Content-Type"] == "application/zip"
    assert response["Cache-Control"] == "no-store"
    names = zipfile.ZipFile(io.BytesIO(content_of(response))).namelist()
    assert "ici/identity_person.json" in names
    assert "Copie · par moi-même" in page(client, "me")


def test_one_is_told_what_stays_then_erased_and_out(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.student)
    shown = page(client, "erasure")
    assert "personne effacée" in shown
    refused = client.post(reverse("privacy:erasure"), {})
    assert refused.status_code == 422
    assert "Cochez cette case" in refused.content.decode()
    assert Person.objects.get(id=house.student.person_id).source == Source.LOCAL

    response = client.post(reverse("privacy:erasure"), {"understood": "on"}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("privacy:erased")
    assert client.get("/mon-profil/").status_code == 302
    assert Person.objects.get(id=house.student.person_id).source == Source.ERASED


@pytest.mark.parametrize("nature", [Nature.VENDOR, Nature.OBSERVER, Nature.COORDINATION])
def test_everybody_has_a_page_of_their_own(house: House, sign_in: SignIn, nature: Nature) -> None:
    role = {Nature.VENDOR: Role.VENDOR, Nature.OBSERVER: Role.OBSERVER, Nature.COORDINATION: Role.COORDINATOR}[nature]
    there = Institution.objects.create(slug="autre", name="Autre", short_name="Autre", nature=nature)
    person = Person.objects.create(key="local:autre", source=Source.LOCAL, display_name="Autre personne")
    client = sign_in(Profile.objects.create(institution=there, person=person, role=role))
    assert "Autre personne" in page(client, "me")
    assert "Mes comptes" in page(client, "me")


@pytest.mark.parametrize("name", ADMINISTRATION)
def test_only_the_administration_looks_after_data(house: House, sign_in: SignIn, name: str) -> None:
    assert page(sign_in(house.administrator), name)
    for profile in (house.student, house.teacher):
        assert sign_in(profile).get(reverse(f"privacy:{name}")).status_code == 404
    assert Client().get(reverse(f"privacy:{name}")).status_code == 302


def test_a_request_is_answered_for_somebody_with_a_reason_that_they_read(house: House, sign_in: SignIn) -> None:
    canary = make_canary(house, reads=False)
    administrator = sign_in(house.administrator)
    assert WORD in administrator.get(reverse("privacy:people"), {"q": WORD}).content.decode()
    shown = page(administrator, "person", canary.person.id)
    assert f"Camille {WORD}" in shown
    copy = reverse("privacy:person_copy", args=[canary.person.id])
    assert administrator.post(copy, {"copy-reason": "court"}).status_code == 422
    response = administrator.post(copy, {"copy-reason": "Courrier du 3 mars"})
    assert response["Content-Type"] == "application/zip"
    assert content_of(response).startswith(b"PK")
    own = page(canary.client, "me")
    assert "Administratrice d’ici" in own
    assert "Courrier du 3 mars" in own
    erasure = reverse("privacy:person_erasure", args=[canary.person.id])
    assert administrator.post(erasure, {"erasure-reason": "Courrier du 3 mars"}).status_code == 422
    assert administrator.post(erasure, {"erasure-reason": "Courrier du 3 mars", "erasure-understood": "on"}).status_code == 302
    assert administrator.get(reverse("privacy:person", args=[canary.person.id])).status_code == 404
    assert RightRequest.unscoped.filter(person=canary.person).count() == 2


def test_a_person_of_another_institution_does_not_exist_here(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    foreign, absent, own = house.neighbour_student.person_id, 999_999, house.student.person_id
    data = {"copy-reason": "Courrier du 3 mars", "erasure-reason": "Courrier du 3 mars", "erasure-understood": "on"}
    assert page(administrator, "person", own)
    for number in (foreign, absent):
        assert administrator.get(reverse("privacy:person", args=[number])).status_code == 404
        for name in ("person_copy", "person_erasure"):
            assert administrator.post(reverse(f"privacy:{name}", args=[number]), data).status_code == 404
    assert "Étudiante voisine" not in administrator.get(reverse("privacy:people"), {"q": "voisine"}).content.decode()
    assert Person.objects.get(id=foreign).source == Source.LOCAL


def values(**changed: str) -> dict[str, str]:
    filled = {"name": "Connexion", "purpose": "Ouvrir", "legal_base": "public_task", "people": "Tous", "data": "Nom"}
    return filled | {"retention": "1 an", "recipients": "", "processors": "", "measures": ""} | changed


def test_the_register_is_proposed_written_and_told_when_what_exists_changes(house: House, sign_in: SignIn) -> None:
    make_canary(house, reads=False)
    administrator = sign_in(house.administrator)
    shown = page(administrator, "register")
    assert "Assistants : " in shown.replace("\u00a0", " ")
    assert "displayName" in shown
    code = "assistants:course"
    assert administrator.post(reverse("privacy:line", args=[code]), values(name="Nos assistants")).status_code == 302
    assert "Nos assistants" in page(administrator, "register")
    assert "ce qui existe a changé" not in page(administrator, "register")

    provider = Provider.unscoped.create(
        institution=house.institution, name="Nuage", base_url="https://nuage.example/v1", zone=Zone.EU
    )
    LanguageModel.unscoped.create(institution=house.institution, provider=provider, name="m", display_name="Modèle Z")
    assert "ce qui existe a changé" in page(administrator, "register")
    assert "Nuage (nuage.example), Union européenne" in page(administrator, "line", code)

    assert administrator.post(reverse("privacy:forget_line", args=[code])).status_code == 302
    assert "Modèle Z" in page(administrator, "register")
    assert not Processing.unscoped.exists()


def test_a_line_of_ones_own_is_added_and_is_no_neighbours(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    empty = administrator.post(reverse("privacy:add_line"), values(purpose=""))
    assert empty.status_code == 422
    assert administrator.post(reverse("privacy:add_line"), values(name="Vidéosurveillance")).status_code == 302
    assert "Vidéosurveillance" in page(administrator, "register")
    code = Processing.unscoped.get().code
    neighbour = Profile.objects.create(
        institution=house.neighbour_institution, person=house.neighbour_teacher.person, role=Role.ADMINISTRATOR
    )
    there = sign_in(neighbour)
    assert "Vidéosurveillance" not in page(there, "register")
    assert there.get(reverse("privacy:line", args=[code])).status_code == 404
    assert there.post(reverse("privacy:line", args=[code]), values()).status_code == 404
    assert there.post(reverse("privacy:forget_line", args=[code])).status_code == 404
    assert Processing.unscoped.get().name == "Vidéosurveillance"


@pytest.mark.parametrize(
    ("name", "extension", "begins"),
    [
        ("register_file", "csv", b"\xef\xbb\xbfTraitement;"),
        ("register_file", "odt", b"PK"),
        ("register_file", "docx", b"PK"),
        ("assessment_file", "odt", b"PK"),
        ("assessment_file", "docx", b"PK"),
    ],
)
def test_the_register_and_the_assessment_leave_as_documents(
    house: House, sign_in: SignIn, name: str, extension: str, begins: bytes
) -> None:
    make_canary(house, reads=False)
    response = sign_in(house.administrator).get(reverse(f"privacy:{name}", args=[extension]))
    assert response.status_code == 200
    assert response.content.startswith(begins)
    if extension != "csv":
        inside = zipfile.ZipFile(io.BytesIO(response.content))
        text = inside.read("content.xml" if extension == "odt" else "word/document.xml").decode()
        assert "Journal de preuve" in text
        assert "Mission d’intérêt public" in text
        assert WORD not in text.replace(f"Cours privé {WORD}", ""), "courses are named, people are not"
    assert sign_in(house.administrator).get(reverse(f"privacy:{name}", args=["exe"])).status_code == 404


def test_durations_are_chosen_within_limits(house: House, sign_in: SignIn) -> None:
    make_canary(house, reads=False)
    administrator = sign_in(house.administrator)
    chosen = {clock.code: str(clock.days) for clock in CLOCKS}
    refused = administrator.post(reverse("privacy:retention"), chosen | {"conversations": "100000"})
    assert refused.status_code == 422
    assert not Retention.unscoped.exists()
    assert administrator.post(reverse("privacy:retention"), chosen | {"conversations": "90"}).status_code == 302
    assert Retention.unscoped.get().days == 90
    assert "90" in page(administrator, "retention")
    assert "90 jours après la dernière question" in page(administrator, "register").replace("\u00a0", " ")
    assert sign_in(house.teacher).post(reverse("privacy:retention"), chosen).status_code == 404


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1 jour"), (14, "14 jours"), (30, "30 jours"), (90, "90 jours"), (183, "6 mois"), (365, "1 an"), (1825, "5 ans")],
)
def test_durations_are_said_as_people_do(number: int, words: str) -> None:
    assert days(number) == words


async def test_a_copy_is_sent_piece_by_piece_and_closed() -> None:
    content = io.BytesIO(b"x" * 600_000)
    response = zip_response(AsyncRequestFactory().post("/"), content, "copie")
    assert isinstance(response, StreamingHttpResponse)
    pieces = [piece async for piece in response]
    assert [len(piece) for piece in pieces] == [262_144, 262_144, 75_712]
    assert content.closed
    assert response.headers["Cache-Control"] == "no-store"
