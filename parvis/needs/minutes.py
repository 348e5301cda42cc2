"""The minutes of a workshop as a file: Markdown, DOCX, PDF. In French: they are for the alliance."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from parvis.needs.typography import typeset
from parvis.needs.workbooks import printable, steady

KINDS = {"note": "Note", "decision": "Décision", "act": "Fait en séance"}


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime  # in the reader's time zone
    kind: str  # a key of KINDS
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Minutes:
    title: str
    group: str
    opened_at: datetime
    closed_at: datetime | None
    people: tuple[str, ...]  # who wrote in it
    lines: tuple[Line, ...]

    @property
    def decisions(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.kind == "decision")

    @property
    def when(self) -> str:
        began = f"{self.opened_at:%d/%m/%Y}, de {self.opened_at:%H:%M}"
        if self.closed_at is None:
            return f"{began} (séance ouverte)"
        same_day = self.closed_at.date() == self.opened_at.date()
        return f"{began} à {self.closed_at:%H:%M}" if same_day else f"{began} au {self.closed_at:%d/%m/%Y, %H:%M}"


def markdown(minutes: Minutes) -> bytes:
    """What people typed is kept on one line and escaped: it is text, never structure."""
    parts = [f"# {_escaped(minutes.title)}", "", f"{_escaped(minutes.group)} · {minutes.when}", ""]
    if minutes.people:
        parts += [f"Ont écrit : {_escaped(', '.join(minutes.people))}.", ""]
    if minutes.decisions:
        parts += ["## Décisions", "", *(f"- {_escaped(line.text)}" for line in minutes.decisions), ""]
    parts += ["## Déroulé", ""]
    for line in minutes.lines:
        parts.append(f"- **{line.at:%H:%M}** {KINDS[line.kind]} ({_escaped(line.who)}) : {_escaped(line.text)}")
    return "\n".join([*parts, ""]).encode()


def docx(minutes: Minutes) -> bytes:
    from docx import Document
    from docx.shared import Cm

    file = Document()
    file.core_properties.title, file.core_properties.author = printable(minutes.title), "Parvis"
    file.core_properties.language = "fr-FR"
    file.sections[0].page_width, file.sections[0].page_height = Cm(21), Cm(29.7)
    file.sections[0].left_margin = file.sections[0].right_margin = Cm(2.5)
    file.add_heading(_typeset(minutes.title), 0)
    file.add_paragraph(_typeset(f"{minutes.group} · {minutes.when}"))
    if minutes.people:
        file.add_paragraph(_typeset(f"Ont écrit : {', '.join(minutes.people)}."))
    if minutes.decisions:
        file.add_heading("Décisions", 1)
        for line in minutes.decisions:
            file.add_paragraph(_typeset(line.text), style="List Bullet")
    file.add_heading("Déroulé", 1)
    table = file.add_table(rows=1, cols=3)
    table.style, table.autofit = "Light List Accent 1", False
    for cell, words in zip(table.rows[0].cells, _HEADER, strict=True):
        cell.text = words
    for line in minutes.lines:
        for cell, words in zip(table.add_row().cells, _row(line), strict=True):
            cell.text = words
    for number, width in enumerate((2, 4, 10)):  # LibreOffice reads the columns, Word the cells
        table.columns[number].width = Cm(width)
        for cell in table.columns[number].cells:
            cell.width = Cm(width)
    content = io.BytesIO()
    file.save(content)
    return steady(content.getvalue())


def pdf(minutes: Minutes) -> bytes:
    """Tagged (PDF/UA-1). Texts reach Typst as JSON and are never code."""
    import typst

    data = {
        "title": _typeset(minutes.title),
        "about": _typeset(f"{minutes.group} · {minutes.when}"),
        "people": _typeset(", ".join(minutes.people)),
        "decisions": [_typeset(line.text) for line in minutes.decisions],
        "rows": [_row(line) for line in minutes.lines],
    }
    layout = Path(__file__).with_name("minutes.typ").read_bytes()
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    inputs = {"minutes": json.dumps(data, ensure_ascii=False)}
    compiler = typst.Compiler(layout, font_paths=fonts, ignore_system_fonts=True, sys_inputs=inputs)
    content = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=int(minutes.opened_at.timestamp()))
    if not isinstance(content, bytes):
        raise TypeError("a PDF is one file")
    return content


WRITERS = {"md": markdown, "docx": docx, "pdf": pdf}
_HEADER = ("Heure", "Nature, auteur", "Texte")


def _row(line: Line) -> Sequence[str]:
    return f"{line.at:%H:%M}", _typeset(f"{KINDS[line.kind]}\n{line.who}"), _typeset(line.text)


def _typeset(text: str) -> str:
    return typeset(printable(text))


def _escaped(text: str) -> str:
    words = " ".join(printable(text).split())
    for mark in "\\`*_[]<>#|":
        words = words.replace(mark, f"\\{mark}")
    return words
