"""The one way in which amounts are rounded to be read, wherever they are. Pure.

To the nearest cent, half a cent away from zero; below ten cents, to two digits that say something. What is counted is exact,
in nano-euro: only what is shown is rounded. A statement is rounded line by line, and its sum is that of the lines.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from parvis.ledger.usage import NANO


def shown_euros(nano: int) -> Decimal:
    """With as many decimals as are to be shown."""
    value = Decimal(nano) / NANO
    digits = min(9, 1 - value.adjusted()) if nano and abs(value) < Decimal("0.1") else 2
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def decimals_of(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)
