"""The administrator's page of pseudonyms, and what an institution's settings make of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.audit.models import Entry
from parvis.identity.models import Person, Source
from parvis.inference.door import matrix_of
from parvis.inference.pseudonymisation import actions
from parvis.inference.pseudonymisation.actions import pseudonyms_for
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.publishing import snapshot_of
from parvis.inference.routing import Clearance
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
        asked = pseudonyms_for(house.institution.id, data_class="personal", zones=["eu"], conversation=conversation)
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


def test_what_leaves_as_it_is_goes_nowhere_that_pseudonyms_are_asked_for(house: House) -> None:
    """Vectors, and what the data plane relays: neither hides anything."""
    here, there = house.institution.id, house.neighbour_institution.id
    Pseudonymisation.unscoped.create(institution=house.institution, cases=["personal:eu"])
    assert matrix_of(here, as_it_is=True)["personal", "eu"] == Clearance.REFUSED
    assert matrix_of(here)["personal", "eu"] == matrix_of(there, as_it_is=True)["personal", "eu"] == Clearance.ALLOWED
    assert matrix_of(here, as_it_is=True)["internal", "eu"] == Clearance.ALLOWED
    published = {one.id: one.matrix for one in snapshot_of(timezone.now()).institutions}
    assert ("personal", "eu", "refused") in published[here]
    assert ("personal", "eu", "allowed") in published[there]
