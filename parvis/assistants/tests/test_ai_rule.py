"""A teacher says what students may do with AI in a course: they read it, and Parvis holds to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from conftest import House
from parvis.access.keys.actions import create_app
from parvis.assistants import actions
from parvis.assistants.models import Assistant, Turn
from parvis.assistants.tests.conftest import QUESTION
from parvis.audit.models import Entry
from parvis.corpora.actions import create_corpus, share_corpus
from parvis.corpora.ai_rule.models import CourseRule
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]


def say(client: Client, assistant: Assistant, use: str, words: str = "") -> int:
    page = f"/cours/{assistant.corpora.get().id}/regle-ia/"
    return client.post(page, {"use": use, "words": words}).status_code


@pytest.mark.usefixtures("at_once")
def test_a_course_that_forbids_ai_is_closed_to_students_and_open_to_its_teacher(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    student, teacher, page = sign_in(house.student), sign_in(house.teacher), f"/assistants/{course.id}/"
    assert student.post(page, {"question": QUESTION}).status_code == 302
    assert say(teacher, course, "forbidden", "Pas avant l’examen du 12.") == 302
    shown = student.get(page).content.decode()
    assert "Pas avant l’examen du 12." in shown
    assert "Usage de l’IA dans ce cours\xa0: interdit" in shown
    assert 'name="question"' not in shown
    refused = student.post(page, {"question": QUESTION})
    assert refused.status_code == 422
    assert "ne laisse pas les étudiants" in refused.content.decode()
    assert Turn.unscoped.count() == 1
    assert teacher.post(page, {"question": QUESTION}).status_code == 302
    app = create_app(house.institution.id, name="Robot", detail="", groups=[house.group], actor="test")
    with pytest.raises(actions.CourseForbidsError):
        actions.ask(house.principal(app), course, QUESTION)
    assert say(teacher, course, "allowed") == 302
    assert student.post(page, {"question": QUESTION}).status_code == 302
    assert [one.details["use"] for one in Entry.objects.filter(action="course.ai_rule")] == ["forbidden", "allowed"]


def test_a_course_closed_meanwhile_is_searched_for_nobody_and_another_of_the_same_assistant_still_is(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    teacher = house.principal(house.teacher)
    other = create_corpus(teacher, name="Procédure")
    share_corpus(teacher, other, groups=[house.group], with_institution=False)
    course.corpora.add(other)
    student = house.principal(house.student)
    law = course.corpora.exclude(id=other.id).get()
    assert actions.open_courses(student, course) == {law.id, other.id}
    turn = actions.ask(student, course, QUESTION)
    CourseRule.unscoped.create(institution=house.institution, corpus=law, use="forbidden")
    work = actions.prepare(turn.id)
    assert work is not None
    assert work.evidence == ()
    assert actions.open_courses(student, course) == {other.id}
    assert actions.open_courses(teacher, course) == {law.id, other.id}


def test_the_rule_is_set_by_who_is_responsible_for_the_course(house: House, course: Assistant, sign_in: SignIn) -> None:
    for profile in (house.student, house.other_teacher, house.neighbour_teacher):
        assert say(sign_in(profile), course, "forbidden") == 404
    assert not CourseRule.unscoped.exists()
    assert say(sign_in(house.administrator), course, "traced") == 302
    assert say(sign_in(house.teacher), course, "perhaps") == 422
    student = sign_in(house.student)
    assert "entre dans votre relevé" in student.get(f"/assistants/{course.id}/").content.decode()
    assert "entre dans votre relevé" not in sign_in(house.teacher).get(f"/assistants/{course.id}/").content.decode()
    assert "autorisé avec trace" in student.get(f"/cours/{course.corpora.get().id}/").content.decode()
