"""A question, its stored events, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from conftest import House
from parvis.assistants.models import Assistant, State, Turn, TurnEvent
from parvis.assistants.tests.conftest import QUESTION
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
pytestmark = pytest.mark.usefixtures("at_once")


def asked(client: Client, assistant: Assistant, question: str = QUESTION) -> Turn:
    response = client.post(f"/assistants/{assistant.id}/", {"question": question})
    assert response.status_code == 302, response.content
    return Turn.unscoped.latest("id")


def test_a_question_is_answered_by_words_of_the_documents_with_their_page(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    student = sign_in(house.student)
    turn = asked(student, course)
    page = student.get(f"/conversations/{turn.conversation_id}/").content.decode()

    assert (turn.state, turn.mode) == (State.ANSWERED, "extractive")
    kinds = list(TurnEvent.unscoped.filter(turn=turn).order_by("seq").values_list("kind", flat=True))
    assert kinds[:2] == ["text", "citation"]
    assert kinds[-1] == "done"
    assert "La prescription extinctive est de cinq ans" in page
    assert "Cours de droit" in page
    assert "p. 2" in page.replace("\u00a0", " ")
    assert "<mark>La prescription extinctive est de cinq ans" in page
