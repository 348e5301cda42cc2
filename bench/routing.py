"""Routing by residency: does anything ever leave for a model that is forbidden to it?

    python -m bench.routing [--quick] [--json FILE]

Requests of every kind (answers, streams, tools, images, titles, embeddings) are made in generated worlds of models, matrices,
rights and attestations, while models fail, rest and come back; each is followed through its failovers, retries and hedges. An
oracle that shares no line with the engine says of everything that was sent whether it might be. The time is of the processor,
on the thread that decides.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from random import Random

from bench.report import Report
from parvis.inference.routing import route
from parvis.inference.tests.worlds import KINDS, NOW, request, run, world

CASES, QUICK_CASES = 1_000_000, 20_000
PER_WORLD = 10
DECISIONS = 20_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("Routing by residency")
    _residency(report, Random(20_26), QUICK_CASES if arguments.quick else CASES)
    _speed(report, Random(7))
    return report.finish(arguments.json)


def _residency(report: Report, random: Random, count: int) -> None:
    found: Counter[str] = Counter()
    by_kind = {kind: Counter[str]() for kind in KINDS}
    kinds = list(KINDS)
    for number in range(count):
        if number % PER_WORLD == 0:
            given = world(random)
        kind = kinds[number % len(kinds)]
        seen = run(random, given, request(random, kind, given.candidates))
        by_kind[kind] += seen
        found += seen
    sent = f"{count:,} cases, {found['requests']:,} requests sent; {found['refused'] / count:.0%} of the cases refused"
    report.row("requests at a forbidden model", found["forbidden"], "== 0", note=sent)
    for kind, seen in by_kind.items():
        report.row(f"of which {kind}", seen["forbidden"], "== 0", note=f"{seen['requests']:,} requests sent")
    report.row("failovers, retries and hedges among them", found["failovers"] + found["retries"] + found["hedges"], ">= 1000")
    report.row("refusals while an allowed model answered", found["given_up_early"], "== 0")
    report.row("first attempts that are not the plan’s", found["inconsistent"], "== 0")
    report.row("answers longer than a model’s limit asked for", found["too_many_tokens"], "== 0")
    report.row("requests counted in flight for ever", found["left_in_flight"], "== 0")


def _speed(report: Report, random: Random) -> None:
    worlds = [world(random) for _ in range(200)]
    cases = [(given, request(random, "stream", given.candidates)) for given in worlds for _ in range(DECISIONS // 200)]
    spent = []
    for given, asked in cases:
        begun = time.thread_time_ns()
        route(asked, given.candidates, given.matrix, given.health, NOW)
        spent.append((time.thread_time_ns() - begun) / 1_000)
    report.row("one decision, median, µs", round(statistics.median(spent), 1), "<= 50")


if __name__ == "__main__":
    sys.exit(main())
