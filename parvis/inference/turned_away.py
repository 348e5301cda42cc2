"""What /v1 refused to whom, for the evidence of their institution: counted by key, reason and minute, so that nobody fills the
log by asking again; without a word of what was asked. Pure.

A worker writes what it counted since the second before into a file of its own, whole and on the disk or not at all; the
console of the same machine gathers the files of a minute that is over (`collecting`). What a worker that is killed has not
written yet, a second's, is lost.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

FOLDER = "turned_away"
SUFFIX, GATHERED, UNFINISHED, DAMAGED = ".refusals", ".gathered", ".new", ".damaged"
MOST_LINES = 5_000  # of one worker in a second; what is over is counted by institution
MOST_MODELS = 5  # named in one line
GRACE = 5.0  # seconds after a minute in which its last files come
KEY_UNSAID = 0

T = TypeVar("T")


class Line(msgspec.Struct, frozen=True, array_like=True):
    """`models` are numbers of models that exist: what was asked for by another name is not repeated."""

    institution: int
    key: int
    person: int
    reason: str
    minute: int  # since 1970
    count: int
    models: tuple[str, ...] = ()


class Gathered(msgspec.Struct, frozen=True):
    """Of one minute. `sources` are the files it was made of: they say nothing more."""

    lines: tuple[Line, ...]
    sources: tuple[str, ...]


class TurnedAway:
    """Of one worker. `note` from its loop, `write` from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._lock = threading.Lock()
        self._name, self._files = secrets.token_hex(8), 0
        self._lines: dict[tuple[int, int, str, int], Line] = {}

    @property
    def is_due(self) -> bool:
        return bool(self._lines)

    def note(self, institution: int, key: int, person: int, reason: str, models: Sequence[str] = ()) -> None:
        self._add(Line(institution, key, person, reason, int(time.time() // 60), 1, tuple(models[:MOST_MODELS])))

    def write(self) -> None:
        """Raises OSError: then it is kept for the next time."""
        with self._lock:
            lines, self._lines = self._lines, {}
        if not lines:
            return
        by_minute: dict[int, list[Line]] = {}
        for line in lines.values():
            by_minute.setdefault(line.minute, []).append(line)
        for minute, found in by_minute.items():
            self._files += 1
            try:
                _write(self._folder / f"{minute}-{self._name}-{self._files}{SUFFIX}", msgspec.msgpack.encode(found))
            except OSError:
                for line in found:
                    self._add(line)
                raise

    def _add(self, line: Line) -> None:
        with self._lock:
            place = _place(line)
            if place not in self._lines and len(self._lines) >= MOST_LINES:
                line = Line(line.institution, KEY_UNSAID, 0, line.reason, line.minute, line.count)
                place = _place(line)
            self._lines[place] = _sum(self._lines[place], line) if place in self._lines else line


def gather(folder: Path, now: float) -> Iterator[tuple[Path, Gathered, bool]]:
    """What was refused in each minute that is over, in a file of its own from here on: with its path, and whether it was left
    by who gathered before, and may have been recorded."""
    folder = folder / FOLDER
    for path in sorted(folder.glob(f"*{GATHERED}")):
        if (found := _read(path, Gathered)) is not None:
            _leave(folder, found.sources)
            yield path, found, True
    minutes: dict[int, list[Path]] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        of = path.name.partition("-")[0]
        if of.isdigit() and (int(of) + 1) * 60 + GRACE <= now:
            minutes.setdefault(int(of), []).append(path)
    for minute, paths in sorted(minutes.items()):
        read = [(path, lines) for path in paths if (lines := _read(path, list[Line])) is not None]
        if not read:
            continue
        names = tuple(path.name for path, _lines in read)
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
        gathered = Gathered(_merged(line for _path, lines in read for line in lines), names)
        path = folder / f"{minute}-{digest}{GATHERED}"
        _write(path, msgspec.msgpack.encode(gathered))
        _leave(folder, names)
        yield path, gathered, False


def _merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    found: dict[tuple[int, int, str, int], Line] = {}
    for line in lines:
        place = _place(line)
        found[place] = _sum(found[place], line) if place in found else line
    return tuple(found[place] for place in sorted(found))


def _place(line: Line) -> tuple[int, int, str, int]:
    return (line.institution, line.key, line.reason, line.minute)


def _sum(one: Line, other: Line) -> Line:
    models = tuple(sorted({*one.models, *other.models}))[:MOST_MODELS]
    return Line(one.institution, one.key, one.person, one.reason, one.minute, one.count + other.count, models)


def _leave(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _read(path: Path, kind: type[T]) -> T | None:
    """None for what cannot be read, which is put aside for who can tell what it said."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        with suppress(OSError):
            path.rename(path.with_suffix(DAMAGED))
        return None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(UNFINISHED)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
