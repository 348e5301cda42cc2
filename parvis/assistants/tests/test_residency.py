"""Residency as people meet it: what a change of the matrix does to assistants, and every input of a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from conftest import House
from parvis.access.middleware import principal_of
from parvis.assistants.actions import ask, classify_conversation, create_course, prepare
from parvis.assistants.models import Conversation, State, Turn
from parvis.audit.models import Entry
from parvis.corpora.actions import share_corpus
from parvis.inference import door
from parvis.inference.models import LanguageModel, Provider, RoutingMatrix
from parvis.inference.tests.conftest import attest
from parvis.inference.tests.test_routing_pages import ROUTING, SAVING, asked
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]


@pytest.fixture
def model(house: House) -> LanguageModel:
    here = {"institution": house.institution, "name": "Nuage", "base_url": "http://127.0.0.1:9/v1", "zone": "eu"}
    provider = attest(Provider.unscoped.create(**here))
    return LanguageModel.unscoped.create(
        institution=house.institution, provider=provider, name="m", display_name="Modèle du nuage", alias="nuage"
    )


def test_a_change_says_what_it_changes_by_tool_and_people_then_holds_at_once_and_is_recorded(
    house: House, sign_in: SignIn, model: LanguageModel
) -> None:
    teacher = principal_of(house.teacher)
    corpus, _assistant = create_course(teacher, name="Suivi des étudiants", data_class="personal")
    share_corpus(teacher, corpus, groups=[], with_institution=True)
    create_course(teacher, name="Droit des contrats")
    administrator = sign_in(house.administrator)
    dry = administrator.post(ROUTING, asked(personal="on_prem"))
    [change] = dry.context["changes"]
    assert (change.tool.name, change.before, change.after) == ("Suivi des étudiants", ("Modèle du nuage",), ())
    assert change.people == 5
    assert "5 personnes peuvent s’en servir" in dry.content.decode()
    assert not RoutingMatrix.unscoped.exists()

    assert administrator.post(SAVING, asked(personal="on_prem")).status_code == 422  # without a reason
    assert administrator.post(SAVING, asked(personal="on_prem", reason="Avis du DPO")).status_code == 302
    with pytest.raises(door.NoRouteError):
        door.admit(teacher, inputs=["personal"], purpose="course")
    assert door.admit(teacher, inputs=["internal"], purpose="course")
    [entry] = Entry.objects.filter(action="routing.save")
    assert entry.details["cells"]["personal"] == {"on_prem": "allowed", "fr": "refused", "eu": "refused", "world": "refused"}
    assert (entry.details["reason"], entry.actor) == ("Avis du DPO", f"person:{house.administrator.person_id}")


@pytest.mark.parametrize("kind", ["conversation", "key", "default"])
def test_every_input_counts(house: House, model: LanguageModel, kind: str) -> None:
    principal = principal_of(house.teacher)
    _corpus, assistant = create_course(principal, name="Droit", data_class="public")
    assistant.model = model
    assistant.save()

    def routed(turn: Turn) -> bool:
        work = prepare(turn.id)
        assert work
        return work.route is not None

    assert routed(ask(principal, assistant, "Qu’est-ce qu’un contrat ?"))
    conversation = Conversation.unscoped.latest("id")
    if kind == "conversation":
        classify_conversation(principal, conversation, "sensitive")
        classify_conversation(principal, conversation, "public")  # what was written in it stays
    elif kind == "key":
        ask(replace(principal, key_id=1, data_class="sensitive"), assistant, "Et lui ?")
        conversation = Conversation.unscoped.latest("id")
    else:
        house.institution.data_class = "sensitive"
        house.institution.save()
    Turn.unscoped.update(state=State.ANSWERED)
    conversation.refresh_from_db()
    assert not routed(ask(principal, assistant, "Et un bail ?", conversation=conversation))
