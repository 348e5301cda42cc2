"""What is wrong with a file for a portfolio, or with one of its rows: what happened, what to do."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.needs.import_messages import list_sentence
from parvis.offers.decp import Problem
from parvis.offers.portfolio_sheet import SheetError


def sheet_sentence(code: str, params: Mapping[str, str]) -> str:
    """For a code of `workbooks.Refused`: the file as a whole. Nothing of it was kept."""
    if code == "no_header":
        words = _("No row of the file names the columns (read: %(seen)s). Give it headings such as those of the model.")
        return words % {"seen": params.get("first_line", "")}
    return list_sentence(code, params)


def sheet_error_sentence(error: SheetError) -> str:
    return _ROWS[error.code] % {**error.params, "column": error.column}


def decp_sentence(code: str) -> str:
    return str(_OPEN_DATA[code])


def problem_sentence(problem: Problem) -> str:
    words = str(_PROBLEMS[problem.code]) % {"field": problem.field, "value": problem.value}
    whose = f"{problem.id} : " if problem.id else ""
    left = _("The contract is left out.") if problem.skipped else _("The contract is read without it.")
    return f"{whose}{words} {left}"


_ROWS = {
    "missing_name": gettext_lazy("The row names no tool. Fill in its name."),
    "too_long": gettext_lazy("“%(column)s” has %(length)s characters; it may have %(limit)s. Shorten it."),
    "bad_amount": gettext_lazy("“%(found)s” in “%(column)s” is not an amount. Write a number of euros, such as 12340,50."),
    "bad_date": gettext_lazy("“%(found)s” in “%(column)s” is not a date. Write it as 31/12/2026."),
    "dates_reversed": gettext_lazy("The last day is before the first one."),
    "formula": gettext_lazy("“%(column)s” holds a formula (%(found)s), which is not computed here. Paste its value."),
    "extra_cells": gettext_lazy("A cell stands to the right of the last heading. Give its column a heading, or empty it."),
    "repeated": gettext_lazy("It says the same as row %(row)s, which is kept. Remove one of the two."),
}
_OPEN_DATA = {
    "not_json": gettext_lazy("This is not JSON. Download the file of contracts again, without opening it in a spreadsheet."),
    "no_contracts": gettext_lazy("The file holds no list of contracts. Choose the JSON file of essential data (DECP)."),
    "too_large": gettext_lazy("The file is larger than 60 MB. Take the file of your own buyer profile, or of one year."),
}
_PROBLEMS = {
    "field_missing": gettext_lazy("“%(field)s” is missing."),
    "field_unreadable": gettext_lazy("“%(value)s” in “%(field)s” cannot be read."),
    "value_implausible": gettext_lazy("“%(value)s” in “%(field)s” is not plausible."),
    "not_a_contract": gettext_lazy("“%(value)s” is not a contract."),
    "concession": gettext_lazy("It is a concession: it is not bought."),
}
