"""The settler's side of the socket, without a database: calls are granted, but those of the places that it is told to refuse.

The real one is `parvis.ledger.budgets.settler`; `test_budgets` has the data plane speak to it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from parvis.ledger.budgets.messages import (
    SOCKET,
    Amounts,
    Ask,
    Granted,
    Hello,
    NotGranted,
    Refused,
    Renewed,
    Report,
    framed,
    from_worker,
    opened,
    read_frame,
)


@dataclass(slots=True)
class Settler:
    """`refusals`: what is answered, in order, to calls of a place; when there is none left they are granted. `asked` are the
    worst cases that it was asked for."""

    folder: Path
    refusals: dict[int, list[Refused]] = field(default_factory=dict)
    asked: list[Amounts] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> Settler:
        self.folder.mkdir(parents=True, exist_ok=True)
        with opened(self.folder) as address:
            (self.folder / SOCKET).unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, address)
        return self

    async def stop(self) -> None:
        """As if it had died."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()
        (self.folder / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            assert isinstance(from_worker.decode(await read_frame(reader)), Hello)
            while True:
                message = from_worker.decode(await read_frame(reader))
                if isinstance(message, Ask):
                    writer.write(framed(self._answer(message)))
                elif isinstance(message, Report):
                    writer.write(framed(Renewed({})))
        except (OSError, EOFError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, ask: Ask) -> Granted | NotGranted:
        self.asked.append(ask.worst)
        for place in ask.chain:
            if self.refusals.get(place):
                return NotGranted(ask.number, self.refusals[place].pop(0))
        return Granted(ask.number, ())
