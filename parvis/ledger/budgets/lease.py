"""The arithmetic of leases (decision 0023). No clock, no database: whoever calls says what time it is.

A lease is a part of a budget that one worker may spend without asking. What the worker holds was taken from the budget before,
in the database, so whatever becomes of the worker, no budget is exceeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from parvis.ledger.budgets.messages import Measure

SECONDS = 20.0  # how long a lease holds without being renewed
MARGIN = 2.0  # the worker stops so long before: its clock may be slow, its message may have waited
CALLS = 64  # a lease is of so many calls like the one that asks, far from the limit


@dataclass(slots=True)
class Lease:
    """What one worker holds of one account. `until` is on the worker's monotonic clock."""

    account: int
    budget: int
    measure: Measure
    granted: int = 0
    spent: int = 0
    reserved: int = 0  # by calls that run
    excess: int = 0  # spent beyond what was reserved: an upper bound was none
    until: float = 0.0
    was_used: bool = True  # since the latest report

    @property
    def free(self) -> int:
        return self.granted - self.spent - self.reserved

    @property
    def committed(self) -> int:
        """What counts as spent if the worker dies now: what calls that run may still cost is part of it."""
        return self.spent + self.reserved + self.excess

    @property
    def is_empty(self) -> bool:
        return not (self.granted or self.reserved or self.excess)

    def reserve(self, amount: int) -> None:
        self.reserved += amount
        self.was_used = True

    def settle(self, reserved: int, actual: int) -> None:
        """An actual amount above what was reserved is counted whole, the rest apart: the database has not set it aside."""
        self.reserved -= reserved
        if actual <= reserved:
            self.spent += actual
        else:
            self.spent += reserved
            self.excess += actual - reserved
        self.was_used = True

    def give_back(self) -> int:
        """What no call holds leaves the lease."""
        freed, self.granted = self.free, self.granted - self.free
        return freed

    def begin_again(self, spent: int, excess: int) -> None:
        """So much is written down in the database, with nothing left to spend."""
        self.granted -= spent
        self.spent -= spent
        self.excess -= excess


def until(*, asked_at: float, seconds: float) -> float:
    """When to stop admitting: counted from the asking, which is before the database looked at its clock."""
    return asked_at + seconds - MARGIN


def chunk(need: int, available: int, workers: int, calls: int = CALLS) -> int:
    """How much to lease for one that needs `need`: many calls' worth far from the limit, tending to this call alone near it.
    0 where not even that is left."""
    if need > available:
        return 0
    return max(need, min(need * calls, available // (2 * max(1, workers))))


@dataclass(slots=True)
class Room:
    """One account, as it is locked. What is `leased`, to so many `workers`, may come back."""

    account: int
    limit: int
    spent: int
    leased: int
    workers: int = 1

    @property
    def left(self) -> int:
        return max(0, self.limit - self.spent - self.leased)


@dataclass(frozen=True, slots=True)
class Shares:
    """What one who asked gets of each account; or, with none, the account that has not enough."""

    granted: dict[int, int] = field(default_factory=dict)
    lacking: Room | None = None


def share_out(asks: Sequence[Mapping[int, int]], rooms: Mapping[int, Room], calls: int = CALLS) -> list[Shares]:
    """Each ask says what it needs of each account, and gets it of all or of none. First the needs of the whole group, in
    order; one that lacks something does not hold back those behind it. What goes beyond the needs is leased last, so that
    nobody is refused what another only keeps in reserve."""
    found = [_needs(ask, rooms) for ask in asks]
    for shares in found:
        for account, need in shares.granted.items():
            room = rooms[account]
            beyond = max(0, chunk(need, room.left, room.workers, calls) - need)
            room.leased += beyond
            shares.granted[account] += beyond
    return found


def _needs(ask: Mapping[int, int], rooms: Mapping[int, Room]) -> Shares:
    for account, need in ask.items():
        if need > rooms[account].left:
            return Shares(lacking=rooms[account])
    for account, need in ask.items():
        rooms[account].leased += need
    return Shares(granted=dict(ask))
