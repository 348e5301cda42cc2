"""The statement of the use of AI says what the ledger says, which is what was asked; one changed character shows."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from odf.opendocument import load as open_odt

from conftest import House
from parvis.assistants.actions import question_hash
from parvis.assistants.models import Assistant, Conversation, Turn
from parvis.assistants.statements.models import Asked, Statement
from parvis.assistants.tests.conftest import QUESTION, UNANSWERED, Use
from parvis.audit.models import Entry
from parvis.corpora.ai_rule.models import CourseRule
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
pytestmark = pytest.mark.usefixtures("at_once")


def ask(client: Client, assistant: Assistant, *questions: str) -> None:
    for question in questions:
        assert client.post(f"/assistants/{assistant.id}/", {"question": question}).status_code == 302


def export(client: Client, assistant: Assistant, kind: str = "json", language: str = "fr", days: int = 0) -> bytes:
    today = timezone.localdate() - timedelta(days=days)
    values = {"course": assistant.corpora.get().id, "first_date": today, "last_date": today}
    made = client.post("/releves/", {**values, "format": kind, "language": language})
    assert made.status_code == 200, made.content.decode()
    assert made.headers["Content-Disposition"].endswith(f'.{kind}"')
    return bytes(made.content)


def verdict(client: Client, file: bytes) -> Any:
    return client.post("/releves/verification/", {"file": SimpleUploadedFile("releve", file)}).context["verdict"]


def test_the_statement_equals_the_ledger_which_equals_the_turns(
    house: House, course: Assistant, sign_in: SignIn, use_model: Use
) -> None:
    client = sign_in(house.student)
    ask(client, course, QUESTION, UNANSWERED)
    use_model("La prescription est de cinq ans [1 : « La prescription extinctive est de cinq ans »].")
    ask(client, course, QUESTION)
    ask(sign_in(house.teacher), course, QUESTION)  # another's
    said = json.loads(export(client, course))
    turns = list(Turn.unscoped.filter(conversation__profile=house.student).order_by("id"))
    assert len(said["lines"]) == said["questions"] == said["kept"] == len(turns) == 3
    for line, turn in zip(said["lines"], turns, strict=True):
        assert line["asked_at"] == turn.created_at.isoformat()
        assert line["question"] == turn.question
        assert line["question_hash"] == question_hash(turn.question)
        assert (line["outcome"], line["mode"], line["model"], line["zone"]) == (
            turn.state,
            turn.mode,
            turn.model_name,
            turn.zone,
        )
    assert [line["documents"] for line in said["lines"]] == [["Cours de droit"], [], ["Cours de droit"]]
    assert said["lines"][2]["model"] == "modele-de-test"
    assert said["ai_generated"]
    assert said["digital_source_type"].endswith("trainedAlgorithmicMedia")


def test_the_fingerprint_is_that_of_what_is_said_whatever_the_format_and_the_file_is_marked(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    client = sign_in(house.student)
    ask(client, course, QUESTION)
    said = json.loads(export(client, course))
    body = {key: value for key, value in said.items() if key not in NOT_COVERED}
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert said["fingerprint"] == hashlib.sha256(canonical.encode()).hexdigest()
    markdown = export(client, course, "md").decode()
    last = Statement.unscoped.first()
    assert last is not None
    assert markdown.rstrip().count(last.fingerprint) == 2
    assert "ai_generated: false" in markdown
    assert "Relevé d’usage de l’IA" in markdown
    assert "Statement of the use of AI" in export(client, course, "md", "en").decode()
    odt = open_odt(io.BytesIO(export(client, course, "odt")))
    last = Statement.unscoped.first()
    assert last is not None
    with zipfile.ZipFile(io.BytesIO(export(client, course, "odt"))) as package:
        assert b"digital_source_type" in package.read("meta.xml")
        assert "cinq ans" not in package.read("content.xml").decode()  # no answer
    assert last.fingerprint in str(odt.text)
    assert Entry.objects.filter(action="statement.export").count() == 5


NOT_COVERED = {"questions", "kept", "ai_generated", "digital_source_type", "fingerprint"}


@pytest.mark.parametrize("kind", ["json", "md", "odt"])
def test_a_teacher_is_told_whether_a_file_is_the_one_that_was_given(
    house: House, course: Assistant, sign_in: SignIn, kind: str
) -> None:
    client, teacher = sign_in(house.student), sign_in(house.teacher)
    ask(client, course, QUESTION, UNANSWERED)
    file = export(client, course, kind)
    assert verdict(teacher, file) == "conform"
    assert verdict(teacher, _changed(file)) == "modified"
    assert verdict(teacher, b"Rien de tel") == "unknown"
    assert verdict(teacher, b"PK\x03\x04 casse") == "unknown"
    assert verdict(sign_in(house.neighbour_teacher), file) == "unknown"
    assert client.get("/releves/verification/").status_code == 404
    given = Statement.unscoped.get()
    for mark, expected in ((given.fingerprint, "conform"), (given.fingerprint[:-1] + "é", "modified")):
        told = teacher.post("/releves/verification/", {"number": given.number.lower(), "fingerprint": mark})
        assert told.context["verdict"] == expected
    assert teacher.post("/releves/verification/", {"number": given.number}).status_code == 422


def _changed(file: bytes) -> bytes:
    """The same with one word less in a question, as an office program would save it."""
    if not file.startswith(b"PK"):
        return file.replace("délai".encode(), b"d", 1)
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace("délai".encode(), b"d", 1))
    return written.getvalue()


def test_a_trace_outlives_its_conversation_without_its_words_and_only_where_the_course_asks(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    client = sign_in(house.student)
    ask(client, course, QUESTION)
    CourseRule.unscoped.create(institution=house.institution, corpus=course.corpora.get(), use="traced")
    ask(client, course, UNANSWERED)
    for conversation in Conversation.unscoped.all():
        client.post(f"/conversations/{conversation.id}/supprimer/")
    [line] = json.loads(export(client, course))["lines"]
    assert (line["question"], line["outcome"]) == (None, "abstained")
    assert line["question_hash"] == question_hash(UNANSWERED)
    assert "question supprimée" in export(client, course, "md").decode().lower()
    assert Asked.unscoped.get().turn is None


def test_a_question_of_any_characters_makes_files_that_open(house: House, course: Assistant, sign_in: SignIn) -> None:
    client = sign_in(house.student)
    hostile = "<b>&amp;]]> \x01\x0b ![x](http://a) `x` « dol »\n# Titre\u2028fin \ufffe 𝕏"
    ask(client, course, hostile)
    [line] = json.loads(export(client, course))["lines"]
    assert line["question"] == Turn.unscoped.get().question
    assert "http://a" in str(open_odt(io.BytesIO(export(client, course, "odt"))).text)
    markdown = export(client, course, "md").decode()
    assert "![x]" not in markdown
    assert "\n# Titre" not in markdown


def test_a_statement_is_one_s_own_and_of_its_period(house: House, course: Assistant, sign_in: SignIn) -> None:
    client = sign_in(house.student)
    ask(client, course, QUESTION)
    assert json.loads(export(client, course))["questions"] == 1
    assert json.loads(export(client, course, days=1))["questions"] == 0
    assert "Aucune question" in export(client, course, "md", days=1).decode()
    assert json.loads(export(sign_in(house.teacher), course))["questions"] == 0
    other = {"course": course.corpora.get().id, "first_date": "2026-01-01", "last_date": "2026-12-31"}
    for profile in (house.other_student, house.neighbour_student):
        assert sign_in(profile).post("/releves/", {**other, "format": "json", "language": "fr"}).status_code == 422
