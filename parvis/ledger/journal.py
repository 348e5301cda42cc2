"""What one process counted, on its own disk until it is settled: a file of lines, synced in groups. Pure.

A call has a line when it begins, as the worst that it may be, and another when it ended: the last one of a call holds. A line
outlives the process once `write` returned, and the machine once `sync` did. A line cut by a crash is left out when the file is
read, as are all after a line that is damaged: `read` says which it is. After a write or a sync that failed nothing more is
taken: what such a file holds is not known until it is read again, and asking the disk once more would only seem to mend it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from parvis.ledger.usage import Usage


class JournalBroken(Exception):
    """The disk refused: whoever counts must stop admitting calls, and begin another file when there is room."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`is_whole`: nothing stands after the last line. `damage`: "" for a file cut in its last line, as by a power cut, else
    the number of the line that something changed. `end`: the byte after the last whole line."""

    calls: tuple[Usage, ...]
    is_whole: bool
    damage: str = ""
    end: int = 0


class Journal:
    def __init__(self, path: Path) -> None:
        """A new file: a process has one of its own, named after its epoch."""
        self._path = path
        self._waiting: list[bytes] = []
        self._is_broken = False
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def append(self, usage: Usage) -> None:
        if self._is_broken:
            raise JournalBroken(str(self._path))
        self._waiting.append(_line(usage))

    def write(self) -> int:
        """Hands what waits to the system: it outlives this process. How many lines. Raises JournalBroken."""
        if self._is_broken:
            raise JournalBroken(str(self._path))
        lines, self._waiting = self._waiting, []
        data = lines[0] if len(lines) == 1 else b"".join(lines)
        try:
            while data and (written := os.write(self._file, data)) < len(data):
                data = data[written:]
        except OSError as error:
            self._is_broken = True
            raise JournalBroken(f"{self._path}: {error.strerror}") from error
        return len(lines)

    def sync(self) -> int:
        """Writes what waits; all of it is on the disk when it returns. How many lines were written. Raises JournalBroken."""
        count = self.write()
        self.keep()
        return count

    def keep(self) -> None:
        """What was written is on the disk when it returns. Raises JournalBroken."""
        if self._is_broken:
            raise JournalBroken(str(self._path))
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self._is_broken = True
            raise JournalBroken(f"{self._path}: {error.strerror}") from error

    def close(self) -> None:
        os.close(self._file)


_json, _usages = msgspec.json.Encoder(), msgspec.json.Decoder(Usage)


def read(path: Path, start: int = 0) -> Kept:
    """What a process kept, whatever became of it since; from the byte `start` on, where a line begins."""
    calls: list[Usage] = []
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read().split(b"\n")
    end = start
    for number, line in enumerate(lines[:-1], 1):
        usage = _usage(line)
        if usage is None:
            is_last = number == len(lines) - 1 and not lines[-1]
            return Kept(tuple(calls), False, "" if is_last else str(number), end)
        calls.append(usage)
        end += len(line) + 1
    return Kept(tuple(calls), not lines[-1], "", end)


def batches(calls: Iterable[Usage], size: int) -> Iterator[list[Usage]]:
    batch: list[Usage] = []
    for call in calls:
        batch.append(call)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _line(usage: Usage) -> bytes:
    body = _json.encode(usage)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _usage(line: bytes) -> Usage | None:
    checksum, _space, body = line.partition(b" ")
    try:
        return _usages.decode(body) if len(checksum) == 8 and int(checksum, 16) == zlib.crc32(body) else None
    except ValueError:  # msgspec's errors are ValueErrors
        return None
