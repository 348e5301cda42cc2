"""A key of the console, a budget set there, a call through /v1, its expense in the ledger: every part is the real one."""

from __future__ import annotations

import asyncio
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from conftest import House
from parvis.access.keys.actions import create_key
from parvis.access.middleware import principal_of
from parvis.gateway.app import Gateway
from parvis.gateway.assistants import DistantConsole
from parvis.gateway.knowledge import Settings
from parvis.gateway.tests.provider import Provider
from parvis.inference.models import LanguageModel, Zone
from parvis.inference.models import Provider as ProviderRow
from parvis.inference.pool import Pool
from parvis.inference.publishing import Publisher
from parvis.inference.tests.conftest import attest
from parvis.ledger.actions.books import BookValues, RateValues, publish_book, write_book
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.tree import add_place, place_of_institution
from parvis.ledger.budgets.models import Lease, NodeKind, Spending
from parvis.ledger.budgets.settler import settling
from parvis.ledger.models import Call, Transfer
from parvis.ledger.pricing import Unit
from parvis.ledger.rounding import shown_euros
from parvis.ledger.tests.calls import EURO
from tests.v1 import Answer, asked

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = {"model": "petit", "messages": [{"role": "user", "content": "Quel est le délai ?"}], "max_tokens": 100}
EACH = EURO // 1_000_000  # nano-euro a token, in or out


def prepared(house: House, folder: Path, url: str) -> str:
    """A model with a price, a component with a budget, and the key of somebody of that component."""
    row = ProviderRow.unscoped.create(institution=house.institution, name="Ici", base_url=url, zone=Zone.ON_PREM)
    provider = attest(row)
    here = {"institution": house.institution, "provider": provider, "name": "m", "alias": "petit"}
    model = LanguageModel.unscoped.create(display_name="Petit", capabilities=["stream"], **here)
    day, administrator = date(2020, 1, 1), principal_of(house.administrator)
    rates = [RateValues(model.id, "m", unit, EURO) for unit in (Unit.INPUT, Unit.OUTPUT)]
    book = write_book(administrator, None, BookValues("Tarif", None, day, None, "page des tarifs", day), rates)
    publish_book(book, actor="system:test")
    place = place_of_institution(house.institution.id)
    component = add_place(place, NodeKind.COMPONENT, name="UFR Droit", actor="system:test", group=house.group)
    set_budget(component, measure="money", period="year", limit=1_000 * EACH, actor="system:test")
    _key, token = create_key(house.student, name="Essai", scopes=["models"], days=30, by=None, actor="test")
    Publisher(folder).tick()
    return token


async def spent_to_the_end(gateway: Gateway, token: str) -> list[Answer]:
    """One question after the other, until one is refused."""
    answers: list[Answer] = []
    while not answers or answers[-1].status == 200:
        answers.append(await asked(gateway, token, "/v1/chat/completions", QUESTION))
    return answers


def test_a_call_is_refused_at_the_limit_and_counted_below_it(house: House, tmp_path: Path) -> None:
    seen: list[Any] = []

    async def use(token: str, provider: Provider) -> list[Answer]:
        given = Settings(tmp_path, settings.KEYRING, settings.SECRET_KEY, tmp_path)
        gateway = Gateway(given, DistantConsole("http://127.0.0.1:9", Pool()))
        try:
            answers = await spent_to_the_end(gateway, token)
        finally:
            await gateway.close()
        seen.extend(provider.received)
        return answers

    async def with_provider() -> list[Answer]:
        async with Provider() as provider:
            token = await asyncio.to_thread(prepared_here, provider.url)
            return await use(token, provider)

    def prepared_here(url: str) -> str:
        from django.db import connection

        try:
            return prepared(house, tmp_path, url)
        finally:
            connection.close()

    with settling(tmp_path):
        *answered, refused = asyncio.run(with_provider())
        costs = [round(float(one.headers["x-parvis-cost"]) * EURO) for one in answered]
        until = time.monotonic() + 15
        while (Call.unscoped.count() < len(answered) or Lease.unscoped.exists()) and time.monotonic() < until:
            time.sleep(0.05)
    assert (refused.status, refused.json["error"]["code"]) == (429, "insufficient_quota")
    assert len(seen) == len(answered) > 3
    assert costs == [(8 + one.json["usage"]["prompt_tokens"]) * EACH for one in answered]
    left = f"{shown_euros(1_000 * EACH - sum(costs)):f}\N{NO-BREAK SPACE}€".replace(".", ",")
    assert left in refused.json["error"]["message"]
    [spending] = Spending.unscoped.all()
    assert (spending.spent, spending.leased, spending.excess) == (sum(costs), 0, 0)
    assert spending.spent <= 1_000 * EACH < spending.spent + 400 * EACH
    assert sorted(Transfer.unscoped.values_list("amount_nano", flat=True)) == sorted(costs)
    assert set(Call.unscoped.values_list("outcome", "component", "app", "person_id")) == {
        ("done", "UFR Droit", "api", house.student.person_id)
    }
    assert list(tmp_path.glob("*.slate")) == []
