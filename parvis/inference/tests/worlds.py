"""Generated worlds for routing: models, matrices, outages; and an oracle that shares no line with the engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from parvis.inference.routing import Attempt, Candidate, Clearance, Conduct, Health, Matrix, Refusal, Request, route

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CLASSES = ["public", "internal", "personal", "sensitive"]
PLACES = ["on_prem", "fr", "eu", "world"]
KINDS = {
    "chat": ["chat"],
    "stream": ["chat", "stream"],
    "tools": ["chat", "tools"],
    "title": ["chat"],
    "embeddings": ["embeddings"],
    "images": ["chat", "images"],
}
FAILURES = ["unreachable", "overloaded", "rate_limited", "stalled", "cut", "garbage", "refused_key", "unknown_model"]


@dataclass
class World:
    candidates: list[Candidate]
    matrix: Matrix
    health: dict[str, Health]
    down: dict[str, float]  # how often each model fails, from 0 to 1


def world(random: Random) -> World:
    """Three times in four a staircase; otherwise any matrix at all, also those that no page would save."""
    candidates = [_candidate(random, number) for number in range(1, random.choice([1, 2, 4, 6, 8, 8]))]
    if random.random() < 0.75:
        steps = sorted((random.choice([-1, 0, 1, 2, 2, 3]) for _ in CLASSES), reverse=True)
        cleared = {(one, place) for one, step in zip(CLASSES, steps, strict=True) for place in PLACES[: step + 1]}
    else:
        cleared = {(one, place) for one in CLASSES for place in PLACES if random.random() < 0.5}
    matrix = {
        (one, place): Clearance.ALLOWED if (one, place) in cleared else Clearance.REFUSED
        for one in CLASSES
        for place in PLACES
        if (one, place) in cleared or random.random() < 0.5
    }
    health = {one.id: _health(random) for one in candidates if random.random() < 0.1}
    storm = random.choice([0.0, 0.2, 0.9, 1.0])
    return World(candidates, matrix, health, {one.id: random.choice([0.0, 0.0, storm, 1.0]) for one in candidates})


def request(random: Random, kind: str, candidates: list[Candidate]) -> Request:
    ids = [one.id for one in candidates]
    alias = random.choice(["", "petit", "petit", "grand"]) if random.random() < 0.95 else "absent"
    return Request(
        data_class=random.choice(CLASSES),
        capabilities=frozenset(KINDS[kind]),
        entitled=frozenset(ids if random.random() < 0.8 else [one for one in ids if random.random() < 0.5]),
        alias="" if kind == "title" else alias,
        only=random.choice(ids) if kind == "embeddings" and ids and random.random() < 0.5 else "",
        input_tokens=random.choice([0, 0, 0, 1_000, 50_000]),
        max_tokens=random.choice([None, 100, 10_000]),
    )


def forbidden(asked: Request, one: Candidate, matrix: Matrix) -> bool:
    """What the law of an institution says of one model, spelt out."""
    if not one.enabled or one.attested_at is None or one.attested_at > NOW:
        return True
    if one.attested_until is not None and one.attested_until <= NOW:
        return True
    if str(matrix.get((asked.data_class, one.zone), "refused")) != "allowed":
        return True
    if any(wanted not in one.capabilities for wanted in asked.capabilities):
        return True
    if asked.only and asked.only != one.id:
        return True
    if asked.alias and not asked.only and asked.alias != one.alias:
        return True
    too_long = one.context_tokens is not None and one.context_tokens < asked.input_tokens
    return one.id not in asked.entitled or too_long


def run(random: Random, given: World, asked: Request) -> Counter[str]:
    """One request with its failovers, retries and hedges through outages, everything sent held against the oracle."""
    found: Counter[str] = Counter()
    before = dict(given.health)
    first = route(asked, given.candidates, given.matrix, dict(given.health), NOW)
    conduct = Conduct(asked, given.candidates, given.matrix, given.health)
    flying: list[Attempt] = []
    served, now, sent, failures = False, NOW, set[str](), Counter[str]()
    while not served:
        step = conduct.next(now)
        if isinstance(step, Refusal):
            found["inconsistent"] += not sent and step != first
            if flying:  # a hedge that found nobody else: what is in flight goes on
                served = _land(random, given, conduct, flying.pop(), now, failures)
                continue
            break
        found["inconsistent"] += not sent and (isinstance(first, Refusal) or first[0] != step)
        found["requests"] += 1
        found["forbidden"] += forbidden(asked, step.candidate, given.matrix)
        found["hedges"] += bool(flying)
        found["retries"] += step.candidate.id in sent
        found["failovers"] += bool(sent) and step.candidate.id not in sent and not flying
        limit = step.candidate.max_output_tokens
        found["too_many_tokens"] += bool(limit and (step.max_tokens is None or step.max_tokens > limit))
        sent.add(step.candidate.id)
        flying.append(step)
        now += timedelta(milliseconds=random.choice([1, 300, 2_000]))
        if random.random() < 0.1 and len(flying) == 1:
            continue  # silence: another is asked beside it
        while flying and not served:
            served = _land(random, given, conduct, flying.pop(random.randrange(len(flying))), now, failures)
    for attempt in flying:
        conduct.left(attempt, now)
    reachable = [one for one in given.candidates if not forbidden(asked, one, given.matrix) and not _out(one, before)]
    found["served"] += served
    found["refused"] += not served
    found["given_up_early"] += not served and any(given.down[one.id] == 0.0 for one in reachable[:1] if len(reachable) <= 4)
    found["left_in_flight"] += sum(one.in_flight for one in given.health.values()) - sum(
        one.in_flight for one in before.values()
    )
    return found


def _land(random: Random, given: World, conduct: Conduct, attempt: Attempt, now: datetime, failures: Counter[str]) -> bool:
    identifier = attempt.candidate.id
    if random.random() >= given.down[identifier]:
        conduct.answered(attempt, now)
        return True
    failures[identifier] += 1
    conduct.failed(attempt, random.choice(FAILURES), now, retry_after=random.choice([None, 0.0, 30.0]))
    return False


def _out(one: Candidate, health: dict[str, Health]) -> bool:
    """Resting, tried again by another, or with as much to do as it may have."""
    known = health.get(one.id)
    if known is None:
        return False
    if known.probed or (known.rests_until is not None and known.rests_until > NOW):
        return True
    recent = known.minute_at is not None and (NOW - known.minute_at).total_seconds() < 60
    full = one.concurrency is not None and known.in_flight >= one.concurrency
    return full or (one.requests_per_minute is not None and recent and known.in_minute >= one.requests_per_minute)


def _candidate(random: Random, number: int) -> Candidate:
    every = ["chat", "stream", "tools", "images"]
    kind = random.choice([every, every, *KINDS.values()])
    return Candidate(
        id=str(number),
        alias=random.choice(["petit", "petit", "grand"]),
        zone=random.choice(PLACES),
        capabilities=frozenset(kind),
        enabled=random.random() < 0.9,
        attested_at=random.choice([None, *[NOW - timedelta(days=30)] * 6, NOW + timedelta(days=1)]),
        attested_until=random.choice([None, None, None, None, NOW, NOW + timedelta(days=300)]),
        rank=random.choice([0, 0, 1]),
        is_default=random.random() < 0.3,
        context_tokens=random.choice([None, 500, 8_000]),
        max_output_tokens=random.choice([None, 500]),
        concurrency=random.choice([None, 1, 5]),
        requests_per_minute=random.choice([None, 2, 60]),
        hedge_after=random.choice([None, 1.0]),
    )


def _health(random: Random) -> Health:
    return Health(
        failures=random.randint(0, 6),
        rests_until=random.choice([None, NOW - timedelta(seconds=1), NOW + timedelta(seconds=9)]),
        probed=random.random() < 0.2,
        in_flight=random.randint(0, 5),
        minute_at=random.choice([None, NOW - timedelta(seconds=30), NOW - timedelta(minutes=2)]),
        in_minute=random.randint(0, 60),
    )
