"""Reserving from within Django, call by call: the same rows, without a settler in between.

    held = reserve(places_of(profile, subject="assistant:12").chain, worst)      # Hold, or Refused with why
    settle(held, actual)                                                  # or release(held), when nothing was sent

Never inside a transaction: what is reserved must be so before anything is sent, whatever becomes of the caller.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from django.conf import settings
from django.db import Error

from parvis.ledger.budgets.actions.leases import From, reconcile, work
from parvis.ledger.budgets.messages import NOTHING, Amounts, Ask, Code, Granted, Measure, NotGranted, Refused, folder_of
from parvis.ledger.budgets.slate import Slate


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """What one call holds of each account. If the process dies, the slate says that it may have been spent."""

    epoch: str
    worst: Amounts
    measures: dict[int, Measure]  # of each account
    slate: Slate = field(repr=False)


def reserve(chain: tuple[int, ...], worst: Amounts) -> Hold | Refused:
    """Holds the worst that a call may cost in every budget of these places and of all above them, or in none."""
    epoch = secrets.token_hex(12)
    folder = folder_of(settings.DATA_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    slate = Slate(folder, epoch)
    try:
        [answer] = work([From(epoch, Ask(0, chain, worst, {}))], calls=1)
    except Error:
        slate.close()  # whether it was granted is read from it, when the database answers
        return Refused(Code.STORE_DOWN)
    if not isinstance(answer, Granted):
        slate.remove()
        return answer.refused if isinstance(answer, NotGranted) else Refused(Code.STORE_DOWN)
    measures = {part.account: part.measure for part in answer.parts}
    hold = Hold(epoch, worst, measures, slate)
    for account, amount in _amounts(hold, worst).items():
        slate.write(account, amount)
    return hold


def settle(hold: Hold, actual: Amounts) -> None:
    """What the call cost; an amount that nobody knows is what was reserved. When the database does not answer, the settler
    reads it from the slate."""
    amounts = _amounts(hold, actual)
    for account, amount in amounts.items():
        hold.slate.write(account, amount)
    try:
        reconcile(hold.epoch, amounts)
    except Error:
        hold.slate.close()
    else:
        hold.slate.remove()


def release(hold: Hold) -> None:
    """Nothing was sent, and nothing spent."""
    settle(hold, NOTHING)


def _amounts(hold: Hold, amounts: Amounts) -> dict[int, int]:
    known = {account: amounts.of(measure) for account, measure in hold.measures.items()}
    worst = {account: hold.worst.of(measure) or 0 for account, measure in hold.measures.items()}
    return {account: worst[account] if amount is None else amount for account, amount in known.items()}
