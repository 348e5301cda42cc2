"""Another model is asked beside one that is silent; one that failed is asked whether it is there, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openai
import pytest

from parvis.gateway.tests.house import House
from parvis.gateway.tests.provider import Provider
from parvis.gateway.tests.test_budgets import forget_leases
from parvis.inference.routing import Health
from parvis.ledger.budgets.messages import Code, Measure, Refused

QUESTION: Any = [{"role": "user", "content": "Quel est le délai ?"}]


@dataclass
class Pair:
    """Two models of one name: the first at a provider that may be slow, the other at one that is not."""

    house: House
    slow: Provider
    quick: Provider

    def ask(self, **more: Any) -> Any:
        with openai.OpenAI(base_url=self.house.url, api_key=self.house.key, max_retries=0) as client:
            answer = client.chat.completions.create(model="paire", messages=QUESTION, max_tokens=20, **more)
            return list(answer) if more.get("stream") else answer

    def settled(self, count: int) -> dict[str, Any]:
        return {one.held.known.provider.id: one for one in self.house.settled_by(count)}


@pytest.fixture
def pair(house: House) -> Iterator[Pair]:
    slow, quick = house.run(Provider(first_ms=900).start()), house.run(Provider().start())
    house.add_provider("lent", slow.url, zone="on_prem")
    house.add_provider("vif", quick.url, zone="fr", institution=None)  # of the operator: it may be on this machine
    house.add_model("paire", provider="lent", hedge_after=0.25)
    house.add_model("paire", provider="vif", rank=1)
    house.publish()
    house.look()
    forget_leases(house)
    yield Pair(house, slow, quick)
    for one in (slow, quick):
        house.run(one.__aexit__())


@pytest.mark.parametrize("stream", [False, True])
def test_the_first_that_answers_is_heard_and_the_other_hung_up_on_and_settled_once(pair: Pair, stream: bool) -> None:
    begun = time.monotonic()
    answer = pair.ask(stream=stream)
    text = "".join(one.choices[0].delta.content or "" for one in answer) if stream else answer.choices[0].message.content
    assert text.startswith("mot")
    assert 0.25 <= time.monotonic() - begun < 0.9
    settled = pair.settled(2)
    assert (settled["vif"].counted, settled["vif"].complete) == (True, True)
    assert (settled["lent"].counted, settled["lent"].complete) == (False, False)
    assert settled["lent"].tokens_in > 0, "it may have begun"
    assert (len(pair.slow.received), len(pair.quick.received)) == (1, 1)
    assert len(pair.house.settled) == 2
    assert not pair.house.gateway.metering.open
    assert all(not one.in_flight for one in pair.house.gateway.admission.board.values())


def test_nobody_is_asked_beside_a_model_that_answers_or_that_does_not_ask_for_it(pair: Pair) -> None:
    pair.slow.first_ms = 0
    assert pair.ask().choices
    assert (len(pair.slow.received), len(pair.quick.received)) == (1, 0)
    pair.slow.first_ms = 400
    house = pair.house
    house.models[-2] = type(house.models[-2])(**{**_values(house.models[-2]), "hedge_after": None})
    house.publish()
    house.look()
    assert pair.ask().choices
    assert (len(pair.slow.received), len(pair.quick.received)) == (2, 0)


def test_a_model_that_may_not_be_sent_this_is_not_asked_beside_another(pair: Pair) -> None:
    house = pair.house
    sensitive = house.add_key(10, data_class="sensitive")  # on the premises only
    house.publish()
    house.look()
    with openai.OpenAI(base_url=house.url, api_key=sensitive, max_retries=0) as client:
        assert client.chat.completions.create(model="paire", messages=QUESTION).choices
    assert (len(pair.slow.received), len(pair.quick.received)) == (1, 0)


def test_what_no_budget_allows_twice_is_asked_once(pair: Pair) -> None:
    house = pair.house
    waited = asyncio.run_coroutine_threadsafe(_refuse_from_now_on(pair), house.loop)
    assert pair.ask().choices
    waited.result(5)
    assert (len(pair.slow.received), len(pair.quick.received)) == (1, 0)
    assert [one.complete for one in house.settled_by(1)] == [True]


async def _refuse_from_now_on(pair: Pair) -> None:
    """Once the first is sent."""
    house = pair.house
    while not pair.slow.received:
        await asyncio.sleep(0.005)
    budgets = house.gateway.metering._budgets
    await budgets.close()
    budgets._tried_at = float("-inf")
    house.settler.refusals[1] = [Refused(Code.OVER_LIMIT, 7, 0, None, Measure.MONEY, ())]


def test_who_leaves_while_two_are_asked_pays_each_once(pair: Pair) -> None:
    pair.quick.first_ms = 5_000
    pair.slow.first_ms = 5_000
    with (
        openai.OpenAI(base_url=pair.house.url, api_key=pair.house.key, max_retries=0, timeout=0.7) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(model="paire", messages=QUESTION)
    settled = pair.settled(2)
    assert {name: one.complete for name, one in settled.items()} == {"lent": False, "vif": False}
    assert not pair.house.gateway.metering.open


def test_a_model_that_rests_is_asked_which_models_it_has_and_answers_again(pair: Pair) -> None:
    """Nothing of anybody leaves with that question."""
    house, board = pair.house, pair.house.gateway.admission.board
    known = next(one for one in house.gateway.follower.knowledge().by_id.values() if one.provider.id == "vif")  # type: ignore[union-attr]
    place = known.candidate.known_by

    async def rest() -> None:
        board[place] = Health(failures=4, rests_until=datetime.now(UTC) + timedelta(milliseconds=100))
        house.gateway.admission.checks.watch(known)

    house.run(rest())
    until = time.monotonic() + 3
    while board[place].rests_until and time.monotonic() < until:
        time.sleep(0.02)
    assert (board[place].rests_until, pair.quick.checked, pair.quick.received) == (None, 1, [])


def test_one_that_is_no_longer_lawful_is_not_even_asked_that(pair: Pair, tmp_path: Path) -> None:
    house, board = pair.house, pair.house.gateway.admission.board
    known = next(one for one in house.gateway.follower.knowledge().by_id.values() if one.provider.id == "vif")  # type: ignore[union-attr]
    place = known.candidate.known_by

    async def rest() -> None:
        board[place] = Health(failures=4, rests_until=datetime.now(UTC) + timedelta(milliseconds=150))
        house.gateway.admission.checks.watch(known)

    house.run(rest())
    house.models[-1] = type(house.models[-1])(**{**_values(house.models[-1]), "attested_until": time.time() - 1})
    house.publish()
    house.look()
    time.sleep(0.4)
    assert pair.quick.checked == 0
    assert board[place].rests_until is not None


def _values(model: Any) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.__struct_fields__}
