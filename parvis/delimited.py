"""CSV as people send it and as their spreadsheets open it. A faulty row never stops the others."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class NotText(Exception):
    """What was sent is no text: `code` is "nul_bytes" or "not_a_spreadsheet"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Record:
    number: int  # as the spreadsheet shows it
    cells: tuple[str, ...]


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16, Windows-1252 or a Mac's, lines ended by \\n. Raises NotText."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")  # what Excel calls "Unicode text"
    else:
        if b"\0" in data:
            raise NotText("nul_bytes")
        if data.startswith((b"%PDF", b"{\\rtf", b"\x89PNG", b"GIF8", b"\xff\xd8\xff")):
            raise NotText("not_a_spreadsheet")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("mac_roman" if _is_of_a_mac(data) else "cp1252", "replace")
    if "\0" in text:
        raise NotText("nul_bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", " ").replace("\x0c", " ")


def records(lines: Sequence[str], delimiter: str, *, width: int = 0, spoilt: list[int] | None = None) -> Iterator[Record]:
    """Records, blank ones counted but left out. A quotation mark never closed, or closed some rows further down, spoils its
    own row only: its number is added to `spoilt`, and the reading goes on at the next line."""
    at = number = 0
    while at < len(lines):
        number += 1
        after = _end_of_record(lines, at, delimiter)
        cells = _cells("".join(lines[at:after]), delimiter) if after else None
        if cells is None or (width and after and after > at + 1 and len(cells) > width and any(cells[width:])):
            if spoilt is not None:
                spoilt.append(number)
            at += 1
            continue
        at = after or at + 1
        if any(cell.strip() for cell in cells):
            yield Record(number, tuple(cells))


def heading_key(heading: str) -> str:
    """A heading without accents, case, marks, and whatever is explained in brackets."""
    text = re.sub(r"[(\[].*?[)\]]", " ", heading)
    text = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    text = "".join(char if char.isalnum() else " " for char in text if not unicodedata.combining(char))
    return " ".join(text.split())


def written(rows: Iterable[Sequence[str]]) -> bytes:
    """As French spreadsheets open it: UTF-8 with its mark, semicolons; no cell may start a formula."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    for row in rows:
        writer.writerow([_harmless(printable(cell)) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def printable(text: str) -> str:
    """Text that a file of XML may hold, composed: control characters and lone surrogates dropped, lines ended by \\n."""
    return _FORBIDDEN.sub("", unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))


def _is_of_a_mac(data: bytes) -> bool:
    """What "CSV (Macintosh)" writes for à, ç, é, è, ê, ô and ù is, in Windows-1252, nothing or signs nobody types."""
    return sum(map(data.count, _MAC_LETTERS)) > sum(map(data.count, _WINDOWS_LETTERS))


def _end_of_record(lines: Sequence[str], at: int, delimiter: str) -> int | None:
    """The line after the record that begins at `at`, None when a quotation mark stays open."""
    is_open = False
    for after in range(at, min(len(lines), at + _LINES_OF_A_CELL)):
        if '"' in lines[after]:
            is_open = _stays_open(lines[after], delimiter, is_open)
        if not is_open:
            return after + 1
    return None


def _stays_open(line: str, delimiter: str, is_open: bool) -> bool:
    """A quotation mark opens at the start of a cell only (a 15" screen opens nothing); doubled, it is a mark of the text."""
    is_start, was_closed = not is_open, False
    for char in line:
        if is_open:
            is_open, was_closed = char != '"', char == '"'
        elif char == '"' and (is_start or was_closed):
            is_open = True
        else:
            is_start, was_closed = char == delimiter, False
    return is_open


def _cells(record: str, delimiter: str) -> list[str] | None:
    """None when it is no record: a cell of several lines that closes on letters was closed by another cell's mark, and a cell
    larger than the csv module reads, 128,000 characters, is no need."""
    lines = record.rstrip("\n").splitlines(keepends=True)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=len(lines) > 1))
    except csv.Error:
        return None
    return [cell for row in rows for cell in row]


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(FORMULA_SIGNS) else cell


_MAC_LETTERS = [bytes([code]) for code in b"\x88\x8d\x8e\x8f\x90\x99\x9d"]
_WINDOWS_LETTERS = [bytes([code]) for code in b"\xe0\xe7\xe8\xe9\xea\xf4\xf9"]
_LINES_OF_A_CELL = 200
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
