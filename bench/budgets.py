"""Is a budget ever exceeded, whatever happens to who spends it?

    python -m bench.budgets [--quick] [--json FILE]

Gateway workers (processes of their own, without Django) reserve, send and settle calls of random cost through the settler, on
SQLite and on PostgreSQL; calls are cancelled before, while and after they are sent; workers are killed with -9 at random
instants and others take their place. What was really sent is written to a file before it is sent: it is what a provider would
bill. At every level of the tree it is compared with the limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from parvis.ledger.budgets.client import Budgets, Reservation
from parvis.ledger.budgets.messages import Amounts, Measure, Refused

ROOT = Path(__file__).parent.parent
DEAREST = 1_000  # of one call, in each measure
KINDS = ("alliance", "institution", "component", "course", "person")


@dataclass(frozen=True, slots=True)
class Limit:
    """`chains`: the numbers of those it limits, together."""

    budget: int
    place: int
    kind: str
    measure: str
    amount: int
    chains: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class World:
    chains: tuple[tuple[int, ...], ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Storm:
    """What several workers did: what was sent of each chain and measure, and how many calls were refused, and why."""

    sent: dict[tuple[int, str], int]
    calls: int
    refused: Counter[str]
    kills: int


# One worker, in a process of its own.


async def _work(orders: dict[str, object]) -> None:
    budgets = Budgets(Path(str(orders["folder"])))
    chains = [tuple(chain) for chain in orders["chains"]]  # type: ignore[attr-defined]
    attempts = int(str(orders["attempts"]))
    journal = os.open(str(orders["journal"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    count = int(str(orders["clients"]))
    await asyncio.gather(
        *(_client(budgets, chains, journal, Random(f"{orders['seed']} {number}"), attempts) for number in range(count))
    )
    await budgets.close()


async def _client(budgets: Budgets, chains: Sequence[tuple[int, ...]], journal: int, random: Random, attempts: int) -> None:
    for _attempt in range(attempts):
        number = random.randrange(len(chains))
        worst = Amounts(*(random.randint(1, DEAREST) for _measure in Measure))
        patience = random.random() * 0.01 if random.random() < 0.05 else 10.0
        try:
            answer = await asyncio.wait_for(budgets.reserve(chains[number], worst), patience)
        except TimeoutError:
            continue  # gone before it was admitted
        if isinstance(answer, Refused):
            os.write(journal, f"refused {answer.code}\n".encode())
            await asyncio.sleep(0.02)
            continue
        await _send(budgets, answer, number, worst, journal, random)


async def _send(budgets: Budgets, held: Reservation, number: int, worst: Amounts, journal: int, random: Random) -> None:
    fate = random.random()
    if fate < 0.05:
        budgets.release(held)  # gone before it was sent
        return
    actual = Amounts(*(random.randint(0, worst.of(measure) or 0) for measure in Measure))
    os.write(journal, f"sent {number} {' '.join(str(actual.of(measure)) for measure in Measure)}\n".encode())
    await asyncio.sleep(random.random() * 0.005)
    budgets.settle(held, Amounts(None, None, None) if fate < 0.10 else actual)  # a cut stream: nobody knows what it cost


# Those who watch them.


def storm(folder: Path, world: World, *, processes: int, clients: int, attempts: int, kills: int, seed: int) -> Storm:
    """So many clients in so many workers, each trying so many calls; workers are killed at random, and others begin."""
    random = Random(seed)
    journal = folder.parent / "sent"
    journal.touch()

    def begin() -> subprocess.Popen[bytes]:
        orders = {
            "folder": str(folder),
            "chains": world.chains,
            "attempts": attempts,
            "journal": str(journal),
            "clients": clients // processes,
            "seed": random.random(),
        }
        return subprocess.Popen([sys.executable, "-m", "bench.budgets", "--worker", json.dumps(orders)], cwd=ROOT)

    running = [begin() for _process in range(processes)]
    for _kill in range(kills):
        size = journal.stat().st_size + random.randrange(30, 30 * clients * attempts // (kills + 1))
        while journal.stat().st_size < size and any(process.poll() is None for process in running):
            time.sleep(0.002)
        victim = running.pop(random.randrange(len(running)))
        victim.kill()
        victim.wait()
        running.append(begin())
    if any(process.wait(timeout=600) for process in running):
        raise RuntimeError("a worker ended with an error")
    return _told(journal, kills)


def _told(journal: Path, kills: int) -> Storm:
    sent: Counter[tuple[int, str]] = Counter()
    refused: Counter[str] = Counter()
    calls = 0
    for line in journal.read_text().splitlines():
        verb, first, *amounts = line.split()
        if verb == "refused":
            refused[first] += 1
            continue
        calls += 1
        for measure, amount in zip(Measure, amounts, strict=True):
            sent[int(first), measure] += int(amount)
    return Storm(dict(sent), calls, refused, kills)


def overspent(world: World, found: Storm) -> dict[str, int]:
    """At each level, by how much what was sent exceeds the worst exceeded limit; 0 where none is."""
    excess = dict.fromkeys(KINDS, 0)
    for limit in world.limits:
        sent = sum(found.sent.get((chain, limit.measure), 0) for chain in limit.chains)
        excess[limit.kind] = max(excess[limit.kind], sent - limit.amount)
    return excess


def reached(world: World, found: Storm) -> dict[str, float]:
    """At each level, the highest share of a limit that was sent."""
    share = dict.fromkeys(KINDS, 0.0)
    for limit in world.limits:
        sent = sum(found.sent.get((chain, limit.measure), 0) for chain in limit.chains)
        share[limit.kind] = max(share[limit.kind], sent / limit.amount)
    return share


# What they need of Django.


def build(random: Random, *, people: int, calls: int) -> World:
    """An alliance of two institutions, each with two components, their courses and people, and limits at every level, of which
    many are reached when so many calls are made."""
    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role
    from parvis.ledger.budgets.actions.limits import set_budget
    from parvis.ledger.budgets.actions.tree import add_place, alliance, place_of_institution, place_of_profile
    from parvis.ledger.budgets.models import Node, NodeKind

    places: list[Node] = [alliance()]
    chains = []
    for name in ("un", "deux"):
        institution = Institution.objects.create(slug=f"banc-{name}", name=name, short_name=name)
        top = place_of_institution(institution.id)
        components = [add_place(top, NodeKind.COMPONENT, name=f"C{n}", actor="system:bench") for n in range(2)]
        courses = [add_place(one, NodeKind.COURSE, name=f"S{one.id}", actor="system:bench") for one in components]
        places += [top, *components, *courses]
        for number in range(people // 2):
            person = Person.objects.create(key=f"local:{name}:{number}", source=Source.LOCAL, display_name=f"{name} {number}")
            own = place_of_profile(Profile.objects.create(institution=institution, person=person, role=Role.STUDENT))
            places.append(own)
            chains.append((own.id, random.choice(courses).id))
    covered = [_closure(chain, {place.id: place.parent_id for place in places}) for chain in chains]
    limits = []
    for place in places:
        under = tuple(number for number, closure in enumerate(covered) if place.id in closure)
        for measure in random.sample(list(Measure), random.randint(1, 3)):
            expected = calls * DEAREST // 4 * max(1, len(under)) // len(chains)
            amount = max(DEAREST, int(expected * random.uniform(0.4, 1.2)))
            budget = set_budget(place, measure=measure, period="year", limit=amount, actor="system:bench")
            limits.append(Limit(budget.id, place.id, place.kind, measure.value, amount, under))
    return World(tuple(chains), tuple(limits))


def _closure(chain: Sequence[int], above: dict[int, int | None]) -> set[int]:
    found: set[int] = set()
    for place in chain:
        while place is not None and place not in found:
            found.add(place)
            place = above[place]  # type: ignore[assignment]
    return found


def undercounted(world: World, found: Storm) -> int:
    """Budgets in which less is written down as spent than was sent; and whether any lease is left."""
    from parvis.ledger.budgets.models import Lease, Spending

    spent = dict(Spending.unscoped.values_list("budget_id", "spent"))
    wrong = sum(
        sum(found.sent.get((chain, limit.measure), 0) for chain in limit.chains) > spent.get(limit.budget, 0)
        for limit in world.limits
    )
    return wrong + Lease.unscoped.count()


if __name__ == "__main__":
    asyncio.run(_work(json.loads(sys.argv[2]))) if sys.argv[1:2] == ["--worker"] else sys.exit("…")
