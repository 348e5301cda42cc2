"""Isolation: can anybody of one institution reach another's rows, by any route or by any SQL?

    python -m bench.isolation [--quick] [--json FILE] [--http N] [--sql N] [--seed N]

Under `python -m tools.postgres` (or `make isolation`) requests and SQL are both tried on PostgreSQL, as the role that serves;
without a server, requests on SQLite. Attempts are drawn from the seed that is printed: the same seed, the same attempts.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from itertools import islice
from random import Random

from bench.report import Report

HTTP, SQL, SMALL = 100_000, 1_000_000, 100
SEED = 20_26


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"1/{SMALL} of the counts")
    parser.add_argument("--json")
    parser.add_argument("--http", type=int, default=HTTP)
    parser.add_argument("--sql", type=int, default=SQL)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    part = SMALL if arguments.quick else 1
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.db import connection, transaction
    from django.test.utils import setup_test_environment, teardown_test_environment

    logging.disable(logging.CRITICAL)
    setup_test_environment()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    report = Report("Isolation")
    try:
        with transaction.atomic():
            from tests.isolation import world

            built = world.build()
            connection.check_constraints()
            if connection.vendor == "postgresql":
                _sql(report, arguments.sql // part, arguments.seed)
            _http(report, built, arguments.http // part, arguments.seed)
            transaction.set_rollback(True)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
    return report.finish(arguments.json)


def _sql(report: Report, count: int, seed: int) -> None:
    from django.db import connection

    from tests.isolation.sql import Attacker

    attacker = Attacker(connection.connection)
    attempts, begun, reached = attacker.drawn(Random(seed)), time.perf_counter(), 0
    for attempt in islice(attempts, count):
        if what := attacker.reached(attempt):
            reached += 1
            print(f"{what}: {attempt}", file=sys.stderr)
    rate = count / (time.perf_counter() - begun)
    report.row(
        "SQL attempts that reached another institution",
        reached,
        "== 0",
        note=f"{_said(count, SQL)} of seed {seed}, {rate:.0f}/s",
    )


def _http(report: Report, built: object, count: int, seed: int) -> None:
    from django.db import connection

    from tests.isolation.attempts import Range, drawn, leaks
    from tests.isolation.world import World

    assert isinstance(built, World)
    place = Range(built)
    attempts, begun = drawn(place, Random(seed)), time.perf_counter()
    found = []
    while place.made < count:
        if fault := leaks(place, next(attempts)):
            found.append(fault)
            print(fault, file=sys.stderr)
    rate = place.made / (time.perf_counter() - begun)
    note = f"{_said(place.made, HTTP)} requests of seed {seed} on {connection.vendor}, {rate:.0f}/s"
    report.row("requests that told something of another institution", len(found), "== 0", note=note)


def _said(made: int, whole: int) -> str:
    return f"{made:,}" if made >= whole else f"{made:,}, and not {whole:,},"


if __name__ == "__main__":
    sys.exit(main())
