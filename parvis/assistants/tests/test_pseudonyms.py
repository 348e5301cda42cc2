"""Answers that a model writes without having read anybody's name: proved against the documents once the names are back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from conftest import House
from parvis.assistants import actions, jobs
from parvis.assistants.actions import create_course
from parvis.assistants.models import Assistant, State, TurnEvent
from parvis.assistants.tests.conftest import Use, add_document
from parvis.corpora.actions import share_corpus
from parvis.corpora.models import Corpus
from parvis.identity.models import Person, Source
from parvis.inference.completion import Delta, Message
from parvis.inference.models import LanguageModel, Provider
from parvis.inference.pseudonymisation import actions as pseudonymisation
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.inference.tests.conftest import attest
from parvis.institutions.models import Profile, Role

PAGES = [
    "Le mémoire de Maëlys Tartempion porte sur la prescription extinctive des créances. Il a été soutenu devant le jury.",
    "La prescription extinctive des créances est de cinq ans. Elle court du jour où le créancier a connu les faits.",
]
QUESTION = "Sur quoi porte le mémoire de Maëlys Tartempion ?"


@pytest.fixture
def course(house: House, at_once: None) -> Iterator[Assistant]:
    pseudonymisation.forget_names()
    person = Person.objects.create(key="demo:maelys", source=Source.DEMO, display_name="Maëlys Tartempion")
    Profile.objects.create(institution=house.institution, person=person, role=Role.STUDENT)
    teacher = house.principal(house.teacher)
    corpus, assistant = create_course(teacher, name="Mémoires")
    share_corpus(teacher, corpus, groups=[], with_institution=True)
    add_document(corpus, "Mémoires soutenus", PAGES)
    Corpus.unscoped.update(data_class="personal")
    pseudonymisation.set_pseudonymisation(
        house.principal(house.administrator),
        cases=["personal:on_prem", "personal:world"],
        student_numbers="",
        terms="",
    )
    yield assistant
    pseudonymisation.forget_names()


class Copying:
    """A model that quotes the passage about the dissertation as it was given it, a few characters at a time."""

    def __init__(self) -> None:
        self.asked: list[list[Message]] = []

    def __call__(self, messages: list[Message]) -> AsyncIterator[Delta]:
        self.asked.append(messages)
        return self._deltas(messages[-1]["content"])

    async def _deltas(self, asked: str) -> AsyncIterator[Delta]:
        found = re.search(r"numero=(\d+)>[^<]*?(Le mémoire de \S+ porte sur la prescription extinctive)", asked)
        assert found, asked
        written = f'{found[2]}. [{found[1]}: "{found[2]}"]'
        for place in range(0, len(written), 3):
            yield Delta(text=written[place : place + 3])
        yield Delta(finish="stop")


def test_the_model_reads_no_name_and_the_answer_has_them_with_its_proof(
    course: Assistant, house: House, use_model: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model("")
    model = Copying()
    monkeypatch.setattr(jobs, "chat", lambda *_given, **_options: model)
    turn = actions.ask(house.principal(house.student), course, QUESTION)
    jobs.start(turn)
    turn.refresh_from_db()
    told = json.dumps(model.asked, ensure_ascii=False)
    assert "Tartempion" not in told
    assert "Maëlys" not in told
    assert len(set(re.findall(r"⟦NOM_\d{5}[A-Z]⟧", told))) == 1
    assert turn.state == State.ANSWERED
    events = list(TurnEvent.unscoped.filter(turn=turn))
    texts = [event.payload for event in events if event.kind == "text"]
    citations = [event.payload for event in events if event.kind == "citation"]
    assert texts[0]["text"].startswith("Le mémoire de Maëlys Tartempion porte sur la prescription extinctive")
    assert texts[0]["status"] == "verified"
    assert citations[0]["verified"]
    assert "Maëlys Tartempion" in citations[0]["quotation"]


def test_without_pseudonyms_nothing_is_sent_and_the_documents_are_quoted(
    course: Assistant, house: House, use_model: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = use_model("jamais")
    monkeypatch.setattr(pseudonymisation, "_detector", _broken)
    turn = actions.ask(house.principal(house.student), course, QUESTION)
    jobs.start(turn)
    turn.refresh_from_db()
    assert model.asked == []
    assert turn.state == State.ANSWERED
    assert turn.mode == "extractive"
    notices = [event.payload["code"] for event in TurnEvent.unscoped.filter(turn=turn, kind="notice")]
    assert notices == ["pseudonyms_unavailable"]


def test_a_fault_while_asking_sends_nothing_and_tells_no_name(
    course: Assistant, house: House, use_model: Use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = use_model("jamais")
    monkeypatch.setattr("parvis.inference.pseudonyms.detection.Detector.read", _broken)
    turn = actions.ask(house.principal(house.student), course, QUESTION)
    jobs.start(turn)
    turn.refresh_from_db()
    assert model.asked == []
    assert turn.state == State.FAILED
    assert turn.error_code == "pseudonyms_unavailable"
    assert "Tartempion" not in caplog.text


def test_a_model_that_a_budget_may_have_answer_in_its_place_is_enough(course: Assistant, house: House) -> None:
    """Pseudonyms are asked for where the other is, and not where the assistant's own is."""
    models = []
    for zone in ("on_prem", "fr"):
        here = {"institution": house.institution, "zone": zone, "base_url": "http://127.0.0.1:9/v1"}
        provider = attest(Provider.unscoped.create(**here, name=zone))
        model = LanguageModel(institution=house.institution, provider=provider, name=zone, display_name=zone, alias=zone)
        model.save()
        models.append(model)
    Assistant.unscoped.filter(id=course.id).update(model=models[0])
    turn = actions.ask(house.principal(house.student), course, QUESTION)
    for case, asked in (("personal:eu", False), ("personal:fr", True)):
        Pseudonymisation.unscoped.update(cases=[case])
        work = actions.prepare(turn.id)
        assert work
        assert work.route
        assert work.route.zone == "on_prem"
        assert (work.pseudonyms is not None) == asked


def _broken(*_given: object) -> None:
    raise RuntimeError("Maëlys Tartempion")
