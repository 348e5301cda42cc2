"""What a process counted outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from parvis.ledger.journal import Journal, JournalBroken, batches, read
from parvis.ledger.tests.calls import call
from parvis.ledger.usage import Carbon, Outcome

CALLS = [
    call(1, number, outcome=Outcome.CUT, component="UFR « Droit »\n", amount_nano=number, price_version="book:1")
    for number in range(20)
] + [call(1, 20, carbon=Carbon(1, 2, "m"), model_id=None)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.journal"


def write(path: Path) -> bytes:
    journal = Journal(path)
    for one in CALLS:
        journal.append(one)
    assert journal.sync() == len(CALLS)
    assert journal.sync() == 0
    journal.close()
    return path.read_bytes()


def test_what_is_read_is_what_was_written(path: Path) -> None:
    write(path)
    kept = read(path)
    assert (list(kept.calls), kept.is_whole) == (CALLS, True)
    assert [len(batch) for batch in batches(kept.calls, 8)] == [8, 8, 5]


def test_a_file_cut_anywhere_gives_back_its_whole_lines(path: Path) -> None:
    data = write(path)
    for size in range(0, len(data), 41):
        path.write_bytes(data[:size])
        kept = read(path)
        assert list(kept.calls) == CALLS[: data[:size].count(b"\n")]
        assert kept.damage == ""
        assert kept.is_whole is data[:size].endswith(b"\n") or not size


def test_a_changed_line_is_told_and_nothing_after_it_is_taken(path: Path) -> None:
    data = bytearray(write(path))
    data[data.index(b"\n") + 40] ^= 1
    path.write_bytes(bytes(data))
    kept = read(path)
    assert (list(kept.calls), kept.is_whole, kept.damage) == (CALLS[:1], False, "2")


def test_a_file_is_of_one_life(path: Path) -> None:
    write(path)
    with pytest.raises(FileExistsError):
        Journal(path)


def test_a_full_disk_is_told_at_once_and_for_good(path: Path) -> None:
    """The limit on the size of files stands for it: the kernel refuses the write half-way."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from parvis.ledger.journal import Journal, JournalBroken\n"
        "from parvis.ledger.tests.test_journal import CALLS\n"
        "journal = Journal(Path(sys.argv[1])); journal.append(CALLS[0]); print(journal.sync())\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n"
        "[journal.append(one) for one in CALLS[1:]]\n"
        "for attempt in (journal.sync, journal.sync, lambda: journal.append(CALLS[0])):\n"
        "    try: print(attempt())\n"
        "    except JournalBroken: print('broken')\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    start = [sys.executable, "-c", "import django; django.setup()\n" + script, str(path)]
    ran = subprocess.run(start, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "broken", "broken", "broken"]
    kept = read(path)
    assert kept.calls[0] == CALLS[0], "what was acknowledged is there"
    assert list(kept.calls) == CALLS[: len(kept.calls)]


def test_a_disk_that_does_not_keep_is_not_asked_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    journal.append(CALLS[0])
    refused = OSError(5, "Input/output error")

    def fail(_file: int) -> None:
        raise refused

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(JournalBroken, match="Input/output"):
            journal.sync()
    with pytest.raises(JournalBroken):
        journal.sync()
    with pytest.raises(JournalBroken):
        journal.append(CALLS[1])
