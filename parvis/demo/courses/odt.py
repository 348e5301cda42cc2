"""From the courses' Markdown to OpenDocument text: headings, lists, tables, bold and italic."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from odf import dc, meta, table, text
from odf.opendocument import OpenDocumentText
from odf.style import ListLevelProperties, ParagraphProperties, Style, TableCellProperties, TextProperties

from parvis.demo.courses.typeset import typography
from parvis.demo.courses.word import freeze

SIZES = {"Title": "24pt", "1": "17pt", "2": "13pt"}


def build(source: str, target: Path, *, author: str) -> None:
    document = OpenDocumentText()
    _styles(document)
    title = source.splitlines()[0].removeprefix("# ")
    document.meta.addElement(dc.Title(text=title))
    document.meta.addElement(dc.Creator(text=author))
    document.meta.addElement(dc.Date(text="2025-01-01T00:00:00"))
    document.meta.addElement(meta.CreationDate(text="2025-01-01T00:00:00"))
    lines = source.splitlines()
    at = 0
    while at < len(lines):
        at = _block(document.text, lines, at)
    document.save(str(target))
    freeze(target)


def _block(body: Any, lines: list[str], at: int) -> int:
    line = lines[at]
    listed = r"- |\d+\. "
    if line.startswith("# "):
        _add(body, text.P(stylename="Title"), line[2:])
    elif found := re.match(r"(#{2,4}) (.+)", line):
        level = len(found[1]) - 1
        _add(body, text.H(outlinelevel=level, stylename=f"Heading{level}"), found[2])
    elif line.startswith("|"):
        end = next((n for n in range(at, len(lines)) if not lines[n].startswith("|")), len(lines))
        _table(body, lines[at:end])
        return end
    elif re.match(listed, line):
        end = next((n for n in range(at, len(lines)) if not re.match(listed, lines[n])), len(lines))
        _list(body, [re.sub(f"^({listed})", "", item) for item in lines[at:end]], numbered=not line.startswith("- "))
        return end
    elif line.strip():
        _add(body, text.P(stylename="Body"), re.sub(r"^(> |!tableau )", "", line))
    return at + 1


def _add(parent: Any, paragraph: Any, words: str) -> None:
    for part in re.split(r"(\*\*[^*]+\*\*|\*[^*]+\*)", typography(words)):
        if part.startswith("*"):
            paragraph.addElement(text.Span(stylename="Strong" if part.startswith("**") else "Emphasis", text=part.strip("*")))
        elif part:
            paragraph.addText(part)
    parent.addElement(paragraph)


def _list(body: Any, items: list[str], *, numbered: bool) -> None:
    holder = text.List(stylename="Numbers" if numbered else "Bullets")
    for words in items:
        item = text.ListItem()
        _add(item, text.P(stylename="Item"), words)
        holder.addElement(item)
    body.addElement(holder)


def _table(body: Any, lines: list[str]) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not re.match(r"\|[-| ]+\|$", line)]
    holder = table.Table()
    holder.addElement(table.TableColumn(numbercolumnsrepeated=len(rows[0])))
    for n, words in enumerate(rows):
        row = table.TableRow()
        for word in words:
            cell = table.TableCell(stylename="HeadCell" if n == 0 else "Cell", valuetype="string")
            _add(cell, text.P(stylename="Cell" if n else "CellHead"), word)
            row.addElement(cell)
        if n == 0:
            head = table.TableHeaderRows()
            head.addElement(row)
            holder.addElement(head)
        else:
            holder.addElement(row)
    body.addElement(holder)
    body.addElement(text.P(stylename="Body"))


def _styles(document: Any) -> None:
    green = "#1f5c4d"
    _style(document, "Body", {"marginbottom": "0.2cm"}, {"fontsize": "11pt"})
    _style(document, "Item", {"marginbottom": "0.08cm"}, {"fontsize": "11pt"})
    _style(document, "Cell", {}, {"fontsize": "9.5pt"})
    _style(document, "CellHead", {}, {"fontsize": "9.5pt", "fontweight": "bold"})
    _style(document, "Title", {"marginbottom": "0.5cm"}, {"fontsize": SIZES["Title"], "fontweight": "bold", "color": green})
    for level in ("1", "2"):
        properties = {"margintop": "0.6cm", "marginbottom": "0.2cm", "keepwithnext": "always"}
        _style(document, f"Heading{level}", properties, {"fontsize": SIZES[level], "fontweight": "bold", "color": green})
    for name, looks in (("Strong", {"fontweight": "bold"}), ("Emphasis", {"fontstyle": "italic"})):
        style = Style(name=name, family="text")
        style.addElement(TextProperties(**looks))
        document.styles.addElement(style)
    for name, fill in (("Cell", "#ffffff"), ("HeadCell", "#dfece7")):
        style = Style(name=name, family="table-cell")
        style.addElement(TableCellProperties(padding="0.1cm", border="0.5pt solid #b9c4c0", backgroundcolor=fill))
        document.automaticstyles.addElement(style)
    _list_styles(document)


def _list_styles(document: Any) -> None:
    for name, level in (
        ("Bullets", text.ListLevelStyleBullet(level="1", bulletchar="•")),
        ("Numbers", text.ListLevelStyleNumber(level="1", numformat="1", numsuffix=".")),
    ):
        level.addElement(ListLevelProperties(spacebefore="0.4cm", minlabelwidth="0.6cm"))
        style = text.ListStyle(name=name)
        style.addElement(level)
        document.automaticstyles.addElement(style)


def _style(document: Any, name: str, paragraph: dict[str, str], letters: dict[str, str]) -> None:
    style = Style(name=name, family="paragraph")
    style.addElement(ParagraphProperties(**paragraph))
    style.addElement(TextProperties(fontfamily="Liberation Sans", language="fr", country="FR", **letters))
    document.styles.addElement(style)
