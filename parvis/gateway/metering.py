"""What a request may cost at worst, held before it is sent; what it cost, said as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from parvis.gateway.asking import Asked
from parvis.gateway.knowledge import Caller, Known
from parvis.gateway.relay import Meter

TEMPLATE_TOKENS = 64  # what a provider's template adds, for each message or so: far less than the bytes around the words
TOKENS_UNBOUNDED = 32_768  # of an answer that neither the request nor the model bounds: what it is then held to


@dataclass(slots=True, eq=False)
class Held:
    """What one attempt holds until it is settled, once. No tokenizer makes more tokens of a request than it has bytes."""

    caller: Caller
    known: Known
    operation: str
    request_id: str
    tokens_in: int
    tokens_out: int
    max_tokens: int | None  # for each choice: what the provider is told


@dataclass(frozen=True, slots=True)
class Settled:
    """`tokens_in` and `tokens_out` are the provider's own counts where it gave them (`counted`), else what was held; nothing
    where nothing was sent, or the provider refused."""

    held: Held
    tokens_in: int
    tokens_out: int
    counted: bool
    complete: bool


class Metering:
    """`tell` is told of every attempt, once, however it ends. `open` are those that run."""

    def __init__(self, tell: Callable[[Settled], None] = lambda settled: None) -> None:
        self.open: set[Held] = set()
        self._tell = tell

    async def reserve(self, caller: Caller, known: Known, asked: Asked, max_tokens: int | None, request_id: str) -> Held:
        """Raises Problem where a budget does not allow the worst."""
        bounds = [one for one in (max_tokens, asked.max_tokens) if one is not None]
        bound = min(bounds, default=TOKENS_UNBOUNDED)
        held = Held(
            caller,
            known,
            asked.operation,
            request_id,
            tokens_in=asked.size + TEMPLATE_TOKENS,
            tokens_out=bound * asked.choices,
            max_tokens=bound,
        )
        self.open.add(held)
        return held

    def settle(self, held: Held, meter: Meter, *, sent: bool = True) -> None:
        if held not in self.open:
            return
        self.open.discard(held)
        usage = meter.usage
        if usage is not None and usage.taken_in is not None:
            self._tell(Settled(held, usage.taken_in, usage.given_out, counted=True, complete=meter.complete))
        elif sent:
            self._tell(Settled(held, held.tokens_in, held.tokens_out, counted=False, complete=meter.complete))
        else:
            self._tell(Settled(held, 0, 0, counted=True, complete=False))
