"""An answer as the bytes that are sealed, and back. What comes back is checked as what was sent."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from parvis.needs.workbooks import printable

from .answer import CODES, NANO, ZONES, Company, Grid, Line, Price
from .conformity import LONGEST, LONGEST_OF_COMPANY

FORMAT = "parvis-answer/1"
MOST_BYTES = 8_000_000
MOST_PRICES = 300


class NotAnAnswer(Exception):
    """The bytes say no answer to this version."""

    code = "not_an_answer"


def to_bytes(grid: Grid, fingerprint: str) -> bytes:
    """`fingerprint` is of the version that is answered."""
    said = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "lines": [asdict(line) for line in grid.lines if line != Line(line.requirement)],
        "prices": [asdict(price) for price in grid.prices],
        "company": asdict(grid.company),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=date.isoformat).encode()


def from_bytes(data: bytes, fingerprint: str) -> Grid:
    """Raises NotAnAnswer, and nothing else."""
    try:
        said = json.loads(data) if len(data) <= MOST_BYTES else {}
        if said["format"] != FORMAT or said["fingerprint"] != fingerprint:
            raise NotAnAnswer
        grid = Grid(
            lines=tuple(Line(**{**line, "available_date": _day(line["available_date"])}) for line in said["lines"]),
            prices=tuple(
                Price(**{**price, "valid_from": _day(price["valid_from"]), "valid_until": _day(price["valid_until"])})
                for price in said["prices"]
            ),
            company=Company(**{**said["company"], "no_training_date": _day(said["company"]["no_training_date"])}),
        )
        _check(grid)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAnAnswer from error
    return grid


def euros_as_decimal(amount_nano: int) -> Decimal:
    return Decimal(amount_nano) / NANO


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _check(grid: Grid) -> None:
    words: list[tuple[Any, int]] = [(line.requirement, 12) for line in grid.lines]
    words += [(getattr(line, name), LONGEST[name]) for line in grid.lines for name in ("proof", "comment")]
    words += [(getattr(price, name), LONGEST[name]) for price in grid.prices for name in ("label", "unit")]
    words += [(getattr(grid.company, name), limit) for name, limit in LONGEST_OF_COMPANY.items()]
    numbers: list[Any] = [part for price in grid.prices for part in (price.amount_nano, price.tier_from)]
    right = (
        all(isinstance(word, str) and len(word) <= limit and printable(word) == word for word, limit in words)
        and all(type(number) is int and 0 <= number < 2**63 for number in numbers)
        and all(line.code in (None, *CODES) for line in grid.lines)
        and len({line.requirement for line in grid.lines}) == len(grid.lines)
        and len(grid.prices) <= MOST_PRICES
        and grid.company.zone in (None, *ZONES)
        and grid.company.no_training in (None, True, False)
    )
    if not right:
        raise NotAnAnswer
