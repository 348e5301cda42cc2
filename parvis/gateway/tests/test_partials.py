"""An answer that does not come to its end is charged what was counted of it, or an estimate that says so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from parvis.gateway.tests.house import House
from parvis.ledger.counting import files
from parvis.ledger.journal import read
from parvis.ledger.usage import Usage

QUESTION: Any = [{"role": "user", "content": "Quel est le délai ?"}]
SLOW: Any = {"script": {"tokens": 500, "gap_ms": 20}}


@pytest.fixture
def client(house: House) -> Iterator[openai.OpenAI]:
    house.add_model("compteur", counts_as_it_goes=True)
    house.add_model("muet")
    house.publish()
    house.look()
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as found:
        yield found


def latest(house: House) -> Usage:
    """What was written down, once it ended."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        calls = [call for path, _held in files(house.folder / "budgets") for call in read(path).calls]
        if calls and calls[-1].outcome != "unknown":
            return calls[-1]
        time.sleep(0.02)
    raise AssertionError


def streamed(client: openai.OpenAI, model: str, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=QUESTION, stream=True, **more)


def raw(client: openai.OpenAI, **more: Any) -> list[dict[str, Any]]:
    """The events as they came."""
    body = {"model": "compteur", "messages": QUESTION, "stream": True, **more}
    answer = client.post("/chat/completions", body=body, cast_to=str)
    lines = [line.removeprefix("data: ") for line in answer.split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def test_who_leaves_a_model_that_counts_as_it_goes_pays_what_it_counted_last(house: House, client: openai.OpenAI) -> None:
    stream = streamed(client, "compteur", extra_body=SLOW)
    for _ in range(6):
        next(stream)
    request_id = stream.response.headers["x-request-id"]
    stream.close()
    [settled] = house.settled_by(1)
    assert (settled.counted, settled.complete) == (True, False)
    taken, written = house.provider.written[request_id]
    assert settled.tokens_in == taken
    assert 5 <= settled.tokens_out <= written
    call = latest(house)
    assert (call.outcome, call.is_estimated, call.quantities.output_tokens) == ("left", False, settled.tokens_out)


def test_another_is_estimated_from_what_was_passed_on_and_what_it_was_seen_to_make(
    house: House, client: openai.OpenAI
) -> None:
    for _ in range(30):  # it teaches what its tokenizer makes of a request, and of an answer
        list(streamed(client, "muet"))
    taught = house.settled_by(30)[-1]
    stream = streamed(client, "muet", extra_body=SLOW)
    for _ in range(6):
        next(stream)
    request_id = stream.response.headers["x-request-id"]
    stream.close()
    settled = house.settled_by(31)[-1]
    assert not settled.counted
    assert abs(settled.tokens_in - taught.tokens_in) <= 4
    assert 5 <= settled.tokens_out <= 1.25 * house.provider.written[request_id][1] + 2
    assert latest(house).is_estimated


def test_nothing_is_estimated_where_the_provider_refused(house: House, client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        streamed(client, "petit", extra_body={"script": {"fault": "429"}})
    assert {(one.tokens_in, one.tokens_out) for one in house.settled_by(1)} == {(0, 0)}
    call = latest(house)
    assert (call.outcome, call.is_estimated) == ("refused", False)


def test_counts_that_a_client_did_not_ask_for_are_not_shown(house: House, client: openai.OpenAI) -> None:
    whole = raw(client)
    assert house.provider.received[-1].json["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert not any("usage" in one for one in whole)
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in whole)
    assert text == "".join(f"mot{number} " for number in range(8))
    *pieces, last = raw(client, stream_options={"include_usage": True})
    assert not any("usage" in one for one in pieces)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 8)
    *pieces, last = raw(client, stream_options={"include_usage": True, "continuous_usage_stats": True})
    assert [one["usage"]["completion_tokens"] for one in pieces] == [*range(9), 8]
    assert [one.tokens_out for one in house.settled_by(3)] == [8, 8, 8]
