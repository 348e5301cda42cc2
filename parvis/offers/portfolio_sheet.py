"""Lists of what an institution pays, CSV or XLSX: a faulty row never stops the others. And the list to take away.

Codes of row errors and their parameters: `missing_name`, `too_long` (length, limit), `bad_amount` (found), `bad_date` (found),
`dates_reversed`, `formula`, `extra_cells`, `repeated` (row). A file refused as a whole raises `workbooks.Refused`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from parvis.needs.workbooks import (
    MOST_BYTES,
    MOST_ROWS,
    Book,
    Failure,
    Formula,
    Refused,
    Value,
    csv_bytes,
    is_workbook,
    printable,
)

HEADINGS = {
    "name": "Outil",
    "vendor_name": "Éditeur",
    "service": "Service qui paie",
    "yearly_cents": "Coût annuel HT (€)",
    "start_date": "Début",
    "end_date": "Fin",
    "notice_date": "Préavis au plus tard",
    "reference": "Référence du contrat",
    "cpv": "CPV",
    "innovative": "Achat innovant",
}
_OTHER_HEADINGS = {
    "name": "nom, nom de l outil, solution, logiciel, produit, application, tool, name, product, objet",
    "vendor_name": "fournisseur, titulaire, vendor, supplier, editeur ou fournisseur",
    "service": "service, direction, composante, payeur, department, centre financier",
    "yearly_cents": """cout annuel, cout annuel ht, montant annuel, montant annuel ht, cout, montant, prix annuel, cost,
        yearly cost""",
    "start_date": "date de debut, depuis, du, start, start date, from",
    "end_date": "date de fin, jusqu au, au, echeance, end, end date, until",
    "notice_date": "preavis, date de preavis, fin de preavis, notice, notice date",
    "reference": "reference, ref, numero, numero de contrat, numero de marche, n de marche, contrat, marche, contract",
    "cpv": "code cpv",
    "innovative": "innovant, innovation, innovative",
}
LONGEST = {"name": 200, "vendor_name": 200, "service": 120, "reference": 120, "cpv": 20}
MOST_EUROS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SheetTool:
    row_number: int
    values: Mapping[str, str | int | bool | date]  # by the names of HEADINGS, empty ones left out


@dataclass(frozen=True, slots=True)
class SheetError:
    row_number: int
    column: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    tools: tuple[SheetTool, ...]
    errors: tuple[SheetError, ...]
    ignored_columns: tuple[str, ...]


class _RowError(ValueError):
    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def read(data: bytes) -> Sheet:
    if len(data) > MOST_BYTES:
        raise Refused("too_large", {"bytes": str(len(data)), "limit": str(MOST_BYTES)})
    rows = _rows_of_workbook(data) if is_workbook(data) else _rows_of_csv(data)
    at, columns = _header(rows)
    if len(rows) - at - 1 > MOST_ROWS:
        raise Refused("too_many_rows", {"limit": str(MOST_ROWS)})
    tools: list[SheetTool] = []
    errors: list[SheetError] = []
    seen: dict[tuple[object, ...], int] = {}
    for number, cells in rows[at + 1 :]:
        found, wrong = _tool(number, cells, columns)
        if wrong or not found:
            errors += wrong
            continue
        key = (found.values["reference"],) if "reference" in found.values else tuple(sorted(map(str, found.values.items())))
        if key in seen:
            errors.append(SheetError(number, "", "repeated", {"row": str(seen[key])}))
        else:
            seen[key] = number
            tools.append(found)
    ignored = tuple(heading for name, heading in columns if not name and heading)
    return Sheet(tuple(tools), tuple(errors), ignored)


def write(rows: Iterable[Mapping[str, str | int | bool | date | None]]) -> bytes:
    """The same columns, so that the list comes back as it went."""
    return csv_bytes([list(HEADINGS.values()), *([_cell(name, row.get(name)) for name in HEADINGS] for row in rows)])


Cells = tuple[int, Sequence[Value]]


def _rows_of_workbook(data: bytes) -> list[Cells]:
    book = Book(data)
    return [(row.number, row.values) for row in book.rows(book.names[0], MOST_ROWS + 20)] if book.names else []


def _rows_of_csv(data: bytes) -> list[Cells]:
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("nul_bytes")
    if data.startswith((b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff")):
        raise Refused("not_a_spreadsheet")
    text = _decoded(data)
    delimiter = max(";,\t", key=lambda mark: text[:4_000].count(mark))
    try:
        read_rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Refused("not_a_spreadsheet") from error
    return [(number, row) for number, row in enumerate(read_rows, 1) if any(cell.strip() for cell in row)]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _header(rows: Sequence[Cells]) -> tuple[int, list[tuple[str, str]]]:
    if not rows:
        raise Refused("empty")
    for at, (_number, cells) in enumerate(rows[:20]):
        columns = [(_FIELD_OF.get(_folded(str(cell or "")), ""), printable(str(cell or "")).strip()) for cell in cells]
        names = [name for name, _heading in columns if name]
        if "name" in names and len(names) >= 2:
            twice = [heading for name, heading in columns if name and names.count(name) > 1]
            if twice:
                raise Refused("ambiguous_column", {"columns": ", ".join(twice)})
            return at, columns
    raise Refused("no_header", {"first_line": " ".join(str(cell or "") for cell in rows[0][1])[:200]})


def _tool(
    number: int, cells: Sequence[Value], columns: Sequence[tuple[str, str]]
) -> tuple[SheetTool | None, list[SheetError]]:
    values: dict[str, str | int | bool | date] = {}
    errors = []
    if any(str(cell or "").strip() for cell in cells[len(columns) :]):
        errors.append(SheetError(number, "", "extra_cells"))
    for (name, heading), cell in zip(columns, cells, strict=False):
        if not name:
            continue
        try:
            value = _READERS.get(name, _words)(cell)
            if isinstance(value, str) and len(value) > LONGEST.get(name, len(value)):
                raise _RowError("too_long", length=str(len(value)), limit=str(LONGEST[name]))
        except _RowError as error:
            errors.append(SheetError(number, heading, error.code, error.params))
        else:
            if value not in (None, ""):
                values[name] = value
    start, end = values.get("start_date"), values.get("end_date")
    if isinstance(start, date) and isinstance(end, date) and end < start:
        errors.append(SheetError(number, "", "dates_reversed"))
    if "name" not in values and not errors:
        errors.append(SheetError(number, "", "missing_name"))
    return (SheetTool(number, values) if not errors else None), errors


def _words(cell: Value) -> str:
    if isinstance(cell, Formula | Failure):
        raise _RowError("formula", found=cell.text[:80])
    if isinstance(cell, datetime | date):
        return cell.strftime("%d/%m/%Y")
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(printable("" if cell is None else str(cell)).split())


def _cents(cell: Value) -> int | None:
    text = re.sub(r"[\s\u202f\u00a0€]|EUR|HT", "", _words(cell))
    if not text:
        return None
    if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", text):  # 12.345,67
        text = text.replace(".", "")
    try:
        euros = Decimal(text.replace(",", "."))
        if not 0 <= euros <= MOST_EUROS:
            raise _RowError("bad_amount", found=text[:80])
    except InvalidOperation as error:
        raise _RowError("bad_amount", found=text[:80]) from error
    return int((euros * 100).to_integral_value())


def _day(cell: Value) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = _words(cell)
    if not text:
        return None
    try:
        if found := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text):
            day = date(int(found[3]), int(found[2]), int(found[1]))
        else:
            day = date.fromisoformat(text)
    except ValueError as error:
        raise _RowError("bad_date", found=text[:80]) from error
    if not 1950 <= day.year <= 2100:
        raise _RowError("bad_date", found=text[:80])
    return day


def _flag(cell: Value) -> bool:
    return cell is True or _words(cell).casefold() in {"oui", "x", "1", "vrai", "true", "yes"}


def _cell(name: str, value: str | int | bool | date | None) -> str:
    if value is None or value == "":
        return ""
    if name == "innovative":
        return "oui" if value else ""
    if name == "yearly_cents":
        return f"{int(str(value)) / 100:.2f}".replace(".", ",")
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", re.sub(r"\(.*?\)", " ", text)).encode("ascii", "ignore").decode().casefold()
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def _known_headings() -> Iterator[tuple[str, str]]:
    for name, heading in HEADINGS.items():
        yield _folded(heading), name
        for other in _OTHER_HEADINGS[name].split(","):
            yield _folded(other), name


_READERS = {"yearly_cents": _cents, "start_date": _day, "end_date": _day, "notice_date": _day, "innovative": _flag}
_FIELD_OF = dict(_known_headings())
