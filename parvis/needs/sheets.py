"""Lists of raw needs from spreadsheets, CSV or XLSX, and the model to fill. A faulty row never stops the others.

Codes of row errors and their parameters: `extra_cells`, `formula` (value), `cell_error` (value), `no_words` (value),
`missing_text`, `too_long` (length, limit), `too_short` (length, limit), `unclosed_quote`, `repeated` (row: the first that says
the same). A file refused as a whole raises `workbooks.Refused`. The model to fill is `template()`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import TypeVar

from parvis import delimited

from .sheet_model import template
from .workbooks import (
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    Book,
    Failure,
    Formula,
    Refused,
    Row,
    Value,
    is_workbook,
    printable,
)

__all__ = ["Import", "ImportedNeed", "RowError", "read", "template"]

T = TypeVar("T")
LONGEST = {
    "reference": 100,
    "title": 200,
    "text": 8_000,
    "audience": 300,
    "frequency": 200,
    "data_used": 400,
    "insufficient_tool": 400,
    "service": 120,
    "domain": 60,
    "public": 60,
    "activity": 60,
    "data_class": 60,
}
SHORTEST_TEXT = 10
WORDED = ("title", "text")  # a date, a number or a "true" is no need: its column is not the one that was meant


@dataclass(frozen=True, slots=True)
class ImportedNeed:
    """`key` is the same whenever the same need is imported again: by its reference if the file has one, else by its words
    and its service. Facets may change without making another need of it."""

    row_number: int  # as the spreadsheet shows it
    key: str
    values: Mapping[str, str]  # by the names of LONGEST, empty ones left out; title and text are always there


@dataclass(frozen=True, slots=True)
class RowError:
    row_number: int
    column: str  # as the file heads it, or "" for the row as a whole
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Import:
    needs: tuple[ImportedNeed, ...]
    errors: tuple[RowError, ...]  # in the order of the rows
    columns: Mapping[str, str]  # field → how the file heads it
    ignored_columns: tuple[str, ...]


def read(data: bytes) -> Import:
    """The needs of a CSV file (UTF-8, UTF-16, Windows-1252 or a Mac's; semicolons, commas or tabs) or of an XLSX workbook."""
    table = _table_of_workbook(data) if is_workbook(data) else _table_of_csv(data)
    needs: dict[str, ImportedNeed] = {}
    errors = list(table.errors)
    for row in table.rows:
        found = _need(row, table.columns)
        if not isinstance(found, ImportedNeed):
            errors += found
        elif found.key in needs:
            errors.append(RowError(found.row_number, "", "repeated", {"row": str(needs[found.key].row_number)}))
        else:
            needs[found.key] = found
    headings = {name: heading for name, heading in table.columns if name}
    return Import(
        tuple(needs.values()),
        tuple(sorted(errors, key=lambda error: error.row_number)),
        headings,
        tuple(heading for name, heading in table.columns if not name and heading),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    columns: Sequence[tuple[str, str]]  # field ("" when not known) and heading, in the order of the file
    rows: Sequence[Row]
    errors: Sequence[RowError] = ()


def _table_of_workbook(data: bytes) -> _Table:
    book = Book(data)
    seen = 0
    for name in book.names:
        rows = book.rows(name, MOST_ROWS + _HEADER_WITHIN)
        seen += len(rows)
        found = _header(rows)
        if found is None:
            continue
        at, columns = found
        header = rows[at]
        spoilt = [cells for cells, last_row in book.merged(name) if last_row > header.number]
        if spoilt:
            raise Refused("merged_cells", {"sheet": name, "cells": ", ".join(spoilt[:5])})
        return _Table(columns, _few_enough(rows[at + 1 :]))
    if not seen:
        raise Refused("empty")
    raise Refused("no_header", {"sheets": ", ".join(book.names)[:300]})


def _table_of_csv(data: bytes) -> _Table:
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise Refused("empty")
    if len(data) > MOST_BYTES:
        raise Refused("too_large", {"bytes": str(len(data)), "limit": str(MOST_BYTES)})
    try:
        text = delimited.decoded(data)
    except delimited.NotText as refusal:
        raise Refused(refusal.code) from None
    lines = text.splitlines(keepends=True)
    found = {delimiter: _header(list(_csv_rows(lines[:200], delimiter))) for delimiter in ";,\t"}
    recognised = {mark: sum(bool(name) for name, _ in header[1]) for mark, header in found.items() if header}
    if not recognised:
        raise Refused("no_header", {"first_line": text.strip().splitlines()[0][:200] if text.strip() else ""})
    delimiter = max(recognised, key=lambda mark: recognised[mark])
    at, columns = found[delimiter]  # type: ignore[misc]  # recognised holds those that were found
    errors: list[RowError] = []
    rows = list(islice(_csv_rows(lines, delimiter, width=len(columns), errors=errors), MOST_ROWS + at + 2))
    return _Table(columns, _few_enough(rows[at + 1 :]), errors)


def _csv_rows(lines: Sequence[str], delimiter: str, *, width: int = 0, errors: list[RowError] | None = None) -> Iterator[Row]:
    spoilt: list[int] = []
    for record in delimited.records(lines, delimiter, width=width, spoilt=spoilt):
        yield Row(record.number, record.cells)
    if errors is not None:
        errors += [RowError(number, "", "unclosed_quote") for number in spoilt]
        _few_enough(errors)


def _few_enough(rows: Sequence[T]) -> Sequence[T]:
    if len(rows) > MOST_ROWS:
        raise Refused("too_many_rows", {"limit": str(MOST_ROWS)})
    return rows


def _header(rows: Sequence[Row]) -> tuple[int, list[tuple[str, str]]] | None:
    """Where the headings stand, and what they mean: the first row that names a title or a text."""
    for at, row in enumerate(rows[:_HEADER_WITHIN]):
        headings = [" ".join(str(value).split())[:100] if isinstance(value, str) else "" for value in row.values]
        fields = [_FIELD_OF.get(delimited.heading_key(heading), "") for heading in headings]
        if "title" not in fields and "text" not in fields:
            continue
        if len(row.values) > MOST_COLUMNS and any(headings[MOST_COLUMNS:]):
            raise Refused("too_many_columns", {"limit": str(MOST_COLUMNS)})
        for name in filter(None, fields):
            if fields.count(name) > 1:
                same = [heading for heading, other in zip(headings, fields, strict=True) if other == name]
                raise Refused("ambiguous_column", {"columns": ", ".join(same)})
        while headings and not headings[-1]:
            headings.pop()
        return at, list(zip(fields, headings, strict=False))
    return None


def _need(row: Row, columns: Sequence[tuple[str, str]]) -> ImportedNeed | list[RowError]:
    errors: list[RowError] = []
    values: dict[str, str] = {}
    for number, value in enumerate(row.values):
        name, heading = columns[number] if number < len(columns) else ("", "")
        if number >= len(columns) and value not in (None, "") and str(value).strip():
            errors.append(RowError(row.number, "", "extra_cells"))
            break
        if name:
            problem = _problem(value) or ("no_words" if name in WORDED and not isinstance(value, str | None) else "")
            if problem:
                errors.append(RowError(row.number, heading, problem, {"value": _shown(value)}))
            elif text := _text(value, name):
                values[name] = text
    errors = errors or list(_misfits(row.number, values, columns))
    return errors or ImportedNeed(row.number, _key(values), _titled(values))


def _problem(value: Value) -> str:
    if isinstance(value, Formula) or (isinstance(value, str) and value.lstrip().startswith("=")):
        return "formula"
    return "cell_error" if isinstance(value, Failure) else ""


def _shown(value: Value) -> str:
    return printable(value.text if isinstance(value, Formula | Failure) else str(value))[:80]


def _text(value: Value, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="minutes")
    text = printable(value.isoformat() if isinstance(value, date | time) else str(value))
    if name == "text":
        return re.sub(r"\n{3,}", "\n\n", text.strip())
    return " ".join(text.split())


def _misfits(number: int, values: Mapping[str, str], columns: Sequence[tuple[str, str]]) -> Iterator[RowError]:
    headings = dict(columns)
    for name, text in values.items():
        if len(text) > LONGEST[name]:
            params = {"length": str(len(text)), "limit": str(LONGEST[name])}
            yield RowError(number, headings[name], "too_long", params)
    said = values.get("text") or values.get("title") or ""
    if not said:
        yield RowError(number, headings.get("text") or headings.get("title", ""), "missing_text")
    elif len(said) < SHORTEST_TEXT:
        heading = headings.get("text" if values.get("text") else "title", "")
        yield RowError(number, heading, "too_short", {"length": str(len(said)), "limit": str(SHORTEST_TEXT)})


def _titled(values: Mapping[str, str]) -> Mapping[str, str]:
    text = values.get("text") or values["title"]
    return {**values, "title": values.get("title") or _first_words(text), "text": text}


def _first_words(text: str) -> str:
    """The first sentence, cut between words when it is long."""
    line = re.split(r"(?<=[.!?…])\s|\n", text, maxsplit=1)[0].rstrip(" .")
    if len(line) <= _LONGEST_TITLE_MADE:
        return line
    return line[:_LONGEST_TITLE_MADE].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _key(values: Mapping[str, str]) -> str:
    if values.get("reference"):
        said: tuple[str, ...] = ("reference", values["reference"].casefold())
    else:
        words = (values.get(name, "") for name in ("service", "title", "text"))
        said = ("words", *(" ".join(text.casefold().split()) for text in words))
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


_HEADER_WITHIN = 20  # rows: what stands before the table, its title for instance
_LONGEST_TITLE_MADE = 110
# How lists head their columns, without accents, case or brackets.
_HEADINGS = {
    "reference": """reference, ref, id, identifiant, numero, n, no, num, code, numero du besoin, id besoin,
        reference du besoin, need id, key""",
    "title": """besoin, besoins, intitule, intitule du besoin, titre, titre du besoin, nom du besoin, objet, sujet, resume,
        libelle, libelle du besoin, expression de besoin, title, need, needs, name, subject, summary""",
    "text": """description, description du besoin, description detaillee, texte, texte du besoin, detail, details,
        detail du besoin, contenu, verbatim, besoin detaille, explication, precisions, ce qu il faut, quoi, text, body, what,
        need description, details of the need""",
    "audience": """pour qui, a qui, beneficiaires, beneficiaire, utilisateurs, utilisateurs concernes, usagers,
        personnes concernees, public concerne, for whom, who, users, audience, beneficiaries""",
    "frequency": """frequence, frequence d usage, frequence d utilisation, periodicite, quand, recurrence, frequency,
        how often, when""",
    "data_used": """donnees, donnees utilisees, donnees concernees, donnees necessaires, quelles donnees, types de donnees,
        type de donnees, sources, data, data used, which data""",
    "insufficient_tool": """outil actuel, outil insuffisant, outil actuel insuffisant, outils actuels, outil existant,
        outils existants, outil utilise, existant, solution actuelle, solution existante, outil, outils, current tool,
        existing tool, insufficient tool, tool, tools""",
    "service": """service, service demandeur, direction, composante, departement, ufr, laboratoire, structure, entite, unite,
        emetteur, department, unit, team""",
    "domain": """domaine, domaine fonctionnel, thematique, theme, categorie, groupe de travail, domain, category, topic,
        working group""",
    "public": "public, publics, public cible, type de public, population, profil, profils, target audience, population group",
    "activity": """activite, activites, type d activite, usage, usages, tache, processus, activity, task, process, use case,
        cas d usage""",
    "data_class": """niveau de sensibilite, sensibilite, sensibilite des donnees, niveau de sensibilite des donnees,
        classification, classe de donnees, confidentialite, niveau de confidentialite, sensitivity, data class,
        data sensitivity, confidentiality""",
}
_FIELD_OF = {" ".join(heading.split()): name for name, headings in _HEADINGS.items() for heading in headings.split(",")}
