"""The settler of a machine: answers its gateway workers out of the database, reads the slates of those that died, and has what
all processes counted recorded in the ledger.

One process of a machine settles; others stand by, and one of them takes over when it ends.

Messages that came meanwhile are worked in one transaction. When the database does not answer, every connection is dropped: a
worker without a settler admits nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeGuard, TypeVar

from django.db import Error, connection

from parvis.ledger.actions.collecting import Collector
from parvis.ledger.budgets.actions.leases import From, expire, reconcile, work
from parvis.ledger.budgets.messages import (
    SOCKET,
    Ask,
    Code,
    FromSettler,
    Hello,
    NotGranted,
    Recall,
    Report,
    framed,
    from_worker,
    opened,
    read_frame,
)
from parvis.ledger.budgets.slate import slates

Result = TypeVar("Result")
log = logging.getLogger("parvis.budgets")

LOOK_EVERY = 1.0  # seconds between two looks at slates and expired leases, and at whether the database answers
STANDS_BY = 0.25  # seconds between two looks at whether the one that settles has ended
RECALLED_WITHIN = 0.25
MOST_TOGETHER = 512  # messages in a transaction


@dataclass(eq=False)
class _Worker:
    epoch: str
    writer: asyncio.StreamWriter

    def send(self, message: FromSettler) -> None:
        if not self.writer.is_closing():
            self.writer.write(framed(message))


@dataclass(eq=False)
class _Waiting:
    """One message. `recalled`: of which budget workers were asked, once, to give back; `silent` have not answered yet."""

    worker: _Worker
    message: Ask | Report
    recalled: int = 0
    silent: set[_Worker] = field(default_factory=set)


def run(folder: Path) -> None:
    """Until the process is told to end."""

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await settle(folder, stop)

    asyncio.run(until_told())


@contextmanager
def settling(folder: Path) -> Iterator[None]:
    """In a thread of this process, as soon as no other process does it."""
    ready = threading.Event()
    ending: list[Callable[[], object]] = []
    thread = threading.Thread(target=lambda: asyncio.run(_until_ended(folder, ready, ending)), name="settler", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        if thread.is_alive():
            for end in ending:
                end()
        thread.join(timeout=10)


async def _until_ended(folder: Path, ready: threading.Event, ending: list[Callable[[], object]]) -> None:
    stop = asyncio.Event()
    ending.append(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
    try:
        await settle(folder, stop, ready.set)
    finally:
        ready.set()


async def settle(folder: Path, stop: asyncio.Event, ready: Callable[[], object] = lambda: None) -> None:
    """Until `stop`; calls `ready` when workers may come, to this process or to the one that settles already."""
    lock = await _until_alone(folder, stop, ready)
    if lock is not None:
        try:
            await _settle(folder, stop, ready)
        finally:
            os.close(lock)


async def _settle(folder: Path, stop: asyncio.Event, ready: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1, "settler") as thread, ThreadPoolExecutor(1, "collector") as beside:
        settler = _Settler(folder, thread)
        with opened(folder) as address:
            (folder / SOCKET).unlink(missing_ok=True)
            server = await asyncio.start_unix_server(settler.serve, address)
            (folder / SOCKET).chmod(0o600)
        tasks = [asyncio.create_task(one) for one in (settler.work(), settler.look(), _collect(folder, beside))]
        ready()
        try:
            await stop.wait()
        finally:
            server.close()
            settler.drop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(thread, _close)


@dataclass(eq=False)
class _Settler:
    folder: Path
    thread: ThreadPoolExecutor
    workers: set[_Worker] = field(default_factory=set)
    waiting: asyncio.Queue[_Waiting] = field(default_factory=asyncio.Queue)
    recalling: set[_Waiting] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        worker = None
        try:
            hello = from_worker.decode(await read_frame(reader))
            if not isinstance(hello, Hello):
                raise ValueError("no greeting")
            worker = _Worker(hello.epoch, writer)
            self.workers.add(worker)
            while True:
                message = from_worker.decode(await read_frame(reader))
                if isinstance(message, Hello):
                    raise ValueError("a second greeting")
                self.waiting.put_nowait(_Waiting(worker, message))
                if isinstance(message, Report) and message.recalled:
                    self._heard(worker)
        except (OSError, EOFError, ValueError):
            pass  # it ended, or speaks something else
        finally:
            if worker:
                self.workers.discard(worker)
            writer.close()

    async def work(self) -> None:
        while True:
            group = [await self.waiting.get()]
            while not self.waiting.empty() and len(group) < MOST_TOGETHER:
                group.append(self.waiting.get_nowait())
            group = [waiting for waiting in group if waiting.worker in self.workers]
            group.sort(key=lambda waiting: isinstance(waiting.message, Ask))  # as they are worked: the answers are in step
            if not group:
                continue
            try:
                answers = await self._in_thread(work, [From(waiting.worker.epoch, waiting.message) for waiting in group])
            except Error:
                log.exception("The database does not answer: nothing is granted")
                self.drop()
                continue
            for waiting, answer in zip(group, answers, strict=True):
                if _is_held(answer) and not waiting.recalled:
                    self._recall(waiting, answer.refused.budget_id)
                else:
                    waiting.worker.send(answer)

    async def look(self) -> None:
        """What dead workers held comes back; whether the database answers is known before somebody asks."""
        while True:
            try:
                await self._in_thread(look, self.folder, frozenset(worker.epoch for worker in self.workers))
            except Error:
                log.exception("The database does not answer: nothing is granted")
                self.drop()
            await asyncio.sleep(LOOK_EVERY)

    def drop(self) -> None:
        for worker in list(self.workers):
            worker.writer.close()
        self.workers.clear()

    def _recall(self, waiting: _Waiting, budget_id: int) -> None:
        """All of them, the one that asks too: it may have spent what counts as held. Who lacks the same waits with it."""
        together = [other for other in self.recalling if other.recalled == budget_id]
        waiting.recalled = budget_id
        waiting.silent = together[0].silent if together else set(self.workers)
        self.recalling.add(waiting)
        if not together:
            for worker in waiting.silent:
                worker.send(Recall(budget_id))
        asyncio.get_running_loop().call_later(RECALLED_WITHIN, self._again, waiting)

    def _heard(self, worker: _Worker) -> None:
        for waiting in list(self.recalling):
            waiting.silent.discard(worker)
            if not waiting.silent:
                self._again(waiting)

    def _again(self, waiting: _Waiting) -> None:
        if waiting in self.recalling:
            self.recalling.remove(waiting)
            self.waiting.put_nowait(waiting)

    async def _in_thread(self, function: Callable[..., Result], *arguments: object) -> Result:
        call = partial(_closing_after_errors, function, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self.thread, call)


async def _collect(folder: Path, thread: ThreadPoolExecutor) -> None:
    """Beside: a long batch of calls delays nobody who asks whether one may be sent."""
    collector = Collector(folder)
    try:
        while True:
            try:
                call = partial(_closing_after_errors, collector.look)
                await asyncio.get_running_loop().run_in_executor(thread, call)
            except Error:
                log.exception("The database does not answer: calls wait to be recorded")
            except Exception:
                log.exception("What was counted could not be recorded")
            await asyncio.sleep(LOOK_EVERY)
    finally:
        thread.submit(_close)


def _is_held(answer: FromSettler) -> TypeGuard[NotGranted]:
    """Refused, and somebody may hold more than they use."""
    return isinstance(answer, NotGranted) and answer.refused.code is Code.HELD


def look(folder: Path, connected: frozenset[str] = frozenset()) -> None:
    """Reads the slates of the dead, and removes each when what it says is in the database. Not of one whose connection has not
    ended: its last messages may still be worked. What the living hold does not expire, however long their calls last."""
    alive = set()
    for found in slates(folder):
        if found.is_alive:
            alive.add(found.epoch)
        elif found.epoch not in connected:
            reconcile(found.epoch, found.committed)
            found.path.unlink(missing_ok=True)
    expire(alive)


def _closing_after_errors(function: Callable[..., Result], *arguments: object) -> Result:
    """The next transaction has a connection of its own."""
    try:
        return function(*arguments)
    except Error:
        _close()
        raise


def _close() -> None:
    """The connection of the thread that calls."""
    connection.close()


async def _until_alone(folder: Path, stop: asyncio.Event, ready: Callable[[], object]) -> int | None:
    """The lock of the machine, to be closed; None when told to stop before it was free."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "settler.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while not stop.is_set():
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        ready()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), STANDS_BY)
    os.close(lock)
    return None
