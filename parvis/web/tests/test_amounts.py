"""What people type as an amount is understood as they meant it, or refused in one sentence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django import forms
from django.utils.translation import override

from parvis.web.amounts import AmountField, UnclearAmountError, read_amount, typed


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2 000,50", "2000.5"),
        ("2\u00a0000,50", "2000.5"),
        ("2\u202f000,50 €", "2000.5"),
        ("2’000.50", "2000.5"),
        ("2,000.50", "2000.5"),
        ("2.000,50", "2000.5"),
        ("1.234.567", "1234567"),
        ("1 234 567", "1234567"),
        ("2000,5", "2000.5"),
        ("€2000.5", "2000.5"),
        ("0,125", "0.125"),
        ("1234,567", "1234.567"),
        ("2 000,125", "2000.125"),
        ("1,2340", "1.234"),
        (",5", "0.5"),
        ("12 euros", "12"),
        ("-3,5", "-3.5"),
    ],
)
def test_french_and_english_are_read(text: str, amount: str) -> None:
    assert read_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["", "€", "20 00", "1,23,4", "1.234.56", "1e3", "12 $", "1.2.3", "1,234,567,890.1.2", "NaN", "x" * 90]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UnclearAmountError) as error:
        read_amount(text)
    assert error.value.readings == ()


@pytest.mark.parametrize("text", ["1,234", "12.345", "999,000"])
def test_what_two_readers_would_read_otherwise_is_refused_with_both(text: str) -> None:
    field = AmountField(decimal_places=9, max_digits=16)
    with override("fr"), pytest.raises(forms.ValidationError) as error:
        field.clean(text)
    whole, decimals = text[:-4], text[-3:]
    assert f"{whole}{decimals}" in error.value.messages[0]
    assert typed(Decimal(f"{whole}.{decimals}")).replace(".", ",") in error.value.messages[0]


def test_what_a_field_shows_is_what_it_reads() -> None:
    field = AmountField(decimal_places=9, max_digits=16)
    for language in ("fr", "en"):
        with override(language):
            for amount in ("1.234", "0.1", "2000.5", "12", "0.000000001", "1234567.891"):
                assert field.clean(field.prepare_value(Decimal(amount))) == Decimal(amount)


def test_whole_euros_are_whole() -> None:
    field = AmountField(whole=True, min_value=1, max_value=10_000)
    assert field.clean("2 000,00") == 2000
    assert isinstance(field.clean("2 000"), int)
    for refused in ("2 000,50", "0", "20 000"):
        with pytest.raises(forms.ValidationError):
            field.clean(refused)
