"""What is being answered is told while it lasts, and ends when an administrator says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from parvis.gateway.tests.house import House
from parvis.inference.open_streams import FOLDER, OpenStream, open_streams

QUESTION: Any = [{"role": "user", "content": "Quel est le délai ?"}]
SLOW = {"script": {"tokens": 1_000, "gap_ms": 20}}


@pytest.fixture
def client(house: House) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as found:
        yield found


def told(house: House, count: int = 1, *, institution: int = 1, moved: bool = False) -> list[OpenStream]:
    """What is told, once it is of so many, and that some of it was passed on."""
    until = time.monotonic() + 4
    while time.monotonic() < until:
        found = open_streams(house.folder, institution)
        if len(found) == count and all(one.pieces for one in found if moved):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_stream_is_told_while_it_lasts_and_nothing_of_what_it_says(house: House, client: openai.OpenAI) -> None:
    begun = time.time()
    stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=SLOW)
    for _ in range(10):
        next(stream)
    [one] = told(house, moved=True)
    assert (one.request_id, one.institution, one.key, one.holder) == (stream.response.headers["x-request-id"], 1, 1, 10)
    assert (one.model, one.zone, one.operation, one.is_streamed) == ("petit", "on_prem", "chat/completions", True)
    assert one.component == "UFR Droit"
    assert abs(one.begun_at - begun) < 2
    assert one.sent > 100
    assert open_streams(house.folder, 2) == []
    [file] = (house.folder / FOLDER).iterdir()
    written = file.read_bytes()
    for word in ("Quel", "mot1", house.key):
        assert word.encode() not in written
    [later] = told(house)
    until = time.monotonic() + 3
    while later.sent == one.sent and time.monotonic() < until:
        next(stream)
        [later] = told(house)
    assert later.sent > one.sent
    stream.close()
    told(house, 0)
    assert list((house.folder / FOLDER).iterdir()) == []


def test_a_stream_that_is_stopped_ends_within_seconds_and_is_settled(house: House, client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=SLOW)
    next(stream)
    request_id = stream.response.headers["x-request-id"]
    house.publish(stopped=((2, request_id),))  # another institution's word is nothing
    house.look()
    assert next(stream)
    house.publish(stopped=((1, request_id),))
    begun = time.monotonic()
    with pytest.raises(openai.APIError, match="Un administrateur a arrêté cette réponse") as stopped:
        for _ in stream:
            pass
    assert time.monotonic() - begun < 5
    assert stopped.value.code == "stopped"
    [settled] = house.settled_by(1)
    assert not settled.complete
    assert (settled.counted, settled.tokens_in < settled.held.tokens_in) == (False, True)
    assert 0 < settled.tokens_out <= 2 * house.provider.written[request_id][1]
    told(house, 0)
    assert client.chat.completions.create(model="petit", messages=QUESTION)  # the key goes on


def test_an_answer_that_comes_at_once_is_stopped_in_english_and_not_asked_again(house: House) -> None:
    def stop() -> None:
        [one] = told(house)
        house.publish(stopped=((1, one.request_id),))

    slow = {"script": {"first_ms": 1_400}}
    with openai.OpenAI(base_url=house.url, api_key=house.key, default_headers={"Accept-Language": "en"}) as client:
        watching = threading.Thread(target=stop)
        watching.start()
        with pytest.raises(openai.PermissionDeniedError, match="An administrator stopped this answer") as stopped:
            client.chat.completions.create(model="petit", messages=QUESTION, extra_body=slow)
        watching.join(5)
    assert stopped.value.code == "stopped"
    assert len(house.provider.received) == 1


def test_each_institution_is_told_its_own(house: House, client: openai.OpenAI) -> None:
    house.add_provider("2", house.provider.url, zone="on_prem", institution=2)
    house.add_model("moyen", provider="2")
    house.publish()
    house.look()
    ours = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=SLOW)
    with openai.OpenAI(base_url=house.url, api_key=house.neighbour_key, max_retries=0) as neighbour:
        theirs = neighbour.chat.completions.create(model="moyen", messages=QUESTION, stream=True, extra_body=SLOW)
        assert [one.model for one in told(house)] == ["petit"]
        assert [one.model for one in told(house, institution=2)] == ["moyen"]
        theirs.close()
    ours.close()


def test_a_disk_that_takes_nothing_costs_no_answer(
    house: House, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(house.gateway._open, "write", full)
    script = {"script": {"tokens": 70, "gap_ms": 20}}
    stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=script)
    assert len(list(stream)) > 70
    assert house.gateway._watching
    assert not house.gateway._watching.done()
