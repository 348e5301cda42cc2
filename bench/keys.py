"""API keys: does anything open that was not given, and what does telling so cost?

    python -m bench.keys [--quick] [--json FILE]

A credential opens when it has the shape of a key and its keyed hash is one of those given: the rest is a look-up by equality.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from random import Random

from bench.report import Report
from parvis.access.keys import tokens
from parvis.access.tests.credentials import hostile

TRIED, QUICK_TRIED = 1_000_000, 10_000
GIVEN = 1_000
MASTER = "a master secret of the bench"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("API keys")
    given = [tokens.new_token() for _ in range(GIVEN)]
    kept = {tokens.digest(token, master=MASTER) for token in given}
    report.row("keys given that do not open", sum(not _opens(token, kept) for token in given), "== 0", note=f"{GIVEN:,} keys")
    count = QUICK_TRIED if arguments.quick else TRIED
    opened = sum(_opens(tried, kept) for tried in hostile(Random(20_26), given, count))
    report.row("hostile credentials that open", opened, "== 0", note=f"{count:,} tried")
    times = sorted(_seconds(token, kept) * 1e6 for token in given * 5)
    report.row("telling whose a key is, p99", times[int(len(times) * 0.99)], "< 100", unit="µs", note=_median(times))
    return report.finish(arguments.json)


def _opens(credential: str, kept: set[str]) -> bool:
    return tokens.is_well_formed(credential) and tokens.digest(credential, master=MASTER) in kept


def _seconds(token: str, kept: set[str]) -> float:
    begun = time.thread_time()
    _opens(token, kept)
    return time.thread_time() - begun


def _median(times: list[float]) -> str:
    return f"median {statistics.median(times):.1f}; without the look-up"


if __name__ == "__main__":
    sys.exit(main())
