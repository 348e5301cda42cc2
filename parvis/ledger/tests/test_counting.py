"""What a process counts becomes rows of the ledger, whatever becomes of the process and of its disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from conftest import House
from parvis.ledger import counting
from parvis.ledger.actions.collecting import Collector
from parvis.ledger.counting import NO_EVENT, Counter, files
from parvis.ledger.journal import JournalBroken
from parvis.ledger.models import Call
from parvis.ledger.tests.calls import call
from parvis.ledger.usage import Outcome, Quantities, Usage

MOST, USED = Quantities(4_000, 0, 1_024), Quantities(1_000, 0, 100)


@pytest.fixture
def worst(house: House) -> Usage:
    return call(house.institution.id, 0, event=NO_EVENT, quantities=MOST, outcome=Outcome.UNKNOWN)


def rows() -> list[tuple[str, int]]:
    return sorted(Call.unscoped.values_list("outcome", "output_tokens"))


def ended(begun: Usage) -> Usage:
    return replace(begun, quantities=USED, outcome=Outcome.DONE)


def test_a_call_is_recorded_when_it_ended_and_its_file_goes_with_its_process(worst: Usage, tmp_path: Path) -> None:
    counter, collector = Counter(tmp_path), Collector(tmp_path)
    first, second = counter.begin(worst), counter.begin(worst)
    assert (collector.look(), rows()) == (0, [])
    counter.end(ended(first))
    counter.sync()
    assert (collector.look(), collector.look(), rows()) == (1, 0, [("done", 100)])
    assert Collector(tmp_path).look() == 1, "another one reads it again, and records nothing twice"
    assert rows() == [("done", 100)]
    counter.end(ended(second))
    counter.close()
    assert [collector.look() for _ in range(3)] == [1, 0, 0]
    assert rows() == [("done", 100), ("done", 100)]
    assert list(tmp_path.iterdir()) == []


def test_a_call_of_a_process_that_was_killed_is_taken_at_its_worst(worst: Usage, house: House, tmp_path: Path) -> None:
    program = (
        "import os, sys; from dataclasses import replace; from pathlib import Path\n"
        "from parvis.ledger.counting import NO_EVENT, Counter; from parvis.ledger.tests.calls import call\n"
        "from parvis.ledger.usage import Outcome\n"
        "from parvis.ledger.tests.test_counting import MOST, ended\n"
        "counter = Counter(Path(sys.argv[1]))\n"
        "worst = call(int(sys.argv[2]), 0, event=NO_EVENT, quantities=MOST, outcome=Outcome.UNKNOWN)\n"
        "calls = [counter.begin(worst) for _ in range(3)]; counter.end(ended(calls[1])); counter.sync()\n"
        "print(flush=True); sys.stdin.read()\n"
    )
    start = [sys.executable, "-c", "import django; django.setup()\n" + program, str(tmp_path), str(house.institution.id)]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(start, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        collector = Collector(tmp_path)
        collector.look()
        assert rows() == [("done", 100)], "what runs in a process that lives is not known yet"
        process.send_signal(signal.SIGKILL)
    assert [collector.look() for _ in range(3)] == [0, 2, 0]
    assert rows() == [("done", 100), ("unknown", 1_024), ("unknown", 1_024)]
    assert list(files(tmp_path)) == []


def test_what_a_disk_refused_is_written_when_it_takes_something_again(
    worst: Usage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, collector = Counter(tmp_path), Collector(tmp_path)
    begun = [counter.begin(worst) for _ in range(2)]
    refused = OSError(28, "No space left on device")

    def fail(*_given: object) -> None:
        raise refused

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        counter.end(ended(begun[0]))
        with pytest.raises(JournalBroken):
            counter.sync()
        patch.setattr(os, "write", fail)
        with pytest.raises(JournalBroken):
            counter.begin(worst)  # then nothing is sent
        counter.end(ended(begun[1]))
    counter.sync()
    counter.close()
    for _ in range(3):
        collector.look()
    assert rows() == [("done", 100), ("done", 100)]


def test_what_ends_while_others_wait_for_the_disk_is_kept(
    worst: Usage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, collector = Counter(tmp_path), Collector(tmp_path)
    begun = [counter.begin(worst) for _ in range(3)]
    waiting, let_go, really = threading.Event(), threading.Event(), os.fdatasync

    def slow(file: int) -> None:
        if not waiting.is_set():
            waiting.set()
            let_go.wait(5)
        really(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    counter.end(ended(begun[0]))
    first, second = threading.Thread(target=counter.sync), threading.Thread(target=counter.sync)
    first.start()
    assert waiting.wait(5)
    counter.end(ended(begun[1]))
    second.start()
    second.join(0.2)  # it waits for the first, or has passed it
    counter.end(ended(begun[2]))
    let_go.set()
    first.join()
    second.join()
    counter.close()
    for _ in range(3):
        collector.look()
    assert rows() == [("done", 100)] * 3


def test_a_disk_that_refuses_is_not_worn_out(worst: Usage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter, before = Counter(tmp_path), len(os.listdir("/proc/self/fd"))
    refused = OSError(28, "No space left on device")

    def fail(*_given: object) -> None:
        raise refused

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        for _ in range(200):
            with pytest.raises(JournalBroken):
                counter.begin(worst)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert len(list(tmp_path.iterdir())) <= 1
    monkeypatch.setattr(counting, "PATIENCE", 0.0)
    assert counter.begin(worst).event.sequence == 1, "when there is room again, calls begin"
    counter.close()


def test_a_damaged_file_is_kept_for_who_can_read_it(worst: Usage, tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    for begun in [counter.begin(worst) for _ in range(3)]:
        counter.end(ended(begun))
    counter.close()
    [(path, _held)] = files(tmp_path)
    data = bytearray(path.read_bytes())
    lines = [at for at, byte in enumerate(data) if byte == ord("\n")]
    data[lines[3] + 30] ^= 1  # of the second that ended
    path.write_bytes(bytes(data))
    collector = Collector(tmp_path)
    for _ in range(3):
        collector.look()
    assert rows() == [("done", 100), ("unknown", 1_024), ("unknown", 1_024)]
    assert [one.suffix for one in tmp_path.iterdir()] == [".damaged"]
