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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from parvis.ledger.usage import Carbon, EventId, Outcome, Quantities, Usage


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
        data = memoryview(b"".join(lines))
        try:
            while data:
                data = data[os.write(self._file, data) :]
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


_json = msgspec.json.Encoder()


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
    body = _json.encode(_plain(usage))
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _usage(line: bytes) -> Usage | None:
    checksum, _space, body = line.partition(b" ")
    try:
        if len(checksum) != 8 or int(checksum, 16) != zlib.crc32(body):
            return None
        return _from_plain(msgspec.json.decode(body))
    except (ValueError, KeyError, TypeError, IndexError):  # msgspec's errors are ValueErrors
        return None


def _plain(usage: Usage) -> list[Any]:
    carbon, most = usage.carbon, usage.quantities
    return [
        usage.event,
        usage.institution_id,
        usage.occurred_at.astimezone(UTC).isoformat(),
        usage.model_id,
        usage.model_name,
        (
            *(most.input_tokens, most.cached_tokens, most.output_tokens),
            *(most.embedding_tokens, most.images, most.milliseconds),
        ),
        usage.outcome.value,
        usage.component,
        usage.app,
        usage.person_id,
        usage.key_id,
        usage.agreement_id,
        usage.price_version,
        usage.amount_nano,
        (carbon.low_ug, carbon.high_ug, carbon.method) if carbon else None,
    ]


def _from_plain(plain: list[Any]) -> Usage:
    event, institution_id, at, model_id, model_name, quantities, outcome, *rest = plain
    component, app, person_id, key_id, agreement_id, price_version, amount_nano, carbon = rest
    return Usage(
        event=EventId(*event),
        institution_id=institution_id,
        occurred_at=datetime.fromisoformat(at),
        model_id=model_id,
        model_name=model_name,
        quantities=Quantities(*quantities),
        outcome=Outcome(outcome),
        component=component,
        app=app,
        person_id=person_id,
        key_id=key_id,
        agreement_id=agreement_id,
        price_version=price_version,
        amount_nano=amount_nano,
        carbon=Carbon(*carbon) if carbon else None,
    )
