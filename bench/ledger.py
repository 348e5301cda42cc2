"""The ledger: is a call ever lost or counted twice, and how fast are calls settled?

    python -m bench.ledger [--quick] [--json FILE]

A process counts calls in its journal, each acknowledged once its group was synced, while another settles the journals, which
it hands in again from the beginning each time. Both are killed (-9) at a random instant. Then the disk refuses: strace makes a
write of the settling process fail as if there were no room, or a sync as if the device were failing, at one point after the
other. SQLite with the settings of production; under `python -m tools.postgres`, PostgreSQL, where the disk is its server's and
is left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from bench.report import Report

KILLS, QUICK_KILLS = 1_000, 10
FAULTS, QUICK_FAULTS = 400, 4
ROWS, QUICK_ROWS = 200_000, 5_000

_START = """
import json, os, random, signal, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
import django; django.setup()
from parvis.isolation import scope; scope.begin("command line")
from django.db import connection
from parvis.institutions.models import Institution
from parvis.ledger.actions.settlement import balances, settle
from parvis.ledger.journal import Journal, batches, read
from parvis.ledger.models import Call, Transfer
from parvis.ledger.usage import EventId, Quantities, Usage
FOLDER = Path(sys.argv[1])
def usage(epoch, number):
    return Usage(event=EventId(epoch, number), institution_id=1, occurred_at=datetime(2026, 10, 1, tzinfo=UTC) + timedelta(
        seconds=number), model_id=7, model_name="petit", quantities=Quantities(number, 0, 1), component=f"UFR {number % 5}",
        app="api", person_id=number % 50, price_version="book:1", amount_nano=1 + number)
def count(epoch):
    journal = Journal(FOLDER / f"{epoch}.journal")
    number = 0
    while True:
        for _ in range(random.randrange(1, 40)):
            journal.append(usage(epoch, number))
            number += 1
        journal.sync()
        os.write(1, f"{epoch} {number}\\n".encode())
def settle_all(size=50):
    for path in sorted(FOLDER.glob("*.journal"), key=lambda path: int(path.stem))[-6:]:
        for batch in batches(read(path).calls, size):
            settle(batch)
def settle_again():
    while True:
        settle_all(random.choice((1, 7, 50, 500)))
def disk(epoch):
    os.kill(os.getpid(), signal.SIGSTOP)
    settle(usage(epoch, number) for number in range(200))
"""

_PREPARE = """
Institution.objects.get_or_create(id=1, defaults={"slug": "ici", "name": "Ici", "short_name": "Ici"})
"""

# Forks what each line asks for, so that a thousand processes need not start Parvis a thousand times.
_FORKED = """
connection.close()
for line in sys.stdin:
    what, number = line.split()
    child = os.fork()
    if not child:
        random.seed(int(number))
        try:
            {"count": lambda: count(int(number)), "settle": settle_again, "disk": lambda: disk(int(number))}[what]()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\\n".encode())
            os._exit(1)
        os._exit(0)
    os.write(2, f"{child}\\n".encode())
    _pid, status = os.waitpid(child, 0)
    os.write(1, f"end {int(status == 0)}\\n".encode())
"""

_CHECK = """
for path in FOLDER.glob("*.journal"):
    for batch in batches(read(path).calls, 1_000):
        settle(batch)
        settle(batch)
for epoch in map(int, sys.argv[2:]):  # who counted keeps its calls until they are settled
    settle(usage(epoch, number) for number in range(200))
kept = {one.event: one.amount_nano for path in FOLDER.glob("*.journal") for one in read(path).calls}
kept |= {(epoch, number): 1 + number for epoch in map(int, sys.argv[2:]) for number in range(200)}
rows = list(Transfer.unscoped.filter(kind="charge").values_list("call__epoch", "call__sequence", "amount_nano"))
found = balances(1)
damaged = sum(bool(read(path).damage) for path in FOLDER.glob("*.journal"))
whole = "ok"
if connection.vendor == "sqlite":
    cursor = connection.cursor(); cursor.execute("PRAGMA integrity_check"); whole = cursor.fetchone()[0]
print(json.dumps({"kept": [list(event) for event in kept], "lost": len(set(kept) - {row[:2] for row in rows}),
    "doubled": len(rows) - len({row[:2] for row in rows}), "strange": len({row[:2] for row in rows} - set(kept)),
    "calls": Call.unscoped.count(), "wrong": sum(kept.get(row[:2]) != row[2] for row in rows), "sum": sum(found.values()),
    "used": sum(amount for name, amount in found.items() if name.startswith("use/")), "kept_sum": sum(kept.values()),
    "damaged": damaged, "whole": whole}))
"""

_SPEED = """
from parvis.ledger.actions.statements import ledger_lines
from datetime import date
rows, timings = int(sys.argv[2]), {}
def timed(name, do):
    begun, cpu = time.perf_counter(), time.process_time()
    do()
    timings[name] = [time.perf_counter() - begun, time.process_time() - cpu]
calls = [usage(10**9, number) for number in range(rows)]
timed("first", lambda: [settle(batch) for batch in batches(calls, 1_000)])
timed("again", lambda: [settle(batch) for batch in batches(calls, 1_000)])
timed("single", lambda: [settle([usage(10**9 + 1, number)]) for number in range(200)])
timed("month", lambda: ledger_lines(1, date(2026, 10, 1)))
print(json.dumps(timings))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    quick = arguments.quick
    report = Report("Ledger")
    kills, faults = (QUICK_KILLS, QUICK_FAULTS) if quick else (KILLS, FAULTS)
    with tempfile.TemporaryDirectory() as folder:
        found = ordeal(Random(2026), Path(folder), kills, 0 if _on_postgres() or not shutil.which("strace") else faults)
    note = f"{kills:,} times kill −9 of who counts and of who settles, {found['acknowledged']:,} acknowledged"
    report.row("acknowledged calls lost", found["forgotten"] + found["lost"], "== 0", note=note)
    note = f"{found['faults']:,} times no room or a failing disk besides, {found['refused']:,} batches refused"
    report.row("calls charged twice, or that nobody made", found["doubled"] + found["strange"], "== 0", note=note)
    report.row("charges of another amount", found["wrong"], "== 0")
    report.row("sum of all accounts", found["sum"], "== 0", "n€")
    report.row("accounts less what was counted", found["used"] - found["kept_sum"], "== 0", "n€")
    report.row("damaged journals and databases", found["damaged"] + (found["whole"] != "ok"), "== 0")
    with tempfile.TemporaryDirectory() as folder:
        _speed(report, Path(folder), QUICK_ROWS if quick else ROWS)
    return report.finish(arguments.json)


def ordeal(random: Random, folder: Path, kills: int, faults: int) -> dict[str, Any]:
    """What became of every call that was counted."""
    prepare(folder)
    counter, settler = _Forker(folder), _Forker(folder)
    acknowledged: dict[int, int] = {}
    patience, refused = 1.0, 0
    try:
        for epoch in range(1, kills + 1):
            children = [counter.begin("count", epoch), settler.begin("settle", epoch)]
            time.sleep(random.uniform(0.01, 0.15) * patience)
            for child in random.sample(children, 2):
                os.kill(child, signal.SIGKILL)
            said = [line.split() for line in counter.said()]
            settler.said()
            acknowledged[epoch] = int(said[-1][1]) if said else 0
            patience = 1.0 if said else patience * 2
        epochs = range(kills + 1, kills + faults + 1)
        refused = sum(_refused(random, settler, epoch) for epoch in epochs)
    finally:
        counter.end()
        settler.end()
    found: dict[str, Any] = json.loads(_python(folder, _CHECK, *map(str, epochs)))
    kept = {(epoch, number) for epoch, number in found["kept"]}
    promised = {(epoch, number) for epoch, count in acknowledged.items() for number in range(count)}
    numbers = {"acknowledged": len(promised), "forgotten": len(promised - kept), "faults": faults, "refused": refused}
    return found | numbers


def _refused(random: Random, forker: _Forker, epoch: int) -> bool:
    """A batch is settled while the disk refuses a call of the kernel, once or from then on."""
    kind, error = random.choice((("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO")))
    child = forker.begin("disk", epoch)
    _wait_stopped(child)
    place, lasting = random.randrange(1, 40 if kind == "pwrite64" else 4), random.choice(("", "+"))
    what = f"inject={kind}:error={error}:when={place}{lasting}"
    command = ["strace", "-qq", "-p", str(child), "-e", f"trace={kind}", "-e", what, "-o", "/dev/null"]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_traced(child)
    os.kill(child, signal.SIGCONT)
    is_refused = forker.outcome() == 0
    tracer.wait(timeout=30)
    return is_refused


def prepare(folder: Path) -> None:
    """A test gives a database that is ready."""
    if _on_postgres():
        _new_database()
    if not (folder / "parvis.sqlite3").exists():
        command = [sys.executable, "-m", "parvis.cli", "migrate"]
        subprocess.run(command, env=_environment(folder), check=True, capture_output=True)
        _python(folder, _PREPARE)


def _new_database() -> None:
    """Of the owner of its tables."""
    import psycopg

    with psycopg.connect(os.environ["PARVIS_TEST_POSTGRES_OWNER"], autocommit=True) as owner:
        owner.execute("DROP DATABASE IF EXISTS bench_ledger WITH (FORCE)")
        owner.execute("CREATE DATABASE bench_ledger")


def _speed(report: Report, folder: Path, rows: int) -> None:
    prepare(folder)
    timings = json.loads(_python(folder, _SPEED, str(rows)))
    first, again, single, month = (timings[name] for name in ("first", "again", "single", "month"))
    database = "PostgreSQL" if _on_postgres() else "SQLite"
    report.row(
        f"calls settled per second, by 1,000, {database}", rows / first[0], note=f"{first[1] / rows * 1e6:.0f} µs CPU each"
    )
    report.row("calls handed in again per second", rows / again[0], note=f"{again[1] / rows * 1e6:.0f} µs CPU each")
    report.row("calls settled per second, one by one", 200 / single[0])
    report.row(f"lines of a month of {rows:,} calls", month[0], unit="s")


class _Forker:
    """A process that has started Parvis, and forks those that work."""

    def __init__(self, folder: Path) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _START + _FORKED, str(folder)]
        self._process = subprocess.Popen(command, env=_environment(folder), stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def begin(self, what: str, number: int) -> int:
        assert self._process.stdin
        assert self._process.stderr
        self._process.stdin.write(f"{what} {number}\n")
        self._process.stdin.flush()
        while True:
            line = self._process.stderr.readline().strip()
            if line.isdigit():
                return int(line)
            assert line or self._process.poll() is None, "it ended"

    def said(self) -> list[str]:
        assert self._process.stdout
        found: list[str] = []
        while not (line := self._process.stdout.readline().strip()).startswith("end"):
            assert line
            found.append(line)
        return found

    def outcome(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline().split()[1])

    def end(self) -> None:
        self._process.communicate()


def _wait_stopped(child: int) -> None:
    while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.002)


def _wait_traced(child: int) -> None:
    while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
        time.sleep(0.002)


def _python(folder: Path, script: str, *arguments: str) -> bytes:
    command = [sys.executable, "-c", _START + script, str(folder), *arguments]
    return subprocess.run(command, env=_environment(folder), check=True, stdout=subprocess.PIPE).stdout


def _on_postgres() -> bool:
    return bool(os.environ.get("PARVIS_TEST_POSTGRES"))


def _environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PARVIS_", "DJANGO_"))}
    kept |= {"DJANGO_SETTINGS_MODULE": "parvis.settings", "PARVIS_DATA_DIR": str(folder), "PARVIS_SECRET_KEY": "bench"}
    if _on_postgres():
        kept |= {
            "PARVIS_DATABASE_URL": os.environ["PARVIS_TEST_POSTGRES"].rpartition("/")[0] + "/bench_ledger",
            "PARVIS_DATABASE_OWNER_URL": os.environ["PARVIS_TEST_POSTGRES_OWNER"].rpartition("/")[0] + "/bench_ledger",
        }
    return kept


if __name__ == "__main__":
    sys.exit(main())
