"""What the amount of a need obliges to, by a dated table that a lawyer can read and an administrator can replace.

An amount is the estimated value of the need, taxes excluded, over the whole term with its renewals. It is the need that
counts, not the order: what several services of one institution buy for the same need is added up before it is compared. The
day is the one the consultation is started on. These are warnings, not legal advice; the table says which rows are uncertain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Literal

Code = Literal["exempt", "exempt_if_innovative", "formal_procedure"]
Caution = Literal["", "to_verify", "category_to_confirm"]
INITIAL_TABLE = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True, slots=True)
class Threshold:
    """`exempt`, `exempt_if_innovative`: below the amount, neither publicity nor competition. `formal_procedure`: from it on.
    `valid_until` is the last day, or None. `caution` says what a person must check before relying on the row."""

    code: Code
    amount_euro_cents: int
    valid_from: date
    valid_until: date | None
    legal_reference: str
    caution: Caution = ""

    def is_in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Purchase:
    """`need` is the computed need: what is homogeneous by nature or works as one whole. A grouped order is one buyer."""

    institution: str
    service: str
    need: str
    amount_euro_cents: int
    innovative: bool = False


@dataclass(frozen=True, slots=True)
class ThresholdWarning:
    """`code`, for the total of an institution's need:

    exempt                neither publicity nor competition is required
    exempt_if_innovative  the same, only because every purchase is declared innovative
    competition_required  an adapted procedure
    formal_procedure      a formal procedure
    split                 only the total reaches `threshold`, no purchase alone does
    threshold_unknown     the table has no row of kind `missing` for that day
    """

    code: str
    institution: str
    need: str
    amount_euro_cents: int
    services: tuple[str, ...]
    threshold: Threshold | None
    missing: Code | None = None


class TableError(Exception):
    """Two rows of one kind are in force on one day."""

    code = "thresholds_overlap"

    def __init__(self, row: Threshold) -> None:
        super().__init__(self.code)
        self.params = {"code": row.code, "valid_from": row.valid_from}


def read_table(path: Path = INITIAL_TABLE) -> tuple[Threshold, ...]:
    rows = tuple(_row(**row) for row in json.loads(path.read_text(encoding="utf-8")))
    check_table(rows)
    return rows


def check_table(table: Iterable[Threshold]) -> None:
    for _, rows in groupby(sorted(table, key=lambda row: (row.code, row.valid_from)), key=lambda row: row.code):
        previous: Threshold | None = None
        for row in rows:
            if previous and previous.is_in_force(row.valid_from):
                raise TableError(row)
            previous = row


def warnings(purchases: Iterable[Purchase], table: Sequence[Threshold], on: date) -> list[ThresholdWarning]:
    """What applies to each institution's need, followed by what its total reaches and no purchase alone does."""
    in_force = {row.code: row for row in table if row.is_in_force(on)}
    ordered = sorted(purchases, key=_buyer_and_need)
    groups = (list(group) for _, group in groupby(ordered, key=_buyer_and_need))
    return [warning for group in groups for warning in _of_need(group, in_force)]


def _of_need(purchases: list[Purchase], in_force: dict[Code, Threshold]) -> Iterable[ThresholdWarning]:
    total = sum(purchase.amount_euro_cents for purchase in purchases)
    services = tuple(sorted({purchase.service for purchase in purchases}))

    def warn(code: str, threshold: Threshold | None, missing: Code | None = None) -> ThresholdWarning:
        return ThresholdWarning(code, purchases[0].institution, purchases[0].need, total, services, threshold, missing)

    exempt, formal = in_force.get("exempt"), in_force.get("formal_procedure")
    exempt_if_innovative = in_force.get("exempt_if_innovative") if all(p.innovative for p in purchases) else None
    if formal and total >= formal.amount_euro_cents:
        yield warn("formal_procedure", formal)
    elif exempt and total < exempt.amount_euro_cents:
        yield warn("exempt", exempt)
    elif exempt_if_innovative and total < exempt_if_innovative.amount_euro_cents:
        yield warn("exempt_if_innovative", exempt_if_innovative)
    elif exempt:
        yield warn("competition_required", exempt)
    if hidden := _hidden_by_splitting(purchases, total, exempt_if_innovative or exempt, formal):
        yield warn("split", hidden)
    if not exempt:
        yield warn("threshold_unknown", None, "exempt")
    if not formal:
        yield warn("threshold_unknown", None, "formal_procedure")


def _hidden_by_splitting(purchases: list[Purchase], total: int, *thresholds: Threshold | None) -> Threshold | None:
    """The highest threshold that only the total reaches."""
    largest = max(purchase.amount_euro_cents for purchase in purchases)
    hidden = [row for row in thresholds if row and largest < row.amount_euro_cents <= total]
    return max(hidden, key=lambda row: row.amount_euro_cents, default=None)


def _buyer_and_need(purchase: Purchase) -> tuple[str, str]:
    return purchase.institution, purchase.need


def _row(
    *,
    code: Code,
    amount_euro_cents: int,
    valid_from: str,
    valid_until: str | None,
    legal_reference: str,
    caution: Caution,
) -> Threshold:
    first, last = date.fromisoformat(valid_from), date.fromisoformat(valid_until) if valid_until else None
    return Threshold(code, amount_euro_cents, first, last, legal_reference, caution)
