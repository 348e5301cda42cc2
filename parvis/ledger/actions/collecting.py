"""What the processes of this machine counted becomes rows of the ledger. Handing a file in again changes nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from parvis.ledger.actions.settlement import BATCH, settle
from parvis.ledger.counting import epoch_of, files
from parvis.ledger.journal import batches, read
from parvis.ledger.usage import EventId, Outcome, Usage

log = logging.getLogger("parvis.ledger")

DAMAGED = ".damaged"


@dataclass(slots=True)
class _Reading:
    epoch: int
    end: int = 0
    begun: dict[EventId, Usage] = field(default_factory=dict)
    is_over: bool = False  # nobody held it at the look before
    is_damaged: bool = False


class Collector:
    """Of one folder. What it remembers saves reading: another one would read everything again, and settle the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readings: dict[Path, _Reading] = {}

    def look(self) -> int:
        """Settles what was counted since the look before; how many calls. A call of a process that died is taken at its worst
        at the second look at its file: its end may be in another. Raises django.db.Error, and then begins again."""
        ended: dict[EventId, Usage] = {}
        over: list[Path] = []
        for path, is_held in files(self._folder):
            reading = self._readings.setdefault(path, _Reading(epoch_of(path)))
            if not is_held and reading.is_over:
                over.append(path)
                continue
            reading.is_over = not is_held
            _read_on(path, reading, ended)
        by_epoch = {reading.epoch: reading for reading in self._readings.values()}
        for event in ended:
            if (reading_of := by_epoch.get(event.epoch)) is not None:
                reading_of.begun.pop(event, None)
        calls = [*ended.values(), *(usage for path in over for usage in self._readings[path].begun.values())]
        try:
            for batch in batches(calls, BATCH):
                settle(batch)
        except BaseException:
            self._readings.clear()
            raise
        for path in over:
            self._leave(path)
        return len(calls)

    def _leave(self, path: Path) -> None:
        if self._readings.pop(path).is_damaged:
            path.rename(path.with_suffix(DAMAGED))  # for who can tell what it said
        else:
            path.unlink(missing_ok=True)


def _read_on(path: Path, reading: _Reading, ended: dict[EventId, Usage]) -> None:
    if reading.is_damaged:
        return
    kept = read(path, reading.end)
    reading.end = kept.end
    for usage in kept.calls:
        if usage.outcome is Outcome.UNKNOWN:
            reading.begun[usage.event] = usage
        else:
            ended[usage.event] = usage
    if kept.damage:
        reading.is_damaged = True
        log.error("%s is damaged from byte %d on: what follows is not read", path.name, reading.end)
