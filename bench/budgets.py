"""Is a budget ever exceeded, whatever happens to who spends it?

    python -m bench.budgets [--quick] [--json FILE]

Gateway workers (processes of their own, without Django) reserve, send and settle calls of random cost through the settler, on
SQLite and on PostgreSQL; calls are cancelled before, while and after they are sent; workers are killed with -9 at random
instants and others take their place. What was really sent is written to a file before it is sent: it is what a provider would
bill. At every level of the tree it is compared with the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
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
# How much of what would be spent without limits each level allows: at each, some are reached before those above and below.
SHARES = {
    "alliance": (0.55, 0.65),
    "institution": (0.4, 0.8),
    "component": (0.4, 0.9),
    "course": (0.4, 1.2),
    "person": (0.4, 2.0),
}
KINDS = tuple(SHARES)
HELD_TRIES = 250  # 20 ms apart


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
        for _again in range(HELD_TRIES):  # what a killed worker held comes back when the settler has seen that it is dead
            if not isinstance(answer, Refused) or answer.code != "held":
                break
            await asyncio.sleep(0.02)
            answer = await budgets.reserve(chains[number], worst)
        if isinstance(answer, Refused):
            os.write(journal, f"refused {answer.code}\n".encode())
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
            amount = max(DEAREST, int(expected * random.uniform(*SHARES[place.kind])))
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


def _written(world: World) -> dict[str, float]:
    """At each level, the highest share of a limit that counts as spent: what a killed worker sent counts at its worst."""
    from parvis.ledger.budgets.models import Spending

    spent = dict(Spending.unscoped.values_list("budget_id", "spent"))
    return {kind: max(spent.get(one.budget, 0) / one.amount for one in world.limits if one.kind == kind) for kind in KINDS}


def undercounted(world: World, found: Storm) -> int:
    """Budgets in which less is written down as spent than was sent; and whether any lease is left."""
    from parvis.ledger.budgets.models import Lease, Spending

    spent = dict(Spending.unscoped.values_list("budget_id", "spent"))
    wrong = sum(
        sum(found.sent.get((chain, limit.measure), 0) for chain in limit.chains) > spent.get(limit.budget, 0)
        for limit in world.limits
    )
    return wrong + Lease.unscoped.count()


# The bench itself.


def main() -> int:
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(_work(json.loads(sys.argv[2])))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer calls, fewer kills")
    parser.add_argument("--json")
    parser.add_argument("--here", action="store_true", help="on the one database that the environment names")
    arguments = parser.parse_args()
    if arguments.here:
        print(FIGURES + json.dumps(_measure(quick=arguments.quick)))
        return 0
    return _report(arguments.json, quick=arguments.quick)


def _report(path: str | None, *, quick: bool) -> int:
    """Both databases, each in a process of its own."""
    from bench.report import Report

    report = Report("Budgets")
    command = [sys.executable, "-m", "bench.budgets", "--here", *(["--quick"] * quick)]
    for name, prefix in (("SQLite", []), ("PostgreSQL", [sys.executable, "-m", "tools.postgres"])):
        ended = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False, cwd=ROOT)
        lines = [line for line in ended.stdout.splitlines() if line.startswith(FIGURES)]
        if not lines:
            print(ended.stdout, ended.stderr, file=sys.stderr)
            continue
        for title, value, target, note in json.loads(lines[0].removeprefix(FIGURES)):
            report.row(f"{name}: {title}", value, target, note=note)
    return report.finish(path)


FIGURES = "figures: "
Figure = tuple[str, float, str, str]


def _measure(*, quick: bool) -> list[Figure]:
    """On the database that the settings of the tests name, with the durability of production."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    logging.disable(logging.CRITICAL)
    setup_test_environment()
    if connection.vendor == "sqlite":
        options = settings.DATABASES["default"]["OPTIONS"]
        options["init_command"] = options["init_command"].replace("synchronous=OFF", "synchronous=FULL")
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return [*_alone(Path(folder)), *_returned(Path(folder), quick=quick), *_storms(Path(folder), quick=quick)]
    finally:
        connection.close()
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()


def _storms(folder: Path, *, quick: bool) -> list[Figure]:
    from parvis.ledger.budgets.settler import settling

    processes, clients, attempts, kills = (2, 20, 10, 1) if quick else (4, 200, 40, 40)
    world = build(Random(2026), people=40, calls=clients * attempts)
    begun = time.perf_counter()
    with settling(folder / "storm"):
        found = storm(folder / "storm", world, processes=processes, clients=clients, attempts=attempts, kills=kills, seed=1)
        seconds = time.perf_counter() - begun
        _all_back()
    excess, share, limits = overspent(world, found), reached(world, found), Counter(limit.kind for limit in world.limits)
    refused = ", ".join(f"{count} {code}" for code, count in sorted(found.refused.items()))
    note = f"{clients} clients in {processes} workers; refused: {refused}; {kills} kill -9; {seconds:.0f} s"
    written = _written(world)
    rows: list[Figure] = [("calls that were sent in a storm", found.calls, "", note)]
    for kind in KINDS:
        why = f"{limits[kind]} limits; the highest share of one sent: {share[kind]:.1%}, written down: {written[kind]:.1%}"
        rows.append((f"overspend, {kind}", excess[kind], "== 0", why))
    rows.append(("limits where less is written down than was sent, and leases left", undercounted(world, found), "== 0", ""))
    return rows


def _alone(folder: Path) -> list[Figure]:
    """One worker, then four by turns, each call like the others, until the first refusal."""
    rows: list[Figure] = []
    for workers in (1, 4):
        chain, limit = _one_limit(f"seul-{workers}", 1_000_000)
        share, micro = asyncio.run(_by_turns(folder / f"alone-{workers}", chain, limit, workers))
        title = "share of a budget spent at the first refusal, " + ("one worker" if workers == 1 else "four workers by turns")
        rows.append((title, share, ">= 0.95", f"{micro:.0f} µs of processor time a call in the worker"))
    return rows


async def _by_turns(folder: Path, chain: tuple[int, ...], limit: int, workers: int) -> tuple[float, float]:
    from parvis.ledger.budgets.settler import settling

    with settling(folder):
        several = [Budgets(folder) for _worker in range(workers)]
        spent, calls, processor = 0, 0, time.thread_time()
        while isinstance(held := await several[calls % workers].reserve(chain, Amounts(100, 100, 100)), Reservation):
            several[calls % workers].settle(held, Amounts(100, 100, 100))
            spent, calls = spent + 100, calls + 1
        processor = time.thread_time() - processor
        for budgets in several:
            await budgets.close()
        await asyncio.to_thread(_all_back)
    return spent / limit, processor / max(1, calls) * 1e6


def _returned(folder: Path, *, quick: bool) -> list[Figure]:
    """The longest time after which what a killed worker held, and had not sent, can be spent again: real clock."""
    from parvis.ledger.budgets.settler import settling

    longest = 0.0
    chain, _limit = _one_limit("tue", 1_000_000)
    where = folder / "killed"
    orders = {"folder": str(where), "chains": [chain], "attempts": 10**6, "clients": 1, "seed": 1}
    with settling(where):
        for _kill in range(2 if quick else 10):
            journal = folder / "held"
            journal.unlink(missing_ok=True)
            journal.touch()
            command = [sys.executable, "-m", "bench.budgets", "--worker", json.dumps({**orders, "journal": str(journal)})]
            worker = subprocess.Popen(command, cwd=ROOT)
            while not journal.stat().st_size:
                time.sleep(0.01)
            worker.kill()
            killed = time.monotonic()
            worker.wait()
            _all_back()
            longest = max(longest, time.monotonic() - killed)
    return [("seconds until what a killed worker held is back, the longest", round(longest, 2), "<= 60", "")]


def _all_back() -> None:
    """When no lease is left, or after a minute."""
    from django.db import connection

    from parvis.isolation.scope import everywhere
    from parvis.ledger.budgets.models import Lease

    until = time.monotonic() + 60
    with everywhere("tests"):
        while Lease.unscoped.exists() and time.monotonic() < until:
            time.sleep(0.01)
    if threading.current_thread() is not threading.main_thread():
        connection.close()


def _one_limit(name: str, amount: int) -> tuple[tuple[int, ...], int]:
    from parvis.institutions.models import Institution
    from parvis.ledger.budgets.actions.limits import set_budget
    from parvis.ledger.budgets.actions.tree import add_place, place_of_institution

    institution = Institution.objects.create(slug=f"banc-{name}", name=name, short_name=name)
    place = add_place(place_of_institution(institution.id), "component", name=name, actor="system:bench")
    set_budget(place, measure="money", period="year", limit=amount, actor="system:bench")
    return (place.id,), amount


if __name__ == "__main__":
    sys.exit(main())
