"""kill −9 and disks that refuse, at one percent of what `bench.ledger` tries."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from bench import ledger
from tests.peers import missing

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="its processes have a database of their own")


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    """With the tables of the test database, which need not be made again."""
    with sqlite3.connect(connection.settings_dict["NAME"]) as made, sqlite3.connect(tmp_path / "parvis.sqlite3") as copied:
        made.backup(copied)
        copied.execute(
            "INSERT INTO institutions_institution (id, nature, slug, name, short_name, kind, city, rules_key, is_invented,"
            " data_class) VALUES (1, 'member', 'ici', 'Ici', 'Ici', '', '', '', 0, 'internal')"
        )
    made.close()
    copied.close()
    return tmp_path


def test_no_call_is_lost_or_doubled(folder: Path) -> None:
    if shutil.which("strace") is None:
        missing("strace is not installed")
    found = ledger.ordeal(Random(1), folder, 10, 4)
    found.pop("kept")
    names = ("forgotten", "lost", "doubled", "strange", "wrong", "sum", "damaged")
    assert {name: found[name] for name in names} == dict.fromkeys(names, 0)
    assert (found["used"], found["whole"]) == (found["kept_sum"], "ok")
    assert found["acknowledged"]
    assert found["refused"]
