"""The calls of one process, from before they are sent to after they ended, in journals that `collecting` settles. Pure.

A file is locked as long as its process lives and counts in it: the kernel lets go of the lock, however the process ends. What
began and has no end in a file that nobody holds is charged at its worst.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from parvis.ledger.journal import Journal, JournalBroken
from parvis.ledger.usage import EventId, Usage

SUFFIX = ".calls"
NO_EVENT = EventId(0, 0)  # of a call that was given no number yet
MOST_CALLS = 5_000  # of one file
LONGEST = 600.0  # seconds during which calls begin in one file
PATIENCE = 1.0  # seconds before a disk that refused is asked again: until then nothing begins


@dataclass(slots=True, eq=False)
class _File:
    journal: Journal
    lock: int
    begun_at: float
    count: int = 0
    running: int = 0
    ended: list[Usage] = field(default_factory=list)  # that may not be on the disk yet

    def close(self) -> None:
        self.journal.close()
        os.close(self.lock)


class Counter:
    """`begin` before anything is sent, `end` once it is known what it was, `sync` now and then: from any thread. What ended
    since the last `sync` of a process that dies is charged at its worst."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._syncing = threading.Lock()  # one at a time: each takes away what it found, from the beginning of the lists
        self._refused_at = float("-inf")
        self._files: dict[int, _File] = {}
        self._current: _File | None = None
        self._epoch = 0
        self._unwritten: list[Usage] = []  # ended, and refused by the disk

    def begin(self, worst: Usage) -> Usage:
        """With the number that it has from now on; its outcome is UNKNOWN. Raises JournalBroken: then nothing may be sent."""
        with self._lock:
            if time.monotonic() - self._refused_at < PATIENCE:
                raise JournalBroken(str(self._folder))
            try:
                file = self._open()
                file.count += 1
                begun = replace(worst, event=EventId(self._epoch, file.count))
                file.journal.append(begun)
                file.journal.write()
            except JournalBroken:
                self._refused_at, self._current = time.monotonic(), None
                self._leave_idle()
                raise
            file.running += 1
            return begun

    def end(self, usage: Usage) -> None:
        """`usage` is what `begin` gave, with what it became. What the disk refuses is kept here, and written when it takes
        something again."""
        with self._lock:
            file = self._files[usage.event.epoch]
            file.running -= 1
            file.ended.append(usage)
            with suppress(JournalBroken):  # `sync` sees it too
                file.journal.append(usage)

    def sync(self) -> None:
        """Has all that ended before on the disk, and leaves files in which nothing goes on. Raises JournalBroken where the
        disk takes nothing."""
        with self._syncing:
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            due = [(file, len(file.ended)) for file in self._files.values() if file.ended]
            for file, _count in due:
                with suppress(JournalBroken):  # it is told below
                    file.journal.write()
        for file, count in due:
            try:
                file.journal.keep()
            except JournalBroken:
                with self._lock:
                    self._unwritten += file.ended[:count]
                    self._current = None if self._current is file else self._current
            with self._lock:
                del file.ended[:count]
        with self._lock:
            if self._unwritten:
                self._write_again()
            self._leave_idle()

    def close(self) -> None:
        """What still runs is charged at its worst."""
        with suppress(JournalBroken):
            self.sync()
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()
            self._current = None

    def _open(self) -> _File:
        file, now = self._current, time.monotonic()
        if file is not None and file.count < MOST_CALLS and now - file.begun_at < LONGEST:
            return file
        self._epoch = secrets.randbits(62)  # of all lives of all processes none is given twice, but by a chance of nothing
        self._current = self._files[self._epoch] = file = _opened(self._folder, self._epoch)
        return file

    def _leave_idle(self) -> None:
        for epoch, file in list(self._files.items()):
            if file is not self._current and not (file.running or file.ended or self._unwritten):
                del self._files[epoch]
                file.close()

    def _write_again(self) -> None:
        """Into another file: the number says which call it is. Raises JournalBroken."""
        file = _opened(self._folder, secrets.randbits(62))
        try:
            for usage in self._unwritten:
                file.journal.append(usage)
            file.journal.sync()
            self._unwritten.clear()
        finally:
            file.close()


def files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Each with whether its process counts in it still."""
    for path in sorted(folder.glob(f"{'[0-9a-f]' * 16}{SUFFIX}")):
        with suppress(FileNotFoundError):
            yield path, _is_held(path)


def epoch_of(path: Path) -> int:
    return int(path.stem, 16)


def _opened(folder: Path, epoch: int) -> _File:
    """By its own name it is always locked while its process lives. Raises JournalBroken."""
    path, unlocked = folder / f"{epoch:016x}{SUFFIX}", folder / f"{epoch:016x}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        journal = Journal(unlocked)
        lock = os.open(unlocked, os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(path)
    except OSError as error:
        raise JournalBroken(f"{folder}: {error.strerror}") from error
    return _File(journal, lock, time.monotonic())


def _is_held(path: Path) -> bool:
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
