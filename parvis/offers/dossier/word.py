"""An outline as a DOCX: true heading styles, tables whose first row is a heading repeated on each page."""

from __future__ import annotations

import io
from datetime import datetime
from itertools import zip_longest
from typing import Any

from docx import Document as new_document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from parvis.needs.workbooks import steady

from .outline import Block, Bullets, Document, Facts, Figures, Heading, Paragraph, Quotation, Table

# python-docx has no types: its objects are Any here.


def docx(document: Document) -> bytes:
    """Equal documents give equal bytes."""
    file = new_document()
    _set_up(file, document)
    file.add_paragraph(document.kind, style="Subtitle")
    file.add_paragraph(document.title, style="Title")
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        _add(file, block, document)
        # What is asked stays on the page where it is to be answered.
        if (isinstance(following, Table) and following.is_to_fill) or (
            isinstance(following, Paragraph) and following.style == "small"
        ):
            file.paragraphs[-1].paragraph_format.keep_with_next = True
    content = io.BytesIO()
    file.save(content)
    return steady(content.getvalue())


def _add(file: Any, block: Block, document: Document) -> None:
    match block:
        case Heading(level, text):
            file.add_heading(text, level)
        case Paragraph(text, style):
            _write(file.add_paragraph(style={"small": "Small", "lead": "Lead"}.get(style, "Normal")), text)
        case Quotation(text, source):
            quoted = file.add_paragraph(style="Quote")
            _write(quoted, text)
            quoted.paragraph_format.keep_with_next = True
            file.add_paragraph(source, style="Source")
        case Bullets(items):
            for item in items:
                _write(file.add_paragraph(style="List Bullet"), item)
        case Facts(rows):
            for label, value in rows:
                _fact(file.add_paragraph(style="Fact"), label, value, is_hash=value == document.fingerprint)
            file.paragraphs[-1].paragraph_format.space_after = Pt(12)
        case Figures(items):
            for value, label in items:
                _figure(file.add_paragraph(style="Figure"), value, label)
        case Table():
            _table(file, block, _width(document))


def _set_up(file: Any, document: Document) -> None:
    section = file.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    if document.is_landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Cm(29.7), Cm(21)
    section.left_margin = section.right_margin = Cm(2.4)
    section.top_margin = section.bottom_margin = Cm(1.7 if document.is_compact else 2.2)
    _styles(file, document.is_compact)
    properties = file.core_properties
    properties.title, properties.author, properties.language = document.full_title, "Parvis", "fr-FR"
    properties.keywords, properties.comments, properties.last_modified_by = document.fingerprint, "", "Parvis"
    properties.created = properties.modified = datetime(2000, 1, 1)  # noqa: DTZ001  # python-docx takes no zone
    _foot(section.footer.paragraphs[0], document)


def _styles(file: Any, is_compact: bool) -> None:
    styles = file.styles
    normal = styles["Normal"]
    _face(normal, 10.5 if is_compact else 11, _TEXT)
    normal.paragraph_format.space_after = Pt(5 if is_compact else 7)
    normal.paragraph_format.line_spacing = 1.08
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "fr-FR")
    normal.element.get_or_add_rPr().append(language)
    _face(styles["Title"], 19 if is_compact else 24, _INK, bold=True)
    styles["Title"].paragraph_format.space_after = Pt(10)
    _face(styles["Subtitle"], 10, _SOFT)
    styles["Subtitle"].font.italic = False
    styles["Subtitle"].font.all_caps = True
    styles["Subtitle"].paragraph_format.space_after = Pt(2)
    for level, size, before in ((1, 12.5 if is_compact else 15, 10 if is_compact else 20), (2, 12.5, 14), (3, 11.5, 12)):
        heading = styles[f"Heading {level}"]
        _face(heading, size, _INK, bold=True)
        heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(before), Pt(4)
        heading.paragraph_format.keep_with_next = True
    _face(styles["Quote"], 10.5, _TEXT)
    styles["Quote"].font.italic = True
    styles["Quote"].paragraph_format.left_indent = Cm(0.6)
    styles["Quote"].paragraph_format.space_after = Pt(1)
    for name, size, color in (("Small", 8.5, _SOFT), ("Lead", 11, _SOFT), ("Source", 9.5, _SOFT), ("Fact", 10.5, _TEXT), ("Figure", 10.5, _SOFT)):  # fmt: skip  # noqa: E501
        style = styles.add_style(name, 1)
        style.base_style = normal
        _face(style, size, color)
    styles["Source"].paragraph_format.left_indent = Cm(0.6)
    styles["Fact"].paragraph_format.space_after = Pt(1.5)
    styles["Figure"].paragraph_format.space_after = Pt(0)


def _face(style: Any, size: float, color: RGBColor, *, bold: bool = False) -> None:
    style.font.name, style.font.size, style.font.bold, style.font.color.rgb = "Calibri", Pt(size), bold, color
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for script in ("hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), "Calibri")


def _write(paragraph: Any, text: str, *, bold: bool = False) -> Any:
    for number, line in enumerate(text.split("\n")):
        run = paragraph.add_run(line)
        run.bold = bold or None
        if number:
            run._r.insert(0, OxmlElement("w:br"))  # noqa: SLF001  # python-docx has no other way in
    return paragraph


def _fact(paragraph: Any, label: str, value: str, *, is_hash: bool) -> None:
    paragraph.add_run(f"{label}\u00a0: ").font.color.rgb = _SOFT
    run = paragraph.add_run(value)
    run.bold = not is_hash
    if is_hash:
        _monospaced(run, 8)


def _figure(paragraph: Any, value: str, label: str) -> None:
    run = paragraph.add_run(value)
    run.bold, run.font.size, run.font.color.rgb = True, Pt(16), _INK
    paragraph.add_run(f"  {label}")


def _monospaced(run: Any, size: float) -> None:
    run.font.name, run.font.size = "Consolas", Pt(size)


def _table(file: Any, block: Table, width: float) -> None:
    table = file.add_table(rows=0, cols=len(block.header), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    _describe(table, block.caption)
    widths = [Cm(width * share / sum(block.widths)) for share in block.widths]
    for column, wide in zip(table.columns, widths, strict=True):
        column.width = wide
    for number, row in enumerate((block.header, *block.rows)):
        cells = table.add_row()
        _never_cut(cells, is_header=number == 0)
        if block.is_to_fill and number:
            cells.height = Cm(1.6 if row[0] in _ROOMY else 0.85)
        for column, (cell, text) in enumerate(zip(cells.cells, row, strict=True)):
            cell.width = widths[column]
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
            paragraph.paragraph_format.keep_with_next = number < (len(block.rows) if block.is_to_fill else 1)
            _write(paragraph, text, bold=number == 0 or column == 0)
            for run in paragraph.runs:
                run.font.size = Pt(10)
                if number == 0:
                    run.font.color.rgb = RGBColor(255, 255, 255)
                elif block.is_code_last and column == len(row) - 1:
                    _monospaced(run, 7.5)
            if number == 0:
                _shade(cell, "1F3A5F")
    file.add_paragraph().paragraph_format.space_after = Pt(2)


def _describe(table: Any, caption: str) -> None:
    properties = table._tbl.tblPr  # noqa: SLF001  # python-docx has no other way in
    for tag in ("w:tblCaption", "w:tblDescription"):
        element = OxmlElement(tag)
        element.set(qn("w:val"), caption)
        properties.append(element)
    borders = OxmlElement("w:tblBorders")
    for edge in ("top", "left", "bottom", "right", "insideH", "insideV"):
        line = OxmlElement(f"w:{edge}")
        for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "C9D2DC")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    properties.find(qn("w:tblW")).addnext(borders)


def _never_cut(row: Any, *, is_header: bool) -> None:
    """A row stays whole; the first one is the heading of its columns, on each page."""
    properties = row._tr.get_or_add_trPr()  # noqa: SLF001  # python-docx has no other way in
    properties.append(OxmlElement("w:cantSplit"))
    if is_header:
        properties.append(OxmlElement("w:tblHeader"))


def _shade(cell: Any, color: str) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", color)):
        shade.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001  # python-docx has no other way in


def _foot(paragraph: Any, document: Document) -> None:
    paragraph.paragraph_format.tab_stops.clear_all()
    paragraph.paragraph_format.tab_stops.add_tab_stop(Cm(_width(document)), WD_TAB_ALIGNMENT.RIGHT)
    paragraph.add_run(f"{document.identity}\tpage ")
    _field(paragraph, "PAGE")
    paragraph.add_run(" sur ")
    _field(paragraph, "NUMPAGES")
    for run in paragraph.runs:
        run.font.size, run.font.color.rgb = Pt(8), _SOFT


def _field(paragraph: Any, name: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    run, look, text = OxmlElement("w:r"), OxmlElement("w:rPr"), OxmlElement("w:t")
    for tag, value in (("w:color", "5B6B7B"), ("w:sz", "16")):
        part = OxmlElement(tag)
        part.set(qn("w:val"), value)
        look.append(part)
    run.append(look)
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001  # python-docx has no other way in


def _width(document: Document) -> float:
    return (29.7 if document.is_landscape else 21) - 4.8


_INK, _SOFT, _TEXT = RGBColor(0x1F, 0x3A, 0x5F), RGBColor(0x5B, 0x6B, 0x7B), RGBColor(0x1B, 0x27, 0x33)
_ROOMY = ("Réponse",)
