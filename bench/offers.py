"""Offers: the cheapest set of contracts against trying all, what a portfolio takes, what sealing takes, contracts read.

    python -m bench.offers [--quick] [--json FILE]

Portfolios are generated: which needs a contract serves, and at what price, is drawn; some contracts are free, some cost the
same, some differ by a nano-euro.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from bench.report import Report
from parvis.offers import decp, overlap, sealing
from parvis.offers.overlap import EURO, Contract, Coverage

PRICES: dict[str, range] = {
    "any": range(10**14),
    "round": range(0, 200_000 * EURO, 5_000 * EURO),
    "close": range(10**14, 10**14 + 3),
}
PASSPHRASE = "une phrase assez longue pour un essai"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("Offers")
    _against_trying_all(report, instances=40 if arguments.quick else 200)
    _portfolios(report, rounds=1 if arguments.quick else 5)
    _sealing(report, answers=10 if arguments.quick else 50)
    _open_data(report, contracts=1_000 if arguments.quick else 10_000)
    return report.finish(arguments.json)


def _against_trying_all(report: Report, *, instances: int) -> None:
    generator = random.Random(1)
    differ = unproved = 0
    for instance in range(instances):
        prices = list(PRICES.values())[instance % len(PRICES)]
        contracts, coverages = _portfolio(generator, contracts=12, needs=14, prices=prices)
        found = overlap.cheapest(contracts, coverages)
        differ += found.kept != _by_trying_all(contracts, coverages)
        unproved += not found.proved
    note = f"{instances} portfolios of 12 contracts and 14 needs, all 4,096 sets of each tried"
    report.row("cheapest set of contracts other than by trying all", differ, "== 0", note=note)
    report.row("of them, not proved in whole numbers", unproved, "== 0")


def _portfolios(report: Report, *, rounds: int) -> None:
    generator = random.Random(2)
    overlap.cheapest(*_portfolio(generator, contracts=3, needs=3, prices=PRICES["any"]))  # loads the solver
    for name, prices in PRICES.items():
        worst, unproved = 0.0, 0
        for _ in range(rounds):
            alliance = [_portfolio(generator, contracts=30, needs=28, prices=prices) for _ in range(14)]
            start = time.perf_counter()
            found = [overlap.cheapest(*each) for each in alliance]
            worst = max(worst, time.perf_counter() - start)
            unproved += sum(not selection.proved for selection in found)
        note = f"prices {name}; worst of {rounds}"
        report.row("14 institutions × 30 contracts × 28 needs", worst, "<= 3", "s", note=note)
        report.row("of them, not proved", unproved, "== 0", note=note)


def _sealing(report: Report, *, answers: int) -> None:
    once = [_seconds(lambda: sealing.enrol(PASSPHRASE)) for _ in range(3)]
    report.row(
        "one passphrase", statistics.median(once), unit="s", note="scrypt, 64 MiB twice; what each guess costs a thief too"
    )
    cheap = [sealing.enrol(f"{PASSPHRASE} {number}", sealing.Cost(1, 1)) for number in range(7)]
    request = sealing.make_request_key(cheap, 4)
    content, context = random.Random(3).randbytes(200_000), sealing.Context("1", "2", 3)
    blobs: list[bytes] = []
    to = [request.public_key, cheap[0].public_key]
    taken = [_seconds(lambda: blobs.append(sealing.seal(content, context, to))) for _ in range(answers)]
    report.row("an answer of 200 kB sealed", 1000 * statistics.median(taken), "<= 50", "ms")
    shares = [
        sealing.contribute(f"{PASSPHRASE} {number}", cheap[number], request.sealed_shares[number], request.public_key)
        for number in (6, 1, 4, 3)
    ]
    private_key = sealing.rebuild(shares, request.public_key)
    opened = _seconds(lambda: [sealing.open_sealed(private_key, blob, context) for blob in blobs])
    report.row(f"{answers} answers opened together", 1000 * opened, "<= 1000", "ms", note="4 of 7 keyholders")


def _open_data(report: Report, *, contracts: int) -> None:
    rows = [_published(number) for number in range(contracts)]
    data = json.dumps({"marches": {"marche": rows}}).encode()
    read: list[decp.Parsed] = []
    seconds = _seconds(lambda: read.append(decp.parse(data)))
    report.row(
        "published contracts read", len(read[0].contracts) / contracts, "== 1", note=f"{contracts}, {len(data):,} bytes"
    )
    report.row("published contracts read per second", contracts / seconds, ">= 1000")


def _seconds(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _portfolio(
    generator: random.Random, *, contracts: int, needs: int, prices: range
) -> tuple[list[Contract], list[Coverage]]:
    density = generator.choice((0.08, 0.15, 0.3, 0.5))
    paid = [
        Contract(f"c{place:02}", frozenset({f"s{place:02}"}), generator.choice(prices), date(2027, 1, 1))
        for place in range(contracts)
    ]
    coverages = [
        Coverage(f"s{place:02}", f"n{need:02}", generator.choice(("ST", "DS")))
        for place in range(contracts)
        for need in range(needs)
        if generator.random() < density
    ]
    return paid, coverages


def _by_trying_all(contracts: list[Contract], coverages: list[Coverage]) -> tuple[str, ...]:
    """Sets in the order of their bits; each from the one with its lowest bit removed."""
    served = [{c.need for c in coverages if c.solution in contract.solutions} for contract in contracts]
    bits = {need: 1 << place for place, need in enumerate(sorted(set().union(*served)))}
    masks = [sum(bits[need] for need in needs) for needs in served]
    everything = sum(bits.values())
    silent = sum(1 << place for place, mask in enumerate(masks) if not mask)  # serve nothing known: always kept
    costs, unions = [0], [0]
    best: tuple[int, int, tuple[str, ...]] | None = None
    for chosen in range(1 << len(contracts)):
        if chosen:
            lowest = (chosen & -chosen).bit_length() - 1
            costs.append(costs[chosen & (chosen - 1)] + (contracts[lowest].yearly_cost or 0))
            unions.append(unions[chosen & (chosen - 1)] | masks[lowest])
        if unions[chosen] == everything and not silent & ~chosen and (best is None or costs[chosen] <= best[0]):
            kept = tuple(contract.id for place, contract in enumerate(contracts) if chosen >> place & 1)
            best = min(best or (costs[chosen] + 1, 0, ()), (costs[chosen], len(kept), kept))
    assert best
    return best[2]


def _published(number: int) -> dict[str, object]:
    return {
        "id": f"2026S{number:05}",
        "acheteur": {"id": "19350000000012"},
        "nature": "Marché",
        "objet": f"Fourniture et maintenance d’un service numérique n° {number}",
        "codeCPV": "72000000-5",
        "procedure": "Procédure adaptée",
        "dureeMois": 12 + number % 48,
        "dateNotification": "2026-03-01",
        "montant": 40_000.5 + number,
        "titulaires": [{"titulaire": {"typeIdentifiant": "SIRET", "id": "11122233300011"}}],
        "marcheInnovant": number % 7 == 0,
        "offresRecues": 1 + number % 5,
        "modifications": [{"modification": {"dateNotificationModification": "2026-09-01", "montant": 50_000 + number}}],
    }


if __name__ == "__main__":
    sys.exit(main())
