"""Budgets at /v1: what is refused, what it is told, and what a call costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import openai
import pytest

from parvis.gateway.paces import WINDOW, Paces
from parvis.gateway.tests.house import House
from parvis.inference.snapshots import Institution
from parvis.ledger.budgets.descent import QUEUE_SECONDS
from parvis.ledger.budgets.messages import Code, Measure, Refused
from parvis.ledger.carbon import Slope
from parvis.ledger.counting import files
from parvis.ledger.journal import read
from parvis.ledger.pricing import PARIS, Book, Unit
from parvis.ledger.usage import Usage

QUESTION: Any = [{"role": "user", "content": "Quel est le délai ?"}]
EURO = 1_000_000_000
PLACE = 1  # of the key


def book(**euros: float) -> Book:
    """Of a million tokens, by the number of the model."""
    found = {int(name[1:]): round(each * EURO) for name, each in euros.items()}
    rates: dict[int | None, dict[Unit, int]] = {one: {Unit.INPUT: each, Unit.OUTPUT: each} for one, each in found.items()}
    return Book(1, 1, None, date(2020, 1, 1), None, rates)


@pytest.fixture
def client(house: House) -> Iterator[openai.OpenAI]:
    house.settler.refusals.clear()
    house.settler.asked.clear()
    forget_leases(house)
    with openai.OpenAI(base_url=house.url, api_key=house.key, max_retries=0) as found:
        yield found


def priced(house: House, **euros: float) -> None:
    house.institutions = [Institution(1, "ici", books=(book(**euros),)), *house.institutions[1:]]
    slope = Slope(token=2.0, second=0.0, modelled_token=2.0, modelled_start=0.0)
    house.models = [msgspec.structs.replace(one, number=int(one.id), slopes=(slope, slope)) for one in house.models]
    house.publish()
    house.look()


def ask(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.with_raw_response.create(model="petit", messages=QUESTION, max_tokens=50, **more)


def forget_leases(house: House) -> None:
    """A worker that was granted something asks again after a while only: it is another worker."""
    budgets = house.gateway.metering._budgets
    house.run(budgets.close())
    budgets._tried_at = float("-inf")


def refuse(house: House, *codes: Code, way_down: tuple[str, ...] = ()) -> None:
    """The next calls."""
    forget_leases(house)
    resets_at = time.time() + 3_600
    house.settler.refusals[PLACE] = [Refused(code, 7, 12_340_000_000, resets_at, Measure.MONEY, way_down) for code in codes]


def test_an_answer_says_what_it_cost_and_a_stream_what_it_may(house: House, client: openai.OpenAI) -> None:
    priced(house, m1=2.0)
    raw = ask(client)
    usage = raw.parse().usage
    euros = (usage.prompt_tokens + usage.completion_tokens) * 2 / 1_000_000
    assert raw.headers["x-parvis-cost"] == f"{euros:.9f}"
    low, _dash, high = raw.headers["x-parvis-carbon"].partition("-")
    assert low == high == f"{usage.completion_tokens * 2 / 1_000_000:.6f}"
    [worst] = house.settler.asked
    size = len(house.provider.received[-1].body)
    assert worst.tokens
    assert worst.tokens >= size + 50
    assert worst.nano_euro == worst.tokens * 2_000
    stream = ask(client, stream=True)
    assert "x-parvis-cost" not in stream.headers
    assert float(stream.headers["x-parvis-cost-max"]) >= (size + 50) * 2 / 1_000_000
    list(stream.parse())
    assert [one.amounts.nano_euro for one in house.settled_by(2)] == [round(euros * EURO)] * 2


def test_what_has_no_price_says_no_cost(house: House, client: openai.OpenAI) -> None:
    assert "x-parvis-cost" not in ask(client).headers
    assert house.settler.asked[0].nano_euro is None


@pytest.mark.parametrize(
    ("code", "status", "said", "words"),
    [
        (Code.OVER_LIMIT, 429, "insufficient_quota", "12,34\N{NO-BREAK SPACE}€"),
        (Code.HELD, 429, "budget_held", "dans un instant"),
        (Code.UNKNOWN_PRICE, 403, "unknown_price", "rien n’a été envoyé"),
        (Code.NO_BUDGET, 403, "no_budget", "rien n’a été envoyé"),
    ],
)
def test_what_no_budget_allows_is_told_and_not_sent(
    house: House, client: openai.OpenAI, code: Code, status: int, said: str, words: str
) -> None:
    refuse(house, code)
    with pytest.raises(openai.APIStatusError, match=words) as refused:
        ask(client.with_options(max_retries=2) if code is Code.OVER_LIMIT else client)
    assert (refused.value.status_code, refused.value.code) == (status, said)
    assert (house.provider.received, house.settled) == ([], [])
    assert ask(client).parse().choices, "the next one is another question"


def test_which_budget_is_spent_and_until_when_is_said_in_the_language_asked_for(house: House, client: openai.OpenAI) -> None:
    begins = datetime(datetime.now(UTC).year, 12, 1, tzinfo=PARIS).timestamp()
    course = Refused(Code.OVER_LIMIT, 7, 0, begins, kind="course", name="Contrats", period="month")
    own = Refused(Code.OVER_LIMIT, 7, 120_000_000, begins, kind="person", period="day")
    for refused, language, words in (
        (course, "fr", ("Le budget de « Contrats » pour ce mois-ci est épuisé", "Il recommence le 1er décembre à 0 h.")),
        (own, "fr", ("Votre budget pour aujourd’hui ne suffit pas", "il reste 0,12 €", "max_tokens plus petit")),
        (own, "en", ("Your own budget for today does not suffice: 0.12 € left", "It begins again on 1 December at 00:00.")),
    ):
        house.settler.refusals[PLACE] = [refused]
        with pytest.raises(openai.RateLimitError) as error:
            ask(client.with_options(default_headers={"Accept-Language": language}))
        said = error.value.response.json()["error"]["message"].replace("\u00a0", " ").replace("\u202f", " ")
        assert all(one in said for one in words), said


def test_without_a_settler_nothing_is_sent(house: House, client: openai.OpenAI) -> None:
    assert ask(client).parse().choices
    house.run(house.settler.stop())
    try:
        time.sleep(0.05)
        with pytest.raises(openai.InternalServerError) as refused:
            ask(client)
        assert (refused.value.status_code, refused.value.code) == (503, "budgets_down")
        assert len(house.provider.received) == 1
    finally:
        house.run(house.settler.start())
        time.sleep(0.3)


def test_another_of_the_same_name_that_costs_less_answers(house: House, client: openai.OpenAI) -> None:
    house.add_model("petit", provider="1", rank=5)
    house.models[-1] = msgspec.structs.replace(house.models[-1], name="moins-cher")
    priced(house, m1=4.0, m4=0.5)
    refuse(house, Code.OVER_LIMIT, way_down=("smaller",))
    assert ask(client).parse().choices
    assert [one.json["model"] for one in house.provider.received] == ["moins-cher"]
    refuse(house, Code.OVER_LIMIT, Code.OVER_LIMIT, way_down=("smaller",))
    with pytest.raises(openai.RateLimitError):
        ask(client)


def test_who_may_wait_waits(house: House, client: openai.OpenAI) -> None:
    refuse(house, Code.HELD, way_down=("queue",))
    begun = time.monotonic()
    assert ask(client).parse().choices
    assert time.monotonic() - begun >= QUEUE_SECONDS


def written(house: House) -> list[Usage]:
    return [call for path, _held in files(house.folder / "budgets") for call in read(path).calls]


def test_each_attempt_is_written_down_before_it_is_sent_and_when_it_ended(house: House, client: openai.OpenAI) -> None:
    ask(client)
    begun, until = written(house), time.monotonic() + 5
    while written(house)[-1].outcome == "unknown" and time.monotonic() < until:
        time.sleep(0.02)
    calls = [next(one for one in reversed(begun) if one.outcome == "unknown"), written(house)[-1]]
    assert [call.outcome for call in calls] == ["unknown", "done"]
    assert len({call.event for call in calls}) == 1
    assert (calls[1].quantities.output_tokens, calls[1].person_id, calls[1].component) == (8, 100, "UFR Droit")


def test_a_key_that_asks_too_often_is_told_when_to_come_back(house: House, client: openai.OpenAI, tmp_path: Path) -> None:
    usual, house.gateway._paces = house.gateway._paces, Paces(2, tmp_path)
    try:
        for _ in range(2):
            ask(client)
        with pytest.raises(openai.RateLimitError) as refused:
            ask(client)
        assert refused.value.code == "too_many_requests"
        assert 1 <= int(refused.value.response.headers["retry-after"]) <= 30
        with pytest.raises(openai.NotFoundError):  # the neighbour has no model, and is let in
            ask(client.with_options(api_key=house.neighbour_key))
    finally:
        house.gateway._paces = usual


def test_workers_count_together_how_often_a_key_asks(house: House, tmp_path: Path) -> None:
    now = 1_000.0
    workers = [Paces(60, tmp_path, lambda: now) for _ in range(4)]
    caller, other = (house.gateway.follower.caller(key) for key in (house.key, house.neighbour_key))
    assert caller
    assert other
    taken = [workers[turn % 4].take(caller) for turn in range(61)]
    assert taken[:60] == [0.0] * 60
    assert taken[60] == pytest.approx(1.0)
    assert workers[0].take(other) == 0.0
    now += 2.5
    assert [bool(workers[turn].take(caller)) for turn in range(3)] == [False, False, True]
    now = 10.0  # the machine was started again
    assert workers[0].take(caller) == 0.0
    now += 2 * WINDOW
    assert [bool(worker.take(caller)) for worker in workers * 15] == [False] * 60


def test_a_key_is_never_let_through_more_than_a_burst_and_the_pace(house: House, tmp_path: Path) -> None:
    random, now, taken = Random(1), 1_000.0, 0
    workers, caller = [Paces(30, tmp_path, lambda: now) for _ in range(3)], house.gateway.follower.caller(house.key)
    assert caller
    for _ in range(2_000):
        now += random.expovariate(1.0)
        taken += random.choice(workers).take(caller) == 0
        assert taken <= 30 + (now - 1_000.0) / 2 + 1e-6
    assert taken >= 0.95 * (now - 1_000.0) / 2
