"""“This is wrong” and “pass it to my teacher”: what is sent, who sees it, and who does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from conftest import House
from parvis.assistants.actions import append, ask, begin_turn, finish
from parvis.assistants.models import Assistant, EventKind, Mode, Signal, State, Turn
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
SENT = {"kind": "question"}


@pytest.fixture
def turn(house: House, course: Assistant) -> Turn:
    """The student's question, answered."""
    asked = ask(house.principal(house.student), course, "Quel est le délai ?")
    begin_turn(asked.id, mode=Mode.EXTRACTIVE)
    append(asked.id, [(EventKind.TEXT, {"text": "Cinq ans.", "status": "verified", "problems": []})])
    finish(asked.id, State.ANSWERED)
    return asked


def address(turn: Turn) -> str:
    return reverse("assistants:signal", args=[turn.id])


def page_of_signals(course: Assistant) -> str:
    return reverse("assistants:signals", args=[course.corpora.get().id])


def test_a_question_reaches_the_teacher_with_its_answer_and_a_name(
    house: House, course: Assistant, turn: Turn, sign_in: SignIn
) -> None:
    assert sign_in(house.student).post(address(turn), SENT).status_code == 302
    page = sign_in(house.teacher).get(page_of_signals(course)).content.decode()
    assert "Quel est le délai ?" in page
    assert "Cinq ans." in page
    assert house.student.person.display_name.split()[0] in page


@pytest.mark.parametrize(
    ("state", "notice", "said"),
    [
        (State.ABSTAINED, "documents_do_not_answer", "Les documents ne répondent pas"),
        (State.ABSTAINED, "nothing_verified", "aucune de ses phrases"),
        (State.FAILED, "overloaded", "n’a pas pu être achevée"),
    ],
)
def test_a_question_without_answer_says_whose_fault_it_is(
    house: House, course: Assistant, sign_in: SignIn, state: State, notice: str, said: str
) -> None:
    asked = ask(house.principal(house.student), course, "Quel est le délai ?")
    finish(asked.id, state, events=[(EventKind.NOTICE, {"code": notice, "params": {}})])
    sign_in(house.student).post(address(asked), SENT)
    page = sign_in(house.teacher).get(page_of_signals(course)).content.decode()
    assert said in page
    assert ("Les documents ne répondent pas" in page) == (notice == "documents_do_not_answer")


def test_who_points_out_a_mistake_is_not_named(house: House, course: Assistant, turn: Turn, sign_in: SignIn) -> None:
    sign_in(house.student).post(address(turn), {"kind": "wrong"})
    page = sign_in(house.teacher).get(page_of_signals(course)).content.decode()
    assert "Quel est le délai ?" in page
    assert "Étudiante" not in page


def test_said_twice_it_is_sent_once_and_can_be_taken_back(
    house: House, course: Assistant, turn: Turn, sign_in: SignIn
) -> None:
    student = sign_in(house.student)
    student.post(address(turn), SENT)
    student.post(address(turn), SENT)
    assert Signal.unscoped.count() == 1
    student.post(address(turn), SENT | {"withdraw": "1"})
    assert Signal.unscoped.count() == 0


def test_nobody_else_sends_sees_or_closes(house: House, course: Assistant, turn: Turn, sign_in: SignIn) -> None:
    for stranger in (house.other_student, house.teacher, house.neighbour_teacher, house.neighbour_student):
        assert sign_in(stranger).post(address(turn), SENT).status_code == 404
    sign_in(house.student).post(address(turn), SENT)
    closing = reverse("assistants:signal_closing", args=[Signal.unscoped.get().id])
    for stranger in (house.student, house.other_teacher, house.neighbour_teacher):
        assert sign_in(stranger).get(page_of_signals(course)).status_code == 404
        assert sign_in(stranger).post(closing).status_code == 404
    assert sign_in(house.teacher).post(closing).status_code == 302
    assert Signal.unscoped.get().closed_at is not None


def test_a_kind_that_does_not_exist_is_not_found(house: House, turn: Turn, sign_in: SignIn) -> None:
    assert sign_in(house.student).post(address(turn), {"kind": "praise"}).status_code == 404
    assert Signal.unscoped.count() == 0
