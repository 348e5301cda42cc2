"""One call to a model, as it is counted: what budgets, the ledger and statements share. Plain data.

Money is a whole number of nano-euro, before tax; 1 € is 1_000_000_000. What has no price is None, never 0. Carbon is a whole
number of micrograms of CO₂ equivalent: one short call is a fraction of a milligram.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

NANO = 1_000_000_000  # in a euro
MICROGRAMS = 1_000_000  # in a gram


class Outcome(StrEnum):
    """How the call ended. All but REFUSED may have cost something."""

    DONE = "done"
    CUT = "cut"  # the provider stopped half-way
    LEFT = "left"  # whoever asked hung up
    FAILED = "failed"  # an error instead of an answer
    REFUSED = "refused"  # nothing was sent
    UNKNOWN = "unknown"  # the process died: charged as the worst case until it is known


class EventId(NamedTuple):
    """Who counted it, and which of theirs it is: an epoch is one life of one process, and is never given twice."""

    epoch: int
    sequence: int


class Quantities(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is priced, each by a unit of its own. Every call is one request besides. Cached tokens are not in
    `input_tokens` again: the two are added."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    images: int = 0
    milliseconds: int = 0  # of a machine that is paid by the hour


class Carbon(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An estimate is a range; what was measured is a range of one value."""

    low_ug: int
    high_ug: int
    method: str  # "ecologits 0.11.3", "measured"


class Usage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`component` and `app` are written as the institution writes them; "" where there is none. A person, a key and an app
    may each be there or not. `price_version` "": the price of its own time is looked for when it is settled."""

    event: EventId
    institution_id: int
    occurred_at: datetime  # aware; a call is priced by the instant it was sent
    model_id: int | None  # None: the model that the environment gives
    model_name: str
    quantities: Quantities
    outcome: Outcome = Outcome.DONE
    component: str = ""
    app: str = ""  # "assistant:12", "api"
    person_id: int | None = None
    key_id: int | None = None
    agreement_id: int | None = None
    price_version: str = ""
    amount_nano: int | None = None
    carbon: Carbon | None = None
    is_estimated: bool = False  # its tokens: nobody counted them to the end
