"""A gateway worker and its settler, over the real socket."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import OperationalError
from django.urls import reverse

from conftest import House
from parvis.ledger.budgets import client, settler
from parvis.ledger.budgets.actions import alerts, holds
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.tree import place_of_institution, place_of_profile
from parvis.ledger.budgets.client import Budgets, Reservation
from parvis.ledger.budgets.messages import Amounts, Code, Refused, folder_of
from parvis.ledger.budgets.models import Lease, Node, Spending
from parvis.ledger.budgets.settler import settling

pytestmark = pytest.mark.django_db(transaction=True)


def money(amount: int | None) -> Amounts:
    return Amounts(amount, 0, 0)


def limit(node: Node, amount: int) -> None:
    set_budget(node, measure="money", period="year", limit=amount, actor="system:test")


def eventually(holds_: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not holds_() and time.monotonic() < until:
        time.sleep(0.02)
    return holds_()


async def spend(budgets: Budgets, chain: tuple[int, ...], each: int) -> int:
    """One call after the other until one is refused; how much was spent."""
    spent = 0
    while isinstance(held := await budgets.reserve(chain, money(each)), Reservation):
        budgets.settle(held, money(each))
        spent += each
    assert held.code is not Code.STORE_DOWN
    return spent


def test_serial_use_reaches_the_whole_of_a_budget(house: House, tmp_path: Path) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)
    limit(place_of_institution(house.institution.id), 9_950)

    async def use() -> int:
        budgets = Budgets(tmp_path)
        spent = await spend(budgets, (own.id,), 100)
        await budgets.close()
        return spent

    with settling(tmp_path):
        assert asyncio.run(use()) == 9_900
        assert eventually(lambda: not Lease.unscoped.exists())
    assert set(Spending.unscoped.values_list("spent", "leased")) == {(9_900, 0)}


def test_another_settler_takes_over_when_the_first_ends(house: House, tmp_path: Path) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)

    async def use(first: ExitStack) -> None:
        budgets = Budgets(tmp_path)
        held = await budgets.reserve((own.id,), money(100))
        assert isinstance(held, Reservation)
        await asyncio.to_thread(first.close)
        budgets.settle(held, money(100))
        until = time.monotonic() + 10
        while not isinstance(held := await budgets.reserve((own.id,), money(100)), Reservation) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        assert isinstance(held, Reservation)
        budgets.settle(held, money(50))
        await budgets.close()

    with ExitStack() as first:
        first.enter_context(settling(tmp_path))
        with settling(tmp_path):
            asyncio.run(use(first))
            assert eventually(lambda: not Lease.unscoped.exists())
    assert set(Spending.unscoped.values_list("spent", "leased")) == {(150, 0)}


def test_what_lies_idle_with_one_worker_is_recalled_for_another(house: House, tmp_path: Path) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)

    async def use() -> int:
        one, other = Budgets(tmp_path), Budgets(tmp_path)
        held = await one.reserve((own.id,), money(100))
        assert isinstance(held, Reservation)
        spent = await spend(other, (own.id,), 100)
        one.settle(held, money(100))
        await one.close()
        await other.close()
        return spent

    with settling(tmp_path):
        assert asyncio.run(use()) == 9_900


def test_a_worker_killed_keeps_what_it_sent_and_no_more(house: House, tmp_path: Path) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)
    program = (
        "import asyncio, sys; from pathlib import Path; from parvis.ledger.budgets.client import Budgets;"
        "from parvis.ledger.budgets.messages import Amounts;"
        "loop = asyncio.new_event_loop(); budgets = Budgets(Path(sys.argv[1]));"
        f"loop.run_until_complete(budgets.reserve(({own.id},), Amounts(70, 0, 0))); print(flush=True);"
        "loop.run_forever()"
    )
    with settling(tmp_path):
        worker = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        worker.stdout.readline()
        assert Spending.unscoped.get().leased == 70 * 64
        worker.kill()
        worker.wait()
        assert eventually(lambda: not Lease.unscoped.exists())
        worker.stdout.close()
    spending = Spending.unscoped.get()
    assert (spending.spent, spending.leased) == (70, 0)
    assert list(tmp_path.glob("*.slate")) == []


def test_without_a_settler_nothing_is_admitted(house: House, tmp_path: Path) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)

    async def use() -> None:
        budgets = Budgets(tmp_path)
        assert (await budgets.reserve((own.id,), money(1))) == Refused(Code.STORE_DOWN)
        stop = asyncio.Event()
        serving = asyncio.create_task(settler.settle(tmp_path, stop))
        await asyncio.sleep(client.CONNECT_EVERY)
        held = await budgets.reserve((own.id,), money(1))
        assert isinstance(held, Reservation)
        stop.set()
        await serving
        await asyncio.sleep(0.05)
        assert (await budgets.reserve((own.id,), money(1))) == Refused(Code.STORE_DOWN)
        budgets.settle(held, money(1))
        await budgets.close()

    asyncio.run(use())
    with settling(tmp_path):
        assert eventually(lambda: not Lease.unscoped.exists())
    assert Spending.unscoped.get().spent == 1


def test_without_the_database_nothing_is_admitted(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)

    def down(*_arguments: object) -> None:
        raise OperationalError

    async def use() -> None:
        budgets = Budgets(tmp_path)
        held = await budgets.reserve((own.id,), money(1))
        assert isinstance(held, Reservation)
        monkeypatch.setattr(settler, "work", down)
        monkeypatch.setattr(settler, "look", down)
        until = time.monotonic() + 5
        while isinstance(found := await budgets.reserve((own.id,), money(1)), Reservation):  # out of the lease
            budgets.release(found)
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        assert found == Refused(Code.STORE_DOWN)
        budgets.release(held)
        await budgets.close()

    with settling(tmp_path):
        asyncio.run(use())


def test_an_unknown_price_is_refused_by_the_worker_too(house: House, tmp_path: Path) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)

    async def use() -> None:
        budgets = Budgets(tmp_path)
        for _again in range(2):  # asked of the settler, then out of a lease
            refused = await budgets.reserve((own.id,), money(None))
            assert isinstance(refused, Refused)
            assert refused.code is Code.UNKNOWN_PRICE
            assert isinstance(await budgets.reserve((own.id,), money(1)), Reservation)
        await budgets.close()

    with settling(tmp_path):
        asyncio.run(use())


def test_a_machine_has_one_settler(tmp_path: Path) -> None:
    with settling(tmp_path):
        assert eventually((tmp_path / "settler.sock").exists)
        address = (tmp_path / "settler.sock").stat().st_ino

        async def stand_by() -> None:
            stop = asyncio.Event()
            await settler.settle(tmp_path, stop, stop.set)

        asyncio.run(stand_by())
        assert (tmp_path / "settler.sock").stat().st_ino == address


def test_a_hold_of_django_that_nobody_ended_is_spent(house: House, settings: object) -> None:
    own = place_of_profile(house.student)
    limit(own, 10_000)
    held = holds.reserve((own.id,), money(80))
    assert isinstance(held, holds.Hold)
    settler.look(folder_of(settings.DATA_DIR))  # type: ignore[attr-defined]
    assert Spending.unscoped.get().leased == 80
    held.slate.close()  # as when its process dies
    settler.look(folder_of(settings.DATA_DIR))  # type: ignore[attr-defined]
    spending = Spending.unscoped.get()
    assert (spending.spent, spending.leased) == (80, 0)


def test_notices_lead_to_pages() -> None:
    assert (alerts.TREE_PAGE, alerts.OWN_PAGE) == (reverse("budgets:tree"), reverse("budgets:own"))
