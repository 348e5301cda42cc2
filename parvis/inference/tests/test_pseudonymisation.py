"""The administrator's page of pseudonyms, and what an institution's settings make of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from conftest import House
from parvis.access.secrets.keyring import keyring
from parvis.audit.models import Entry
from parvis.identity.models import Person, Source
from parvis.inference import door
from parvis.inference.completion import UpstreamError
from parvis.inference.models import LanguageModel, Provider, Purpose
from parvis.inference.pseudonymisation import actions
from parvis.inference.pseudonymisation.actions import pseudonyms_for
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.publishing import Publisher
from parvis.inference.snapshots import Pseudonyms as Asking
from parvis.inference.snapshots import read_hidden, read_snapshot
from parvis.inference.tests.conftest import attest, running
from parvis.inference.tests.model_server import ModelServer, honest, sending_vectors
from parvis.institutions.models import Profile, Role

SignIn = Callable[[Profile], Client]
PAGE, TRIAL = "/modeles/pseudonymes/", "/modeles/pseudonymes/essai/"
NAME = "Maëlys Tartempion"


@pytest.fixture(autouse=True)
def no_names_of_another_test() -> Iterator[None]:
    actions.forget_names()
    yield
    actions.forget_names()


@pytest.fixture
def known(house: House) -> Person:
    person = Person.objects.create(key="demo:maelys", source=Source.DEMO, display_name=NAME)
    Profile.objects.create(institution=house.institution, person=person, role=Role.STUDENT)
    return person


def ask_for(house: House, *cases: str, student_numbers: str = "", terms: str = "") -> None:
    actions.set_pseudonymisation(
        house.principal(house.administrator), cases=list(cases), student_numbers=student_numbers, terms=terms
    )


def test_an_administrator_says_where_pseudonyms_are_asked_for(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    values = {"personal": ["fr", "eu"], "sensitive": ["on_prem"], "student_numbers": " p9999999 \n", "terms": "Projet Griffon"}
    assert client.post(PAGE, values).status_code == 302
    row = Pseudonymisation.objects.visible_to(house.principal(house.administrator)).get()
    assert row.cases == ["personal:fr", "personal:eu", "sensitive:on_prem"]
    assert row.student_numbers == "p9999999"
    assert Entry.objects.filter(action="pseudonyms.edit").count() == 1
    assert client.get(PAGE).content.decode().count("checked") == 3


@pytest.mark.parametrize(
    "values", [{"student_numbers": "AAAA"}, {"student_numbers": "(9|9)*"}, {"terms": "x"}, {"public": ["mars"]}]
)
def test_what_would_hide_everything_or_means_nothing_is_refused(values: dict[str, str], house: House, sign_in: SignIn) -> None:
    assert sign_in(house.administrator).post(PAGE, values).status_code == 422
    assert not Pseudonymisation.unscoped.exists()


def test_the_box_shows_what_would_be_sent_and_what_comes_back(house: House, known: Person, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    ask_for(house, student_numbers="p9999999")
    page = client.post(TRIAL, {"text": f"Je suis {NAME}, p1234567, 06 12 34 56 78.\n<b>"}).content.decode()
    sent = page.partition('<p class="pseudonyms-text">')[2].partition("</p>")[0]
    assert "Tartempion" not in sent
    assert sent.count("<mark>") == 3
    assert "&lt;b&gt;" in sent
    assert page.count(f"Je suis {NAME}, p1234567, 06 12 34 56 78.") == 2  # in the box, and what comes back


def test_only_administration_opens_it(house: House, sign_in: SignIn) -> None:
    for profile in (house.teacher, house.student):
        client = sign_in(profile)
        assert client.get(PAGE).status_code in (403, 404)
        assert client.post(TRIAL, {"text": "x"}).status_code in (403, 404)


def test_pseudonyms_are_given_where_they_are_asked_for_and_nowhere_else(house: House, known: Person) -> None:
    ask_for(house, "personal:eu")
    here = house.institution.id
    assert pseudonyms_for(here, data_class="personal", zones=["fr"]) is None
    assert pseudonyms_for(here, data_class="internal", zones=["eu"]) is None
    assert pseudonyms_for(house.neighbour_institution.id, data_class="personal", zones=["eu"]) is None
    asked = pseudonyms_for(here, data_class="personal", zones=["fr", "eu"])
    assert asked is not None
    assert "Tartempion" not in asked.texts([NAME])[0]


def test_who_arrives_is_known_at_once_and_who_left_still_is(house: House, known: Person) -> None:
    ask_for(house, "personal:eu")

    def sent(text: str) -> str:
        asked = pseudonyms_for(house.institution.id, data_class="personal", zones=["eu"])
        assert asked is not None
        return asked.texts([text])[0]

    assert "Zorglubert" in sent("Nina Zorglubert")
    newcomer = Person.objects.create(key="demo:nina", source=Source.DEMO, display_name="Nina Zorglubert")
    profile = Profile.objects.create(institution=house.institution, person=newcomer, role=Role.STUDENT)
    assert "Zorglubert" not in sent("Nina Zorglubert")
    Profile.objects.filter(id=profile.id).update(ended_at=profile.institution.joined_date)
    assert "Zorglubert" not in sent("Nina Zorglubert")


def test_a_conversation_keeps_its_placeholders_and_shares_none(house: House, known: Person) -> None:
    ask_for(house, "personal:eu")

    def sent(conversation: str) -> str:
        asked = pseudonyms_for(house.institution.id, data_class="personal", zones=["eu"], subject=conversation)
        assert asked is not None
        return asked.texts([NAME])[0]

    assert sent("conversation:1") == sent("conversation:1")
    assert len({sent("conversation:1"), sent("conversation:2"), sent(""), sent("")}) == 4


def test_settings_that_cannot_be_read_refuse(house: House, sign_in: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    ask_for(house, "personal:eu")
    Pseudonymisation.unscoped.update(student_numbers="9")
    assert sign_in(house.administrator).post(TRIAL, {"text": NAME}).status_code == 422
    with pytest.raises(PseudonymsUnavailableError):
        pseudonyms_for(house.institution.id, data_class="personal", zones=["eu"])
    assert "PatternError" in caplog.text


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with running(honest) as one:
        one.embedding = sending_vectors(lambda text: [1.0, float(len(text))])
        yield one


@pytest.fixture
def vectors(house: House, known: Person, server: ModelServer) -> Callable[[str, list[str]], list[str]]:
    """What the endpoint of the institution, in the Union, is sent of texts of a class."""
    provider = Provider.unscoped.create(institution=house.institution, name="Loin", base_url=f"{server.url}/v1", zone="eu")
    given = {"institution": house.institution, "provider": attest(provider), "name": "sens", "display_name": "Sens"}
    LanguageModel.unscoped.create(**given, purpose=Purpose.EMBEDDINGS)

    def sent(data_class: str, texts: list[str], longest: int | None = None) -> list[str]:
        route = door.embeddings_route(house.institution.id)
        assert route
        admitted = door.admit_background(house.institution.id, inputs=[data_class], only=route, app="documents")
        server.requests.clear()
        assert len(door.embedded(admitted, texts, seconds=5, longest=longest)) == len(texts)
        return [text for request in server.requests for text in request.body["input"]]

    return sent


def test_vectors_are_made_of_pseudonyms_where_they_are_asked_for(house: House, vectors: Any) -> None:
    texts = [f"Mémoire de {NAME}", "Rien de personne"]
    assert vectors("personal", texts) == texts
    ask_for(house, "personal:eu", "sensitive:on_prem")
    first, second = vectors("personal", texts)
    assert re.fullmatch(r"Mémoire de ⟦NOM_\d{5}[A-Z]⟧", first)
    assert second == texts[1]
    assert vectors("personal", ["06 12 34 56 78", texts[0], f"par {NAME} ?"])[1:] == [first, f"par {first[11:]} ?"]
    assert vectors("internal", texts) == texts


def test_a_name_where_a_text_is_cut_is_hidden_whole(house: House, vectors: Any) -> None:
    ask_for(house, "personal:eu")
    [sent] = vectors("personal", [f"Mémoire de {NAME}"], longest=17)
    assert sent.startswith("Mémoire de ⟦NOM_")


def test_vectors_of_names_and_of_pseudonyms_are_not_compared(house: House, vectors: Any) -> None:
    def key() -> str:
        route = door.embeddings_route(house.institution.id)
        return route.key if route else ""

    before = key()
    ask_for(house, "personal:on_prem")
    assert key() == before
    ask_for(house, "personal:eu")
    assert key() != before
    ask_for(house)
    assert key() == before


def test_without_pseudonyms_no_vector_is_asked_for(
    house: House, vectors: Any, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for(house, "personal:eu")
    for name in ("parvis.inference.pseudonyms.detection.Detector.read", "parvis.inference.pseudonymisation.actions._detector"):
        with monkeypatch.context() as patch:
            patch.setattr(name, _broken)
            with pytest.raises(UpstreamError) as refused:
                vectors("personal", ["x"])
            assert (refused.value.code, server.requests) == ("pseudonyms_unavailable", [])


def _broken(*_given: object) -> None:
    raise RuntimeError(NAME)


def test_the_data_plane_is_given_the_names_sealed_and_only_where_they_are_used(
    house: House, known: Person, tmp_path: Path, settings: Any
) -> None:
    publisher = Publisher(tmp_path)

    def told() -> Asking | None:
        publisher._due_at = 0.0
        publisher.tick()
        snapshot = read_snapshot(tmp_path, master=settings.SECRET_KEY)[1]
        assert NAME.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("hidden-*"))
        return {one.id: one.pseudonyms for one in snapshot.institutions}[house.institution.id]

    assert told() is None
    ask_for(house, "personal:eu", student_numbers="p9999999", terms="Projet Griffon")
    asking = told()
    assert asking
    version, hidden = read_hidden(tmp_path, house.institution.id, master=settings.SECRET_KEY, ring=keyring())
    assert asking == Asking((("personal", "eu"),), version)
    assert NAME in hidden.names
    assert (hidden.terms, hidden.student_numbers) == (("Projet Griffon",), ("p9999999",))
    written = (tmp_path / f"hidden-{house.institution.id}").stat().st_mtime_ns
    assert told() == asking
    assert (tmp_path / f"hidden-{house.institution.id}").stat().st_mtime_ns == written
    Person.objects.filter(id=known.id).update(source=Source.ERASED)
    assert told() != asking
    assert NAME not in read_hidden(tmp_path, house.institution.id, master=settings.SECRET_KEY, ring=keyring())[1].names
    ask_for(house)
    assert told() is None
    assert list(tmp_path.glob("hidden-*")) == []
