"""Each attempt at a model is paid for: the worst it may cost is reserved before anything is sent, and what it was is settled
after it ended, however it ended. What a budget refuses goes the way down that its administrator chose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from parvis.inference.completion import TEMPLATE_TOKENS, Delta, Message, ModelWithheldError, UpstreamError
from parvis.ledger.actions.calls import Asked, Held, Payer, release, reserve, settle, worsts
from parvis.ledger.budgets.descent import Step
from parvis.ledger.budgets.messages import Refused
from parvis.ledger.estimating import Heard
from parvis.ledger.usage import Outcome, Quantities

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_CALL = 300.0  # seconds, of a machine that is paid by the hour


def over_budget(refused: Refused, step: Step) -> UpstreamError:
    """Nothing was sent: no budget allows it. `step` is what is done instead, quotations or nothing."""
    said = {"why": refused.code.value, "left": refused.left, "measure": refused.measure.value}
    kind = ModelWithheldError if step is Step.EXTRACTIVE else UpstreamError
    return kind(f"budget_{step.value}", **said, resets_at=refused.resets_at)


def most_of_messages(messages: Sequence[Message], max_tokens: int) -> Quantities:
    """No tokenizer makes more tokens of a text than it has bytes."""
    size = sum(len(json.dumps(one, ensure_ascii=False).encode()) + TEMPLATE_TOKENS for one in messages)
    return Quantities(input_tokens=size, output_tokens=max_tokens, milliseconds=round(LONGEST_CALL * 1_000))


def most_of_texts(texts: Sequence[str]) -> Quantities:
    size = sum(len(one.encode()) + TEMPLATE_TOKENS for one in texts)
    return Quantities(embedding_tokens=size, milliseconds=round(LONGEST_CALL * 1_000))


def listen(heard: Heard, delta: Delta) -> None:
    """What a piece of an answer brings, and what its provider counted with it."""
    heard.hear(len(delta.text.encode()) + delta.unsaid)
    if delta.prompt_tokens is not None:
        heard.count(delta.prompt_tokens, delta.completion_tokens or 0, delta.cached_tokens or 0)


async def reserved(payer: Payer, asked: Asked, most: Quantities) -> Held | Refused:
    """Who leaves meanwhile gives it back."""
    asking = asyncio.ensure_future(in_thread(reserve, payer, asked, most))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        asking.add_done_callback(_given_back)
        raise


async def settled(held: Held | None, heard: Heard, outcome: Outcome) -> int | None:
    """What it cost, in nano-euro."""
    if held is None:
        return None
    work = in_thread(settle, held, heard, outcome)
    return (await asyncio.shield(asyncio.ensure_future(work))).nano_euro


async def given_back(held: Held | None) -> None:
    """Nothing was sent."""
    if held is not None:
        await asyncio.shield(asyncio.ensure_future(in_thread(release, held)))


async def smaller(payer: Payer, refused: Refused, than: Asked, others: Mapping[str, Asked], most: Quantities) -> list[str]:
    """Those that cost less at worst, in what the budget counts."""
    names = list(others)
    first, *rest = await in_thread(worsts, payer.institution_id, [than, *(others[name] for name in names)], most)
    limit = first.of(refused.measure)
    found = [(name, each.of(refused.measure)) for name, each in zip(names, rest, strict=True)]
    return [name for name, cost in found if cost is not None and (limit is None or cost < limit)]


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """On a thread of its own, with its own connection: that of a request may be the one that waits for the answer."""
    call = partial(_with_usable_connection, function, *args, **kwargs)
    if _is_waited_for.get():
        return await sync_to_async(call)()
    return await asyncio.get_running_loop().run_in_executor(_threads, copy_context().run, call)


@contextmanager
def waited_for() -> Iterator[None]:
    """Around `async_to_sync`: the thread that waits does what the database is asked for meanwhile."""
    token = _is_waited_for.set(True)
    try:
        yield
    finally:
        _is_waited_for.reset(token)


_is_waited_for: ContextVar[bool] = ContextVar("parvis_waited_for", default=False)
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="paying")


def _with_usable_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    return function(*args, **kwargs)


def _given_back(asking: asyncio.Future[Held | Refused]) -> None:
    if not asking.cancelled() and asking.exception() is None and isinstance(held := asking.result(), Held):
        task = asyncio.ensure_future(in_thread(release, held))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


_tasks: set[asyncio.Task[None]] = set()
