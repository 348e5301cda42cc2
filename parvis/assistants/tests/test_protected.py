"""An answer key may guide, and is neither quoted nor opened."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from conftest import House
from parvis.assistants.actions import ask, prepare
from parvis.assistants.models import Assistant
from parvis.assistants.tests.conftest import QUESTION
from parvis.corpora.actions import delete_corpus, protect_document
from parvis.corpora.models import Document
from parvis.institutions.models import Profile
from parvis.retrieval.abstention import Band

SignIn = Callable[[Profile], Client]


@pytest.fixture
def document(course: Assistant) -> Document:
    return Document.unscoped.get(corpus=course.corpora.get())


def quoted(house: House, course: Assistant) -> tuple[int, bool]:
    """How many sentences would be quoted to the student, and whether the passages come as protected."""
    work = prepare(ask(house.principal(house.student), course, QUESTION).id)
    assert work
    assert work.evidence
    return len(work.sentences), all(one.protected for one in work.evidence)


def test_a_protected_document_is_not_quoted_from_the_next_question_on(
    house: House, course: Assistant, document: Document
) -> None:
    teacher = house.principal(house.teacher)
    sentences, protected = quoted(house, course)
    assert sentences
    assert not protected
    protect_document(teacher, document, protected=True)
    assert quoted(house, course) == (0, True)
    protect_document(teacher, document, protected=False)
    assert quoted(house, course)[0] > 0


def test_without_a_model_what_only_a_protected_document_says_is_not_answered_from_the_others(
    house: House, course: Assistant, document: Document
) -> None:
    asker = house.principal(house.student)
    open_work = prepare(ask(asker, course, QUESTION).id)
    protect_document(house.principal(house.teacher), document, protected=True)
    protected_work = prepare(ask(asker, course, QUESTION).id)
    assert open_work
    assert protected_work
    assert (open_work.decision, protected_work.decision) == (Band.ANSWER, Band.NEAREST)


def test_only_those_responsible_see_its_name_in_the_course(
    house: House, course: Assistant, document: Document, sign_in: SignIn
) -> None:
    address = reverse("corpora:detail", args=[document.corpus_id])
    assert document.name in sign_in(house.student).get(address).content.decode()
    protect_document(house.principal(house.teacher), document, protected=True)
    assert document.name not in sign_in(house.student).get(address).content.decode()
    assert document.name in sign_in(house.teacher).get(address).content.decode()


def test_only_those_responsible_open_it_and_decide(
    house: House, course: Assistant, document: Document, sign_in: SignIn
) -> None:
    page = reverse("corpora:document", args=[document.id, 1])
    decision = reverse("corpora:protection", args=[document.id])
    assert sign_in(house.student).get(page).status_code == 200
    for stranger in (house.student, house.other_teacher, house.neighbour_teacher):
        assert sign_in(stranger).post(decision, {"protected": "1"}).status_code == 404
    assert sign_in(house.teacher).post(decision, {"protected": "1"}).status_code == 302
    assert sign_in(house.student).get(page).status_code == 404
    assert sign_in(house.student).get(reverse("corpora:original", args=[document.id])).status_code == 404
    assert sign_in(house.teacher).get(page).status_code == 200


def test_a_deleted_course_takes_its_assistant_out_of_sight_and_leaves_conversations(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    turn = ask(house.principal(house.student), course, QUESTION)
    delete_corpus(house.principal(house.teacher), course.corpora.get())
    for profile in (house.student, house.teacher, house.administrator):
        assert course.name not in sign_in(profile).get("/").content.decode().split("conversations", maxsplit=1)[0]
    conversation = reverse("assistants:conversation", args=[turn.conversation_id])
    assert sign_in(house.student).get(conversation).status_code == 200
