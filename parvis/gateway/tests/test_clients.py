"""/v1 by the clients that people have: OpenAI's and Mistral's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from parvis.gateway.tests.house import SECRET, House

QUESTION: Any = [{"role": "user", "content": "Quel est le délai ?"}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "meteo", "parameters": {"type": "object", "properties": {"ville": {"type": "string"}}}},
}


@pytest.fixture
def client(house: House) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as found:
        yield found


def test_an_answer_says_where_it_was_computed_and_what_it_used(house: House, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="petit", messages=QUESTION, extra_body={"top_k": 3})
    answer = raw.parse()
    assert answer.choices[0].message.content == "mot " * 8
    assert answer.usage
    assert answer.usage.completion_tokens == 8
    assert raw.headers["x-parvis-zone"] == "on_prem"
    assert raw.headers["x-request-id"].startswith("req_")
    [received] = house.provider.received
    assert received.json == {"model": "petit", "messages": QUESTION, "top_k": 3}
    assert received.headers["authorization"] == f"Bearer {SECRET}"
    assert house.key not in str(received)


def test_a_stream_gives_its_counts_when_asked_and_only_then(house: House, client: openai.OpenAI) -> None:
    silent = list(client.chat.completions.create(model="petit", messages=QUESTION, stream=True))
    assert [one.choices[0].delta.content for one in silent[1:-1]] == [f"mot{number} " for number in range(8)]
    assert not any(one.usage for one in silent)
    options: Any = {"include_usage": True}
    told = list(client.chat.completions.create(model="petit", messages=QUESTION, stream=True, stream_options=options))
    assert told[-1].usage
    assert told[-1].usage.completion_tokens == 8
    assert [one.tokens_out for one in house.settled_by(2)] == [8, 8]  # counted either way


def test_tools_schemas_and_images_pass_through(house: House, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="petit", messages=QUESTION, tools=[TOOL])
    assert answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    stream = client.chat.completions.create(model="petit", messages=QUESTION, tools=[TOOL], stream=True)
    calls = [call for one in stream for call in one.choices[0].delta.tool_calls or ()]
    assert "".join(call.function.arguments or "" for call in calls if call.function) == '{"ville": "Rennes"}'
    schema: Any = {"type": "json_schema", "json_schema": {"name": "ville", "schema": {"type": "object"}}}
    answer = client.chat.completions.create(model="petit", messages=QUESTION, response_format=schema)
    assert answer.choices[0].message.content == '{"ville": "Rennes"}'
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    shown: Any = [{"role": "user", "content": [picture]}]
    client.chat.completions.create(model="petit", messages=shown)
    assert house.provider.received[-1].json["messages"][0]["content"] == [picture]


def test_nothing_goes_from_a_provider_to_where_nobody_knows(house: House, client: openai.OpenAI) -> None:
    distant = {"type": "mcp", "server_url": "https://exemple.org"}
    bodies: list[dict[str, Any]] = [{"tools": [TOOL, distant]}, {"web_search_options": {}}]
    for refused in bodies:
        with pytest.raises(openai.BadRequestError) as error:
            client.chat.completions.create(model="petit", messages=QUESTION, extra_body=refused)
        assert error.value.code == "unsupported_field"
    assert house.provider.received == []


@pytest.mark.parametrize("model", ["plongements", "numbers-only"])
@pytest.mark.parametrize("form", ["float", "base64"])
def test_embeddings_are_written_as_asked(client: openai.OpenAI, model: str, form: Any) -> None:
    """Whatever the provider knows how to write."""
    given = client.embeddings.create(model=model, input=["a", "b"], encoding_format=form)
    assert [one.index for one in given.data] == [0, 1]
    assert all(isinstance(one.embedding, str if form == "base64" else list) for one in given.data)
    usual = client.embeddings.create(model=model, input="a")  # asks for base64, and reads it
    assert len(usual.data[0].embedding) == 8


def test_responses_where_the_model_has_them(house: House, client: openai.OpenAI) -> None:
    answer = client.responses.create(model="petit", input="bonjour", store=True)
    assert answer.output_text == "mot " * 8
    assert house.provider.received[-1].json["store"] is False  # nothing is left there for another key to find
    kinds = [one.type for one in client.responses.create(model="petit", input="bonjour", stream=True)]
    assert kinds[-1] == "response.completed"
    assert [one.tokens_out for one in house.settled_by(2)] == [8, 8]
    for refused in ({"previous_response_id": "resp_1"}, {"tools": [{"type": "mcp", "server_url": "https://exemple.org"}]}):
        with pytest.raises(openai.BadRequestError) as error:
            client.responses.create(model="petit", input="bonjour", extra_body=refused)
        assert error.value.code == "unsupported_field"
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="plongements", input="bonjour")


async def test_many_at_once_without_waiting_for_each_other(house: House) -> None:
    async with openai.AsyncOpenAI(base_url=house.url, api_key=house.key, max_retries=0) as client:

        async def asked(number: int) -> str:
            script = {"tokens": number, "first_ms": 20}
            body: dict[str, Any] = {"extra_body": {"script": script}}
            stream = await client.chat.completions.create(model="petit", messages=QUESTION, stream=True, **body)
            return "".join([one.choices[0].delta.content or "" async for one in stream])

        answers = await asyncio.gather(*(asked(number) for number in range(30)))
    assert [len(one.split()) for one in answers] == list(range(30))
    assert len(house.settled_by(30)) == 30


def test_errors_are_those_a_client_knows_in_two_languages(house: House, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as absent:
        client.chat.completions.create(model="absent", messages=QUESTION)
    assert absent.value.code == "model_not_found"
    assert absent.value.param == "model"
    assert "Le modèle" in str(absent.value)
    english = client.with_options(default_headers={"Accept-Language": "en-GB,en;q=0.9,fr;q=0.3"})
    with pytest.raises(openai.NotFoundError, match="does not exist, or this key may not use it"):
        english.chat.completions.create(model="absent", messages=QUESTION)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-of-somebody-else").models.list()
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="petit", messages=QUESTION, extra_body={"script": {"fault": "429"}})
    assert int(limited.value.response.headers["retry-after"]) == 7
    with pytest.raises(openai.InternalServerError) as resting:  # it is left alone for as long as it said
        client.chat.completions.create(model="petit", messages=QUESTION)
    assert resting.value.code == "all_out"
    house.gateway.admission.board.clear()
    told = {"script": {"fault": "400", "says": f"no, says {SECRET}"}}
    with pytest.raises(openai.BadRequestError, match="no, says …"):
        client.chat.completions.create(model="petit", messages=QUESTION, extra_body=told)
    with pytest.raises(openai.APIError, match="fournisseur"):
        list(
            client.chat.completions.create(
                model="petit", messages=QUESTION, stream=True, extra_body={"script": {"fault": "cut", "at": 3}}
            )
        )


def test_a_key_sees_the_models_it_may_use(house: House, client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == ["numbers-only", "petit", "plongements"]
    assert client.models.retrieve("petit").id == "petit"
    neighbour = client.with_options(api_key=house.neighbour_key)
    assert list(neighbour.models.list()) == []
    with pytest.raises(openai.NotFoundError) as theirs:
        neighbour.chat.completions.create(model="petit", messages=QUESTION)
    with pytest.raises(openai.NotFoundError) as nothing:
        neighbour.chat.completions.create(model="absent", messages=QUESTION)
    assert str(theirs.value).replace("petit", "absent") == str(nothing.value)


def test_mistral_s_client(house: House) -> None:
    from mistralai.client import Mistral  # here: no other test needs it, and it takes long to read

    with Mistral(api_key=house.key, server_url=house.url.removesuffix("/v1")) as client:
        answer = client.chat.complete(model="petit", messages=QUESTION)
        assert answer.choices[0].message.content == "mot " * 8
        with client.chat.stream(model="petit", messages=QUESTION) as stream:
            words = [one.data.choices[0].delta.content for one in stream if one.data.choices]
        assert "".join(str(word or "") for word in words) == "".join(f"mot{number} " for number in range(8))
        called = client.chat.complete(model="petit", messages=QUESTION, tools=[TOOL])
        assert called.choices[0].message.tool_calls
        assert len(client.embeddings.create(model="plongements", inputs=["a", "b"]).data) == 2
        assert client.models.list().data


async def test_mistral_s_client_without_blocking(house: House) -> None:
    from mistralai.client import Mistral

    async with Mistral(api_key=house.key, server_url=house.url.removesuffix("/v1")) as client:
        answer = await client.chat.complete_async(model="petit", messages=QUESTION)
        assert answer.choices[0].message.content == "mot " * 8
