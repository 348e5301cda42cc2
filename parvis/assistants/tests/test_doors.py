"""Who may reach what, beside what the matrix of tests/isolation asks of each address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from conftest import House
from parvis.assistants.actions import create_assistant
from parvis.assistants.models import Assistant, Turn
from parvis.assistants.tests.conftest import QUESTION
from parvis.corpora.models import Corpus
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def turn(house: House, course: Assistant, sign_in: SignIn) -> Turn:
    """The student's, in the teacher's course, passed on to the teacher."""
    student = sign_in(house.student)
    student.post(f"/assistants/{course.id}/", {"question": QUESTION})
    turn = Turn.unscoped.latest("id")
    student.post(f"/echanges/{turn.id}/signalement/", {"kind": "question"})
    return turn


@pytest.mark.parametrize("profile", ["teacher", "administrator"])
def test_not_even_the_teacher_or_the_administrator_reads_a_conversation(
    house: House, turn: Turn, sign_in: SignIn, profile: str
) -> None:
    client = sign_in(getattr(house, profile))
    whole, part = [turn.conversation_id], [turn.id]
    for name, row in (("conversation", whole), ("export_pdf", whole), ("stream", part), ("turn", part)):
        assert client.get(reverse(f"assistants:{name}", args=row)).status_code == 404


def test_a_citation_of_another_conversation_opens_nothing(house: House, turn: Turn, sign_in: SignIn) -> None:
    teacher = sign_in(house.teacher)
    teacher.post(f"/assistants/{turn.conversation.assistant_id}/", {"question": "Que deviennent les redoublants ?"})
    own = Turn.unscoped.latest("id")
    page = teacher.get(f"/conversations/{own.conversation_id}/?citation={turn.id}.2").content.decode()
    assert "La prescription extinctive" not in page


def test_only_those_who_teach_create_a_course(house: House, sign_in: SignIn) -> None:
    student, teacher = sign_in(house.student), sign_in(house.teacher)
    course = {"name": "Histoire", "description": "", "kind": "course"}
    assert student.post("/cours/nouveau/", course).status_code == 404
    response = teacher.post("/cours/nouveau/", course)
    corpus, assistant = Corpus.unscoped.get(), Assistant.unscoped.get()
    assert response.headers["Location"] == f"/cours/{corpus.id}/"
    assert list(assistant.corpora.all()) == [corpus]
    assert teacher.get(f"/cours/{corpus.id}/essai/").headers["Location"] == f"/assistants/{assistant.id}/"
    assert teacher.post("/cours/nouveau/", course | {"name": ""}).status_code == 422
    assert teacher.post("/cours/nouveau/", course).headers["Location"] == f"/cours/{corpus.id}/"  # the form sent twice
    teacher.post("/cours/nouveau/", course | {"description": "Une autre"})
    assert Assistant.unscoped.values("slug").distinct().count() == 2


def test_an_assistant_over_someone_elses_corpus_reads_nothing_of_it(house: House, course: Assistant) -> None:
    thief = create_assistant(house.principal(house.other_teacher), name="Voleur", corpora=list(course.corpora.all()))
    assert not thief.corpora.exists()
