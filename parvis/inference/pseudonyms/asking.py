"""A model that is only ever asked with pseudonyms, and whose answers come back with the names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from parvis.inference.completion import Delta, Message, Model, UpstreamError
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.bodies import Pseudonyms
from parvis.inference.pseudonyms.restoration import Restorer


def through(pseudonyms: Pseudonyms | None, model: Model) -> Model:
    """`model` itself where no pseudonyms are asked for. What cannot be pseudonymised is an UpstreamError of the same code,
    and the model is not asked."""
    return partial(_answer, pseudonyms, model) if pseudonyms else model


async def _answer(pseudonyms: Pseudonyms, model: Model, messages: list[Message]) -> AsyncGenerator[Delta, None]:
    try:
        sent = await asyncio.to_thread(pseudonyms.messages, messages)
    except PseudonymsUnavailableError as error:
        raise UpstreamError(error.code) from None
    restorer = Restorer(pseudonyms.vault)
    async with aclosing(_closable(model(sent))) as deltas:
        try:
            async for delta in deltas:
                shown = restorer.push(delta.text) + (restorer.close() if delta.finish else "")
                yield replace(delta, text=shown)
        except UpstreamError:  # what was received stays received
            if rest := restorer.close():
                yield Delta(text=rest)
            raise
    if rest := restorer.close():
        yield Delta(text=rest)


async def _closable(deltas: AsyncIterator[Delta]) -> AsyncGenerator[Delta, None]:
    try:
        async for delta in deltas:
            yield delta
    finally:
        if close := getattr(deltas, "aclose", None):
            await close()
