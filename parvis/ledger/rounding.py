"""The one way in which amounts and emissions are rounded to be read, wherever they are. Pure.

To the nearest cent, half a cent away from zero; below ten cents, to two digits that say something. What is counted is exact,
in nano-euro: only what is shown is rounded. A statement is rounded line by line, and its sum is that of the lines.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from parvis.ledger.usage import MICROGRAMS, NANO


def shown_euros(nano: int) -> Decimal:
    """With as many decimals as are to be shown."""
    value = Decimal(nano) / NANO
    digits = min(9, 1 - value.adjusted()) if nano and abs(value) < Decimal("0.1") else 2
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def shown_grams(micrograms: int) -> tuple[Decimal, str]:
    """With the unit that it is told in."""
    value = Decimal(micrograms) / MICROGRAMS
    if abs(value) >= 1_000:
        return (value / 1_000).quantize(Decimal("0.01"), ROUND_HALF_UP), "kg"
    return value.quantize(Decimal("0.01") if abs(value) >= 1 else Decimal("0.001"), ROUND_HALF_UP), "g"


def decimals_of(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)
