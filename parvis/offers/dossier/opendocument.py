"""An outline as an ODT: true headings, tables with heading rows, a foot with page numbers."""

from __future__ import annotations

import io
import re
from functools import cache
from typing import Any

from odf import dc, meta, style, table, text
from odf.opendocument import OpenDocumentText

from parvis.needs.workbooks import steady

from .outline import Block, Bullets, Document, Facts, Figures, Heading, Paragraph, Quotation, Table, is_hash

# odfpy has no types: its elements are Any here.


def odt(document: Document) -> bytes:
    """Equal documents give equal bytes."""
    _know_prefixes()
    file = OpenDocumentText()
    _describe(file, document)
    _styles(file, document)
    file.text.addElement(_paragraph("Kind", document.kind))
    file.text.addElement(_paragraph("Title", document.title))
    for number, block in enumerate(document.blocks):
        for element in _elements(file, block, document, number):
            file.text.addElement(element)
    content = io.BytesIO()
    file.write(content)
    return steady(content.getvalue(), {"meta.xml": _without_instant})


@cache
def _know_prefixes() -> None:
    """odfpy declares the prefixes it has met since the process began: after this it has met them all."""
    OpenDocumentText().write(io.BytesIO())


def _elements(file: Any, block: Block, document: Document, number: int) -> list[Any]:
    match block:
        case Heading(level, words):
            heading = text.H(outlinelevel=level, stylename=f"Heading_20_{level}")
            heading.addText(words)
            return [heading]
        case Paragraph(words, kind):
            return [_paragraph({"small": "Small", "lead": "Lead"}.get(kind, "Text"), words)]
        case Quotation(words, source):
            return [_paragraph("Quotations", words), _paragraph("Source", source)]
        case Bullets(items):
            return [_list(items)]
        case Facts(rows):
            return [_fact(*row, is_code=is_hash(row[1])) for row in rows] + [_paragraph("Small", "")]
        case Figures(items):
            return [_figure(value, label) for value, label in items]
        case Table():
            return [_table(file, block, document, number), _paragraph("Small", "")]
    raise TypeError(block)


def _describe(file: Any, document: Document) -> None:
    file.meta.addElement(dc.Title(text=document.full_title))
    file.meta.addElement(dc.Language(text="fr-FR"))
    file.meta.addElement(meta.InitialCreator(text="Parvis"))
    file.meta.addElement(meta.Keyword(text=document.fingerprint))


def _styles(file: Any, document: Document) -> None:
    for name, face in (("Calibri", "Calibri"), ("Mono", "Liberation Mono")):
        file.fontfacedecls.addElement(style.FontFace(name=name, fontfamily=face))
    default = style.DefaultStyle(family="paragraph")
    default.addElement(style.TextProperties(language="fr", country="FR", fontname="Calibri", fontsize="11pt"))
    file.styles.addElement(default)
    size = 10.5 if document.is_compact else 11.0
    after = "0.16cm" if document.is_compact else "0.24cm"
    _named(file, "Text", size, _TEXT, marginbottom=after, lineheight="108%")
    _named(file, "Item", size, _TEXT, marginbottom="0.06cm")
    _named(file, "Kind", 10, _SOFT, is_capital=True)
    _named(file, "Title", 19 if document.is_compact else 24, _INK, is_bold=True, marginbottom="0.4cm")
    for level, points, before in ((1, 12.5 if document.is_compact else 15, "0.6cm"), (2, 12.5, "0.5cm"), (3, 11.5, "0.4cm")):
        shape: dict[str, Any] = {"margintop": before, "marginbottom": "0.15cm", "keepwithnext": "always"}
        _named(file, f"Heading_20_{level}", points, _INK, is_bold=True, shown=f"Heading {level}", level=level, **shape)
    _named(file, "Quotations", 10.5, _TEXT, is_italic=True, marginleft="0.6cm", keepwithnext="always")
    _named(file, "Source", 9.5, _SOFT, marginleft="0.6cm", marginbottom="0.3cm")
    _named(file, "Small", 8.5, _SOFT, marginbottom="0.15cm")
    _named(file, "Lead", 11, _SOFT, marginbottom="0.2cm")
    _named(file, "Fact", 10.5, _TEXT, marginbottom="0.05cm")
    _named(file, "Cell", 10, _TEXT)
    _named(file, "Cell_20_Code", 7.5, _TEXT, font="Mono")
    _named(file, "Cell_20_Name", 10, _TEXT, is_bold=True)
    _named(file, "Cell_20_Heading", 10, "#ffffff", is_bold=True)
    _named(file, "Footer", 8, _SOFT)
    for name, properties in (
        ("Label", {"color": _SOFT}),
        ("Strong", {"fontweight": "bold"}),
        ("Code", {"fontname": "Mono", "fontsize": "8pt"}),
        ("Number", {"fontweight": "bold", "fontsize": "16pt", "color": _INK}),
    ):
        words = style.Style(name=name, family="text")
        words.addElement(style.TextProperties(**properties))
        file.styles.addElement(words)
    _page(file, document)


def _named(
    file: Any,
    name: str,
    size: float,
    color: str,
    *,
    font: str = "Calibri",
    shown: str = "",
    level: int = 0,
    is_bold: bool = False,
    is_italic: bool = False,
    is_capital: bool = False,
    **shape: str,
) -> None:
    outline = {"defaultoutlinelevel": level} if level else {}
    one = style.Style(name=name, displayname=shown or name.replace("_20_", " "), family="paragraph", **outline)
    one.addElement(style.ParagraphProperties(**shape))
    look = {"fontweight": "bold"} if is_bold else {}
    look |= {"fontstyle": "italic"} if is_italic else {}
    look |= {"texttransform": "uppercase"} if is_capital else {}
    one.addElement(style.TextProperties(fontname=font, fontsize=f"{size}pt", color=color, **look))
    file.styles.addElement(one)


def _page(file: Any, document: Document) -> None:
    layout = style.PageLayout(name="Page")
    width, height = ("29.7cm", "21cm") if document.is_landscape else ("21cm", "29.7cm")
    edge = "1.6cm" if document.is_compact else "2cm"
    layout.addElement(
        style.PageLayoutProperties(
            pagewidth=width,
            pageheight=height,
            printorientation="landscape" if document.is_landscape else "portrait",
            marginleft="2.4cm",
            marginright="2.4cm",
            margintop=edge,
            marginbottom=edge,
        )
    )
    file.automaticstyles.addElement(layout)
    master = style.MasterPage(name="Standard", pagelayoutname=layout)
    footer = style.Footer()
    line = text.P(stylename="Footer")
    line.addText(f"{document.identity} · page ")
    line.addElement(text.PageNumber(selectpage="current"))
    line.addText(" sur ")
    line.addElement(text.PageCount())
    footer.addElement(line)
    master.addElement(footer)
    file.masterstyles.addElement(master)


def _paragraph(name: str, words: str) -> Any:
    paragraph = text.P(stylename=name)
    for number, line in enumerate(words.split("\n")):
        if number:
            paragraph.addElement(text.LineBreak())
        paragraph.addText(line)
    return paragraph


def _list(items: tuple[str, ...]) -> Any:
    bullets = text.List()
    for item in items:
        one = text.ListItem()
        one.addElement(_paragraph("Item", item))
        bullets.addElement(one)
    return bullets


def _fact(label: str, value: str, *, is_code: bool) -> Any:
    paragraph = text.P(stylename="Fact")
    paragraph.addElement(text.Span(stylename="Label", text=f"{label}\u00a0: "))
    paragraph.addElement(text.Span(stylename="Code" if is_code else "Strong", text=value))
    return paragraph


def _figure(value: str, label: str) -> Any:
    paragraph = text.P(stylename="Fact")
    paragraph.addElement(text.Span(stylename="Number", text=value))
    paragraph.addText(f" {label}")
    return paragraph


def _table(file: Any, block: Table, document: Document, number: int) -> Any:
    name = f"Table{number}"
    width = (29.7 if document.is_landscape else 21) - 4.8
    whole = style.Style(name=name, family="table")
    whole.addElement(style.TableProperties(width=f"{width}cm", align="left"))
    file.automaticstyles.addElement(whole)
    made = table.Table(name=block.caption, stylename=name)
    for column, share in enumerate(block.widths):
        one = style.Style(name=f"{name}.{column}", family="table-column")
        one.addElement(style.TableColumnProperties(columnwidth=f"{width * share / sum(block.widths):.2f}cm"))
        file.automaticstyles.addElement(one)
        made.addElement(table.TableColumn(stylename=one))
    headings, cells, rows = _cell_styles(file, name, block)
    header = table.TableHeaderRows()
    header.addElement(_row(block.header, headings, rows, ["Cell_20_Heading"] * len(block.header)))
    made.addElement(header)
    last = "Cell_20_Code" if block.is_code_last else "Cell"
    for row in block.rows:
        made.addElement(_row(row, cells, rows, ["Cell_20_Name", *["Cell"] * (len(row) - 2), last][: len(row)]))
    return made


def _cell_styles(file: Any, name: str, block: Table) -> tuple[Any, Any, Any]:
    made = []
    for suffix, properties in (("H", {"backgroundcolor": _INK}), ("C", {})):
        one = style.Style(name=f"{name}.{suffix}", family="table-cell")
        one.addElement(style.TableCellProperties(border="0.5pt solid #c9d2dc", padding="0.12cm", **properties))
        file.automaticstyles.addElement(one)
        made.append(one)
    row = style.Style(name=f"{name}.R", family="table-row")
    room = {"minrowheight": "0.9cm"} if block.is_to_fill else {}
    row.addElement(style.TableRowProperties(keeptogether="always", **room))
    file.automaticstyles.addElement(row)
    return made[0], made[1], row


def _row(words: tuple[str, ...], cells: Any, rows: Any, names: list[str]) -> Any:
    row = table.TableRow(stylename=rows)
    for said, name in zip(words, names, strict=True):
        cell = table.TableCell(stylename=cells, valuetype="string")
        cell.addElement(_paragraph(name, said))
        row.addElement(cell)
    return row


def _without_instant(content: bytes) -> bytes:
    return re.sub(rb"(<(?:dc:date|meta:creation-date)>)[^<]*", rb"\g<1>2000-01-01T00:00:00", content)


_INK, _SOFT, _TEXT = "#1f3a5f", "#5b6b7b", "#1b2733"
