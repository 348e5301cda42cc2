"""*Relevé de consommation*: the lines of a month, less those that were stated before. Pure.

Amounts of lines are exact, in nano-euro, and add up to the ledger; what is paid is each line rounded once to the cent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from parvis.ledger.pricing import Rates, Unit, used
from parvis.ledger.usage import Quantities

CENT = 10_000_000  # nano-euro


@dataclass(frozen=True, slots=True)
class Counted:
    """Calls of a month that are alike, added up: `priced` calls at the prices of one book, and calls without a price."""

    component: str
    app: str
    model_id: int | None
    model_name: str
    agreement_id: int | None
    price_version: str  # "" for calls without a price
    calls: int
    quantities: Quantities
    amount_nano: int
    carbon_low_ug: int = 0
    carbon_high_ug: int = 0
    carbon_calls: int = 0  # those whose emissions are known
    carbon_method: str = ""
    estimated_calls: int = 0  # whose tokens nobody counted to the end
    estimated_nano: int = 0  # of the amount


@dataclass(frozen=True, slots=True)
class Part:
    """What one unit of a line came to, before rounding: `quantity` times `rate_nano`, divided by `pricing.PER`."""

    unit: str
    quantity: int
    rate_nano: int


@dataclass(frozen=True, slots=True)
class Line:
    component: str
    app: str
    model_id: int | None
    model_name: str
    agreement_id: int | None
    price_version: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    embedding_tokens: int
    images: int
    milliseconds: int
    amount_nano: int
    carbon_low_ug: int
    carbon_high_ug: int
    carbon_calls: int
    carbon_method: str
    parts: tuple[Part, ...] = ()
    estimated_calls: int = 0
    estimated_nano: int = 0

    @property
    def is_valued(self) -> bool:
        return bool(self.price_version)

    @property
    def cents(self) -> int:
        """What is paid."""
        return to_cents(self.amount_nano)

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Line:
        return cls(**{**plain, "parts": tuple(Part(**part) for part in plain["parts"])})


def lines_of(counted: Iterable[Counted], rates: Mapping[tuple[str, int | None], Rates]) -> list[Line]:
    """`rates`: of each book and model that priced something."""
    found = [_line(one, rates.get((one.price_version, one.model_id), {})) for one in counted]
    return sorted(found, key=_key)


def less(lines: Iterable[Line], stated: Iterable[Line]) -> list[Line]:
    """What is left to state: nothing for a line that was stated as it is."""
    before: dict[tuple[Any, ...], Line] = {}
    for line in stated:
        before[_key(line)] = _added(before[_key(line)], line, 1) if _key(line) in before else line
    left = [_added(line, before.pop(_key(line)), -1) if _key(line) in before else line for line in lines]
    left += [_negated(line) for line in before.values()]
    return sorted((line for line in left if _says_something(line)), key=_key)


def total(lines: Iterable[Line]) -> int:
    """Exact, in nano-euro."""
    return sum(line.amount_nano for line in lines)


def payable(lines: Iterable[Line]) -> int:
    """In cents: the sum of what the lines show."""
    return sum(line.cents for line in lines)


def unvalued(lines: Iterable[Line]) -> int:
    return sum(line.calls for line in lines if not line.is_valued)


def estimated(lines: Iterable[Line]) -> tuple[int, int]:
    """How many calls, and nano-euro of the total."""
    lines = list(lines)
    return sum(line.estimated_calls for line in lines), sum(line.estimated_nano for line in lines)


def to_cents(nano: int) -> int:
    """Half a cent goes away from zero: a credit note gives back what was asked."""
    cents = (2 * abs(nano) + CENT) // (2 * CENT)
    return cents if nano >= 0 else -cents


def digest(lines: Sequence[Line]) -> str:
    """Two statements with the same say the same."""
    told = json.dumps([line.plain() for line in lines], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()


_SUMS = (
    "calls",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "embedding_tokens",
    "images",
    "milliseconds",
    "amount_nano",
    "carbon_low_ug",
    "carbon_high_ug",
    "carbon_calls",
    "estimated_calls",
    "estimated_nano",
)


def _line(counted: Counted, rates: Rates) -> Line:
    quantities = counted.quantities
    return Line(
        counted.component,
        counted.app,
        counted.model_id,
        counted.model_name,
        counted.agreement_id,
        counted.price_version,
        counted.calls,
        quantities.input_tokens,
        quantities.cached_tokens,
        quantities.output_tokens,
        quantities.embedding_tokens,
        quantities.images,
        quantities.milliseconds,
        counted.amount_nano,
        counted.carbon_low_ug,
        counted.carbon_high_ug,
        counted.carbon_calls,
        counted.carbon_method,
        _parts(counted, rates),
        counted.estimated_calls,
        counted.estimated_nano,
    )


def _parts(counted: Counted, rates: Rates) -> tuple[Part, ...]:
    """Those of the same unit together: cached tokens may be paid as input."""
    sums: dict[Unit, int] = {}
    for unit, quantity in used(rates, counted.quantities):
        sums[unit] = sums.get(unit, 0) + (counted.calls if unit == Unit.REQUEST else quantity)
    return tuple(Part(unit.value, quantity, rates[unit]) for unit, quantity in sums.items() if quantity and unit in rates)


def _key(line: Line) -> tuple[Any, ...]:
    model = -1 if line.model_id is None else line.model_id
    agreement = -1 if line.agreement_id is None else line.agreement_id
    return (line.component, line.app, line.model_name, model, agreement, line.price_version, line.carbon_method)


def _added(line: Line, other: Line, sign: int) -> Line:
    values = line.plain()
    for name in _SUMS:
        values[name] += sign * getattr(other, name)
    values["parts"] = [asdict(part) for part in _added_parts(line.parts, other.parts, sign)]
    return Line.from_plain(values)


def _added_parts(parts: Sequence[Part], others: Sequence[Part], sign: int) -> list[Part]:
    sums = {(part.unit, part.rate_nano): part.quantity for part in parts}
    for part in others:
        key = (part.unit, part.rate_nano)
        sums[key] = sums.get(key, 0) + sign * part.quantity
    return [Part(unit, quantity, rate) for (unit, rate), quantity in sums.items() if quantity]


def _negated(line: Line) -> Line:
    values = line.plain()
    nothing = Line.from_plain({**values, **dict.fromkeys(_SUMS, 0), "parts": []})
    return _added(nothing, line, -1)


def _says_something(line: Line) -> bool:
    return any(getattr(line, name) for name in _SUMS)
