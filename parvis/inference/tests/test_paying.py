"""What each attempt costs is reserved before anything is sent, and is in the ledger after it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings

from conftest import House
from parvis.access.middleware import principal_of
from parvis.inference import actions, door
from parvis.inference.completion import TEMPLATE_TOKENS, Delta, ModelWithheldError, UpstreamError
from parvis.inference.models import Calibration, LanguageModel, Purpose
from parvis.inference.paying import in_thread, waited_for
from parvis.inference.sentences import worth
from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import (
    answering,
    counting,
    cutting,
    honest,
    refusing,
    sending_vectors,
    stalling,
)
from parvis.inference.tests.test_door import MESSAGES, admitted, heard, row, said, servers, tried_by
from parvis.ledger.actions.books import BookValues, RateValues, publish_book, write_book
from parvis.ledger.actions.calls import forget_counter
from parvis.ledger.actions.collecting import Collector
from parvis.ledger.budgets.actions import holds
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.tree import place_of_institution, place_of_profile, places_of
from parvis.ledger.budgets.descent import QUEUE_SECONDS
from parvis.ledger.budgets.messages import Amounts, folder_of
from parvis.ledger.budgets.models import Lease, Node, Spending
from parvis.ledger.models import Call, Transfer
from parvis.ledger.pricing import Unit
from parvis.ledger.tests.calls import EURO
from parvis.retrieval.dense import normalised

TOKENS_IN, TOKENS_OUT = 321, 2  # as the server says of this answer


@pytest.fixture(autouse=True)
def counted_apart(settings: Any, tmp_path: Path) -> Iterator[None]:
    forget_counter()
    settings.DATA_DIR = tmp_path
    yield
    forget_counter()


def priced(house: House, *models: LanguageModel, euros: float = 1.0, cheap: LanguageModel | None = None) -> None:
    """For a million tokens, in and out alike; `cheap` at an eighth of it."""
    day = date(2020, 1, 1)
    values = BookValues("Tarif", None, day, None, "page des tarifs", day)
    amounts = {model.id: round(euros * EURO) for model in models} | ({cheap.id: round(euros * EURO / 8)} if cheap else {})
    rates = [RateValues(number, "m", unit, each) for number, each in amounts.items() for unit in (Unit.INPUT, Unit.OUTPUT)]
    publish_book(write_book(principal_of(house.administrator), None, values, rates), actor="system:test")


def limit(place: Node, amount: int, *way_down: str, measure: str = "money") -> None:
    set_budget(place, measure=measure, period="year", limit=amount, way_down=list(way_down), actor="system:test")


def recorded() -> list[Call]:
    """Once nobody counts any more."""
    forget_counter()
    collector = Collector(folder_of(settings.DATA_DIR))
    collector.look()
    collector.look()
    return list(Call.unscoped.order_by("id"))


def test_a_call_costs_what_the_provider_counted_at_the_price_of_its_model(house: House) -> None:
    place = place_of_profile(house.teacher)
    limit(place, EURO)
    with servers(answering("Oui, bien sûr.")) as [server]:
        model = row(house, server, "fr")
        priced(house, model, euros=2.0)
        assert heard(said(admitted(house, "internal", model=model))) == "Oui, bien sûr."
    [call] = recorded()
    cost = (TOKENS_IN + TOKENS_OUT) * 2 * EURO // 1_000_000
    assert (call.outcome, call.input_tokens, call.output_tokens) == ("done", TOKENS_IN, TOKENS_OUT)
    assert (call.person_id, call.model_id, call.app) == (house.teacher.person_id, model.id, "")
    assert Transfer.unscoped.get().amount_nano == cost
    assert list(Spending.unscoped.values_list("spent", "leased", "excess")) == [(cost, 0, 0)]
    assert not Lease.unscoped.exists()


@pytest.mark.parametrize(
    ("way_down", "error", "code"),
    [((), UpstreamError, "budget_stop"), (("extractive",), ModelWithheldError, "budget_extractive")],
)
def test_nothing_is_sent_that_no_budget_allows(
    house: House, way_down: tuple[str, ...], error: type[UpstreamError], code: str
) -> None:
    limit(place_of_institution(house.institution.id), 1_000, *way_down)
    with servers(answering("Oui.")) as [server]:
        model = row(house, server, "fr")
        priced(house, model)
        with pytest.raises(error) as caught:
            heard(said(admitted(house, "internal", model=model)))
        assert server.requests == []
    assert (caught.value.code, caught.value.params["why"]) == (code, "over_limit")
    assert recorded() == []


def test_what_has_no_price_is_refused_where_money_is_counted(house: House) -> None:
    with servers(answering("Oui.")) as [server]:
        model = row(house, server, "fr")
        assert heard(said(admitted(house, "internal", model=model))) == "Oui.", "no budget counts anything"
        limit(place_of_institution(house.institution.id), EURO)
        with pytest.raises(UpstreamError) as caught:
            heard(said(admitted(house, "internal", model=model)))
        assert len(server.requests) == 1
    assert caught.value.params["why"] == "unknown_price"
    [call] = recorded()
    assert (call.outcome, call.price_version, Transfer.unscoped.count()) == ("done", "", 0)


def test_a_model_that_costs_less_answers_and_it_is_said(house: House) -> None:
    limit(place_of_profile(house.teacher), 1_500_000, "smaller")  # the dear one would be reserved at some 5 000 000
    with servers(answering("Cher."), answering("Oui.")) as [dear, cheap]:
        large = row(house, dear, "fr", alias="grand")
        small = row(house, cheap, "fr", alias="petit", name="p")
        priced(house, large, euros=4.0, cheap=small)

        async def deltas() -> list[Delta]:
            async with aclosing(door.chat(admitted_now)(MESSAGES)) as stream:  # type: ignore[type-var]
                return [delta async for delta in stream]

        admitted_now = admitted(house, "internal", model=large)
        with waited_for():
            found = async_to_sync(deltas)()
        assert (len(dear.requests), len(cheap.requests)) == (0, 1)
    assert found[0].notice == "budget_smaller"
    assert "".join(delta.text for delta in found) == "Oui."
    assert [call.model_id for call in recorded()] == [small.id]


def test_who_waits_for_what_others_hold_is_answered_when_it_comes_back(house: House) -> None:
    limit(place_of_institution(house.institution.id), 2_000_000, "queue")
    with servers(answering("Oui.")) as [server]:
        model = row(house, server, "fr")
        priced(house, model)
        other = holds.reserve(places_of(house.student).chain, Amounts(1_500_000, 0, 0))
        assert isinstance(other, holds.Hold)
        told: list[str] = []

        async def words() -> str:
            found = []
            async for delta in door.chat(admitted_now)(MESSAGES):
                if delta.notice:
                    told.append(delta.notice)
                    await in_thread(holds.release, other)
                found.append(delta.text)
            return "".join(found)

        admitted_now, begun = admitted(house, "internal", model=model), time.monotonic()
        assert heard(words()) == "Oui."
        assert time.monotonic() - begun >= QUEUE_SECONDS
    assert told == ["budget_queue"]


def test_each_attempt_is_paid_for_apart(house: House) -> None:
    """A provider that failed without doing anything is owed nothing; one that began and was cut, what it had written."""
    limit(place_of_profile(house.teacher), EURO)
    with servers(refusing(503), cutting("Bon")) as [broken, cut]:
        first, second = row(house, broken, "on_prem"), row(house, cut, "fr")
        priced(house, first, second)
        with pytest.raises(UpstreamError):
            heard(said(admitted(house, "internal")))
    failed, half = recorded()
    assert (failed.outcome, failed.input_tokens, failed.output_tokens) == ("refused", 0, 0)
    assert (half.outcome, half.is_estimated, failed.is_estimated) == ("cut", True, False)
    assert half.output_tokens == 1, "a piece is a token at least"
    assert 0 < half.input_tokens < len(MESSAGES[0]["content"]) + 2 * TEMPLATE_TOKENS
    spent = Spending.unscoped.get()
    assert (spent.spent, spent.leased) == ((half.input_tokens + half.output_tokens) * 1_000, 0)


def test_who_leaves_pays_for_what_was_written(house: House) -> None:
    limit(place_of_profile(house.teacher), 10_000, measure="tokens")
    with servers(stalling("Bon")) as [server]:
        model = row(house, server, "fr")

        async def left() -> str:
            async with aclosing(door.chat(admitted_now)(MESSAGES)) as stream:  # type: ignore[type-var]
                async for delta in stream:
                    return delta.text
            return ""

        admitted_now = admitted(house, "internal", model=model)
        assert heard(left())
    [call] = recorded()
    assert (call.outcome, call.output_tokens, call.is_estimated) == ("left", 1, True)
    spent = Spending.unscoped.get()
    assert (spent.spent, spent.leased) == (call.input_tokens + call.output_tokens, 0)


@pytest.mark.parametrize("counts", [True, False])
def test_a_trial_sees_whether_tokens_are_counted_as_they_come_and_a_partial_is_then_exact(house: House, counts: bool) -> None:
    with servers(counting(["Oui", ", bien", " sûr"], counts=counts)) as [server]:
        model = row(house, server, "fr")
        assert tried_by(house, door.route_to(model), door.matrix_of(house.institution.id)).counts is counts
        actions.keep_counting(principal_of(house.administrator), model, counts=counts)

        async def left() -> str:
            async with aclosing(door.chat(admitted_now)(MESSAGES)) as stream:  # type: ignore[type-var]
                return "".join([(await anext(stream)).text for _ in range(2)])

        admitted_now = admitted(house, "internal", model=model)
        assert heard(left()) == "Oui, bien"
        asked = [one.body["stream_options"].get("continuous_usage_stats") for one in server.requests]
    trial, call = recorded()
    assert (trial.is_estimated, trial.output_tokens) == (False, 9)
    assert asked == [True, True if counts else None]
    assert (call.outcome, call.is_estimated) == ("left", not counts)
    if counts:
        assert (call.input_tokens, call.output_tokens) == (321, 6)


def test_vectors_and_trials_are_paid_for_too(house: House) -> None:
    limit(place_of_institution(house.institution.id), 5_000, measure="tokens")
    with running(honest) as chat, running(honest) as vectors:
        vectors.embedding = sending_vectors(lambda text: [float(len(text)), 1.0])
        row(house, chat, "fr")
        model = row(house, vectors, "fr", purpose=Purpose.EMBEDDINGS, capabilities=[], alias="vecteurs")
        assert tried_by(house, door.route_to(model), door.matrix_of(house.institution.id)).code == ""
        principal = principal_of(house.teacher)
        given = door.admit_background(
            house.institution.id,
            inputs=["public"],
            only=door.route_to(model),
            app="search",
            payer=door.payer_of(principal, "search"),
        )
        assert normalised(door.embedded(given, ["un", "deux"], seconds=5)).shape[0] == 2
        with pytest.raises(UpstreamError, match="budget_stop"):
            door.embedded(given, ["mot " * 2_000], seconds=5)
        asked = len(vectors.requests)
    trial, search = recorded()
    assert (trial.app, search.app, asked) == ("trial", "search", 2)
    assert trial.embedding_tokens + search.embedding_tokens == Spending.unscoped.get().spent > 0


def test_a_budget_that_cannot_be_read_sends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def down(*_given: object, **_more: object) -> None:
        raise OperationalError

    with servers(answering("Oui.")) as [server]:
        given = admitted(house, "internal", model=row(house, server, "fr"))
        monkeypatch.setattr(holds, "work", down)
        with pytest.raises(ModelWithheldError) as caught:
            heard(said(given))
        assert server.requests == []
    assert caught.value.params["why"] == "store_down"


def test_what_a_budget_refused_is_not_said_to_be_unread() -> None:
    """Of embeddings, why is kept as a code alone."""
    said = worth(Calibration(failure_code="budget_stop"))
    assert said.startswith("Un budget ne le permet pas")
    assert "les documents sont classés d’après leurs seuls mots" in said
