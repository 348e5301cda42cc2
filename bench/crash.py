"""Is what was acknowledged still there, after kill −9 and after power cuts?

    python -m bench.crash [--quick] [--json FILE]

Entries of the evidence log are written by `record`, each in its transaction, on SQLite with the settings of production, while
they are numbered and signed; each is acknowledged once its transaction ended. Two processes write and are killed at a random
instant. For power cuts, every system call of a writer is traced (strace); the disk is then made again as it could be at a
random instant: what was synced is there, and of what was not, each sector of 512 bytes is there or not. The same with
synchronous=NORMAL shows that the simulator does lose what is not synced. The loss of the entry of a file in its directory is
not simulated.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.report import Report

KILLS, QUICK_KILLS = 1_000, 10
CUTS, QUICK_CUTS = 5_000, 50
WRITTEN, QUICK_WRITTEN = 600, 60
SECTOR = 512
WRITERS = 2

_START = """
import os, random, sys
import django; django.setup()
from parvis.isolation import scope; scope.begin("command line")
from django.db import connection, transaction
from parvis.audit.actions import integrate
from parvis.audit.models import record
def append(name):
    with transaction.atomic():
        record(institution_id=1, actor="person:1", action="turn.ask", subject=name, assistant=1)
    os.write(1, f"{name}\\n".encode())
"""

_MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
"""

# Forks the writers of each round, so that a thousand of them need not start Parvis a thousand times; at the end, exports.
_FORKED = """
append("first")
integrate(1)
connection.close()
for line in sys.stdin:
    writers = []
    for name in line.split():
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(writer, 1)
            os.close(reader)
            number = 0
            while True:
                append(f"{name}-{number}")
                number += 1
                if random.random() < 0.1:
                    integrate(1)
        os.close(writer)
        os.write(2, f"{child}\\n".encode())
        writers.append((child, reader))
    for child, reader in writers:
        with os.fdopen(reader) as said:
            for one in said:
                os.write(1, one.encode())
        os.waitpid(child, 0)
    os.write(1, b"end\\n")
integrate(1)
from parvis.audit.actions import export, log_of
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.writelines(export(log_of(1)))
"""

_TRACED = """
connection.cursor().execute(f"PRAGMA synchronous={sys.argv[2]}")
for number in range(int(sys.argv[1])):
    append(f"cut-{number}")
    if number % 20 == 19:
        integrate(1)
os.kill(os.getpid(), 9)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    quick = arguments.quick
    report = Report("Crashes")
    random = Random(2026)
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "parvis.sqlite3"
        _python(database.parent, _MIGRATE)
        tables = Path(shutil.copy(database, database.with_name("tables.sqlite3")))
        lost, acknowledged, whole = kill(random, database, QUICK_KILLS if quick else KILLS)
        note = f"{QUICK_KILLS if quick else KILLS:,} kills of two writers each, {acknowledged:,} acknowledged"
        report.row("acknowledged entries lost by kill −9", lost, "== 0", note=note)
        report.row("logs that do not verify after them", int(not whole), "== 0")
        if shutil.which("strace") is None:
            print("strace is not installed: power cuts are not simulated", file=sys.stderr)
            return report.finish(arguments.json)
        for level, target in (("FULL", "== 0"), ("NORMAL", "> 0")):
            cuts, count = (QUICK_CUTS, QUICK_WRITTEN) if quick else (CUTS if level == "FULL" else CUTS // 10, WRITTEN)
            losing, broken = cut(random, tables, level, cuts, count)
            note = f"of {cuts:,}, at random instants of {count} entries"
            note += "" if level == "FULL" else ": the simulator does lose what is not synced"
            report.row(f"power cuts that lose an acknowledged entry, synchronous={level}", losing, target, note=note)
            report.row(f"databases broken by them, synchronous={level}", broken, "== 0")
    return report.finish(arguments.json)


# Killed


def kill(random: Random, database: Path, rounds: int) -> tuple[int, int, bool]:
    """(acknowledged entries that are not there, how many were acknowledged, whether the log then verifies). `database`, named
    parvis.sqlite3, has its tables and a folder of its own."""
    exported = database.with_name("log.jsonl")
    writers = _Writers(database.parent, exported)
    acknowledged: set[str] = set()
    patience = 1.0  # a busy machine acknowledges nothing in so short a time
    try:
        for number in range(rounds):
            children = writers.begin(*(f"kill-{number}-{place}" for place in range(WRITERS)))
            time.sleep(random.uniform(0.005, 0.12) * patience)
            for child in children:
                os.kill(child, signal.SIGKILL)
            said = writers.said()
            patience = 1.0 if said else patience * 2
            acknowledged |= said
    finally:
        writers.end()
    there = _there(database)
    from parvis.audit.verifier import verify

    with exported.open("rb") as file:
        result = verify(file)
    return len(acknowledged - there), len(acknowledged), result.holds and result.entries == len(there)


class _Writers:
    """A process that has started Parvis, and forks those that write."""

    def __init__(self, folder: Path, exported: Path) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _START + _FORKED, str(exported)]
        self._process = subprocess.Popen(command, env=_environment(folder), stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def begin(self, *names: str) -> list[int]:
        assert self._process.stdin
        assert self._process.stderr
        self._process.stdin.write(" ".join(names) + "\n")
        self._process.stdin.flush()
        return [int(self._process.stderr.readline()) for _ in names]

    def said(self) -> set[str]:
        assert self._process.stdout
        return set(iter(lambda: self._process.stdout.readline().strip(), "end"))  # type: ignore[union-attr]

    def end(self) -> None:
        self._process.communicate()


# Cut off


@dataclass(slots=True)
class _File:
    """What is on the disk for certain, and what was written since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # (where, what); None: cut there

    def sync(self) -> None:
        for at, written in self.pending:
            _apply(self.synced, at, written)
        self.pending.clear()

    def after_cut(self, random: Random) -> bytes:
        """One of the contents that it could have."""
        found = bytearray(self.synced)
        chance = random.choice((0.0, 0.5, 0.9, 1.0))
        for at, written in self.pending:
            if written is None:
                if random.random() < chance:
                    _apply(found, at, None)
                continue
            for start in range(0, len(written), SECTOR):
                if random.random() < chance:
                    _apply(found, at + start, written[start : start + SECTOR])
        return bytes(found)


def _apply(content: bytearray, at: int, written: bytes | None) -> None:
    if written is None:
        if len(content) > at:
            del content[at:]
        else:
            content.extend(bytes(at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(written)] = written


def cut(random: Random, tables: Path, level: str, cuts: int, count: int) -> tuple[int, int]:
    """(power cuts after which an acknowledged entry is not there, those after which the database is broken). `tables`: a
    database without rows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir()
        database = folder / "parvis.sqlite3"
        shutil.copy(tables, database)
        sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
        files = {"": _File(bytearray(database.read_bytes())), "-wal": _File()}
        calls = list(_traced(folder, Path(scratch) / "trace", level, count))
        instants = sorted(random.choices(range(len(calls)), k=cuts))
        losing = broken = 0
        acknowledged: set[str] = set()
        image = Path(scratch) / "image.sqlite3"
        for place, call in enumerate(calls):
            _happen(files, call, acknowledged)
            while instants and instants[0] == place:
                instants.pop(0)
                for suffix, file in files.items():
                    image.with_name(image.name + suffix).write_bytes(file.after_cut(random))
                image.with_name(image.name + "-shm").unlink(missing_ok=True)
                try:
                    losing += not acknowledged <= _there(image)
                except sqlite3.DatabaseError:
                    broken += 1
        return losing, broken


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    path: str
    at: int = 0
    content: bytes = b""


def _happen(files: dict[str, _File], call: _Call, acknowledged: set[str]) -> None:
    if call.name == "write":
        acknowledged |= set(call.content.decode().split())
        return
    file = files[call.path]
    match call.name:
        case "pwrite64":
            file.pending.append((call.at, call.content))
        case "ftruncate":
            file.pending.append((call.at, None))
        case _:
            file.sync()


_LINE = re.compile(
    r'(?P<name>\w+)\((?P<fd>\d+)<(?P<path>[^>]*)>(?:, "(?P<content>[^"]*)", \d+)?(?:, (?P<at>\d+))?\) += (?P<done>\d+)'
)


def _traced(folder: Path, trace: Path, level: str, count: int) -> Iterator[_Call]:
    calls = "trace=pwrite64,write,fsync,fdatasync,ftruncate"
    command: list[str | Path] = ["strace", "-f", "-y", "-xx", "-s", "100000", "-e", calls, "-e", "signal=none", "-o", trace]
    command += [sys.executable, "-c", _START + _TRACED, str(count), level]
    subprocess.run(command, env=_environment(folder), stdout=subprocess.PIPE, check=False)
    with trace.open() as lines:
        for line in lines:
            found = _LINE.search(line)
            if found is None:
                continue
            name, path = found["name"], bytes.fromhex(found["path"].replace("\\x", "")).decode()
            content = bytes.fromhex((found["content"] or "").replace("\\x", ""))
            suffix = path.partition("parvis.sqlite3")[2]
            if name == "write" and found["fd"] == "1":
                yield _Call(name, "", content=content)
            elif "parvis.sqlite3" in path and suffix in ("", "-wal") and name != "write":
                yield _Call(name, suffix, int(found["at"] or 0), content)


def _there(database: Path) -> set[str]:
    connection = sqlite3.connect(database)
    try:
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check")
        return {subject for (subject,) in connection.execute("SELECT subject FROM audit_entry")}
    finally:
        connection.close()


def _python(folder: Path, script: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-c", _START + script], env=_environment(folder), stdout=subprocess.PIPE, check=True
    )
    return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARVIS_")}
    return kept | {"PARVIS_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "parvis.settings", "PYTHONPATH": os.getcwd()}


if __name__ == "__main__":
    sys.exit(main())
