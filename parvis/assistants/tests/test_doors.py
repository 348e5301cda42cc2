"""Who may reach what: each address of the package, asked by those it does not belong to."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import URLPattern

from conftest import House
from parvis.assistants.actions import create_assistant
from parvis.assistants.models import Assistant, Signal, Turn
from parvis.assistants.tests.conftest import QUESTION
from parvis.assistants.urls import urlpatterns
from parvis.corpora.models import Corpus
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
pytestmark = pytest.mark.usefixtures("at_once")

OPEN_TO_ALL = {"home", "history", "course_new"}  # no row behind them; course_new has its own test
THE_TEACHERS = {"settings", "try_course", "signals", "signal_closing"}
SENT = {"question": QUESTION, "title": "x", "name": "x", "kind": "question"}
PATTERNS = [pattern for pattern in urlpatterns if pattern.name not in OPEN_TO_ALL]


@pytest.fixture
def turn(house: House, course: Assistant, sign_in: SignIn) -> Turn:
    """The student's, in the teacher's course, passed on to the teacher."""
    student = sign_in(house.student)
    student.post(f"/assistants/{course.id}/", {"question": QUESTION})
    turn = Turn.unscoped.latest("id")
    student.post(f"/echanges/{turn.id}/signalement/", SENT)
    return turn


def address(pattern: URLPattern, turn: Turn, *, absent: bool = False) -> str:
    corpus = Corpus.unscoped.get()
    ids = {
        "turn_id": turn.id,
        "conversation_id": turn.conversation_id,
        "assistant_id": turn.conversation.assistant_id,
        "corpus_id": corpus.id,
        "signal_id": Signal.unscoped.get().id,
    }
    path = f"/{pattern.pattern}"
    for name, value in ids.items():
        path = path.replace(f"<int:{name}>", str(999_999 if absent else value))
    return path


def test_what_is_not_mine_answers_as_what_does_not_exist(house: House, turn: Turn, sign_in: SignIn) -> None:
    """Nothing asked here changes anything, hence one course for all addresses."""
    for profile in (house.neighbour_student, house.neighbour_teacher, house.other_student, house.other_teacher):
        client = sign_in(profile)
        for pattern in PATTERNS:
            theirs, absent = address(pattern, turn), address(pattern, turn, absent=True)
            answered = []
            for refused, missing in (
                (client.get(theirs), client.get(absent)),
                (client.post(theirs, SENT), client.post(absent, SENT)),
            ):
                assert refused.status_code == missing.status_code, (pattern.name, profile)
                assert _plain(refused.content, theirs) == _plain(missing.content, absent), (pattern.name, profile)
                answered.append(refused.status_code)
            assert 404 in answered, (pattern.name, profile)
            assert set(answered) <= {404, 405}, (pattern.name, profile)
    assert Turn.unscoped.count() == 1


def _plain(content: bytes, path: str) -> str:
    """A page without its own address and without the CSRF mask."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", content.decode()).replace(path, "")


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: str(pattern.name))
def test_its_owner_reaches_it(house: House, turn: Turn, sign_in: SignIn, pattern: URLPattern) -> None:
    """The refusals above have one cause: the same addresses open for those they belong to."""
    owner = sign_in(house.teacher if pattern.name in THE_TEACHERS else house.student)
    answered = [owner.get(address(pattern, turn)).status_code, owner.post(address(pattern, turn), SENT).status_code]
    assert any(status in (200, 302, 422) for status in answered)
    assert 404 not in answered


@pytest.mark.parametrize("profile", ["teacher", "administrator"])
def test_not_even_the_teacher_or_the_administrator_reads_a_conversation(
    house: House, turn: Turn, sign_in: SignIn, profile: str
) -> None:
    client = sign_in(getattr(house, profile))
    for name in ("conversation", "stream", "turn", "export_markdown", "export_pdf"):
        pattern = next(one for one in PATTERNS if one.name == name)
        assert client.get(address(pattern, turn)).status_code == 404


def test_a_stranger_is_sent_to_sign_in(turn: Turn, client: Client) -> None:
    for pattern in PATTERNS:
        response = client.get(address(pattern, turn))
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/connexion/")


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
