"""Spreadsheets from people and for people: opened within limits; the same bytes whenever the same is written again."""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from lxml import etree
from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Font
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils import column_index_from_string, range_boundaries
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel
from openpyxl.worksheet.worksheet import Worksheet

from parvis.delimited import FORMULA_SIGNS
from parvis.delimited import printable as printable
from parvis.delimited import written as csv_bytes

__all__ = ["csv_bytes"]

MOST_BYTES = 10_000_000  # of the file
MOST_UNPACKED = 25_000_000  # of what an XLSX holds: an honest list of 5,000 needs holds 5 million
HIGHEST_RATIO, RATIO_COUNTS_FROM = 150, 3_000_000
MOST_ROWS = 5_000
MOST_COLUMNS = 60
LAST_ROW_OF_A_SHEET = 1_048_576

REFUSALS = frozenset(
    {
        "altered_mark",
        "ambiguous_column",
        "corrupt",
        "decompression_bomb",
        "empty",
        "encrypted",
        "merged_cells",
        "no_header",
        "not_a_grid",
        "not_a_spreadsheet",
        "nul_bytes",
        "old_format",
        "other_request",
        "other_version",
        "too_large",
        "too_many_columns",
        "too_many_rows",
    }
)


class Refused(Exception):
    """A spreadsheet refused as a whole; `params` are what its sentence needs."""

    def __init__(self, code: str, params: Mapping[str, str] | None = None) -> None:
        if code not in REFUSALS:
            raise ValueError(f"no such refusal: {code}")
        super().__init__(code)
        self.code = code
        self.params = dict(params or {})


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that computes: nobody here computes it, and what it last showed proves nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell that shows an error, such as #REF!"""

    text: str


Value: TypeAlias = "str | int | float | bool | date | datetime | time | timedelta | Formula | Failure | None"


@dataclass(frozen=True, slots=True)
class Row:
    number: int  # as the spreadsheet shows it
    values: tuple[Value, ...]


class Book:
    """An XLSX file, open for reading. Raises `Refused`, and nothing else, whatever the bytes are.

    Read here rather than by openpyxl, which fills gaps: a file of 2 kB with a row numbered a billion keeps it busy for good.
    """

    def __init__(self, data: bytes) -> None:
        refuse_what_is_no_workbook(data)
        self._parts = _parts_of(data)
        with _damage():
            self._sheets = dict(_sheets(self._parts))
            self._strings = _shared_strings(self._parts.get("xl/sharedStrings.xml", b""))
            self._date_styles = _date_styles(self._parts.get("xl/styles.xml", b""))
            dated = b'date1904="1"' in self._parts["xl/workbook.xml"] or b'date1904="true"' in self._parts["xl/workbook.xml"]
            self._epoch = MAC_EPOCH if dated else WINDOWS_EPOCH

    @property
    def names(self) -> list[str]:
        """The sheets a person sees first, then the hidden ones."""
        return list(self._sheets)

    def rows(self, name: str, most: int = MOST_ROWS) -> list[Row]:
        """The rows of a sheet that are not blank, without the blank cells at their end."""
        found: list[Row] = []
        with _damage():
            for row in self._rows(self._sheets[name]):
                found.append(row)
                if len(found) > most:
                    raise Refused("too_many_rows", {"limit": str(MOST_ROWS)})
        return found

    def merged(self, name: str) -> list[tuple[str, int]]:
        """Ranges of merged cells and the last row of each."""
        ranges = [match.decode("ascii") for match in _MERGED.findall(self._parts.get(self._sheets[name], b""))]
        with _damage():
            return [(one, range_boundaries(one)[3] or 0) for one in ranges]

    def _rows(self, part: str) -> Iterator[Row]:
        number = 0
        for _event, row in etree.iterparse(io.BytesIO(self._parts[part]), tag="{*}row", resolve_entities=False):
            after = int(row.get("r") or number + 1)
            if not number < after <= LAST_ROW_OF_A_SHEET:
                raise Refused("corrupt", {"detail": "row"})
            number = after
            if values := self._values(row):
                yield Row(number, tuple(values))
            row.clear()
            while row.getprevious() is not None:
                del row.getparent()[0]

    def _values(self, row: etree._Element) -> list[Value]:
        values: list[Value] = []
        column = 0
        for cell in row.iterchildren("{*}c"):
            reference = _COLUMN.match(cell.get("r") or "")
            column = column_index_from_string(reference[0]) if reference else column + 1
            value = self._value(cell)
            if value is None:
                continue
            if column > MOST_COLUMNS:
                raise Refused("too_many_columns", {"limit": str(MOST_COLUMNS)})
            values += [None] * (column - len(values))
            values[column - 1] = value
        return values

    def _value(self, cell: etree._Element) -> Value:
        kind, said = cell.get("t", "n"), (cell.findtext("{*}v") or "").strip()
        formula = cell.find("{*}f")
        if formula is not None:
            return Formula("=" + (formula.text or "")[:200])
        if kind == "inlineStr":
            return _worded("".join(_words(cell)))
        if kind == "s":
            return _worded(self._strings[int(said)]) if said else None
        if kind == "str":
            return _worded(cell.findtext("{*}v") or "")
        if not said:
            return None
        if kind == "e":
            return Failure(said[:20])
        if kind == "b":
            return said in ("1", "true")
        if kind == "d":
            return datetime.fromisoformat(said)
        number = float(said)
        if int(cell.get("s", "0")) in self._date_styles and 0 <= number < _AFTER_9999:
            moment: datetime | time | timedelta = from_excel(number, self._epoch)
            return moment
        return int(number) if number.is_integer() and abs(number) < 1e15 else number


def refuse_what_is_no_workbook(data: bytes) -> None:
    if not data.strip(b"\0 \t\r\n"):
        raise Refused("empty")
    if len(data) > MOST_BYTES:
        raise Refused("too_large", {"bytes": str(len(data)), "limit": str(MOST_BYTES)})
    if data.startswith(_OLE):
        # Excel 97, or a workbook with a password: both are OLE files.
        raise Refused("encrypted" if "EncryptedPackage".encode("utf-16-le") in data else "old_format")
    if not data.startswith(b"PK"):
        raise Refused("not_a_spreadsheet")


def is_workbook(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", _OLE))


def put(sheet: Worksheet, row: int, column: int, value: str | int | float | date | None) -> Cell:
    """Writes `value`; text stays text, even when it begins with the sign of a formula."""
    cell = sheet.cell(row, column)
    if not isinstance(cell, Cell):
        raise TypeError("a merged cell holds nothing")
    if not isinstance(value, str):
        cell.value = value
        return cell
    text = printable(value)[:32_767]  # no cell holds more
    cell.value = _ESCAPE.sub(lambda match: f"_x005F{match[0]}", text)
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(FORMULA_SIGNS)  # else Excel computes it as soon as it is edited
    return cell


def font(*, bold: bool = False, size: int = 11, color: str = "1B2733") -> Font:
    return Font(name="Calibri", bold=bold, size=size, color=color)


def height_of(texts: Sequence[str], widths: Sequence[int]) -> float:
    """In points, of a row whose cells wrap: not every program works it out when it opens a file."""
    lines = [
        sum(1 + int(len(line) * 1.1) // width for line in text.split("\n")) for text, width in zip(texts, widths, strict=True)
    ]
    return 15.0 * min(max(lines), 26) + 2


def workbook_bytes(book: Workbook, *, title: str) -> bytes:
    book.properties.title = printable(title)
    book.properties.creator = "Parvis"
    book.properties.language = "fr-FR"
    book.properties.created = datetime(2000, 1, 1)  # noqa: DTZ001  # openpyxl takes no zone
    file = io.BytesIO()
    book.save(file)
    return steady(file.getvalue(), {"docProps/core.xml": _without_instant})


def steady(package: bytes, edits: Mapping[str, Callable[[bytes], bytes]] | None = None) -> bytes:
    """The same ZIP without the instants at which its parts were written, so that equal content gives equal bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            edit = (edits or {}).get(info.filename)
            entry = zipfile.ZipInfo(info.filename, _NO_DATE)
            entry.compress_type, entry.external_attr, entry.create_system = info.compress_type, 0o600 << 16, 3
            new.writestr(entry, edit(content) if edit else content)
    return file.getvalue()


def _without_instant(core: bytes) -> bytes:
    return re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", core)


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """What a damaged workbook raises while it is read."""
    try:
        yield
    except (etree.XMLSyntaxError, KeyError, IndexError, ValueError, TypeError, OverflowError) as error:
        raise Refused("corrupt", {"detail": type(error).__name__}) from error


def _sheets(parts: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Name and part of each sheet of cells, the hidden ones last."""
    links = etree.fromstring(parts["xl/_rels/workbook.xml.rels"]).iterchildren("{*}Relationship")
    targets = {link.get("Id", ""): link.get("Target", "") for link in links if link.get("Type", "").endswith("/worksheet")}
    sheets = sorted(etree.fromstring(parts["xl/workbook.xml"]).iter("{*}sheet"), key=lambda one: one.get("state") is not None)
    found = [(one.get("name", ""), targets.get(_relation_of(one))) for one in sheets]
    return [(name, _resolved(target)) for name, target in found if target]


def _relation_of(sheet: etree._Element) -> str:
    return next((str(value) for name, value in sheet.attrib.items() if str(name).endswith("}id")), "")


def _resolved(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


def _shared_strings(part: bytes) -> list[str]:
    return ["".join(_words(item)) for item in etree.fromstring(part).iterchildren("{*}si")] if part else []


def _words(item: etree._Element) -> Iterator[str]:
    """Texts of a string, whole or in runs; how it is pronounced (rPh) is not one of its words."""
    for text in item.iter("{*}t"):
        parent = text.getparent()
        if parent is None or not str(parent.tag).endswith("}rPh"):
            yield text.text or ""


def _date_styles(part: bytes) -> set[int]:
    """Numbers of the cell styles that show a date."""
    if not part:
        return set()
    root = etree.fromstring(part)
    formats = dict(BUILTIN_FORMATS)
    formats |= {int(one.get("numFmtId", "0")): one.get("formatCode", "") for one in root.iterfind("{*}numFmts/{*}numFmt")}
    styles = root.iterfind("{*}cellXfs/{*}xf")
    return {n for n, one in enumerate(styles) if is_date_format(formats.get(int(one.get("numFmtId", "0")), ""))}


def _worded(text: str) -> str | None:
    """Office writes control characters as _x000D_."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return text if text.strip() else None


def _parts_of(data: bytes) -> dict[str, bytes]:
    """The XML parts of the package, once it is known to be no bomb and to declare no entity."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _refuse_bomb(infos, len(data))
            if any(info.flag_bits & 1 for info in infos):
                raise Refused("encrypted")
            parts = {info.filename: archive.read(info) for info in infos if info.filename.endswith((".xml", ".rels"))}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Refused("corrupt", {"detail": type(error).__name__}) from error
    if "xl/workbook.xml" not in parts:
        raise Refused("not_a_spreadsheet")
    if any(b"<!DOCTYPE" in part or b"<!ENTITY" in part or b"\0" in part[:100] for part in parts.values()):
        raise Refused("corrupt", {"detail": "entities"})
    return parts


def _refuse_bomb(infos: Sequence[zipfile.ZipInfo], packed: int) -> None:
    """Sizes are as the archive declares them: unpacking never goes beyond them."""
    total = sum(info.file_size for info in infos)
    if len(infos) > 1_000 or total > MOST_UNPACKED or (total > RATIO_COUNTS_FROM and total > HIGHEST_RATIO * packed):
        raise Refused("decompression_bomb", {"bytes": str(total), "limit": str(MOST_UNPACKED)})


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the first a ZIP can say
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COLUMN = re.compile(r"[A-Z]{1,3}")
_AFTER_9999 = 2_958_466  # the number of the day after 31 December 9999
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:$]{3,20})"')
