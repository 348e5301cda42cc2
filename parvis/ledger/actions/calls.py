"""One call to a model, made from within Django: its worst is reserved and written down before it is sent, what it was after.

    held = reserve(payer, asked, most)          # Held, or Refused with why: then nothing is sent
    settle(held, heard, Outcome.DONE)           # what the provider counted; the rest is estimated, and said to be
    release(held)                               # instead, when nothing was sent

Never inside a transaction. The data plane does the same without Django (`gateway.metering`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone
from msgspec.structs import replace

from parvis.access.models import ApiKey
from parvis.institutions.models import Profile
from parvis.ledger.actions.books import books_of
from parvis.ledger.budgets.actions import holds
from parvis.ledger.budgets.actions.tree import Places, place_of_institution, places_of
from parvis.ledger.budgets.messages import Amounts, Code, Refused, folder_of
from parvis.ledger.carbon import method, slopes_of
from parvis.ledger.counting import NO_EVENT, Counter
from parvis.ledger.estimating import Heard, Tokenizers
from parvis.ledger.journal import JournalBroken
from parvis.ledger.tariff import Tariff
from parvis.ledger.usage import Outcome, Quantities, Usage

log = logging.getLogger("parvis.ledger")


@dataclass(frozen=True, slots=True)
class Payer:
    """Who asks, and with what: "assistant:12", "api", "documents". Without a profile it is the institution itself."""

    institution_id: int
    profile_id: int | None = None
    person_id: int | None = None
    key_id: int | None = None
    app: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The model a call goes to. `model_id` None is the one that the environment gives."""

    model_id: int | None
    model_name: str
    zone: str
    agreement_id: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    hold: holds.Hold = field(repr=False)
    counter: Counter = field(repr=False)
    usage: Usage
    tariff: Tariff = field(repr=False)
    begun_at: float


def reserve(payer: Payer, asked: Asked, most: Quantities) -> Held | Refused:
    """What it may cost at most, in every budget that it concerns."""
    now = timezone.now()
    tariff = tariff_of(payer.institution_id, asked)
    places = _places(payer)
    found = holds.reserve(places.chain, tariff.worst(most, now))
    if isinstance(found, Refused):
        return found
    worst = Usage(
        event=NO_EVENT,
        institution_id=payer.institution_id,
        occurred_at=now,
        model_id=asked.model_id,
        model_name=asked.model_name,
        quantities=most,
        component=places.component,
        app=payer.app,
        person_id=payer.person_id,
        key_id=payer.key_id,
        agreement_id=asked.agreement_id,
        carbon=tariff.carbon(most, seconds=None),
        outcome=Outcome.UNKNOWN,
        is_estimated=True,
    )
    counter = _counter()
    try:
        begun = counter.begin(worst)
    except JournalBroken:
        holds.release(found)
        return Refused(Code.STORE_DOWN)
    return Held(found, counter, begun, tariff, time.monotonic())


def settle(held: Held, heard: Heard, outcome: Outcome) -> Amounts:
    """What it was, and what it cost: None of what has no price. `milliseconds` are measured here."""
    seconds, usage = time.monotonic() - held.begun_at, held.usage
    most = usage.quantities
    tokens = _tokenizers.of((usage.institution_id, usage.model_id, usage.model_name)).tokens(
        heard, most_in=most.input_tokens + most.embedding_tokens, most_out=most.output_tokens
    )
    used = Quantities(milliseconds=round(seconds * 1_000))
    if most.embedding_tokens:
        used = replace(used, embedding_tokens=tokens.prompt)
    else:
        fresh = tokens.prompt - tokens.cached
        used = replace(used, input_tokens=fresh, cached_tokens=tokens.cached, output_tokens=tokens.completion)
    carbon = held.tariff.carbon(used, seconds=None if tokens.is_estimated else seconds)
    _end(held, replace(usage, quantities=used, outcome=outcome, carbon=carbon, is_estimated=tokens.is_estimated))
    spent = held.tariff.amounts(used, carbon, held.usage.occurred_at)
    holds.settle(held.hold, spent)
    return spent


def release(held: Held) -> None:
    """Nothing was sent."""
    nothing = replace(held.usage, quantities=Quantities(), outcome=Outcome.REFUSED, carbon=None, is_estimated=False)
    _end(held, nothing)
    holds.release(held.hold)


def tariff_of(institution_id: int, asked: Asked) -> Tariff:
    books = books_of({institution_id})[institution_id]
    slopes = slopes_of(asked.model_name, asked.zone)
    return Tariff(institution_id, asked.model_id, asked.agreement_id, books, slopes, method() if slopes else "")


def worsts(institution_id: int, asked: Sequence[Asked], most: Quantities) -> list[Amounts]:
    """What `reserve` would ask for each."""
    now = timezone.now()
    return [tariff_of(institution_id, one).worst(most, now) for one in asked]


def forget_counter() -> None:
    """For tests: the next call begins another file."""
    with _lock:
        for counter in _counters.values():
            counter.close()
        _counters.clear()


_tokenizers = Tokenizers()
_counters: dict[int, Counter] = {}  # by process: a child that was forked has its own
_lock = threading.Lock()


def _counter() -> Counter:
    with _lock:
        return _counters.setdefault(os.getpid(), Counter(folder_of(settings.DATA_DIR)))


def _end(held: Held, usage: Usage) -> None:
    held.counter.end(usage)
    try:
        held.counter.sync()
    except JournalBroken:  # it is kept, and tried again with the next
        log.exception("What was counted is not on the disk yet")


def _places(payer: Payer) -> Places:
    if payer.profile_id is None:
        return Places((place_of_institution(payer.institution_id).id,))
    profile = Profile.objects.filter(id=payer.profile_id).first()
    if profile is None:  # erased meanwhile: nobody pays
        return Places(())
    key = ApiKey.unscoped.filter(id=payer.key_id).first() if payer.key_id else None
    return places_of(profile, key=key, subject=payer.app)
