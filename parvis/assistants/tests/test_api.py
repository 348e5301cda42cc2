"""Programs ask with a key: the same answer as on the page, and the same refusal whatever is wrong with the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.access.keys.actions import create_app, create_key, revoke_key
from parvis.access.keys.models import ApiKey
from parvis.assistants import jobs
from parvis.assistants.actions import stop_for_institution
from parvis.assistants.models import Assistant, Turn
from parvis.assistants.tests.conftest import QUESTION, UNANSWERED, Use
from parvis.audit.models import Entry
from parvis.corpora.ai_rule.models import CourseRule
from parvis.identity.models import Person
from parvis.institutions.models import Profile

Call = Callable[..., Any]


@pytest.fixture
def call(house: House) -> Call:
    """A program that holds a key: call("GET", "/api/moi", key=token)."""
    client = Client(headers={"accept-language": "fr"}, enforce_csrf_checks=True)

    def call(method: str, path: str, body: object = None, *, key: str = "", header: str = "") -> Any:
        headers = {"Authorization": header or f"Bearer {key}"} if key or header else {}
        return client.generic(method, path, data="" if body is None else _json(body), headers=headers, **JSON)

    return call


JSON: dict[str, Any] = {"content_type": "application/json"}


def _json(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def key_of(profile: Profile, *scopes: str) -> tuple[ApiKey, str]:
    name = f"Essai {ApiKey.unscoped.count()}"
    return create_key(profile, name=name, scopes=scopes or ("list", "ask"), days=30, by=None, actor="test")


@pytest.mark.usefixtures("at_once")
def test_a_program_lists_what_it_may_use_and_asks_it(house: House, course: Assistant, call: Call) -> None:
    key, token = key_of(house.student)
    assert call("GET", "/api/moi", key=token).json()["scopes"] == ["ask", "list"]
    [listed] = call("GET", "/api/assistants", key=token).json()["assistants"]
    assert (listed["id"], listed["purpose"], listed["ai_use"]) == (course.id, "course", "allowed")
    answered = call("POST", listed["questions"].removeprefix("http://testserver"), {"question": QUESTION}, key=token)
    body = answered.json()
    assert (answered.status_code, body["state"], body["generated"]) == (200, "answered", False)
    assert "cinq ans" in body["text"]
    assert body["sources"][0]["verified"]
    assert "algorithmicMedia" in answered.headers["Parvis-Digital-Source-Type"]
    assert call("GET", f"/api/questions/{body['id']}", key=token).json() == body
    questions = f"/api/assistants/{course.id}/questions"
    more = call("POST", questions, {"question": QUESTION, "conversation": body["conversation"]}, key=token)
    assert (more.status_code, more.json()["conversation"]) == (200, body["conversation"])
    _key, other = key_of(house.teacher)
    stolen = call("POST", questions, {"question": QUESTION, "conversation": body["conversation"]}, key=other)
    assert stolen.status_code == call("GET", f"/api/questions/{body['id']}", key=other).status_code == 404
    [asked] = Entry.objects.filter(action="turn.ask", subject=f"turn:{body['id']}")
    assert asked.details["key"] == key.id


@pytest.mark.usefixtures("at_once")
def test_a_program_obeys_the_rule_of_the_course_and_is_told(house: House, course: Assistant, call: Call) -> None:
    rule = CourseRule.unscoped.create(institution=house.institution, corpus=course.corpora.get(), use="traced")
    _key, token = key_of(house.student)
    asked = f"/api/assistants/{course.id}/questions"
    assert call("GET", "/api/assistants", key=token).json()["assistants"][0]["ai_use"] == "traced"
    assert call("POST", asked, {"question": QUESTION}, key=token).json()["traced"]
    CourseRule.unscoped.filter(id=rule.id).update(use="forbidden")
    assert call("GET", "/api/assistants", key=token).json()["assistants"][0]["ai_use"] == "forbidden"
    refused = call("POST", asked, {"question": QUESTION}, key=token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "refused")
    assert call("POST", asked, {"question": QUESTION}, key=key_of(house.teacher)[1]).status_code == 200


def test_what_a_key_s_holder_does_not_see_is_not_there(house: House, course: Assistant, call: Call) -> None:
    for profile in (house.other_student, house.neighbour_student):
        _key, token = key_of(profile)
        assert call("GET", "/api/assistants", key=token).json()["assistants"] == []
        absent = call("POST", "/api/assistants/999999/questions", {"question": "?"}, key=token)
        foreign = call("POST", f"/api/assistants/{course.id}/questions", {"question": "?"}, key=token)
        assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content) == (404, absent.content)
    app = create_app(house.institution.id, name="Robot", detail="", groups=[house.group], actor="test")
    assert len(call("GET", "/api/assistants", key=key_of(app)[1]).json()["assistants"]) == 1


def test_every_key_that_opens_nothing_gets_the_same_401(house: House, course: Assistant, call: Call) -> None:
    revoked, revoked_token = key_of(house.student)
    expired, expired_token = key_of(house.student)
    _suspended, suspended_token = key_of(house.other_student)
    _unknown, unknown_token = key_of(house.teacher)
    revoke_key(revoked, actor="test")
    past = timezone.now() - timedelta(days=60)
    ApiKey.unscoped.filter(id=expired.id).update(created_at=past, expires_at=past + timedelta(days=1))
    Person.objects.filter(id=house.other_student.person_id).update(is_active=False)
    ApiKey.unscoped.filter(profile=house.teacher).delete()
    tried = [
        call("GET", "/api/moi"),
        call("GET", "/api/moi", key=revoked_token),
        call("GET", "/api/moi", key=expired_token),
        call("GET", "/api/moi", key=suspended_token),
        call("GET", "/api/moi", key=unknown_token),
        call("GET", "/api/moi", key="parvis_été"),
        call("GET", "/api/moi", key=f"{unknown_token} {unknown_token}"),
        call("GET", "/api/moi", header=f"Basic {unknown_token}"),
        call("GET", "/api/moi", header=unknown_token),
    ]
    assert {(one.status_code, one.content, one.headers["WWW-Authenticate"]) for one in tried} == {
        (401, tried[0].content, 'Bearer realm="parvis"')
    }


def test_a_key_is_refused_in_an_address_and_opens_no_page_and_a_session_opens_no_api(
    house: House, course: Assistant, call: Call, sign_in: Callable[[Profile], Client]
) -> None:
    _key, token = key_of(house.student)
    assert call("GET", "/api/moi", key=token).status_code == 200
    for address in (f"/api/moi?key={token}", f"/api/moi?a=1&access_token={token}"):
        for refused in (call("GET", address), call("GET", address, key=token)):
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "key_in_address")
    page = call("GET", f"/assistants/{course.id}/", key=token)
    assert (page.status_code, page.headers["Location"].partition("?")[0]) == (302, "/connexion/")
    by_session: HttpResponse = sign_in(house.student).get("/api/moi")  # type: ignore[assignment]
    assert by_session.status_code == 401


def test_a_scope_that_the_key_has_not_is_said_and_a_bad_body_too(house: House, course: Assistant, call: Call) -> None:
    questions = f"/api/assistants/{course.id}/questions"
    _key, listing = key_of(house.student, "list")
    refused = call("POST", questions, {"question": QUESTION}, key=listing)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    _key, token = key_of(house.student, "ask")
    assert call("GET", "/api/assistants", key=token).status_code == 403
    bodies: list[object] = [
        "",
        "{",
        "[" * 10_000,
        {"question": 3},
        {"question": " "},
        {"question": "é" * 5_000},
        {"x": 1},
        '{"question": "\\ud800"}',
    ]
    for body in bodies:
        bad = call("POST", questions, body, key=token)
        assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_request"), body
    for conversation in (10**30, -1, 2**63):
        absent = call("POST", questions, {"question": QUESTION, "conversation": conversation}, key=token)
        assert absent.status_code in (400, 404), conversation
    assert call("GET", f"/api/questions/{10**30}", key=token).status_code == 404
    assert call("GET", questions, key=token).status_code == 405
    assert not Turn.unscoped.exists()


@pytest.mark.usefixtures("at_once")
def test_an_assistant_is_a_model_whose_sentences_lead_to_their_pages(house: House, course: Assistant, call: Call) -> None:
    _key, token = key_of(house.student)
    [listed] = call("GET", "/api/openai/models", key=token).json()["data"]
    assert listed["id"] == "parvis/ici/droit-des-contrats"
    asked: dict[str, Any] = {"model": listed["id"], "messages": [{"role": "user", "content": QUESTION}]}
    answered = call("POST", "/api/openai/chat/completions", asked, key=token)
    body = answered.json()
    message = body["choices"][0]["message"]
    assert "cinq ans" in message["content"]
    assert "[1] Cours de droit, p. 2 : « " in message["content"]
    [mark, *_rest] = message["annotations"]
    place = mark["url_citation"]
    assert "cinq ans" in message["content"][place["start_index"] : place["end_index"]]
    assert place["title"] == "Cours de droit, p. 2"
    assert mark["parvis"]["verified"]
    assert mark["parvis"]["quotation"] in message["content"]
    # The client sends all of it again: the conversation goes on, whatever it says that was answered.
    more = [*asked["messages"], {"role": "assistant", "content": "autre chose"}, {"role": "user", "content": QUESTION}]
    again = call("POST", "/api/openai/chat/completions", {**asked, "messages": more}, key=token).json()
    first, second = (Turn.unscoped.get(id=one["parvis"]["turn"]) for one in (body, again))
    assert (first.conversation_id, second.number) == (second.conversation_id, 2)


@pytest.mark.usefixtures("at_once")
def test_an_assistant_told_piece_by_piece_says_the_same(house: House, course: Assistant, call: Call) -> None:
    from parvis.assistants.api.completions import Telling, said_in_full

    _key, token = key_of(house.student)
    asked = {"model": "parvis/ici/droit-des-contrats", "messages": [{"role": "user", "content": QUESTION}]}
    body = call("POST", "/api/openai/chat/completions", asked, key=token).json()
    turn = Turn.unscoped.get(id=body["parvis"]["turn"])
    telling = Telling(turn.id, asked["model"], house.principal(house.student), wants_usage=True)  # type: ignore[arg-type]
    sent, _latest, closed = telling.since(0)
    events = [json.loads(one.removeprefix(b"data: ")) for one in sent.split(b"\n\n")[:-2]]
    assert (closed, sent.endswith(b"data: [DONE]\n\n")) == (True, True)
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in events if one["choices"])
    assert text == body["choices"][0]["message"]["content"]
    assert text == said_in_full(turn, house.principal(house.student), timezone.now()).text
    assert events[-2]["choices"][0]["delta"]["annotations"] == body["choices"][0]["message"]["annotations"]
    assert events[-1]["usage"]["total_tokens"] == 0  # no model was asked


def test_an_answer_that_an_administrator_stopped_says_so_either_way(
    house: House, course: Assistant, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parvis.assistants.api.completions import Telling

    administrator = house.principal(house.administrator)
    monkeypatch.setattr(jobs, "start", lambda turn: stop_for_institution(administrator, turn))
    _key, token = key_of(house.student)
    asked = {"model": "parvis/ici/droit-des-contrats", "messages": [{"role": "user", "content": QUESTION}]}
    answer = call("POST", "/api/openai/chat/completions", asked, key=token)
    assert answer.status_code == 403
    assert "Un administrateur a arrêté cette réponse" in answer.json()["error"]["message"]
    telling = Telling(Turn.unscoped.get().id, asked["model"], house.principal(house.student), wants_usage=True)  # type: ignore[arg-type]
    sent, _latest, closed = telling.since(0)
    assert closed
    assert b'"code":"stopped"' in sent
    assert b"[DONE]" not in sent


@pytest.mark.usefixtures("at_once")
def test_an_assistant_that_documents_do_not_answer_says_so(house: House, course: Assistant, call: Call) -> None:
    _key, token = key_of(house.student)
    asked = {"model": "parvis/ici/droit-des-contrats", "messages": [{"role": "user", "content": UNANSWERED}]}
    body = call("POST", "/api/openai/chat/completions", asked, key=token).json()
    message = body["choices"][0]["message"]
    assert (body["parvis"]["state"], message["annotations"]) == ("abstained", [])
    assert "ne répondent pas" in message["content"]


@pytest.mark.usefixtures("at_once")
def test_where_nothing_is_verified_the_nearest_passages_are_told(
    house: House, course: Assistant, call: Call, use_model: Use
) -> None:
    use_model('La prescription est de trente ans. [1: "La prescription extinctive est de trente ans"]')
    _key, token = key_of(house.student)
    asked = {"model": "parvis/ici/droit-des-contrats", "messages": [{"role": "user", "content": QUESTION}]}
    body = call("POST", "/api/openai/chat/completions", asked, key=token).json()
    message, told = body["choices"][0]["message"], body["parvis"]
    assert (told["state"], message["annotations"]) == ("abstained", [])
    assert "trente ans" not in message["content"]
    assert "Voici les passages les plus proches" in message["content"]
    assert "p. 2 : « " in message["content"]
    assert all(one["text"] in message["content"] and one["url"].startswith("http") for one in told["nearest"])
    assert told["nearest"]


@pytest.mark.parametrize(
    "model", ["parvis/ici/inconnu", "parvis/la-bas/droit-des-contrats", "parvis/", "petit", "parvis/ici/droit-des-contrats/x"]
)
def test_an_assistant_of_nobody_or_of_others_is_not_there(house: House, course: Assistant, call: Call, model: str) -> None:
    asked = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    _key, mine = key_of(house.student)
    _key, theirs = key_of(house.neighbour_teacher)
    for token in (mine, theirs):
        assert call("POST", "/api/openai/chat/completions", asked, key=token).status_code == 404
    for body in ("{", {"model": "parvis/ici/droit-des-contrats", "messages": []}):
        assert call("POST", "/api/openai/chat/completions", body, key=mine).status_code == 400


def test_who_asks_too_fast_is_told_when_to_come_back(
    house: House, course: Assistant, call: Call, sign_in: Callable[[Profile], Client], settings: LazySettings
) -> None:
    settings.REQUESTS_A_MINUTE = 3
    (_first, token), (second, another) = key_of(house.student), key_of(house.student)
    assert [call("GET", "/api/moi", key=token).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = call("GET", "/api/assistants", key=another)  # of the same person
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_fast")
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    revoke_key(second, actor="test")
    assert call("GET", "/api/moi", key=another).status_code == 401
    assert call("GET", "/api/moi", key=key_of(house.other_student)[1]).status_code == 200

    asked = sign_in(house.student).post(f"/assistants/{course.id}/", {"question": QUESTION})
    assert asked.status_code == 429
    assert int(asked.headers["Retry-After"]) >= 1
    assert QUESTION in asked.content.decode()
    assert not Turn.unscoped.exists()
