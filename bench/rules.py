"""Access rules: do they decide what the matrix means, and how fast?

    python -m bench.rules [--quick] [--json FILE]

Random matrices are written as Cedar policies, compiled to a table, and asked for random people, tools and moments; an oracle
that knows nothing of Cedar says what the matrix means. Times are of the processor, on the thread that decides: the cores are
shared with others.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from bench.report import Report
from parvis.access import matrix as matrices
from parvis.access.engine import AFFILIATIONS, PURPOSES, Context, Person, State, Table, Tool, read
from parvis.access.matrix import Cell, Matrix
from parvis.access.tests.matrices import DAYS, PARIS, cases, expected, random_matrix

CASES, QUICK_CASES = 1_000_000, 20_000
PER_MATRIX = 2_000
POLICIES = 500
DECISIONS = 4_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("Access rules")
    _meaning(report, Random(20_26), QUICK_CASES if arguments.quick else CASES)
    _speed(report, Random(7))
    return report.finish(arguments.json)


def _meaning(report: Report, random: Random, count: int) -> None:
    found: Counter[str] = Counter()
    for _ in range(count // PER_MATRIX):
        matrix = random_matrix(random)
        table = Table(read(matrices.text(matrix, zone=PARIS)))
        for case in cases(random, PER_MATRIX):
            allowed = table.decide(case.person, case.tool, case.context).allowed
            found["mismatch"] += allowed != expected(matrix, case)
            found["allowed"] += allowed
            found["live"] += table.entitlement(case.person, case.tool).state is State.LIVE
    note = f"{count:,} cases; {found['allowed'] / count:.0%} allowed, {found['live'] / count:.0%} decided live"
    report.row("decisions that are not what the matrix means", found["mismatch"], "== 0", note=note)


def _speed(report: Report, random: Random) -> None:
    table = Table(read(matrices.text(_large_matrix(random), zone=PARIS)))
    report.row("policies of the set", len(table.rules), f">= {POLICIES}")
    asked = [(_someone(random, number), _tool(random), _moment(random)) for number in range(DECISIONS)]
    for person, tool, _ in asked:
        table.entitlement(person, tool)  # the policies of each tool are parsed with the set, not at a decision

    def by_cedar(person: Person, tool: Tool, context: Context) -> None:
        table._entries.clear()
        table.decide(person, tool, context)

    live = [one for one in asked if table.entitlement(one[0], one[1]).state is State.LIVE]
    for person, tool, context in live:
        table.decide(person, tool, context)
    for name, act, among in (
        ("decided live, from the table", table.decide, live),
        ("decided by Cedar, nothing in the table", by_cedar, asked),
    ):
        times = sorted(_seconds(act, *one) * 1000 for one in among)
        note = f"median {statistics.median(times):.2f}; {len(times)} decisions"
        report.row(f"{name}, p99", times[int(len(times) * 0.99)], "< 2", unit="ms", note=note)
    person, tool, _ = asked[-1]
    table.entitlement(person, tool)
    rounds = []
    for _ in range(20):
        begun = time.thread_time()
        for _ in range(10_000):
            table.entitlement(person, tool)
        rounds.append((time.thread_time() - begun) / 10_000 * 1e6)
    report.row("look-up in the table", statistics.median(rounds), "< 5", unit="µs")


def _seconds(act: Callable[[Person, Tool, Context], object], person: Person, tool: Tool, context: Context) -> float:
    begun = time.thread_time()
    act(person, tool, context)
    return time.thread_time() - begun


def _large_matrix(random: Random) -> Matrix:
    rows = ["everyone", *(f"affiliation:{one}" for one in AFFILIATIONS), *(f"group:{number}" for number in range(60))]
    columns = ["assistant", "model", "corpus", *(f"assistant:{number}" for number in range(48))]
    return {column: {row: _cell(random) for row in random.sample(rows, 10)} for column in columns}


def _cell(random: Random) -> Cell:
    until = random.choice(DAYS) if random.random() < 0.3 else None
    return Cell(random.random() < 0.7, until=until, on_prem=random.random() < 0.2)


def _someone(random: Random, number: int) -> Person:
    groups = frozenset(str(group) for group in range(60) if random.random() < 0.15)
    return Person(str(number), random.choice(AFFILIATIONS), groups, "1")


def _tool(random: Random) -> Tool:
    return Tool("Assistant", str(random.randrange(60)), purpose=random.choice(PURPOSES))


def _moment(random: Random) -> Context:
    return next(cases(random, 1)).context


if __name__ == "__main__":
    sys.exit(main())
