"""kill −9 and disks that refuse, at one percent of what `bench.ledger` tries."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from bench import ledger

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="its processes have a database of their own")


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    """With the tables of the test database, which need not be made again."""
    with sqlite3.connect(connection.settings_dict["NAME"]) as made, sqlite3.connect(tmp_path / "parvis.sqlite3") as copied:
        made.backup(copied)
        copied.execute(
            "INSERT INTO institutions_institution (id, nature, slug, name, short_name, kind, city, rules_key, is_invented)"
            " VALUES (1, 'member', 'ici', 'Ici', 'Ici', '', '', '', 0)"
        )
    made.close()
    copied.close()
    return tmp_path


def exact(found: dict[str, int | str]) -> bool:
    told = [found[name] for name in ("forgotten", "lost", "doubled", "strange", "wrong", "sum", "damaged")]
    return not any(told) and found["used"] == found["kept_sum"] and found["whole"] == "ok"


def test_no_call_is_lost_or_doubled_by_kill_9(folder: Path) -> None:
    found = ledger.kill(Random(1), folder, 10)
    assert exact(found), {name: value for name, value in found.items() if name != "kept"}
    assert found["acknowledged"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nor_by_a_disk_without_room_or_that_fails(folder: Path) -> None:
    found = ledger.fault(Random(1), folder, 4)
    assert exact(found), {name: value for name, value in found.items() if name != "kept"}
    assert found["refused"]
