"""What one model costs one institution: the worst before a call, what it was after. Pure; shared by both planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from parvis.ledger.budgets.messages import Amounts
from parvis.ledger.carbon import Slope
from parvis.ledger.pricing import Book, Linear, at_worst, book_for, paris_date, paris_midnight
from parvis.ledger.usage import Carbon, Quantities

MICROGRAMS_IN_A_MILLIGRAM = 1_000
_DAY = 86_400.0


@dataclass(slots=True)
class Tariff:
    """`slopes` None: the method of estimation does not know the model; `method` names it."""

    institution_id: int
    model_id: int | None
    agreement_id: int | None
    books: Sequence[Book]
    slopes: tuple[Slope, Slope] | None = None
    method: str = ""
    _since: float = 0.0  # of the day in Paris whose prices are at hand
    _prices: tuple[Linear, Linear] | None = field(default=None, repr=False)

    def worst(self, most: Quantities, at: datetime) -> Amounts:
        """As budgets reserve it."""
        return self.amounts(most, self.carbon(most, seconds=None), at, is_worst=True)

    def amounts(self, quantities: Quantities, carbon: Carbon | None, at: datetime, *, is_worst: bool = False) -> Amounts:
        """In the units of budgets: of carbon, the upper end of the estimate, rounded up. None where nobody knows."""
        prices = self._prices_at(at)
        paid = prices[is_worst].amount(quantities) if prices else None
        tokens = quantities.input_tokens + quantities.cached_tokens + quantities.output_tokens + quantities.embedding_tokens
        return Amounts(paid, tokens, None if carbon is None else -(-carbon.high_ug // MICROGRAMS_IN_A_MILLIGRAM))

    def carbon(self, quantities: Quantities, *, seconds: float | None) -> Carbon | None:
        """None for a model that the method does not know. Where no token came out, as of embeddings, it counts none."""
        if self.slopes is None:
            return None
        if not (tokens := quantities.output_tokens):
            return Carbon(0, 0, self.method)
        least, most = self.slopes
        low = round(least.of(tokens, seconds))
        high = low if most is least else round(most.of(tokens, seconds))
        return Carbon(low, max(low, high), self.method)

    def _prices_at(self, at: datetime) -> tuple[Linear, Linear] | None:
        """What a call costs and what it may; read again each day, at the hours that every day has."""
        if not 0 <= at.timestamp() - self._since < _DAY - 3_600:
            self._since = paris_midnight(paris_date(at)).timestamp()
            book = book_for(
                self.books, institution_id=self.institution_id, agreement_id=self.agreement_id, model_id=self.model_id, at=at
            )
            rates = book.rates[self.model_id] if book else None
            self._prices = None if rates is None else (Linear(rates), Linear(at_worst(rates)))
        return self._prices
