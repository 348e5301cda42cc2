"""The invented expenses add up as real ones do, say what they are, and are loaded once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from parvis.access.middleware import principal_of
from parvis.demo.expenses import BOOK, load_expenses
from parvis.demo.loader import load_people
from parvis.inference.models import LanguageModel
from parvis.ledger.actions.settlement import balances
from parvis.ledger.budgets.actions import overview
from parvis.ledger.models import Call, ExpenseStatement, PriceBook, Reconciliation
from parvis.ledger.pricing import paris_date


@pytest.mark.django_db
def test_expenses_are_loaded_once_and_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parvis.demo.expenses.DAYS", 40)
    profiles = load_people()
    for _again in range(2):
        load_expenses(profiles)
    here = profiles["ferrand"].institution_id
    assert Call.unscoped.filter(institution=here, price_version="").count() == 0
    assert Call.unscoped.count() > 500
    assert sum(balances(here).values()) == 0
    assert PriceBook.unscoped.get().name == BOOK
    assert set(LanguageModel.unscoped.values_list("enabled", flat=True)) == {False}, "none is ever asked"
    natures = list(ExpenseStatement.unscoped.order_by("id").values_list("nature", flat=True))
    assert natures == ["statement", "statement", "credit"]
    assert Reconciliation.unscoped.get().is_flagged
    gauges = [
        spent for branch in overview.tree(principal_of(profiles["ferrand"]), timezone.now()) for _one, spent in branch.budgets
    ]
    assert paris_date(timezone.now()).day == 1 or any(spent and spent.opening for spent in gauges)
