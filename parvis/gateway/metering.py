"""What a request may cost at worst, reserved and written down before it is sent; what it cost, as soon as it is known."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from parvis.gateway.asking import EMBEDDINGS, Asked
from parvis.gateway.knowledge import Caller, Knowledge, Known
from parvis.gateway.problems import Problem, _
from parvis.gateway.relay import Meter
from parvis.inference.completion import TEMPLATE_TOKENS
from parvis.ledger.budgets.client import Budgets, Reservation
from parvis.ledger.budgets.messages import NOTHING, Amounts, Code, Measure, Refused
from parvis.ledger.budgets.naming import Translate, budget_named, instant
from parvis.ledger.counting import NO_EVENT, Counter
from parvis.ledger.estimating import Tokenizer, Tokenizers
from parvis.ledger.journal import JournalBroken
from parvis.ledger.rounding import shown_euros
from parvis.ledger.tariff import Tariff
from parvis.ledger.usage import Carbon, Outcome, Quantities, Usage

log = logging.getLogger("parvis.gateway")

TOKENS_UNBOUNDED = 32_768  # of an answer that neither the request nor the model bounds: what it is then held to
LONGEST_CALL = 900.0  # seconds, of a machine that is paid by the hour


class NotReservedError(Exception):
    """Nothing may be sent: no budget allows the worst of it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code)
        self.refused = refused


class Held(Struct, eq=False):
    """What one attempt holds until it is settled, once. No tokenizer makes more tokens of a request than it has bytes."""

    caller: Caller
    known: Known
    operation: str
    request_id: str
    tokens_in: int
    tokens_out: int
    max_tokens: int | None  # for each choice: what the provider is told
    worst: Amounts
    tariff: Tariff
    reservation: Reservation
    usage: Usage
    begun_at: float
    tokenizer: Tokenizer
    settled: Settled | None = None


class Settled(Struct, eq=False):
    """`tokens_in` and `tokens_out` are the provider's own counts where it gave them (`counted`), else estimated; nothing where
    nothing was sent, or the provider refused. `amounts` are those of budgets: None where there is no price."""

    held: Held
    tokens_in: int
    tokens_out: int
    counted: bool
    complete: bool
    quantities: Quantities
    amounts: Amounts
    carbon: Carbon | None


class Metering:
    """`tell` is told of every attempt, once, however it ends. `open` are those that run."""

    def __init__(self, budgets: Budgets, counter: Counter, tell: Callable[[Settled], None] = lambda settled: None) -> None:
        self.open: set[Held] = set()
        self._budgets, self._counter, self._tell = budgets, counter, tell
        self._tokenizers = Tokenizers()
        self._is_due = False

    def worst(self, knowledge: Knowledge, caller: Caller, known: Known, asked: Asked) -> Amounts:
        """What `reserve` would ask for."""
        most = _most(asked, _bound(asked, known.candidate.max_output_tokens))
        return knowledge.tariff(caller.institution, known).worst(most, datetime.now(UTC))

    async def reserve(
        self, knowledge: Knowledge, caller: Caller, known: Known, asked: Asked, max_tokens: int | None, request_id: str
    ) -> Held:
        """Raises NotReservedError where a budget does not allow the worst, Problem where calls cannot be counted."""
        tariff, now = knowledge.tariff(caller.institution, known), datetime.now(UTC)
        bound = _bound(asked, max_tokens)
        most = _most(asked, bound)
        carbon = tariff.carbon(most, seconds=None)
        worst = tariff.amounts(most, carbon, now, is_worst=True)
        reservation = await self._budgets.reserve(caller.key.places, worst)
        if isinstance(reservation, Refused):
            raise NotReservedError(reservation)
        usage = Usage(
            event=NO_EVENT,
            institution_id=caller.institution.id,
            occurred_at=now,
            model_id=tariff.model_id,
            model_name=known.model.name,
            quantities=most,
            component=caller.key.component,
            app="api",
            person_id=caller.holder.person,
            key_id=caller.key.id,
            agreement_id=tariff.agreement_id,
            carbon=carbon,
            outcome=Outcome.UNKNOWN,
            is_estimated=True,
        )
        try:
            usage = self._counter.begin(usage)
        except JournalBroken:
            self._budgets.release(reservation)
            log.exception("A call cannot be counted: it is refused")
            raise Problem("budgets_down", retry_after=5) from None
        held = Held(
            caller=caller,
            known=known,
            operation=asked.operation,
            request_id=request_id,
            tokens_in=most.input_tokens + most.embedding_tokens,
            tokens_out=most.output_tokens,
            max_tokens=bound,
            worst=worst,
            tariff=tariff,
            reservation=reservation,
            usage=usage,
            begun_at=time.monotonic(),
            tokenizer=self._tokenizers.of((known.candidate.known_by, "images" in asked.capabilities)),
        )
        self.open.add(held)
        return held

    def measured(self, held: Held, meter: Meter) -> Settled:
        """What is going to be settled of an answer that came whole."""
        held.settled = held.settled or _settled(held, meter, sent=True)
        return held.settled

    def settle(self, held: Held, meter: Meter, outcome: Outcome, *, sent: bool = True) -> None:
        if held not in self.open:
            return
        self.open.discard(held)
        settled = held.settled or _settled(held, meter, sent=sent)
        outcome = outcome if settled.tokens_in or sent else Outcome.REFUSED
        used = replace(
            held.usage,
            quantities=settled.quantities,
            outcome=outcome,
            carbon=settled.carbon,
            is_estimated=not settled.counted,
        )
        self._counter.end(used)
        self._is_due = True
        self._budgets.settle(held.reservation, settled.amounts)
        self._tell(settled)

    async def sync(self) -> None:
        """What ended is on the disk."""
        if self._is_due:
            self._is_due = False
            try:
                await asyncio.get_running_loop().run_in_executor(None, self._counter.sync)
            except JournalBroken:
                self._is_due = True
                log.exception("What was counted is not on the disk yet")

    async def close(self) -> None:
        """What still runs counts at its worst."""
        await self._budgets.close()
        self._counter.close()


def refusal_of(refused: Refused) -> Problem:
    """As it is told to the client."""
    if refused.code is Code.OVER_LIMIT:
        left, unit = _left(refused)
        said = {"left": left, "unit": unit} | {name: partial(words, refused) for name, words in _OF_A_BUDGET.items()}
        return Problem("insufficient_quota", said, headers=_NOT_AGAIN)
    if refused.code is Code.HELD:
        return Problem("budget_held", retry_after=1)
    if refused.code is Code.STORE_DOWN:
        return Problem("budgets_down", retry_after=5)
    return Problem(refused.code.value)


def _bound(asked: Asked, max_tokens: int | None) -> int:
    """Of each choice."""
    if max_tokens is None:
        return TOKENS_UNBOUNDED if asked.max_tokens is None else asked.max_tokens
    return max_tokens if asked.max_tokens is None else min(max_tokens, asked.max_tokens)


def _most(asked: Asked, bound: int) -> Quantities:
    return _quantities(asked.operation, asked.size + TEMPLATE_TOKENS, 0, bound * asked.choices, _LONGEST_MS)


_LONGEST_MS = round(LONGEST_CALL * 1_000)


def _settled(held: Held, meter: Meter, *, sent: bool) -> Settled:
    heard, seconds = meter.heard, time.monotonic() - held.begun_at
    if heard.prompt is None and not sent:
        return Settled(held, 0, 0, True, False, Quantities(), NOTHING, None)
    tokens = held.tokenizer.tokens(heard, most_in=held.tokens_in, most_out=held.tokens_out)
    counted, tokens_in, tokens_out = not tokens.is_estimated, tokens.prompt, tokens.completion
    used = _quantities(held.operation, tokens_in, tokens.cached, tokens_out, round(seconds * 1_000))
    carbon = held.tariff.carbon(used, seconds=seconds if counted else None)
    spent = held.tariff.amounts(used, carbon, held.usage.occurred_at)
    return Settled(held, tokens_in, tokens_out, counted, heard.is_whole, used, spent, carbon)


def _quantities(operation: str, tokens_in: int, cached: int, tokens_out: int, milliseconds: int) -> Quantities:
    """Providers count cached tokens among those of the request."""
    if operation == EMBEDDINGS:
        return Quantities(embedding_tokens=tokens_in, milliseconds=milliseconds)
    return Quantities(tokens_in - cached, cached, tokens_out, milliseconds=milliseconds)


def _left(refused: Refused) -> tuple[Decimal, str]:
    left = max(0, refused.left)
    if refused.measure is Measure.MONEY:
        return shown_euros(left), "€"
    return (Decimal(left), "tokens") if refused.measure is Measure.TOKENS else (Decimal(left) / 1_000, "g CO₂e")


def _budget(refused: Refused, _language: str, translate: Translate) -> str:
    return budget_named(refused, translate)


def _state(refused: Refused, _language: str, translate: Translate) -> str:
    return translate(_("does not suffice")) if refused.left > 0 else translate(_("is spent"))


def _advice(refused: Refused, _language: str, translate: Translate) -> str:
    """Where something is left: whoever sets no max_tokens asks for as much as the model can write."""
    if refused.left <= 0:
        return ""
    return " " + translate(_("A shorter request, or a smaller max_tokens, may cost less."))


def _begins(refused: Refused, language: str, _translate: Translate) -> str:
    return "" if refused.resets_at is None else instant(refused.resets_at, language, now=datetime.now(UTC))


_OF_A_BUDGET = {"budget": _budget, "state": _state, "advice": _advice, "begins": _begins}
_NOT_AGAIN = ((b"x-should-retry", b"false"),)  # OpenAI's client asks again by itself otherwise
