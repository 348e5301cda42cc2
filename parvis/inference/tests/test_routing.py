"""Where a request may go: told case by case, then in ten thousand generated ones with outages (a million in bench.routing)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from msgspec.structs import replace

from parvis.access.sensitivity import highest
from parvis.inference.routing import (
    DEFAULT_REACH,
    Attempt,
    Candidate,
    Clearance,
    Conduct,
    Health,
    Refusal,
    Request,
    begun,
    ended,
    faults,
    matrix_up_to,
    route,
)
from parvis.inference.tests import worlds
from parvis.inference.tests.worlds import NOW

MATRIX = matrix_up_to({"public": "world", "internal": "eu", "personal": "fr", "sensitive": "on_prem"})
CAMPUS = Candidate("1", "petit", "on_prem", frozenset({"chat", "stream"}), attested_at=NOW)
FRANCE = replace(CAMPUS, id="2", zone="fr")
EUROPE = replace(CAMPUS, id="3", zone="eu")
FAR = replace(CAMPUS, id="4", zone="world")
ALL = [FAR, EUROPE, FRANCE, CAMPUS]


def asking(data_class: str, **values: object) -> Request:
    base = Request(data_class, frozenset({"chat"}), frozenset("1234"), alias="petit")
    return replace(base, **values)


def order(found: tuple[Attempt, ...] | Refusal) -> list[str]:
    assert not isinstance(found, Refusal), found
    return [one.candidate.id for one in found]


def refusal(found: object) -> Refusal:
    assert isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize(
    ("data_class", "ids"),
    [
        ("public", ["1", "2", "3", "4"]),
        ("internal", ["1", "2", "3", "1"]),
        ("personal", ["1", "2", "1", "2"]),
        ("sensitive", ["1", "1", "1", "1"]),
    ],
)
def test_each_class_goes_where_it_may_nearest_first_then_again(data_class: str, ids: list[str]) -> None:
    assert order(route(asking(data_class), ALL, MATRIX, {}, NOW)) == ids


@pytest.mark.parametrize(
    ("candidate", "code"),
    [
        (replace(CAMPUS, enabled=False), "disabled"),
        (replace(CAMPUS, attested_at=None), "not_attested"),
        (replace(CAMPUS, attested_at=NOW + timedelta(days=1)), "not_attested"),
        (replace(CAMPUS, attested_until=NOW), "attestation_over"),
        (replace(CAMPUS, capabilities=frozenset({"embeddings"})), "capability"),
        (replace(CAMPUS, zone="fr"), "class"),
        (replace(CAMPUS, id="9"), "not_entitled"),
        (replace(CAMPUS, context_tokens=10), "too_long"),
        (replace(CAMPUS, alias="grand"), "no_such_model"),
    ],
)
def test_a_refusal_says_what_decided(candidate: Candidate, code: str) -> None:
    asked = asking("sensitive", input_tokens=11)
    assert order(route(asked, [CAMPUS], MATRIX, {}, NOW))
    assert refusal(route(asked, [candidate], MATRIX, {}, NOW)).code == code


def test_an_outage_refuses_and_never_spills() -> None:
    resting = Health(failures=3, rests_until=NOW + timedelta(seconds=30))
    found = refusal(route(asking("sensitive"), ALL, MATRIX, {"1": resting}, NOW))
    assert (found.code, found.zones, found.retry_at) == ("all_out", ("on_prem",), resting.rests_until)
    assert order(route(asking("sensitive"), ALL, MATRIX, {"1": resting}, NOW + timedelta(seconds=30)))


def test_without_a_name_the_default_comes_first_and_another_where_it_may_not() -> None:
    default = replace(EUROPE, alias="grand", is_default=True)
    assert order(route(asking("public", alias=""), [CAMPUS, default], MATRIX, {}, NOW))[:2] == ["3", "1"]
    assert set(order(route(asking("sensitive", alias=""), [CAMPUS, default], MATRIX, {}, NOW))) == {"1"}


def test_a_named_model_has_no_stand_in() -> None:
    assert set(order(route(asking("public", only="3"), ALL, MATRIX, {}, NOW))) == {"3"}
    assert refusal(route(asking("sensitive", only="3"), ALL, MATRIX, {}, NOW)).code == "class"


def test_failing_over_trying_again_and_giving_up() -> None:
    conduct = Conduct(asking("personal"), ALL, MATRIX, {})
    asked = []
    while not isinstance(step := conduct.next(NOW), Refusal):
        asked.append((step.candidate.id, step.pause > timedelta()))
        conduct.failed(step, "overloaded", NOW)
    assert asked == [("1", False), ("2", False), ("1", True), ("2", True)]
    assert step.code == "all_out"


def test_what_is_about_the_request_is_not_tried_elsewhere() -> None:
    conduct = Conduct(asking("personal"), ALL, MATRIX, {})
    step = conduct.next(NOW)
    assert isinstance(step, Attempt)
    conduct.failed(step, "too_long", NOW)
    assert refusal(conduct.next(NOW)).code == "too_long"


def test_a_matrix_narrowed_meanwhile_stops_the_next_attempt() -> None:
    matrix = dict(MATRIX)
    conduct = Conduct(asking("personal"), ALL, matrix, {})
    step = conduct.next(NOW)
    assert isinstance(step, Attempt)
    matrix["personal", "fr"] = Clearance.REFUSED
    conduct.failed(step, "refused_key", NOW)
    assert refusal(conduct.next(NOW)).code == "all_out"


def test_a_model_that_fails_rests_longer_each_time_then_one_request_tries_it() -> None:
    health, rests = Health(), []
    for _ in range(5):
        health = ended(begun(health, NOW), NOW, "unreachable")
        rests.append(health.rests_until and (health.rests_until - NOW).total_seconds())
    assert rests == [None, None, 5.0, 10.0, 20.0]
    later = NOW + timedelta(minutes=1)
    probing = begun(health, later)
    assert refusal(route(asking("sensitive"), [CAMPUS], MATRIX, {"1": probing}, later)).code == "all_out"
    assert ended(probing, later) == replace(probing, failures=0, rests_until=None, probed=False, in_flight=0)


def test_limits_hold_back() -> None:
    limited = replace(CAMPUS, concurrency=1, requests_per_minute=2, max_output_tokens=50)
    board: dict[str, Health] = {}
    first = Conduct(asking("sensitive", max_tokens=80), [limited], MATRIX, board).next(NOW)
    assert isinstance(first, Attempt)
    assert first.max_tokens == 50
    assert refusal(Conduct(asking("sensitive"), [limited], MATRIX, board).next(NOW)).code == "all_out"
    board["1"] = ended(begun(ended(board["1"], NOW), NOW), NOW)
    assert refusal(route(asking("sensitive"), [limited], MATRIX, board, NOW)).code == "all_out"
    assert order(route(asking("sensitive"), [limited], MATRIX, board, NOW + timedelta(minutes=1)))


@pytest.mark.parametrize(
    ("stated", "default", "found"),
    [
        (["public", "sensitive", "internal"], "internal", "sensitive"),
        (["public"], "personal", "public"),
        (["public", ""], "personal", "personal"),
        ([], "personal", "personal"),
        (["", "internal"], "public", "internal"),
    ],
)
def test_the_highest_input_wins_and_what_says_nothing_has_the_default(stated: list[str], default: str, found: str) -> None:
    assert highest(stated, default=default) == found


def test_a_matrix_that_lets_more_sensitive_or_further_go_is_found_out() -> None:
    assert not list(faults(matrix_up_to(DEFAULT_REACH)))
    assert not list(faults({}))
    assert list(faults({**matrix_up_to({}), ("sensitive", "world"): Clearance.ALLOWED}))


def test_nothing_leaves_for_a_forbidden_model_through_outages() -> None:
    random, found = Random(11), Counter[str]()
    for number in range(10_000):
        if number % 10 == 0:
            given = worlds.world(random)
        kind = list(worlds.KINDS)[number % len(worlds.KINDS)]
        found += worlds.run(random, given, worlds.request(random, kind, given.candidates))
    assert found["served"] > 1_000
    assert min(found["failovers"], found["retries"], found["hedges"]) > 20
    wrong = ("forbidden", "inconsistent", "given_up_early", "too_many_tokens", "left_in_flight")
    assert {one: found[one] for one in wrong} == dict.fromkeys(wrong, 0)
