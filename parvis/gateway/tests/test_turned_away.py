"""What /v1 refuses is told for the evidence: by key, reason and minute, and never a word of what was asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import openai
import pytest

from parvis.gateway.tests.house import House
from parvis.gateway.tests.test_budgets import forget_leases
from parvis.inference.snapshots import Former
from parvis.inference.turned_away import FOLDER, MOST_LINES, Line, TurnedAway, gather
from parvis.ledger.budgets.messages import Code, Measure, Refused

QUESTION: Any = [{"role": "user", "content": "Un secret bien gardé"}]
LATER = 3_600.0  # seconds


@pytest.fixture
def told(house: House) -> House:
    """Nothing was refused before."""
    house.gateway._turned_away._lines.clear()
    for path in (house.folder / FOLDER).glob("*"):
        path.unlink()
    return house


def lines(house: House) -> list[Line]:
    house.run(house.gateway._tell_what_was_refused())
    return [line for path, found, _left in gather(house.folder, time.time() + LATER) for line in found.lines]


def ask(house: House, key: str, model: str, **more: Any) -> None:
    with openai.OpenAI(base_url=house.url, api_key=key, max_retries=0) as client, pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model=model, messages=QUESTION, **more)


def test_each_refusal_is_counted_by_key_and_reason_and_what_is_answered_is_not(told: House) -> None:
    house = told
    narrow = house.add_key(10, scopes=("list",))
    sensitive = house.add_key(10, data_class="sensitive")
    house.add_provider("loin", house.provider.url, zone="world")
    house.add_model("lointain", provider="loin")
    house.publish()
    house.look()
    with openai.OpenAI(base_url=house.url, api_key=house.key) as client:
        assert client.chat.completions.create(model="petit", messages=QUESTION)
    for _ in range(3):
        ask(house, house.key, "Un secret de plus")
    ask(house, house.neighbour_key, "petit")
    ask(house, narrow, "petit")
    ask(house, sensitive, "lointain")
    ask(house, "sk-of-nobody", "petit")
    found = {(line.institution, line.key, line.reason): line for line in lines(house)}
    number, far = {one.alias: one.id for one in house.models}, len(house.keys)
    assert {place: line.count for place, line in found.items()} == {
        (1, 1, "no_such_model"): 3,
        (2, 2, "no_such_model"): 1,
        (1, far - 1, "insufficient_scope"): 1,
        (1, far, "class_refused"): 1,
    }
    assert found[1, far, "class_refused"].models == (number["lointain"],)
    assert {line.person for line in found.values()} == {100, 200}


def test_nothing_of_what_was_asked_is_written(told: House) -> None:
    ask(told, told.key, "Un secret de plus")
    told.run(told.gateway._tell_what_was_refused())
    [path] = (told.folder / FOLDER).iterdir()
    assert b"secret" not in path.read_bytes()
    assert told.key.encode() not in path.read_bytes()


def test_a_key_that_was_taken_back_and_a_budget_that_is_spent_are_told(told: House) -> None:
    house = told
    former = house.add_key(10)
    gone = house.keys.pop()
    house.former.append(Former(gone.digest, 77, 1, 100))
    again = house.add_key(10)
    house.publish(revoked=(house.keys[-1].id,))
    house.look()
    ask(house, former, "petit")
    ask(house, again, "petit")
    forget_leases(house)
    house.settler.refusals[1] = [Refused(Code.OVER_LIMIT, 7, 0, None, Measure.MONEY, ())]
    ask(house, house.key, "petit")
    assert {(line.key, line.reason) for line in lines(house)} == {
        (77, "key_not_valid"),
        (house.keys[-1].id, "key_not_valid"),
        (1, "insufficient_quota"),
    }


def test_one_who_asks_for_ever_is_one_line_a_minute_and_many_are_counted_together(tmp_path: Path) -> None:
    counted = TurnedAway(tmp_path)
    for _ in range(20_000):
        counted.note(1, 1, 1, "class_refused", ["3"])
    for key in range(MOST_LINES + 500):
        counted.note(1, key + 2, 1, "no_such_model")
    assert len(counted._lines) <= MOST_LINES + 2
    counted.write()
    found = [line for _path, gathered, _left in gather(tmp_path, time.time() + LATER) for line in gathered.lines]
    assert sum(line.count for line in found) == 20_000 + MOST_LINES + 500
    assert sum(line.count for line in found if line.reason == "class_refused") == 20_000


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = TurnedAway(tmp_path)
    counted.note(1, 1, 1, "class_refused")
    monkeypatch.setattr("parvis.inference.turned_away.os.fsync", _full)
    with pytest.raises(OSError, match="space"):
        counted.write()
    monkeypatch.undo()
    counted.note(1, 1, 1, "class_refused")
    counted.write()
    assert [line.count for _path, found, _left in gather(tmp_path, time.time() + LATER) for line in found.lines] == [2]


def _full(_file: int) -> None:
    raise OSError(28, "No space left on device")
