"""What one model costs one institution: the worst before a call, what it was after. Pure; shared by both planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parvis.ledger.budgets.messages import Amounts
from parvis.ledger.carbon import Slope
from parvis.ledger.pricing import Book, Price, price, worst_case
from parvis.ledger.usage import Carbon, Quantities

MICROGRAMS_IN_A_MILLIGRAM = 1_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """`slopes` None: the method of estimation does not know the model; `method` names it."""

    institution_id: int
    model_id: int | None
    agreement_id: int | None
    books: Sequence[Book]
    slopes: tuple[Slope, Slope] | None = None
    method: str = ""

    def worst(self, most: Quantities, at: datetime) -> Amounts:
        """As budgets reserve it. No tokens out, as of embeddings, are estimated at no carbon: the method counts no more."""
        paid = worst_case(
            self.books,
            most,
            institution_id=self.institution_id,
            agreement_id=self.agreement_id,
            model_id=self.model_id,
            at=at,
        )
        return amounts(paid, most, self.carbon(most, seconds=None))

    def price(self, quantities: Quantities, at: datetime) -> Price:
        return price(
            self.books,
            quantities,
            institution_id=self.institution_id,
            agreement_id=self.agreement_id,
            model_id=self.model_id,
            at=at,
        )

    def carbon(self, quantities: Quantities, *, seconds: float | None) -> Carbon | None:
        """None for a model that the method does not know."""
        if self.slopes is None:
            return None
        low, high = (round(slope.of(quantities.output_tokens, seconds)) for slope in self.slopes)
        return Carbon(low, max(low, high), self.method) if quantities.output_tokens else Carbon(0, 0, self.method)


def amounts(paid: Price, quantities: Quantities, carbon: Carbon | None) -> Amounts:
    """In the units of budgets: of carbon, the upper end of the estimate, rounded up."""
    tokens = quantities.input_tokens + quantities.cached_tokens + quantities.output_tokens + quantities.embedding_tokens
    milligrams = None if carbon is None else -(-carbon.high_ug // MICROGRAMS_IN_A_MILLIGRAM)
    return Amounts(paid.nano, tokens, milligrams)
