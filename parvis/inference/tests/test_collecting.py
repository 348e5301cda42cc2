"""What the data plane refused is in the evidence of each institution, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from conftest import House
from parvis.audit.models import Entry
from parvis.inference import collecting
from parvis.inference.collecting import collect
from parvis.inference.turned_away import FOLDER, TurnedAway


def entries() -> list[Entry]:
    return list(Entry.objects.filter(action="gateway.refuse").order_by("id"))


def test_what_two_workers_refused_in_a_minute_is_one_entry_of_its_institution(house: House, tmp_path: Path) -> None:
    here, there = house.institution.id, house.neighbour_institution.id
    for worker in (TurnedAway(tmp_path), TurnedAway(tmp_path)):
        for _ in range(3):
            worker.note(here, 12, 5, "class_refused", ["3"])
        worker.note(there, 13, 6, "no_such_model")
        worker.write()
    assert collect(tmp_path, timezone.now()) == 0, "the minute is not over"
    assert collect(tmp_path, timezone.now() + timedelta(minutes=2)) == 2
    ours, theirs = entries()
    assert (ours.institution_id, ours.actor, ours.subject) == (here, "person:5", "key:12")
    assert (ours.details["reason"], ours.details["count"], ours.details["models"]) == ("class_refused", 6, ["3"])
    assert (theirs.institution_id, theirs.details["count"]) == (there, 2)
    assert list((tmp_path / FOLDER).iterdir()) == []
    assert collect(tmp_path, timezone.now() + timedelta(minutes=2)) == 0


def test_who_dies_while_recording_records_nothing_twice(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, later = TurnedAway(tmp_path), timezone.now() + timedelta(minutes=2)
    worker.note(house.institution.id, 12, 5, "class_refused")
    worker.write()
    monkeypatch.setattr(Path, "unlink", _dying_at(".gathered"))
    with pytest.raises(OSError, match="gone"):
        collect(tmp_path, later)
    monkeypatch.undo()
    assert len(entries()) == 1
    assert collect(tmp_path, later) == 0
    worker.note(house.institution.id, 12, 5, "class_refused")
    worker.write()
    monkeypatch.setattr(collecting, "_record", _dying)
    with pytest.raises(OSError, match="gone"):
        collect(tmp_path, later)
    monkeypatch.undo()
    assert collect(tmp_path, later) == 1
    assert [entry.details["count"] for entry in entries()] == [1, 1]


def test_what_is_no_count_is_put_aside_and_stops_no_other(house: House, tmp_path: Path) -> None:
    worker = TurnedAway(tmp_path)
    worker.note(house.institution.id, 12, 5, "class_refused")
    worker.write()
    (tmp_path / FOLDER / "1-abc-1.refusals").write_bytes(b"nothing of the kind")
    assert collect(tmp_path, timezone.now() + timedelta(minutes=2)) == 1
    assert [path.suffix for path in (tmp_path / FOLDER).iterdir()] == [".damaged"]


def _dying(*_: object) -> int:
    raise OSError("gone")


def _dying_at(suffix: str) -> Callable[..., None]:
    unlink = Path.unlink

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == suffix:
            raise OSError("gone")
        unlink(path, missing_ok=missing_ok)

    return unlinked
