"""/v1 where the institution asks for pseudonyms: the provider reads nobody's name, and who asked has the names back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import openai
import pytest

from parvis.gateway.pseudonyms import Names
from parvis.gateway.relay import Meter, Shown
from parvis.gateway.tests.house import House
from parvis.inference.pseudonyms.bodies import NOTICE, Pseudonyms
from parvis.inference.pseudonyms.detection import Detector, detector_of
from parvis.inference.snapshots import Hidden, Institution
from parvis.inference.snapshots import Pseudonyms as Asking

NAME, NIR = "Maëlys Tartempion", "1 85 05 78 006 084 91"
SAID = f"Écris à {NAME}, NIR {NIR}."
QUESTION: Any = [{"role": "user", "content": SAID}]
HIDDEN = Hidden((NAME, "Camille Renaudin"), ("Projet Griffon",), ("p9999999",))
TOOL: Any = {
    "type": "function",
    "function": {"name": "meteo", "parameters": {"type": "object", "properties": {"ville": {"type": "string"}}}},
}
REPEATS: Any = {"script": {"repeats": True}}
READABLE = ("Tartempion", "Maëlys", "Ma\\u00eblys", "084 91", "Griffon", "p1234567")


@pytest.fixture
def client(house: House) -> Iterator[openai.OpenAI]:
    """What is internal goes on the premises with pseudonyms only."""
    house.ask_for_pseudonyms(("internal", "on_prem"), ("public", "world"), hidden=HIDDEN)
    house.publish()
    house.look()
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as found:
        yield found
    for received in house.provider.received:
        told = received.body.decode()
        assert [word for word in READABLE if word in told] == []


def cut(place: int) -> Any:
    return {"script": {"repeats": True, "cut": place}}


def test_a_whole_answer_has_the_names_that_the_provider_never_read(house: House, client: openai.OpenAI) -> None:
    messages: Any = [
        {"role": "system", "content": "Le projet Griffon"},
        {"role": "user", "name": "Maelys_Tartempion", "content": [{"type": "text", "text": "Je suis p1234567"}]},
        {"role": "assistant", "content": None, "tool_calls": [called({"nom": NAME})]},
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"nom": NAME})},
        {"role": "user", "content": SAID},
    ]
    asked = client.chat.completions.create(
        model="petit", messages=messages, user="maelys.tartempion", temperature=0.25, extra_body=REPEATS, tools=[TOOL]
    )
    call: Any = (asked.choices[0].message.tool_calls or [])[0]
    assert json.loads(call.function.arguments) == {"ville": SAID}
    received = house.provider.received[-1].json
    assert (received["temperature"], received["tools"], received["model"]) == (0.25, [TOOL], "petit")
    assert NOTICE["content"] in received["messages"][0]["content"]
    answer = client.chat.completions.create(model="petit", messages=messages, extra_body=REPEATS)
    assert answer.choices[0].message.content == SAID


def called(arguments: dict[str, str]) -> dict[str, Any]:
    given = {"name": "meteo", "arguments": json.dumps(arguments)}
    return {"id": "call_1", "type": "function", "function": given}


def test_a_stream_cut_at_each_character_comes_back(house: House, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="petit", messages=QUESTION)
    length = len(house.provider.received[-1].json["messages"][-1]["content"])
    for place in range(length + 1):
        stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=cut(place))
        assert "".join(one.choices[0].delta.content or "" for one in stream) == SAID


def test_what_a_tool_is_given_comes_back_wherever_it_is_cut(house: House, client: openai.OpenAI) -> None:
    """The provider writes it with escapes."""
    for place in range(4, 140, 3):
        stream = client.chat.completions.create(
            model="petit", messages=QUESTION, tools=[TOOL], stream=True, extra_body=cut(place)
        )
        calls = [call for one in stream for call in one.choices[0].delta.tool_calls or ()]
        given = "".join(call.function.arguments or "" for call in calls if call.function)
        assert json.loads(given) == {"ville": SAID}


def test_responses_whole_and_streamed(house: House, client: openai.OpenAI) -> None:
    answer = client.responses.create(model="petit", input=SAID, instructions="Le projet Griffon", extra_body=REPEATS)
    assert answer.output_text == SAID
    assert house.provider.received[-1].json["instructions"].endswith(NOTICE["content"])
    items: Any = [{"role": "user", "content": [{"type": "input_text", "text": SAID}]}]
    for place in range(0, 60, 12):
        events = list(client.responses.create(model="petit", input=items, stream=True, extra_body=cut(place)))
        assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == SAID
        assert events[-1].type == "response.completed"
        assert events[-1].response.output_text == SAID


def test_vectors_are_of_pseudonyms_that_are_the_same_each_time(house: House, client: openai.OpenAI) -> None:
    for texts in ([SAID, "rien"], ["autre", f"{NAME} et Camille Renaudin", SAID]):
        client.embeddings.create(model="plongements", input=texts, user="Tartempion")
    client.embeddings.create(model="plongements", input=SAID)
    first, second, third = (one.json for one in house.provider.received)
    assert first["input"][0] == second["input"][2] == third["input"]
    assert first["input"][1] == "rien"
    assert "user" not in first


def test_two_requests_have_nothing_in_common(house: House, client: openai.OpenAI) -> None:
    for _ in range(2):
        client.chat.completions.create(model="petit", messages=QUESTION)
    first, second = (one.json["messages"][-1]["content"] for one in house.provider.received)
    assert first != second


def test_what_is_reserved_is_the_worst_of_what_is_sent(house: House, client: openai.OpenAI) -> None:
    house.settler.asked.clear()
    budgets = house.gateway.metering._budgets
    house.run(budgets.close())  # another worker: nothing was granted to it
    budgets._tried_at = float("-inf")
    client.chat.completions.create(model="petit", messages=QUESTION, max_tokens=50)
    size = len(house.provider.received[-1].body)
    assert size > len(json.dumps(QUESTION)) + len(NOTICE["content"])
    assert (house.settler.asked[0].tokens or 0) >= size + 50


def test_what_cannot_be_read_is_refused_and_not_sent(house: House, client: openai.OpenAI) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    shown: Any = [{"role": "user", "content": [picture]}]
    with pytest.raises(openai.BadRequestError, match="rien n’a été envoyé") as refused:
        client.chat.completions.create(model="petit", messages=shown)
    assert refused.value.code == "pseudonyms_unreadable"
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="plongements", input=[[1, 2, 3]])
    file: Any = [{"role": "user", "content": [{"type": "input_file", "file_data": "data:text/plain;base64,aGVsbG8="}]}]
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="petit", input=file)
    assert house.provider.received == []
    assert house.settled == []


def test_a_fault_refuses_in_a_sentence_and_sends_nothing(
    house: House, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError(NAME)

    with monkeypatch.context() as patch:
        patch.setattr(Detector, "read", broken)
        refusals(house, client)
    (house.folder / "hidden-1").rename(house.folder / "away")
    house.institutions[0] = msgspec.structs.replace(house.institutions[0], pseudonyms=Asking((("internal", "on_prem"),), "2"))
    house.publish()
    house.look()
    house.gateway.pseudonymiser._read.clear()
    refusals(house, client)
    (house.folder / "away").rename(house.folder / "hidden-1")
    assert client.chat.completions.create(model="petit", messages=QUESTION)
    house.ask_for_pseudonyms(("internal", "on_prem"), hidden=Hidden(student_numbers=("9",)))  # no pattern
    house.publish()
    house.look()
    house.gateway.pseudonymiser._read.clear()
    refusals(house, client)
    assert "Tartempion" not in caplog.text
    assert "PatternError" in caplog.text


def refusals(house: House, client: openai.OpenAI) -> None:
    before = len(house.provider.received)
    english = client.with_options(default_headers={"Accept-Language": "en"})
    for language, words in ((client, "rien n’a été envoyé"), (english, "nothing was sent")):
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError, match=words) as refused:
                language.chat.completions.create(model="petit", messages=QUESTION, stream=stream)
            assert refused.value.code == "pseudonyms_unavailable"
        with pytest.raises(openai.InternalServerError):
            language.embeddings.create(model="plongements", input=SAID)
        with pytest.raises(openai.InternalServerError):
            language.responses.create(model="petit", input=SAID)
    assert len(house.provider.received) == before


def test_who_arrives_is_hidden_once_it_is_published(house: House, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="petit", messages=QUESTION)
    house.ask_for_pseudonyms(("internal", "on_prem"), hidden=Hidden((*HIDDEN.names, "Nina Zorglubert"), HIDDEN.terms))
    house.publish()
    house.look()
    house.gateway.pseudonymiser._read[1].due_at = 0.0
    client.chat.completions.create(model="petit", messages=[{"role": "user", "content": "Nina Zorglubert"}])
    assert "Zorglubert" not in house.provider.received[-1].body.decode()
    house.institutions[0] = Institution(1, "ici")
    house.publish()
    house.look()
    assert house.gateway.pseudonymiser._read == {}


def test_nothing_is_asked_for_elsewhere(house: House) -> None:
    """Of another class, in another zone, of another institution: as it is, to the letter."""
    house.ask_for_pseudonyms(("personal", "on_prem"), ("internal", "eu"), hidden=HIDDEN)
    house.publish()
    house.look()
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as client:
        client.chat.completions.create(model="petit", messages=QUESTION, user="maelys")
    assert house.provider.received[-1].json == {"model": "petit", "messages": QUESTION, "user": "maelys"}
    assert house.gateway.pseudonymiser._read == {}


def test_a_model_that_may_stand_in_is_enough(house: House) -> None:
    """The first is where nothing is asked for; another of the same name is where it is."""
    house.add_provider("2", house.provider.url, zone="fr", institution=None)
    house.add_model("petit", provider="2", rank=5)
    house.ask_for_pseudonyms(("internal", "fr"), hidden=HIDDEN)
    house.publish()
    house.look()
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as client:
        client.chat.completions.create(model="petit", messages=QUESTION)
        assert "Tartempion" not in house.provider.received[-1].body.decode()


def test_a_stream_that_breaks_gives_what_it_held_before_it_says_so(house: House, client: openai.OpenAI) -> None:
    broken = {"script": {"repeats": True, "cut": 12, "fault": "cut", "at": 2}}
    words: list[str] = []
    stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=broken)
    with pytest.raises(openai.APIError, match="fournisseur"):
        words.extend(one.choices[0].delta.content or "" for one in stream)
    assert "".join(words) == "Écris à ⟦NOM"


# Wherever the network cuts


@pytest.mark.parametrize("operation", ["chat/completions", "responses"])
def test_events_cut_at_each_byte_say_the_same(operation: str) -> None:
    pseudonyms = Pseudonyms(detector_of([NAME]), b"k")
    [mark] = pseudonyms.texts([NAME])
    names = Names(pseudonyms, operation, is_json=False)
    pieces = ["Voici ", mark[:5], mark[5:], f" et {mark}", " ⟦NOM"]
    told_of = [json.dumps(one, ensure_ascii=place % 2 == 0) for place, one in enumerate(events(pieces, operation))]
    stream = b"".join(b"data: %b\n\n" % one.encode() for one in [*told_of, *(["[DONE]"] if operation != "responses" else [])])
    expected = f"Voici {NAME} et {NAME} ⟦NOM"
    for place in range(len(stream)):
        relayed = names.events(Meter(), shows=Shown.ALL)
        passed = relayed.push(stream[:place]) + relayed.push(stream[place:]) + relayed.close()
        assert told(passed, operation) == expected, place


def events(pieces: list[str], operation: str) -> list[Any]:
    if operation == "responses":
        place = {"item_id": "m", "output_index": 0, "content_index": 0}
        deltas: list[Any] = [{"type": "response.output_text.delta", **place, "delta": one} for one in pieces]
        done = {"type": "response.output_text.done", **place, "text": "".join(pieces)}
        end = {"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 1}}}
        found: list[Any] = [{**one, "sequence_number": number} for number, one in enumerate([*deltas, done, end])]
    else:
        found = [{"id": "c", "choices": [{"index": 0, "delta": {"content": one}}]} for one in pieces]
        found.append({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return found


def told(passed: bytes, operation: str) -> str:
    read = [json.loads(line[6:]) for line in passed.splitlines() if line.startswith(b"data: {")]
    if operation == "responses":
        assert [one["sequence_number"] for one in read] == list(range(len(read)))
        assert read[-2]["text"] == "".join(one["delta"] for one in read if "delta" in one)
        return "".join(one["delta"] for one in read if "delta" in one)
    return "".join(one["choices"][0]["delta"].get("content", "") for one in read)
