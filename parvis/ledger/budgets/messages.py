"""What gateway workers and the settler of their machine say to each other: MessagePack, each message preceded by its length.

Amounts are integers: nano-euro, tokens, milligrams of CO₂e. An amount that nobody knows is None, and where a budget counts
it, the call is refused.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import msgspec

SOCKET = "settler.sock"
LARGEST = 1_000_000
_LENGTH = struct.Struct(">I")


class Measure(StrEnum):
    MONEY = "money"  # nano-euro
    TOKENS = "tokens"
    CARBON = "carbon"  # milligrams of CO₂e


class Amounts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """None: not known."""

    nano_euro: int | None
    tokens: int | None
    milligrams: int | None

    def of(self, measure: Measure) -> int | None:
        if measure is Measure.MONEY:
            return self.nano_euro
        return self.tokens if measure is Measure.TOKENS else self.milligrams


NOTHING = Amounts(0, 0, 0)


class Code(StrEnum):
    """Why a call is refused; `sentences.refusal` has the words."""

    OVER_LIMIT = "over_limit"  # the budget is spent, or what is left is less than the call may cost
    HELD = "held"  # calls that run now hold what is left: trying again in a moment may succeed
    UNKNOWN_PRICE = "unknown_price"  # the budget counts what nobody knows of this call
    NO_BUDGET = "no_budget"  # the place in the tree is unknown: nothing says who would pay
    STORE_DOWN = "store_down"  # the settler or its database does not answer: nothing can be reserved


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """`left` is in the budget's own measure; `resets_at` in seconds since 1970. `way_down`: what may be tried instead. `kind`,
    `name` and `period` say which budget it is, as `naming` puts it in words."""

    code: Code
    budget_id: int = 0
    left: int = 0
    resets_at: float | None = None
    measure: Measure = Measure.MONEY
    way_down: tuple[str, ...] = ()
    kind: str = ""
    name: str = ""
    period: str = ""


# From a worker.


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The first message of a connection. Its leases are those of `epoch`, whose slate is in the settler's folder."""

    epoch: str


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """`chain`: the places in the tree that the call concerns; the settler adds those above. `aside`: how much of each account
    the worker has set aside for this call out of its leases."""

    number: int
    chain: tuple[int, ...]
    worst: Amounts
    aside: dict[int, int]


class Use(msgspec.Struct, frozen=True, array_like=True):
    """Of one lease: what was spent since it began, what was spent beyond what was reserved, and what is given back now."""

    account: int
    spent: int
    excess: int
    give_back: int


class Report(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """A worker sends one when the one before was answered: what it tells counts from the beginning of each lease, and an
    answer may begin leases again. `recalled`: it gives back what was asked for."""

    uses: tuple[Use, ...]
    recalled: bool = False


# From the settler.


class Part(msgspec.Struct, frozen=True, array_like=True):
    """`granted` comes on top of what the lease of this account was; all of it holds for `seconds` from the asking."""

    account: int
    budget: int
    measure: Measure
    granted: int
    seconds: float


class Granted(msgspec.Struct, frozen=True, array_like=True, tag=4):
    number: int
    parts: tuple[Part, ...]


class NotGranted(msgspec.Struct, frozen=True, array_like=True, tag=5):
    number: int
    refused: Refused


class Renewed(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """`seconds` of each lease from when the report was sent. One that is not there is over: what it spent is written down."""

    seconds: dict[int, float]


class Recall(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Another worker lacks what may lie idle: give back now what no call holds of this budget."""

    budget: int


FromWorker: TypeAlias = Hello | Ask | Report
FromSettler: TypeAlias = Granted | NotGranted | Renewed | Recall

_encoder = msgspec.msgpack.Encoder()
from_worker = msgspec.msgpack.Decoder(FromWorker)
from_settler = msgspec.msgpack.Decoder(FromSettler)


def framed(message: FromWorker | FromSettler) -> bytes:
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Raises asyncio.IncompleteReadError at the end, ValueError on what is no frame."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > LARGEST:
        raise ValueError("frame too large")
    return await reader.readexactly(length)


def folder_of(data_dir: Path) -> Path:
    """Where the settler of a machine listens, and where its workers keep their slates."""
    return data_dir / "budgets"


@contextmanager
def opened(folder: Path) -> Iterator[str]:
    """The address of the settler's socket. The kernel takes none of more than 107 bytes: a long folder is called by the number
    under which it is open here."""
    address = str(folder / SOCKET)
    if len(os.fsencode(address)) < 108:
        yield address
        return
    number = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{number}/{SOCKET}"
    finally:
        os.close(number)
