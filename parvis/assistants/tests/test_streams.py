"""Turns written by their own thread, read by streams that begin anywhere. Data is committed: threads must see it."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from conftest import House
from parvis.access.middleware import PROFILE_KEY
from parvis.assistants import actions, jobs
from parvis.assistants.models import Assistant, State, Turn, TurnEvent
from parvis.assistants.tests.conftest import QUESTION, Use
from parvis.institutions.models import Profile

pytestmark = pytest.mark.usefixtures("committed")

FIRST = 'La prescription est de cinq ans. [1: "La prescription extinctive est de cinq ans"]\n\n'
SECOND = 'Elle peut être interrompue. [1: "interrompue par une demande en justice, même en référé"]'


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SAFETY_SECONDS", 0.3)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.05)


def ask(profile: Profile, house: House, assistant: Assistant, *, quotes_only: bool = False) -> Turn:
    turn = actions.ask(house.principal(profile), assistant, QUESTION, quotes_only=quotes_only)
    jobs.start(turn)
    return turn


def queue(profile: Profile, house: House, assistant: Assistant) -> Turn:
    """A turn that some other process is about to write."""
    return actions.ask(house.principal(profile), assistant, QUESTION)


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this never came"
        time.sleep(0.01)


def written(turn: Turn) -> int:
    return TurnEvent.unscoped.filter(turn=turn).count()


def async_client(profile: Profile) -> AsyncClient:
    client = AsyncClient(headers={"accept-language": "fr"})
    client.force_login(profile.person)
    session = client.session
    session[PROFILE_KEY] = profile.id
    session.save()
    return client


async def read(client: AsyncClient, turn: Turn, after: int = 0, *, header: bool = False) -> list[dict[str, str]]:
    """The events of a stream until it closes."""
    if header:
        response = await client.get(f"/echanges/{turn.id}/flux/", headers={"Last-Event-ID": str(after)})
    else:
        response = await client.get(f"/echanges/{turn.id}/flux/?apres={after}")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert isinstance(response, StreamingHttpResponse)
    received = b"".join([part async for part in response]).decode()
    return [_event(message) for message in received.split("\n\n") if "event:" in message]


def _event(message: str) -> dict[str, str]:
    fields = [line.partition(": ")[::2] for line in message.split("\n")]
    return {
        "id": next((value for name, value in fields if name == "id"), ""),
        "event": next(value for name, value in fields if name == "event"),
        "data": "\n".join(value for name, value in fields if name == "data"),
    }


def shown(events: list[dict[str, str]], page: dict[str, str] | None = None) -> dict[str, str]:
    """What a page holds after these events: blocks by key, each replaced as it grows."""
    page = dict(page or {})
    for event in events:
        if event["event"] == "block":
            key = re.search(r'data-block="([^"]+)"', event["data"])
            assert key
            page[key[1]] = event["data"].strip()
    return page


async def test_a_stream_resumed_at_any_event_ends_as_a_fresh_load(house: House, course: Assistant, use_model: Use) -> None:
    use_model(FIRST, SECOND, "\n\nPhrase sans preuve.")
    client = await sync_to_async(async_client)(house.student)
    turn = await sync_to_async(ask)(house.student, house, course)
    whole = await read(client, turn)
    ids = [int(event["id"]) for event in whole]
    assert [event["event"] for event in whole[-1:]] == ["done"]
    assert ids == sorted(set(ids))
    assert len(shown(whole)) == 3

    count = await sync_to_async(written)(turn)
    for after in range(count + 1):
        before = [event for event in whole if int(event["id"]) <= after]
        resumed = await read(client, turn, after, header=bool(after % 2))
        assert all(int(event["id"]) > after or event["event"] == "done" for event in resumed)
        assert shown(resumed, shown(before)) == shown(whole)
    page = (await client.get(f"/conversations/{turn.conversation_id}/")).content.decode()
    page = page.replace(' aria-current="true"', "")  # the mark of the page that a load opens beside
    for block in shown(whole).values():
        assert block in page


async def test_readers_who_come_at_different_times_read_the_same(house: House, course: Assistant, use_model: Use) -> None:
    gate = threading.Event()
    use_model(FIRST, "Elle peut ", gate, SECOND)
    client = await sync_to_async(async_client)(house.student)
    turn = await sync_to_async(ask)(house.student, house, course)
    early = asyncio.create_task(read(client, turn))
    await sync_to_async(wait_for)(lambda: written(turn) >= 3)
    reloaded = (await client.get(f"/conversations/{turn.conversation_id}/")).content.decode()
    assert "La prescription est de cinq ans." in reloaded
    address = re.search(r'data-stream="[^"?]+\?apres=(\d+)"', reloaded)
    assert address
    late = asyncio.create_task(read(client, turn, int(address[1])))
    await asyncio.sleep(0.05)
    gate.set()
    first, second = await asyncio.gather(early, late)
    assert "La prescription est de cinq ans." not in "".join(event["data"] for event in second)
    before = [event for event in first if int(event["id"]) <= int(address[1])]
    assert shown(second, shown(before)) == shown(first)


async def test_a_stream_ends_when_its_reader_is_suspended(house: House, course: Assistant, use_model: Use) -> None:
    gate = threading.Event()
    use_model(FIRST, "Elle peut ", gate, SECOND)
    client = await sync_to_async(async_client)(house.student)
    turn = await sync_to_async(ask)(house.student, house, course)
    response = await client.get(f"/echanges/{turn.id}/flux/")
    assert isinstance(response, StreamingHttpResponse)
    parts = aiter(response)
    assert await anext(parts)
    await sync_to_async(Profile.objects.filter(id=house.student.id).update)(ended_at=timezone.now())
    gate.set()
    rest = b"".join([part async for part in parts]).decode()
    assert "data: gone" in rest
    assert "interrompue" not in rest


async def test_an_open_stream_keeps_no_connection_of_its_request(house: House, course: Assistant, use_model: Use) -> None:
    gate = threading.Event()
    use_model(gate, FIRST)
    client = await sync_to_async(async_client)(house.student)
    turn = await sync_to_async(ask)(house.student, house, course)
    response = await client.get(f"/echanges/{turn.id}/flux/")
    assert isinstance(response, StreamingHttpResponse)
    parts = aiter(response)
    await anext(parts)
    assert await sync_to_async(lambda: connection.connection)() is None
    gate.set()
    async for _part in parts:
        pass


async def test_a_stream_written_elsewhere_is_read_from_the_log(house: House, course: Assistant) -> None:
    """As another process sees it: nobody wakes the reader."""
    turn = await sync_to_async(queue)(house.student, house, course)
    client = await sync_to_async(async_client)(house.student)
    reading = asyncio.create_task(read(client, turn))
    await asyncio.sleep(0.05)
    text = {"text": "Mot.", "status": "verified", "problems": []}
    assert await sync_to_async(actions.append)(turn.id, [("text", text)])
    await sync_to_async(actions.finish)(turn.id, State.ANSWERED)
    assert [event["event"] for event in await asyncio.wait_for(reading, 5)] == ["block", "done"]


async def test_a_turn_whose_server_died_is_interrupted_and_keeps_what_was_received(house: House, course: Assistant) -> None:
    turn = await sync_to_async(queue)(house.student, house, course)
    await sync_to_async(actions.append)(turn.id, [("text", {"text": "Début.", "status": "verified", "problems": []})])
    await sync_to_async(Turn.unscoped.filter(id=turn.id).update)(lease_until=timezone.now() - timedelta(seconds=1))
    client = await sync_to_async(async_client)(house.student)
    events = await read(client, turn)
    page = (await client.get(f"/conversations/{turn.conversation_id}/")).content.decode()

    assert [event["event"] for event in events] == ["block", "done"]
    assert "Début." in page
    assert "data-stream" not in page
    assert f"/echanges/{turn.id}/reprise/" in page
    assert not await sync_to_async(actions.append)(turn.id, [("text", {"text": "Revenant."})])


def test_stopping_keeps_what_was_written_and_hangs_up(house: House, course: Assistant, use_model: Use) -> None:
    use_model(FIRST, "Elle peut ", threading.Event())
    turn = ask(house.student, house, course)
    wait_for(lambda: written(turn) >= 3)
    client = Client(headers={"accept-language": "fr"})
    client.force_login(house.student.person)
    client.post(f"/echanges/{turn.id}/annulation/")
    turn.refresh_from_db()
    assert turn.state == State.CANCELLED
    wait_for(lambda: turn.id not in jobs._written_here)
    page = client.get(f"/conversations/{turn.conversation_id}/").content.decode()
    assert "La prescription est de cinq ans." in page
    assert written(turn) == 4  # asked, text, citation, done: nothing was added afterwards


async def test_while_nothing_is_proved_the_page_says_what_is_done_and_a_stop_keeps_it_as_a_draft(
    house: House, course: Assistant, use_model: Use
) -> None:
    use_model("Elle est de trente ans. Puis", threading.Event())
    client = await sync_to_async(async_client)(house.student)
    turn = await sync_to_async(ask)(house.student, house, course)
    await sync_to_async(wait_for)(lambda: written(turn) >= 2)
    address = f"/conversations/{turn.conversation_id}/"
    writing = (await client.get(address)).content.decode()
    await client.post(f"/echanges/{turn.id}/annulation/")
    stopped = (await client.get(address)).content.decode()
    said = [event["data"] for event in await read(client, turn) if event["event"] == "waiting"]
    exported = (await client.get(f"{address}export.md")).content.decode()

    assert "Le modèle lit" in said[0]
    assert "Le modèle écrit" in said[1]
    assert said[1] in writing
    assert "trente ans" not in writing
    assert "trente ans" in stopped.partition('<details class="draft"')[2]
    assert "est conservé" not in stopped
    assert "trente ans" not in exported


def test_a_turn_stopped_by_another_process_is_no_longer_written(
    house: House, course: Assistant, use_model: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.25))
    use_model(FIRST, "Elle peut ", threading.Event())
    turn = ask(house.student, house, course)
    wait_for(lambda: written(turn) >= 3)
    actions.cancel(house.principal(house.student), turn)
    wait_for(lambda: turn.id not in jobs._written_here)
    turn.refresh_from_db()
    assert turn.state == State.CANCELLED


def test_without_script_the_page_comes_with_the_answer(house: House, course: Assistant) -> None:
    client = Client(headers={"accept-language": "fr"})
    client.force_login(house.student.person)
    response = client.post(f"/assistants/{course.id}/", {"question": QUESTION}, follow=True)
    assert "La prescription extinctive est de cinq ans" in response.content.decode()
    assert "data-stream" not in response.content.decode()


def test_with_script_the_page_comes_at_once(house: House, course: Assistant, use_model: Use) -> None:
    gate = threading.Event()
    use_model(gate, FIRST)
    client = Client(headers={"accept-language": "fr"})
    client.force_login(house.student.person)
    begun = client.post(f"/assistants/{course.id}/", {"question": QUESTION}, headers={"HX-Request": "true"})
    page = client.get(begun.headers["HX-Redirect"].partition("#")[0]).content.decode()
    turn = Turn.unscoped.latest("id")
    assert f'data-stream="/echanges/{turn.id}/flux/?apres=' in page
    second = client.post(f"/conversations/{turn.conversation_id}/", {"question": "Et les redoublants ?"})
    assert second.status_code == 422  # one answer at a time
    assert "data-passing" in second.content.decode()  # said until that one ends
    gate.set()
    jobs.wait(turn.id, 5)


def test_turns_cross_without_loss(house: House, course: Assistant) -> None:
    turns = [ask(house.student, house, course, quotes_only=True) for _ in range(6)]
    for turn in turns:
        jobs.wait(turn.id, 10)
        turn.refresh_from_db()
        seqs = list(TurnEvent.unscoped.filter(turn=turn).order_by("seq").values_list("seq", flat=True))
        assert (turn.state, seqs) == (State.ANSWERED, list(range(1, turn.latest_seq + 1)))
