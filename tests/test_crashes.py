"""kill −9 and power cuts, at one percent of what `bench.crash` tries."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from bench import crash
from tests.peers import missing

pytestmark = pytest.mark.django_db  # whose tables are copied


def test_what_was_acknowledged_survives_kill_9(tables: Path, tmp_path: Path) -> None:
    database = Path(shutil.copy(tables, tmp_path))
    lost, acknowledged, whole = crash.kill(Random(1), database, 10)
    assert lost == 0
    assert acknowledged
    assert whole


def test_what_was_acknowledged_survives_a_power_cut(tables: Path) -> None:
    if shutil.which("strace") is None:
        missing("strace is not installed")
    assert crash.cut(Random(1), tables, "FULL", 50, 40) == (0, 0)
