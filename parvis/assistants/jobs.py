"""Writing answers and following them (decision 0007).

A turn is written by a task on a loop of its own thread, apart from any request: whoever asked may leave. What it writes goes
to the log; readers, in this process or another, read the log and nothing else. Database work runs in threads with
connections of their own, because those of a request end with it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import aclosing, contextmanager, suppress
from contextvars import copy_context
from dataclasses import asdict
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connection

from parvis.assistants import actions, answering
from parvis.assistants.models import LEASE, Mode, State, Turn
from parvis.inference.door import Admitted, Route, chat
from parvis.inference.pseudonyms.asking import through
from parvis.retrieval.abstention import Band

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

POLL_SECONDS = 0.2  # for a turn that another process writes
SAFETY_SECONDS = 2.0  # for one written here, should a wake-up be lost
CONNECTION_SECONDS = 60.0

# Apart, so that a log is read and written while questions wait for their search.
_searches = ThreadPoolExecutor(max_workers=4, thread_name_prefix="search")
_log = ThreadPoolExecutor(max_workers=8, thread_name_prefix="log")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_written_here: dict[int, Future[None]] = {}
_readers: defaultdict[int, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)


class TurnClosedError(Exception):
    """The turn was stopped, taken for dead or deleted while it was being written."""


def start(turn: Turn) -> None:
    """Begins to write, and returns at once."""
    future = asyncio.run_coroutine_threadsafe(_run(turn.id), _writing_loop())
    _written_here[turn.id] = future
    future.add_done_callback(lambda _done: _forget(turn.id))


def stop(turn_id: int) -> None:
    """Ends the writing of a turn that was cancelled, if it is written here. Elsewhere, the next lease renewal notices."""
    if future := _written_here.get(turn_id):
        future.cancel()
    _wake(turn_id)


def wait(turn_id: int, seconds: float) -> None:
    """Until the turn is written, for a page without script."""
    if future := _written_here.get(turn_id):
        with suppress(FutureTimeoutError, CancelledError):
            future.result(seconds)


async def follow(
    turn_id: int, read: Callable[[int], tuple[T, int, bool]], after: int, heartbeat: float
) -> AsyncIterator[T | None]:
    """What `read(after)` gives, again each time the log has grown, until it says that the log is closed.

    `read` runs in a thread and returns what to send, the latest sequence number it covers, and whether the log is closed.
    None is given when `heartbeat` seconds went by in silence.
    """
    silent = 0.0
    with _listening(turn_id) as woken:
        while True:
            woken.clear()
            fragment, latest, closed = await in_thread(read, after)
            after = latest
            if fragment:
                yield fragment
                silent = 0.0
            if closed:
                return
            patience = SAFETY_SECONDS if turn_id in _written_here else POLL_SECONDS
            try:
                await asyncio.wait_for(woken.wait(), patience)
            except TimeoutError:
                silent += patience
                if silent >= heartbeat:
                    yield None
                    silent = 0.0


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs database work of the log in a thread with its own connection."""
    return await _in_pool(_log, function, *args, **kwargs)


async def _run(turn_id: int) -> None:
    try:
        async with _lease(turn_id):
            await _write(turn_id)
    except TurnClosedError:
        await in_thread(actions.finish, turn_id, State.INTERRUPTED, error_code="server_stopped")
    except Exception:
        logger.exception("turn %s failed", turn_id)
        await in_thread(actions.finish, turn_id, State.FAILED, error_code="internal")
    finally:
        _wake(turn_id)


async def _write(turn_id: int) -> None:
    work = await _in_pool(_searches, actions.prepare, turn_id)
    if work is None or not await in_thread(actions.begin_turn, turn_id, **_provenance(work)):
        raise TurnClosedError
    _wake(turn_id)
    if work.courtesy:
        await _finish(turn_id, [answering.Notice(work.courtesy)], answering.Done(answering.ANSWERED), "")
        return
    served: list[Route] = []
    answer = answering.answer(
        work.question,
        work.evidence,
        decision=work.decision,
        sentences=work.sentences,
        quotable=partial(_in_pool, _searches, work.quotations),
        model=through(work.pseudonyms, chat(work.route, told=served.append)) if work.route else None,
        history=work.history,
        instructions=work.instructions,
    )
    said: list[answering.Event] = [answering.Notice(code) for code in work.notices]
    error_code = ""
    async with aclosing(answer), aclosing(_together(answer)) as batches:
        async for batch in batches:
            said += batch
            if served and work.route:
                await _tell_route(turn_id, work.route, served)
            if any(isinstance(event, answering.Notice) and event.code == "budget_extractive" for event in batch):
                await in_thread(actions.quote_instead, turn_id)
            error_code = next((event.code for event in reversed(said) if isinstance(event, answering.Notice)), error_code)
            if isinstance(done := said[-1], answering.Done):
                await _finish(turn_id, said[:-1], done, error_code)
                return
            await _append(turn_id, said)
            said = []


async def _tell_route(turn_id: int, admitted: Admitted, served: list[Route]) -> None:
    """Where it is really computed is written under the answer, before its words."""
    answers = served.pop()
    served.clear()
    if answers is not admitted.first:
        where = {"model_name": answers.name, "zone": answers.zone, "data_class": admitted.data_class}
        await in_thread(actions.reroute, turn_id, **where)


def _provenance(work: actions.Work) -> dict[str, str]:
    """A question that its documents do not answer never reaches a model."""
    if work.route is None or work.decision is not Band.ANSWER:
        return {"mode": Mode.EXTRACTIVE, "rewritten": work.question}
    return {
        "mode": Mode.GENERATIVE,
        "rewritten": work.question,
        "model_name": work.route.name,
        "zone": work.route.zone,
        "data_class": work.route.data_class,
    }


async def _append(turn_id: int, events: Sequence[answering.Event]) -> None:
    if not await in_thread(actions.append, turn_id, [actions.stored(event) for event in events]):
        raise TurnClosedError
    _wake(turn_id)


async def _finish(turn_id: int, events: Sequence[answering.Event], done: answering.Done, error_code: str) -> None:
    state = State(done.outcome)
    await in_thread(
        actions.finish,
        turn_id,
        state,
        error_code=error_code if state in (State.FAILED, State.INTERRUPTED) else "",
        usage=asdict(done.usage),
        events=[actions.stored(event) for event in events],
    )


async def _together(events: AsyncIterator[answering.Event]) -> AsyncGenerator[list[answering.Event], None]:
    """Events that come at once, together: a sentence and its proofs are one commit, and so is a whole quoted answer."""
    upcoming = asyncio.ensure_future(_next(events))
    try:
        while (event := await upcoming) is not None:
            batch = [event]
            upcoming = asyncio.ensure_future(_next(events))
            await asyncio.sleep(0)
            while upcoming.done() and (event := upcoming.result()) is not None:
                batch.append(event)
                upcoming = asyncio.ensure_future(_next(events))
                await asyncio.sleep(0)
            yield batch
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)


async def _next(events: AsyncIterator[answering.Event]) -> answering.Event | None:
    return await anext(events, None)


class _lease:
    """Renews the lease while the answer is slow to come; ends the writing when the turn is no longer to be written."""

    def __init__(self, turn_id: int) -> None:
        self.turn_id = turn_id
        self.lost = False

    async def __aenter__(self) -> None:
        writing = asyncio.current_task()
        self.keeper = asyncio.create_task(self._keep(writing))

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.keeper.cancel()
        if self.lost and kind is asyncio.CancelledError:
            raise TurnClosedError

    async def _keep(self, writing: asyncio.Task[None] | None) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 5)
            if not await in_thread(actions.append, self.turn_id, ()):
                self.lost = True
                if writing:
                    writing.cancel()
                return


@contextmanager
def _listening(turn_id: int) -> Iterator[asyncio.Event]:
    reader = (asyncio.get_running_loop(), asyncio.Event())
    with _lock:
        _readers[turn_id].add(reader)
    try:
        yield reader[1]
    finally:
        with _lock:
            _readers[turn_id].discard(reader)
            if not _readers[turn_id]:
                del _readers[turn_id]


def _wake(turn_id: int) -> None:
    with _lock:
        readers = list(_readers.get(turn_id, ()))
    for loop, woken in readers:
        with suppress(RuntimeError):  # the reader's loop is closed: nobody reads there
            loop.call_soon_threadsafe(woken.set)


def _forget(turn_id: int) -> None:
    _written_here.pop(turn_id, None)
    _wake(turn_id)


def _writing_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="answers", daemon=True).start()
        return _loop


async def _in_pool(pool: ThreadPoolExecutor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    call = partial(_with_own_connection, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, call)  # for the same institution


def _with_own_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The thread keeps its connection for a while: opening one makes SQLite read its whole schema again."""
    connection.close_if_unusable_or_obsolete()
    if connection.connection is None:
        connection.connect()
        connection.close_at = time.monotonic() + CONNECTION_SECONDS
    return function(*args, **kwargs)
