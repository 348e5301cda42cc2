"""The evidence log: can it be rewritten unseen, how fast is it verified, what does an entry cost?

    python -m bench.evidence [--quick] [--json FILE]

Trees, files and proofs are made in memory, by the code that makes those of a database; entries are appended in a SQLite
database with the settings of production.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from bench.report import Report
from parvis.audit.tests.logs import Written, tree_of, write, written
from parvis.audit.tree import Tree
from parvis.audit.verifier import Finding, commitment, consistent, included, leaf_hash, verify

FORGED, QUICK_FORGED = 1_000_000, 20_000
LOCATED, QUICK_LOCATED = 10_000, 1_000
VERIFIED, QUICK_VERIFIED = 1_000_000, 50_000
APPENDED, QUICK_APPENDED = 2_000, 300
AT_ONCE = 100  # entries tampered with in one file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    quick = arguments.quick
    report = Report("Evidence")
    forged = QUICK_FORGED if quick else FORGED
    report.row(
        "forged proofs accepted", forge(Random(20_26), forged), "== 0", note=f"of {forged:,}, inclusion and consistency"
    )
    size = QUICK_LOCATED if quick else LOCATED
    tried, missed = locate(written(size), at_once=AT_ONCE)
    for kind, count in tried.items():
        note = f"of {count:,}, in a log of {size:,}"
        report.row(f"entries {kind} and not located", missed[kind], "== 0", note=note)
    _speed(report, QUICK_VERIFIED if quick else VERIFIED)
    _appending(report, QUICK_APPENDED if quick else APPENDED)
    return report.finish(arguments.json)


# Forged proofs


def forge(random: Random, count: int) -> int:
    """How many of `count` proofs were accepted, each false in one way."""
    data = [random.randbytes(32) for _ in range(1_000)]
    tree = tree_of(data)
    roots = {size: tree.root_at(size) for size in range(1, len(data) + 1)}
    accepted, done = 0, 0
    while done < count:
        size = random.randrange(9, len(data) + 1)
        number, earlier = random.randrange(size), random.randrange(3, size)
        path, steps = tree.inclusion(number, size), tree.consistency(earlier, size)
        for _ in range(20):
            leaf, place, forged_path, root = _forged_inclusion(random, data, number, path, roots[size], roots)
            accepted += included(leaf, place, size, forged_path, root)
            forged_steps, old, new = _forged_consistency(random, steps, roots[earlier], roots[size], roots)
            accepted += consistent(earlier, old, size, new, forged_steps)
        done += 40
    return accepted


def _forged_inclusion(
    random: Random, data: list[bytes], number: int, path: list[bytes], root: bytes, roots: dict[int, bytes]
) -> tuple[bytes, int, list[bytes], bytes]:
    leaf = leaf_hash(data[number])
    match random.randrange(5):
        case 0:
            return leaf_hash(data[number - random.randrange(1, len(data))]), number, path, root
        case 1:
            return leaf, number + random.choice((-3, -2, -1, 1, 2, 3)), path, root
        case 2:
            return leaf_hash(leaf + path[0]), number >> 1, path[1:], root
        case 3:
            return leaf, number, path, _other(random, roots, root)
    return leaf, number, _spoilt(random, path), root


def _forged_consistency(
    random: Random, path: list[bytes], old: bytes, new: bytes, roots: dict[int, bytes]
) -> tuple[list[bytes], bytes, bytes]:
    match random.randrange(3):
        case 0:
            return path, _other(random, roots, old), new
        case 1:
            return path, old, _other(random, roots, new)
    return _spoilt(random, path), old, new


def _other(random: Random, roots: dict[int, bytes], root: bytes) -> bytes:
    other = roots[random.randrange(1, len(roots) + 1)]
    return other if other != root else _flipped(random, root)


def _spoilt(random: Random, path: list[bytes]) -> list[bytes]:
    found, at = list(path), random.randrange(len(path))
    match random.randrange(5):
        case 0:
            del found[at]
        case 1:
            found.insert(at, random.randbytes(32))
        case 2:
            found.append(found[at])
        case 3 if len(found) > 1:
            other = (at + random.randrange(1, len(found))) % len(found)
            found[at], found[other] = found[other], found[at]
        case _:
            found[at] = _flipped(random, found[at])
    return found


def _flipped(random: Random, digest: bytes) -> bytes:
    return (int.from_bytes(digest, "big") ^ 1 << random.randrange(256)).to_bytes(32, "big")


# Files that somebody changed

Tamper = Callable[[list[bytes], int], None]


def locate(log: Written, *, at_once: int) -> tuple[Counter[str], Counter[str]]:
    """For each way to tamper, every entry once, `at_once` of them in a file: (how many, how many were not named)."""
    lines, size = log.file().splitlines(keepends=True), len(log.entries)
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for kind, (code, tamper) in TAMPERS.items():
        for first in range(size // at_once):
            chosen = range(first, size, size // at_once)
            changed = list(lines)
            for number in reversed(chosen):
                tamper(changed, number + 1)
            named = _named(verify(io.BytesIO(b"".join(changed))).findings, code)
            tried[kind] += len(chosen)
            missed[kind] += sum(not ({number, number + 1} if code == "moved" else {number}) & named for number in chosen)
    for kept in range(0, size, max(1, size // at_once)):
        findings = verify(io.BytesIO(b"".join(lines[: kept + 1]))).findings
        tried["cut off"] += size - kept
        missed["cut off"] += size - kept - len(_named(findings, "missing"))
    return tried, missed


def _named(findings: list[Finding], code: str) -> set[int]:
    return {number for one in findings if one.code == code for number in range(one.first, one.latest + 1)}


def _alter(lines: list[bytes], at: int) -> None:
    row = json.loads(lines[at])
    lines[at] = json.dumps(row | {"b": row["b"].replace('"actor":"person:', '"actor":"person:9')}).encode() + b"\n"


def _rewrite(lines: list[bytes], at: int) -> None:
    """The commitment too, as who knows the format would."""
    row = json.loads(lines[at])
    row["b"] = row["b"].replace('"actor":"person:', '"actor":"person:9')
    row["c"] = commitment(bytes.fromhex(row["s"]), row["b"].encode()).hex()
    lines[at] = json.dumps(row).encode() + b"\n"


def _remove(lines: list[bytes], at: int) -> None:
    del lines[at]


def _empty(lines: list[bytes], at: int) -> None:
    row = json.loads(lines[at])
    lines[at] = json.dumps({"n": row["n"], "c": row["c"]}).encode() + b"\n"


def _swap(lines: list[bytes], at: int) -> None:
    """With the entry after it, each under the other's number; the latest with the one before."""
    other = at + 1 if '"n"' in lines[at + 1].decode() else at - 1
    one, two = json.loads(lines[at]), json.loads(lines[other])
    one["n"], two["n"] = two["n"], one["n"]
    lines[at], lines[other] = json.dumps(two).encode() + b"\n", json.dumps(one).encode() + b"\n"


TAMPERS: dict[str, tuple[str, Tamper]] = {
    "altered": ("altered", _alter),
    "rewritten with their commitment": ("altered", _rewrite),
    "removed": ("missing", _remove),
    "reordered": ("moved", _swap),
    "emptied": ("erased_without_trace", _empty),
}


# Times


def _speed(report: Report, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        write(path, count)
        megabytes = path.stat().st_size / 1e6
        begun = time.perf_counter()
        cpu = time.process_time()
        with path.open("rb") as file:
            result = verify(file)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if not result.holds:
        raise SystemExit(f"the log made for the bench does not hold: {result.findings[:3]}")
    target = "< 30" if count == VERIFIED else None
    report.row(f"{count:,} entries verified", seconds, target, unit="s", note=f"{cpu:.1f} s of processor, {megabytes:.0f} MB")
    tree = Tree(0, lambda _level, _index: b"")
    tree.extend([leaf_hash(number.to_bytes(8, "big")) for number in range(min(count, 300_000))])
    report.row(f"hashes of the proof of one entry of {tree.size:,}", len(tree.inclusion(1, tree.size)))


_APPEND = """
import sys, time
import django; django.setup()
from parvis.isolation import scope; scope.begin('command line')
from django.core.management import call_command
from django.db import connection, transaction
call_command("migrate", verbosity=0, interactive=False)
from parvis.audit.actions import integrate
from parvis.audit.models import Entry, record
count = int(sys.argv[1])
def append():
    with transaction.atomic():
        record(institution_id=1, actor="person:1", action="turn.ask", subject="turn:1", assistant=1)
def median(act, count):
    times = []
    for _ in range(count):
        begun = time.perf_counter(); act(); times.append(time.perf_counter() - begun)
    return sorted(times)[count // 2] * 1e3
for level in ("FULL", "NORMAL"):
    connection.cursor().execute(f"PRAGMA synchronous={level}")
    print(level, median(append, count))
begun = time.perf_counter()
integrate(1)
print("number", (time.perf_counter() - begun) / Entry.objects.count() * 1e6)
"""


def _appending(report: Report, count: int) -> None:
    for name, value in _appended(count):
        match name:
            case "FULL":
                report.row(
                    "an entry appended and synced, median", value, unit="ms", note="SQLite, synchronous=FULL: production"
                )
            case "NORMAL":
                report.row(
                    "the same with synchronous=NORMAL", value, unit="ms", note="a power cut would lose what was acknowledged"
                )
            case _:
                report.row("an entry numbered in the tree", value, unit="µs", note="with its tiles and the signed head")


def _appended(count: int) -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PARVIS_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "parvis.settings"}
        done = subprocess.run(
            [sys.executable, "-c", _APPEND, str(count)], env=environment, capture_output=True, text=True, check=True
        )
    for line in done.stdout.splitlines():
        name, value = line.split()
        yield name, float(value)


if __name__ == "__main__":
    sys.exit(main())
