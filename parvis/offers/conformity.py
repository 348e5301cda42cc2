"""The conformity grid, out and back: what was altered, left out or answered otherwise than asked is told of row by row.

Codes of errors and their parameters. Requirements: `altered_code`, `altered_level`, `altered_text`, `altered_verification`,
`altered_institutions` (requirement, expected, found), `deleted_row` (requirement), `duplicated_row` (requirement, row),
`unknown_row` (found), `illegal_code` (found, allowed), `missing_code` and `missing_date` (requirement). Anywhere:
`deleted_sheet` (sheet), `deleted_question`, `formula` (found), `bad_date` (found), `too_long` (length, limit), `bad_price`
(found), `too_precise` (found), `bad_quantity` (found), `missing`, `dates_reversed`, `repeated_price` (row), `illegal_choice`
(found, allowed), `missing_attestation`.
A file refused as a whole raises `workbooks.Refused`, among others with `not_a_grid`, `other_request`, `other_version`,
`altered_mark`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from parvis.needs.specification import Requirement
from parvis.needs.workbooks import Book, Failure, Formula, Refused, Row, Value, printable

from .answer import CODES, NANO, ZONES, Company, Frame, Grid, GridError, Line, Price
from .conformity_book import (
    COMPANY,
    COMPANY_LABELS,
    FORMAT,
    GRID,
    GRID_HEADINGS,
    LEVELS,
    MARKS,
    PRICE_HEADINGS,
    PRICES,
    ZONE_LABELS,
    euros,
    grid_csv,
    institutions_of,
    write_grid,
)

__all__ = [
    "CODES",
    "LEVELS",
    "ZONES",
    "Company",
    "Frame",
    "Grid",
    "GridError",
    "Line",
    "Price",
    "euros",
    "grid_csv",
    "read_grid",
    "write_grid",
]
HIGHEST_PRICE = 1_000_000_000  # euros
LONGEST = {"proof": 1_000, "comment": 2_000, "label": 200, "unit": 60}
LONGEST_OF_COMPANY = {
    "product": 200,
    "summary": 8_000,
    "processor": 300,
    "no_training_document": 300,
    "accessibility": 4_000,
    "reversibility": 4_000,
}


def read_grid(data: bytes, frame: Frame) -> Grid:
    """What the workbook answers to this frame. A faulty row is no line of the grid, and never stops the others."""
    book = Book(data)
    _refuse_another(book, frame)
    errors: list[GridError] = []
    lines = tuple(_lines(_table(book, GRID, GRID_HEADINGS, errors), frame, errors))
    errors += (
        GridError(sheet, 0, "", "deleted_sheet", {"sheet": sheet}) for sheet in (PRICES, COMPANY) if sheet not in book.names
    )
    prices = tuple(_prices(_table(book, PRICES, PRICE_HEADINGS, errors))) if PRICES in book.names else ()
    company = _company(book, errors) if COMPANY in book.names else Company()
    return Grid(lines, prices, company, tuple(errors))


@dataclass(slots=True)
class _Cells:
    """A row being read: what it holds by heading, and the faults found in it."""

    sheet: str
    row: int
    values: Mapping[str, Value]
    errors: list[GridError]
    faults: int = field(default=0)

    def fault(self, column: str, code: str, **params: str) -> None:
        self.faults += 1
        self.errors.append(GridError(self.sheet, self.row, column, code, params))

    def text(self, column: str, limit: int = 32_767) -> str:
        value = self.values.get(column)
        if isinstance(value, Formula | Failure):
            self.fault(column, "formula", found=value.text[:80])
            return ""
        text = _text(value)
        if len(text) > limit:
            self.fault(column, "too_long", length=str(len(text)), limit=str(limit))
        return text

    def day(self, column: str) -> date | None:
        value = self.values.get(column)
        if isinstance(value, Formula | Failure):
            self.fault(column, "formula", found=value.text[:80])
            return None
        day = _day(value)
        if day is None and _text(value):
            self.fault(column, "bad_date", found=_text(value)[:80])
        return day


def _refuse_another(book: Book, frame: Frame) -> None:
    if MARKS not in book.names or GRID not in book.names:
        raise Refused("not_a_grid")
    marks = {_text(row.values[0]): _text(row.values[1]) for row in book.rows(MARKS) if len(row.values) > 1}
    said = frame.specification
    if marks.get("format") != FORMAT:
        raise Refused("not_a_grid")
    if (marks.get("request"), marks.get("reference")) != (frame.request, said.reference):
        found = f"{marks.get('request', '')} {marks.get('reference', '')}".strip()
        raise Refused("other_request", {"expected": f"{frame.request} {said.reference}".strip(), "found": found[:80]})
    if marks.get("fingerprint") != said.fingerprint:
        found = marks.get("version", "")[:20]
        code = "altered_mark" if found == str(said.version) else "other_version"
        raise Refused(code, {"expected": str(said.version), "found": found})


def _table(book: Book, name: str, headings: Sequence[str], errors: list[GridError]) -> Iterator[_Cells]:
    rows = book.rows(name)
    at = next((at for at, row in enumerate(rows[:20]) if headings[0] in map(_text, row.values)), None)
    if at is None:
        raise Refused("not_a_grid")
    columns = {_text(value): column for column, value in enumerate(rows[at].values)}
    if lost := [heading for heading in headings if heading not in columns]:
        raise Refused("not_a_grid", {"columns": ", ".join(lost)})
    for row in rows[at + 1 :]:
        yield _Cells(name, row.number, {heading: _at(row, columns[heading]) for heading in headings}, errors)


def _lines(table: Iterator[_Cells], frame: Frame, errors: list[GridError]) -> Iterator[Line]:
    code_, level_, text_, verification_, institutions_, answer_, proof_, day_, comment_, mark_ = GRID_HEADINGS
    by_code = {one.code: one for one in frame.requirements}
    by_mark = {mark: by_code[code] for code, mark in frame.marks().items()}
    seen: dict[str, int] = {}
    for cells in table:
        code = _text(cells.values[code_])
        requirement = by_mark.get(_text(cells.values[mark_])) or by_code.get(code)
        if requirement is None:
            cells.fault(code_, "unknown_row", found=code[:80])
            continue
        if requirement.code in seen:
            cells.fault(code_, "duplicated_row", requirement=requirement.code, row=str(seen[requirement.code]))
            continue
        seen[requirement.code] = cells.row
        expected = {
            code_: ("altered_code", requirement.code),
            level_: ("altered_level", LEVELS[requirement.level]),
            text_: ("altered_text", requirement.text),
            verification_: ("altered_verification", requirement.verification),
            institutions_: ("altered_institutions", institutions_of(requirement)),
        }
        for column, (fault, words) in expected.items():
            found = _text(cells.values[column])
            if _folded(found) != _folded(words):
                cells.fault(column, fault, requirement=requirement.code, expected=words[:300], found=found[:300])
        line = _line(cells, requirement, answer_, proof_, day_, comment_)
        if not cells.faults:
            yield line
    for requirement in frame.requirements:
        if requirement.code not in seen:
            errors.append(GridError(GRID, 0, code_, "deleted_row", {"requirement": requirement.code}))


def _line(cells: _Cells, requirement: Requirement, answer: str, proof: str, day: str, comment: str) -> Line:
    code = cells.text(answer).upper()
    if code and code not in CODES:
        cells.fault(answer, "illegal_code", found=code[:80], allowed=", ".join(CODES))
    line = Line(
        requirement.code,
        code or None,
        cells.text(proof, LONGEST["proof"]),
        cells.day(day),
        cells.text(comment, LONGEST["comment"]),
    )
    if not code and not cells.faults and (line.proof or line.available_date or line.comment):
        cells.fault(answer, "missing_code", requirement=requirement.code)
    if line.lacks_its_date and not cells.faults:
        cells.fault(day, "missing_date", requirement=requirement.code)
    return line


def _prices(table: Iterator[_Cells]) -> Iterator[Price]:
    label_, unit_, amount_, tier_, from_, until_ = PRICE_HEADINGS
    seen: list[tuple[Price, int]] = []
    for cells in table:
        label, unit = cells.text(label_, LONGEST["label"]), cells.text(unit_, LONGEST["unit"])
        amount, tier = _amount(cells, amount_), _quantity(cells, tier_)
        price = Price(label, unit, amount, tier, cells.day(from_), cells.day(until_))
        for column, value in ((label_, label), (unit_, unit)):
            if not value and not cells.faults:
                cells.fault(column, "missing")
        if price.valid_from and price.valid_until and price.valid_until < price.valid_from:
            cells.fault(until_, "dates_reversed")
        same = next((row for other, row in seen if _compete(price, other)), None)
        if same is not None and not cells.faults:
            cells.fault(label_, "repeated_price", row=str(same))
        if not cells.faults:
            seen.append((price, cells.row))
            yield price


def _company(book: Book, errors: list[GridError]) -> Company:
    names = {_folded(label): name for name, label in COMPANY_LABELS.items()}
    found: dict[str, Any] = {}  # by the names of Company: words, a date, a boolean
    rows: dict[str, int] = {}
    for row in book.rows(COMPANY):
        label = _text(_at(row, 0))
        name = names.get(_folded(label))
        if name is None or name in found:
            continue
        cells = _Cells(COMPANY, row.number, {label: _at(row, 1)}, errors)
        rows[name] = row.number
        found[name] = _about_the_company(cells, label, name)
        if cells.faults:
            found[name] = getattr(Company(), name)
    errors += (GridError(COMPANY, 0, label, "deleted_question") for name, label in COMPANY_LABELS.items() if name not in rows)
    company = Company(**found)
    for name in ("no_training_date", "no_training_document"):
        if company.no_training and name in rows and not getattr(company, name):
            errors.append(GridError(COMPANY, rows.get(name, 0), COMPANY_LABELS[name], "missing_attestation"))
    return company


def _about_the_company(cells: _Cells, label: str, name: str) -> str | date | bool | None:
    if name == "no_training_date":
        return cells.day(label)
    if name in LONGEST_OF_COMPANY:
        return cells.text(label, LONGEST_OF_COMPANY[name])
    choices: Mapping[str, str | bool]
    if name == "zone":
        choices = {**{zone: zone for zone in ZONES}, **{words: zone for zone, words in ZONE_LABELS.items()}}
        allowed = tuple(ZONE_LABELS.values())
    else:
        value = cells.values[label]
        if isinstance(value, bool):
            return value
        choices, allowed = {"oui": True, "non": False, "yes": True, "no": False}, ("oui", "non")
    said = cells.text(label)
    folded = {_folded(words).casefold(): value for words, value in choices.items()}
    chosen = folded.get(_folded(said).casefold())
    if said and chosen is None:
        cells.fault(label, "illegal_choice", found=said[:80], allowed=", ".join(allowed))
    return chosen


def _amount(cells: _Cells, column: str) -> int:
    value = cells.values[column]
    if isinstance(value, Formula | Failure):
        cells.fault(column, "formula", found=value.text[:80])
        return 0
    amount = _decimal(value)
    if amount is None or not 0 <= amount <= HIGHEST_PRICE:
        cells.fault(
            column, "bad_price" if _text(value) else "missing", **({"found": _text(value)[:80]} if _text(value) else {})
        )
        return 0
    if amount * NANO != int(amount * NANO):
        cells.fault(column, "too_precise", found=_text(value)[:80])
    return int(amount * NANO)


def _decimal(value: Value) -> Decimal | None:
    """A number, or a number in words as the French or the English write it; "1.234,5" could be two things and is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        number = Decimal(repr(value))
        return number if number.is_finite() else None
    text = re.sub(r"\s|€|euros?|HT$", "", value.strip(), flags=re.IGNORECASE)
    if not re.fullmatch(r"\d{1,12}([.,]\d{1,30})?", text):
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None


def _quantity(cells: _Cells, column: str) -> int:
    value = cells.values[column]
    if value is None or _text(value) == "":
        return 0
    quantity = _decimal(value)
    if quantity is None or quantity < 0 or quantity != int(quantity) or quantity > 10**12:
        cells.fault(column, "bad_quantity", found=_text(value)[:80])
        return 0
    return int(quantity)


def _compete(one: Price, other: Price) -> bool:
    """Both would hold for the same quantity on the same day."""
    if (one.label, one.unit, one.tier_from) != (other.label, other.unit, other.tier_from):
        return False
    first, last = date.min, date.max
    starts = max(one.valid_from or first, other.valid_from or first)
    return starts <= min(one.valid_until or last, other.valid_until or last)


def _at(row: Row, column: int) -> Value:
    return row.values[column] if column < len(row.values) else None


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, Formula | Failure):
        return value.text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return printable(str(value)).strip()


def _day(value: Value) -> date | None:
    if isinstance(value, datetime):
        day: date | None = value.date()
    elif isinstance(value, date):
        day = value
    elif isinstance(value, str):
        day = _written_day(value.strip())
    else:
        day = None
    return day if day and 2000 <= day.year <= 2100 else None


def _written_day(text: str) -> date | None:
    french = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?", text)
    numbers = [int(part) for part in (french.groups()[::-1] if french else iso.groups() if iso else ())]
    try:
        return date(*numbers) if numbers else None
    except ValueError:
        return None


def _folded(text: str) -> str:
    """Office suites change spaces and line ends on their way: a requirement is altered when its words are."""
    return " ".join(printable(text).replace("’", "'").split())
