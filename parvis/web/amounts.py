"""Amounts of money as people type them, in French or in English: "2 000,50", "2,000.50", "2000.5 €"."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.formats import get_format
from django.utils.translation import gettext as _

_UNIT = re.compile(r"^(?:€|EUR)\s*|\s*(?:€|EUR|euros?)$", re.IGNORECASE)
_GROUPED = r"[0-9]{1,3}(?:%s[0-9]{3})+"
_SPACE = r"[\s\u202f\u00a0\u2009'’]"  # what parts thousands and nothing else
_DECIMALS = r"(?P<mark>[.,])(?P<decimals>[0-9]*)"
_PLAIN = re.compile(rf"(?P<whole>[0-9]*|{_GROUPED % _SPACE})(?:{_DECIMALS})?")
_POINTS, _COMMAS = (re.compile(rf"(?P<whole>{_GROUPED % re.escape(mark)})(?:{_DECIMALS})?") for mark in ".,")


class UnclearAmountError(ValueError):
    """`readings`: the two things it may mean; none where it means nothing."""

    def __init__(self, readings: tuple[Decimal, ...] = ()) -> None:
        super().__init__("unclear amount")
        self.readings = readings


def read_amount(typed: str) -> Decimal:
    """Raises UnclearAmountError, also for what a French and an English reader would read otherwise: "1,234"."""
    text = _UNIT.sub("", typed.strip()).strip()
    sign, text = (-1, text[1:].strip()) if text[:1] in ("-", "\N{MINUS SIGN}") else (1, text)
    if len(text) > 40 or not any(character.isdigit() for character in text):
        raise UnclearAmountError
    if re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", text):
        whole, decimals = re.split("[.,]", text)
        raise UnclearAmountError((sign * Decimal(f"{whole}.{decimals}"), sign * Decimal(whole + decimals)))
    for shape in (_PLAIN, _POINTS, _COMMAS):
        if (found := shape.fullmatch(text)) and not _is_twice(found):
            whole, decimals = re.sub(r"[^0-9]", "", found["whole"]) or "0", (found["decimals"] or "").rstrip("0")
            return sign * Decimal(f"{whole}.{decimals}" if decimals else whole)
    raise UnclearAmountError


def _is_twice(found: re.Match[str]) -> bool:
    """One mark cannot part thousands and decimals both."""
    return bool(found["mark"]) and found["mark"] in found["whole"]


class AmountField(forms.DecimalField):
    """`whole`: in whole euros, given as an int."""

    def __init__(self, *, whole: bool = False, **kwargs: Any) -> None:
        self._whole = whole
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**(kwargs | ({"decimal_places": 0} if whole else {})))

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            amount = value if isinstance(value, Decimal) else read_amount(str(value))
        except UnclearAmountError as error:
            raise forms.ValidationError(_sentence(str(value), error)) from None
        if self._whole and amount == amount.to_integral_value():
            return int(amount)
        return amount

    def validate(self, value: Any) -> None:
        if self._whole and isinstance(value, Decimal):
            raise forms.ValidationError(_("In whole euros, without cents."))
        super().validate(Decimal(value) if isinstance(value, int) else value)

    def run_validators(self, value: Any) -> None:
        super().run_validators(Decimal(value) if isinstance(value, int) else value)

    def prepare_value(self, value: Any) -> Any:
        return typed(value) if isinstance(value, int | float | Decimal) else value


def typed(amount: float | Decimal) -> str:
    """As the reader's language would type it, and never as what could be read otherwise."""
    whole, _point, decimals = f"{Decimal(str(amount)):f}".partition(".")
    decimals = decimals.rstrip("0")
    decimals = f"{decimals}0" if len(decimals) in (1, 3) else decimals
    return f"{whole}{get_format('DECIMAL_SEPARATOR')}{decimals}" if decimals else whole


def _sentence(typed_text: str, error: UnclearAmountError) -> str:
    if not error.readings:
        return _("“%(typed)s” is no amount. Write it as 2 000,50 or 2,000.50.") % {"typed": typed_text[:40]}
    less, more = (typed(one) for one in error.readings)
    words = {"typed": typed_text[:40], "less": less, "more": more}
    return _("“%(typed)s” may be read as %(less)s or as %(more)s: write one of the two.") % words
