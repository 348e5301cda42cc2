"""What is wrong with a list of needs, or with one of its rows: what happened, what to do."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.needs.sheets import RowError


def row_sentence(error: RowError) -> str:
    numbers = {name: int(error.params[name]) for name in ("length", "limit") if name in error.params}
    counts = {name: number_format(number, force_grouping=True) for name, number in numbers.items()}
    params = {**error.params, **counts, "column": error.column or _("Description")}
    return _ROWS[error.code] % params


def list_sentence(code: str, params: Mapping[str, str]) -> str:
    """For a code of `workbooks.Refused`: the file as a whole. Nothing of it was kept."""
    if code == "no_header":
        seen = params.get("first_line") or params.get("sheets") or ""
        return _NO_HEADER % {"seen": seen}
    return _LISTS.get(code, _UNKNOWN) % {name: _readable(name, value) for name, value in params.items()}


def _readable(name: str, value: str) -> str:
    """Sizes in megabytes, counts grouped."""
    if not value.isdecimal():
        return value
    number = int(value)
    return (
        number_format(number / 1_000_000, decimal_pos=0 if number > 9_500_000 else 1)
        if number > 500_000
        else number_format(number, force_grouping=True)
    )


_ROWS = {
    "extra_cells": gettext_lazy("A cell stands to the right of the last heading. Give its column a heading, or empty it."),
    "formula": gettext_lazy("“%(column)s” holds a formula (%(value)s), which is not computed here. Paste its value instead."),
    "cell_error": gettext_lazy("“%(column)s” shows an error (%(value)s). Correct it in the spreadsheet."),
    "no_words": gettext_lazy(
        "“%(column)s” holds %(value)s, and no words. Write what is needed, or give the column its heading."
    ),
    "missing_text": gettext_lazy("The row says no need: fill in its title or its description."),
    "too_long": gettext_lazy("“%(column)s” has %(length)s characters; it may have %(limit)s. Shorten it."),
    "too_short": gettext_lazy(
        "“%(column)s” is too short to say what is needed: %(length)s of %(limit)s characters at least. Write a little more."
    ),
    "unclosed_quote": gettext_lazy("A quotation mark is opened and never closed. Close it, or remove it."),
    "repeated": gettext_lazy(
        "It says the same as row %(row)s, which is kept. Remove one of the two, or give each a reference."
    ),
}
_LISTS = {
    "ambiguous_column": gettext_lazy("Several columns mean the same thing: %(columns)s. Keep one of them."),
    "corrupt": gettext_lazy(
        "The file is damaged and cannot be opened. Open it in your spreadsheet, save it again, then send the new file."
    ),
    "decompression_bomb": gettext_lazy(
        "Once unpacked the file would be larger than %(limit)s MB. Remove images and unused sheets."
    ),
    "empty": gettext_lazy("The file is empty. Check it on your computer, then send it again."),
    "encrypted": gettext_lazy("The file is protected by a password. Save a copy without the password, then send that copy."),
    "merged_cells": gettext_lazy(
        "The sheet “%(sheet)s” has merged cells (%(cells)s): which row they belong to is not known. Split them."
    ),
    "not_a_spreadsheet": gettext_lazy(
        "This is not a list. Send a CSV file or an XLSX workbook, such as the model of this page filled in."
    ),
    "nul_bytes": gettext_lazy("This is not a text file. Save the list as CSV (UTF-8) or as XLSX, then send it."),
    "old_format": gettext_lazy("The XLS format of before 2007 is not read. Save the workbook as XLSX, then send it."),
    "too_large": gettext_lazy("The file is larger than %(limit)s MB. Send the list in several files."),
    "too_many_columns": gettext_lazy("The list has more than %(limit)s columns. Keep those of the model."),
    "too_many_rows": gettext_lazy("The list has more than %(limit)s rows. Send it in several files."),
}
_NO_HEADER = gettext_lazy(
    "No row of the file names the columns (read: %(seen)s). The first one must hold headings such as “Besoin”, “Description”."
)
_UNKNOWN = gettext_lazy("The file could not be read as a list of needs. Use the model of this page.")
