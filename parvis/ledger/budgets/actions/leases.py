"""Granting, settling, giving back, expiring and reconciling leases: the only code that moves what is spent and what is leased.

All of it holds `spent + leased <= limit` of each account in one transaction, with the accounts locked in the order of their
numbers, so that no two transactions wait for each other. The database refuses what would break it (`models.Spending`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from parvis.isolation.scope import everywhere
from parvis.ledger.budgets.actions.alerts import alert
from parvis.ledger.budgets.actions.resolution import resolve
from parvis.ledger.budgets.lease import CALLS, SECONDS, Room, Shares, share_out
from parvis.ledger.budgets.messages import Ask, Code, Granted, Measure, NotGranted, Part, Refused, Renewed, Report, Use
from parvis.ledger.budgets.models import Lease, LeaseQuerySet, NodeKind, Spending
from parvis.ledger.budgets.naming import ALLOTMENT

SPENDINGS = """
UPDATE budgets_spending SET spent = %s, leased = %s, excess = %s, alerted = %s WHERE id = %s
"""
LEASES = """
UPDATE budgets_lease SET granted = %s, spent = %s, excess = %s, expires_at = %s, written_off = %s WHERE id = %s
"""
LASTS = timedelta(seconds=SECONDS)
FORGOTTEN_AFTER = timedelta(days=30)  # a slate that comes later corrects nothing


@dataclass(frozen=True, slots=True)
class From:
    """A message, with the epoch of the worker that sent it."""

    epoch: str
    message: Ask | Report


def database_now() -> datetime:
    """The clock that all machines share."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)  # type: ignore[no-any-return]


def work(messages: Sequence[From], *, now: datetime | None = None, calls: int = CALLS) -> list[Renewed | Granted | NotGranted]:
    """A group of messages in one transaction; the answers are true once this returns, in the order in which they hold. Reports
    are first: they give back what the others ask for. Raises django.db.Error when nothing of it was done."""
    with everywhere("budgets"), transaction.atomic(durable=True):
        now = now or database_now()
        reports = [(it.epoch, it.message) for it in messages if isinstance(it.message, Report)]
        asks = [(it.epoch, it.message) for it in messages if isinstance(it.message, Ask)]
        return [*_settled(reports, now), *_granted(asks, now, calls)]


def reconcile(epoch: str, committed: Mapping[int, int] | None, *, now: datetime | None = None) -> None:
    """The worker of this epoch lives no more. What its slate has committed is spent, the rest comes back; without a slate to
    believe, all of it counts as spent."""
    with everywhere("budgets"), transaction.atomic(durable=True):
        book = _Book(_accounts_of(Lease.unscoped.filter(epoch=epoch)), now or database_now())
        for lease in [lease for lease in book.leases.values() if lease.epoch == epoch]:
            if committed is not None:
                book.end(lease, spent=committed.get(lease.account_id, 0) - lease.excess)
            elif not lease.written_off:
                book.write_off(lease)
        book.save()


def expire(alive: Iterable[str] = (), *, now: datetime | None = None) -> int:
    """Leases that nobody renewed count as spent, until their worker or its slate is heard of; how many. Those of workers that
    are known to live are renewed."""
    with everywhere("budgets"):
        if not Lease.unscoped.exists():  # most seconds of most days: nobody waits for a transaction
            return 0
    with everywhere("budgets"), transaction.atomic():
        now = now or database_now()
        waning = Lease.unscoped.filter(epoch__in=alive, written_off=False, expires_at__lt=now + LASTS / 2)
        waning.update(expires_at=now + LASTS)
        Lease.unscoped.filter(written_off=True, account__ends_at__lt=now - FORGOTTEN_AFTER).delete()
        expired = Lease.unscoped.filter(expires_at__lt=now, written_off=False)
        book = _Book(_accounts_of(expired), now)
        found = [lease for lease in book.leases.values() if lease.expires_at < now and not lease.written_off]
        for lease in found:
            book.write_off(lease)
        book.save()
        return len(found)


def refusal(account: Spending, room: Room, amount: int) -> Refused:
    """Of a call of so much. Whether trying again in a moment may help is what its code says."""
    unspent = max(0, account.limit - account.used)
    code, left = (Code.OVER_LIMIT, unspent) if amount > unspent else (Code.HELD, room.left)
    ends_at, budget = account.ends_at.timestamp(), account.budget
    kind, name = _named(account)
    return Refused(
        code, budget.id, left, ends_at, Measure(budget.measure), tuple(budget.way_down), kind, name, period=budget.period
    )


def _named(account: Spending) -> tuple[str, str]:
    """The name only of what has one that everybody there knows: people and keys are told that it is theirs."""
    kind = account.node.kind
    if kind == NodeKind.INSTITUTION and account.budget.institution_id is None:
        return ALLOTMENT, ""
    return kind, account.node.name if kind in (NodeKind.COMPONENT, NodeKind.COURSE) else ""


def _granted(asks: Sequence[tuple[str, Ask]], now: datetime, calls: int) -> list[Granted | NotGranted]:
    chains = resolve([ask.chain for _epoch, ask in asks], now) if asks else []
    book = _Book({account.id for chain in chains for account in chain or ()}, now)
    whole = list(zip(asks, chains, strict=True))
    impossible = [_impossible(ask, chain) for (_epoch, ask), chain in whole]
    needs = [{} if no else _needs(ask, chain or []) for ((_epoch, ask), chain), no in zip(whole, impossible, strict=True)]
    found = share_out(needs, book.rooms({epoch for epoch, _ask in asks}), calls)
    answers = [
        no or _answer(epoch, ask, shares, book)
        for ((epoch, ask), _chain), no, shares in zip(whole, impossible, found, strict=True)
    ]
    book.save()
    return answers


def _impossible(ask: Ask, chain: list[Spending] | None) -> NotGranted | None:
    """What is refused before anything is locked: a place that is not in the tree; a call of which nobody knows the price."""
    if chain is None:
        return NotGranted(ask.number, Refused(Code.NO_BUDGET))
    for account in chain:
        if ask.worst.of(measure := Measure(account.budget.measure)) is None:
            way_down = tuple(account.budget.way_down)
            return NotGranted(ask.number, Refused(Code.UNKNOWN_PRICE, account.budget_id, measure=measure, way_down=way_down))
    return None


def _needs(ask: Ask, chain: list[Spending]) -> dict[int, int]:
    """Of each account, what the worker has not set aside already."""
    amounts = {account.id: ask.worst.of(Measure(account.budget.measure)) or 0 for account in chain}
    return {account: max(0, amount - ask.aside.get(account, 0)) for account, amount in amounts.items()}


def _answer(epoch: str, ask: Ask, shares: Shares, book: _Book) -> Granted | NotGranted:
    if shares.lacking is not None:
        account = book.accounts[shares.lacking.account]
        refused = refusal(account, shares.lacking, ask.worst.of(Measure(account.budget.measure)) or 0)
        if refused.code is Code.OVER_LIMIT:
            alert(account, refused=True)
        return NotGranted(ask.number, refused)
    return Granted(ask.number, tuple(book.grant(epoch, account, amount) for account, amount in shares.granted.items()))


def _settled(reports: Sequence[tuple[str, Report]], now: datetime) -> list[Renewed]:
    epochs = {epoch for epoch, _report in reports}
    book = _Book(_accounts_of(Lease.unscoped.filter(epoch__in=epochs)), now) if epochs else None
    answers = [Renewed(book.settle(epoch, report.uses)) for epoch, report in reports if book]
    if book:
        book.save()
    return answers


def _accounts_of(leases: LeaseQuerySet) -> set[int]:
    return set(leases.values_list("account_id", flat=True))


class _Book:
    """Accounts under lock, with their leases, from their reading to their writing in one transaction."""

    def __init__(self, accounts: set[int], now: datetime) -> None:
        self._now = now
        rows = (
            Spending.unscoped.select_for_update(of=("self",)).select_related("budget").order_by("id").filter(id__in=accounts)
        )
        self.accounts = {row.id: row for row in rows}
        self.leases = {(row.epoch, row.account_id): row for row in Lease.unscoped.filter(account__in=accounts)}
        for lease in self.leases.values():
            lease.account = self.accounts[lease.account_id]
        self._touched: set[tuple[str, int]] = set()
        self._ended: list[int] = []

    def rooms(self, asking: set[str]) -> dict[int, Room]:
        """Their limits less what was spent beyond any reservation; their workers, those that ask among them."""
        holders: dict[int, set[str]] = {account: set(asking) for account in self.accounts}
        for epoch, account in self.leases:
            holders[account].add(epoch)
        return {
            account.id: Room(
                account.id, account.limit - account.excess, account.spent, account.leased, len(holders[account.id])
            )
            for account in self.accounts.values()
        }

    def grant(self, epoch: str, account_id: int, amount: int) -> Part:
        account = self.accounts[account_id]
        lease = self.leases.get((epoch, account.id))
        if lease is None and amount:
            lease = Lease(institution_id=account.institution_id, account=account, epoch=epoch, granted=0)
            self.leases[epoch, account.id] = lease
        if lease is not None:
            self._live(lease)
            lease.granted += amount
            account.leased += amount
        return Part(account.id, account.budget_id, Measure(account.budget.measure), amount, self._seconds(account))

    def settle(self, epoch: str, uses: Iterable[Use]) -> dict[int, float]:
        """Writes down what was used and what comes back; for how long each lease holds that is not over."""
        seconds = {}
        for use in uses:
            lease = self.leases.get((epoch, use.account))
            if lease is None:
                continue
            self._live(lease)
            self._spend(lease, max(lease.spent, min(use.spent, lease.granted)))
            self._exceed(lease, max(0, use.excess - lease.excess))
            self._give_back(lease, min(use.give_back, lease.granted - lease.spent))
            alert(lease.account)
            if lease.granted == lease.spent:
                self.end(lease, spent=lease.spent)
            else:
                seconds[use.account] = self._seconds(lease.account)
        return seconds

    def end(self, lease: Lease, *, spent: int) -> None:
        """So much was spent of it, and maybe beyond; the rest comes back."""
        self._live(lease)
        self._spend(lease, min(max(lease.spent, spent), lease.granted))
        self._exceed(lease, max(0, spent - lease.granted))
        alert(lease.account)
        self._give_back(lease, lease.granted - lease.spent)
        del self.leases[lease.epoch, lease.account_id]
        self._ended.append(lease.id)

    def write_off(self, lease: Lease) -> None:
        """It stays as it is, and what is left of it is counted with what was spent."""
        lease.written_off = True
        lease.account.spent += lease.granted - lease.spent
        lease.account.leased -= lease.granted - lease.spent
        self._touch(lease)

    def save(self) -> None:
        touched = [self.leases[key] for key in self._touched if key in self.leases]
        spendings = [(row.spent, row.leased, row.excess, row.alerted, row.id) for row in self.accounts.values()]
        leases = [(row.granted, row.spent, row.excess, row.expires_at, row.written_off, row.id) for row in touched if row.id]
        _update(SPENDINGS, spendings)
        _update(LEASES, leases)
        Lease.unscoped.bulk_create([lease for lease in touched if lease.id is None])
        if self._ended:
            Lease.unscoped.filter(id__in=self._ended).delete()

    def _live(self, lease: Lease) -> None:
        """Its worker was heard of."""
        lease.expires_at = self._now + LASTS
        if lease.written_off:
            lease.written_off = False
            lease.account.spent -= lease.granted - lease.spent
            lease.account.leased += lease.granted - lease.spent
        self._touch(lease)

    def _spend(self, lease: Lease, spent: int) -> None:
        more = spent - lease.spent
        lease.spent += more
        lease.account.spent += more
        lease.account.leased -= more

    def _exceed(self, lease: Lease, more: int) -> None:
        lease.excess += more
        lease.account.excess += more

    def _give_back(self, lease: Lease, freed: int) -> None:
        lease.granted -= freed
        lease.account.leased -= freed

    def _seconds(self, account: Spending) -> float:
        """A lease admits nothing after its account's period."""
        return max(0.0, min(LASTS, account.ends_at - self._now).total_seconds())

    def _touch(self, lease: Lease) -> None:
        self._touched.add((lease.epoch, lease.account_id))


def _update(statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Rows with their number last."""
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
