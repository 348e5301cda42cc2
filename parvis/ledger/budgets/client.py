"""Budgets as a gateway worker sees them: reserve the worst before sending, settle what it was.

    budgets = Budgets(folder_of(data_dir))
    held = await budgets.reserve(chain, worst)      # Reservation, or Refused with why
    budgets.settle(held, actual)                    # or budgets.release(held), when nothing was sent

Most calls are admitted out of a lease, without a message to anybody. When the settler or its database does not answer, nothing
is admitted. Free of Django, for one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from parvis.ledger.budgets import lease as leases
from parvis.ledger.budgets.lease import Lease
from parvis.ledger.budgets.messages import (
    NOTHING,
    Amounts,
    Ask,
    Code,
    FromSettler,
    FromWorker,
    Granted,
    Hello,
    NotGranted,
    Part,
    Recall,
    Refused,
    Renewed,
    Report,
    Use,
    framed,
    from_settler,
    opened,
    read_frame,
)
from parvis.ledger.budgets.slate import Slate

ANSWER_WITHIN = 5.0  # seconds: a settler that is slower is one that does not answer
REPORT_EVERY = 5.0  # four reports in the time of a lease
CONNECT_EVERY = 0.25

NO_ANSWER = Refused(Code.STORE_DOWN)


@dataclass(slots=True, eq=False)
class _Epoch:
    """One connection to the settler, and what was leased through it. When it breaks, the leases end with the calls that run on
    them: nobody has to agree afterwards on what was said last."""

    slate: Slate
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_open: bool = True
    running: int = 0
    leases: dict[int, Lease] = field(default_factory=dict)
    chains: dict[tuple[int, ...], tuple[float, tuple[Lease, ...]]] = field(default_factory=dict)
    asked: dict[int, _Asked] = field(default_factory=dict)
    reported: _Reported | None = None  # and not answered
    recalled: set[int] = field(default_factory=set)  # budgets, while a report is not answered

    def send(self, message: FromWorker) -> None:
        self.writer.write(framed(message))

    def note(self, lease: Lease) -> None:
        self.slate.write(lease.account, lease.spent + lease.reserved + lease.excess)

    def hold(self, worst: Amounts, needs: Iterable[tuple[Lease, int]]) -> Reservation:
        held = tuple(needs)
        for lease, amount in held:
            lease.reserve(amount)
            self.note(lease)
        self.running += 1
        return Reservation(self, worst, held)

    def leave(self) -> None:
        """One call less. The last one of a broken connection closes the slate: the settler reads it then."""
        self.running -= 1
        self.close_if_over()

    def end(self) -> None:
        if not self.is_open:
            return
        self.is_open = False
        self.writer.close()
        for asked in list(self.asked.values()):
            self.put_back(asked)
            if not asked.answer.done():
                asked.answer.set_result(NO_ANSWER)
        self.asked.clear()
        self.close_if_over()

    def put_back(self, asked: _Asked) -> None:
        for account, part in asked.aside.items():
            lease = self.leases[account]
            lease.reserved -= part
            self.note(lease)

    def close_if_over(self) -> None:
        if not self.is_open and not self.running:
            self.slate.close()


@dataclass(slots=True, eq=False)
class _Asked:
    chain: tuple[int, ...]
    worst: Amounts
    aside: dict[int, int]
    at: float
    answer: asyncio.Future[Reservation | Refused]


@dataclass(frozen=True, slots=True)
class _Reported:
    at: float
    uses: tuple[Use, ...]


class Reservation(msgspec.Struct, eq=False):
    """What one call holds of each account. It is settled or released, once."""

    epoch: _Epoch
    worst: Amounts
    held: tuple[tuple[Lease, int], ...]


class Budgets:
    """The connection of one worker to the settler of its machine, made anew whenever it breaks."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._epoch: _Epoch | None = None
        self._connecting = asyncio.Lock()
        self._tried_at = float("-inf")
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def reserve(self, chain: tuple[int, ...], worst: Amounts) -> Reservation | Refused:
        """Holds the worst that a call may cost in every budget of these places and of all that is above them, or in none.
        `chain`: the places in the tree that the call concerns, such as the key, the person and the course."""
        epoch = self._epoch or await self._connected()
        if epoch is None:
            return NO_ANSWER
        until, known = epoch.chains.get(chain, (0.0, ()))
        now, needs, is_there = self._clock(), [], True
        if now >= until:
            return await self._ask(epoch, chain, worst, [])
        for lease in known:  # once: every call passes here
            if now >= lease.until:
                return await self._ask(epoch, chain, worst, [])
            if (amount := worst.of(lease.measure)) is None:
                return Refused(Code.UNKNOWN_PRICE, lease.budget, measure=lease.measure)
            is_there = is_there and amount <= lease.granted - lease.spent - lease.reserved
            needs.append((lease, amount))
        return epoch.hold(worst, needs) if is_there else await self._ask(epoch, chain, worst, needs)

    def settle(self, held: Reservation, actual: Amounts) -> None:
        """What the call cost. An amount that nobody knows is what was reserved; one that is above is counted whole, and the
        budget stops the earlier: the worst case was wrong."""
        epoch = held.epoch
        for lease, reserved in held.held:
            amount = actual.of(lease.measure)
            lease.settle(reserved, reserved if amount is None else amount)
            epoch.note(lease)
        epoch.leave()

    def release(self, held: Reservation) -> None:
        """Nothing was sent, and nothing spent."""
        self.settle(held, NOTHING)

    async def close(self) -> None:
        """Gives back what no call holds; calls that still run are settled as they end."""
        if self._epoch is not None:
            self._lose(self._epoch)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self) -> _Epoch | None:
        async with self._connecting:
            if self._epoch is None and self._clock() - self._tried_at >= CONNECT_EVERY:
                self._tried_at = self._clock()
                with contextlib.suppress(OSError, TimeoutError):
                    self._epoch = await self._connect()
            return self._epoch

    async def _connect(self) -> _Epoch:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_unix_connection(sock=_socket_in(self._folder))
        name = secrets.token_hex(12)
        epoch = _Epoch(Slate(self._folder, name), reader, writer)
        epoch.send(Hello(name))
        for work in (self._listen(epoch), self._report_regularly(epoch)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return epoch

    def _lose(self, epoch: _Epoch) -> None:
        """Nothing is admitted on it any more."""
        if self._epoch is epoch:
            self._epoch = None
        epoch.end()

    async def _ask(
        self, epoch: _Epoch, chain: tuple[int, ...], worst: Amounts, needs: Iterable[tuple[Lease, int]]
    ) -> Reservation | Refused:
        """What the leases have of it is set aside meanwhile, so that no other call takes it."""
        aside = {lease.account: part for lease, amount in needs if (part := min(lease.free, amount)) > 0}
        for account, part in aside.items():
            epoch.leases[account].reserve(part)
        self._number += 1
        asked = _Asked(chain, worst, aside, self._clock(), asyncio.get_running_loop().create_future())
        epoch.asked[self._number] = asked
        epoch.send(Ask(self._number, chain, worst, aside))
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._answer_of(asked)
        except TimeoutError:
            self._lose(epoch)
            return NO_ANSWER

    async def _answer_of(self, asked: _Asked) -> Reservation | Refused:
        try:
            return await asked.answer
        except asyncio.CancelledError:
            if not asked.answer.cancelled() and isinstance(answer := asked.answer.result(), Reservation):
                self.release(answer)  # it had come, and nobody is there to read it
            raise

    async def _listen(self, epoch: _Epoch) -> None:
        try:
            while True:
                self._hear(epoch, from_settler.decode(await read_frame(epoch.reader)))
        except (OSError, EOFError, ValueError):  # msgspec's errors are ValueErrors
            self._lose(epoch)

    def _hear(self, epoch: _Epoch, message: FromSettler) -> None:
        match message:
            case Granted(number, parts):
                self._granted(epoch, epoch.asked.pop(number), parts)
            case NotGranted(number, refused):
                asked = epoch.asked.pop(number)
                epoch.put_back(asked)
                if not asked.answer.done():
                    asked.answer.set_result(refused)
            case Renewed(seconds):
                _renewed(epoch, seconds)
                self._give_back(epoch)
            case Recall(budget):
                epoch.recalled.add(budget)
                self._give_back(epoch)

    def _granted(self, epoch: _Epoch, asked: _Asked, parts: tuple[Part, ...]) -> None:
        epoch.put_back(asked)
        needs = []
        for part in parts:
            lease = epoch.leases.setdefault(part.account, Lease(part.account, part.budget, part.measure))
            lease.granted += part.granted
            lease.until = leases.until(asked_at=asked.at, seconds=part.seconds)
            needs.append((lease, asked.worst.of(part.measure) or 0))
        epoch.chains[asked.chain] = (asked.at + leases.SECONDS, tuple(lease for lease, _amount in needs))
        if not asked.answer.done():
            asked.answer.set_result(epoch.hold(asked.worst, needs))

    async def _report_regularly(self, epoch: _Epoch) -> None:
        while epoch.is_open:
            await asyncio.sleep(REPORT_EVERY)
            if epoch.is_open and epoch.reported is None:
                self._report(epoch, [(lease, 0 if lease.was_used else lease.give_back()) for lease in epoch.leases.values()])

    def _give_back(self, epoch: _Epoch) -> None:
        """What was recalled, once the report before is answered."""
        if epoch.recalled and epoch.reported is None:
            wanted = [lease for lease in epoch.leases.values() if lease.budget in epoch.recalled]
            epoch.recalled.clear()
            self._report(epoch, [(lease, lease.give_back()) for lease in wanted], recalled=True)

    def _report(self, epoch: _Epoch, given_back: list[tuple[Lease, int]], *, recalled: bool = False) -> None:
        """What was spent, what is given back, and that this worker lives."""
        for lease, _freed in given_back:
            lease.was_used = False
        uses = tuple(Use(lease.account, lease.spent, lease.excess, freed) for lease, freed in given_back)
        epoch.reported = _Reported(self._clock(), uses)
        epoch.send(Report(uses, recalled))


def _renewed(epoch: _Epoch, seconds: dict[int, float]) -> None:
    """A lease that is not renewed had nothing left: the settler wrote down what was spent, and it begins again at 0."""
    if (reported := epoch.reported) is None:
        raise ValueError("an answer to no report")
    epoch.reported = None
    for use in reported.uses:
        lease = epoch.leases[use.account]
        if use.account in seconds:
            lease.until = leases.until(asked_at=reported.at, seconds=seconds[use.account])
            continue
        lease.begin_again(use.spent, use.excess)
        if lease.is_empty:
            del epoch.leases[use.account]
            epoch.slate.clear(use.account)
            epoch.chains = {chain: known for chain, known in epoch.chains.items() if lease not in known[1]}
        else:
            epoch.note(lease)


def _socket_in(folder: Path) -> socket.socket:
    """Connected. It does not wait: the settler either listens or does not."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with opened(folder) as short:
            found.connect(short)
    except OSError:
        found.close()
        raise
    found.setblocking(False)
    return found
