"""An outline as a DOCX: true heading styles, tables whose first row is a heading repeated on each page."""

from __future__ import annotations

import io
from datetime import datetime
from itertools import zip_longest
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx import Document as new_document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from parvis.needs.workbooks import steady

from .outline import Block, Bullets, Document, Facts, Figures, Heading, Paragraph, Quotation, Table, is_hash

# python-docx has no types: its objects are Any here.


def docx(document: Document) -> bytes:
    """Equal documents give equal bytes."""
    file = new_document()
    _strip(file)
    _set_up(file, document)
    file.add_paragraph(document.kind, style="Subtitle")
    file.add_paragraph(document.title, style="Title")
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        latest = _add(file, block, document)
        # What is asked stays on the page where it is to be answered.
        is_form = isinstance(following, Table) and following.is_to_fill
        if is_form or (isinstance(following, Paragraph) and following.style == "small"):
            latest.paragraph_format.keep_with_next = True
    content = io.BytesIO()
    file.save(content)
    return steady(content.getvalue())


def _strip(file: Any) -> None:
    """python-docx starts from a document with 164 styles, some twice, and a picture of its own first page."""
    for relations, kinds in ((file.part.package.rels, "/thumbnail"), (file.part.rels, "/stylesWithEffects")):
        for name in [name for name, one in relations.items() if one.reltype.endswith(kinds)]:
            del relations[name]
    for style in list(file.styles.element.findall(qn("w:style"))):
        if style.get(qn("w:styleId")) not in _KEPT_STYLES:
            file.styles.element.remove(style)
        elif (link := style.find(qn("w:link"))) is not None:
            style.remove(link)


def _add(file: Any, block: Block, document: Document) -> Any:
    """Writes the block; the last of its paragraphs."""
    match block:
        case Heading(level, text):
            return file.add_heading(text, level)
        case Paragraph(text, style):
            return _write(file.add_paragraph(style={"small": "Small", "lead": "Lead"}.get(style, "Normal")), text)
        case Quotation(text, source):
            _write(file.add_paragraph(style="Quote"), text).paragraph_format.keep_with_next = True
            return file.add_paragraph(source, style="Source")
        case Bullets(items):
            return [_write(file.add_paragraph(style="List Bullet"), item) for item in items][-1]
        case Facts(rows):
            facts = [_fact(file.add_paragraph(style="Fact"), *row, is_hash(row[1])) for row in rows]
            facts[-1].paragraph_format.space_after = Pt(12)
            return facts[-1]
        case Figures(items):
            return [_figure(file.add_paragraph(style="Figure"), *item) for item in items][-1]
        case Table():
            after = file.add_paragraph(style="Small")
            after._p.addprevious(parse_xml(_table(block, _width(document))))  # noqa: SLF001  # no other way in
            return after


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
    for name, (size, color, bold) in _OWN_STYLES.items():
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        _face(style, size, color, bold=bold)
        if name.startswith("Cell"):
            style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(2)
    _face(styles["Cell Code"], 7.5, _TEXT, name="Consolas")
    styles["Source"].paragraph_format.left_indent = Cm(0.6)
    styles["Fact"].paragraph_format.space_after = Pt(1.5)
    styles["Figure"].paragraph_format.space_after = Pt(0)


def _face(style: Any, size: float, color: RGBColor, *, bold: bool = False, name: str = "Calibri") -> None:
    style.font.name, style.font.size, style.font.bold, style.font.color.rgb = name, Pt(size), bold, color
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for script in ("hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), name)


def _write(paragraph: Any, text: str) -> Any:
    for number, line in enumerate(text.split("\n")):
        if number:
            paragraph.add_run().add_break()
        paragraph.add_run(line)
    return paragraph


def _fact(paragraph: Any, label: str, value: str, is_code: bool) -> Any:
    paragraph.add_run(f"{label}\u00a0: ").font.color.rgb = _SOFT
    run = paragraph.add_run(value)
    run.bold = not is_code
    if is_code:
        run.font.name, run.font.size = "Consolas", Pt(8)
    return paragraph


def _figure(paragraph: Any, value: str, label: str) -> Any:
    run = paragraph.add_run(value)
    run.bold, run.font.size, run.font.color.rgb = True, Pt(16), _INK
    paragraph.add_run(f"  {label}")
    return paragraph


def _table(block: Table, width: float) -> str:
    """Written as XML: python-docx takes a quarter of a minute over the forms of 200 requirements."""
    widths = [round(width * 567 * share / sum(block.widths)) for share in block.widths]  # in twentieths of a point
    caption = quoteattr(block.caption)
    edges = "".join(f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="C9D2DC"/>' for edge in _EDGES)
    columns = "".join(f'<w:gridCol w:w="{wide}"/>' for wide in widths)
    rows = "".join(_row(block, row, number, widths) for number, row in enumerate((block.header, *block.rows)))
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblInd w:w="108" w:type="dxa"/>'
        f'<w:tblBorders>{edges}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        f'<w:tblLook w:val="0020" w:firstRow="1"/><w:tblCaption w:val={caption}/><w:tblDescription w:val={caption}/>'
        f"</w:tblPr><w:tblGrid>{columns}</w:tblGrid>{rows}</w:tbl>"
    )


def _row(block: Table, row: tuple[str, ...], number: int, widths: list[int]) -> str:
    """A row stays whole; the first one is the heading of its columns, on each page."""
    height = (
        f'<w:trHeight w:val="{900 if row[0] in _ROOMY else 480}" w:hRule="atLeast"/>' if block.is_to_fill and number else ""
    )
    is_kept = number < len(block.rows) if block.is_to_fill else number == 0
    look = ["Cell"] * len(row)
    look[0] = "CellName"
    if block.is_code_last:
        look[-1] = "CellCode"
    if number == 0:
        look = ["CellHeading"] * len(row)
    cells = "".join(_cell(*cell, is_kept, number == 0) for cell in zip(row, look, widths, strict=True))
    return f"<w:tr><w:trPr><w:cantSplit/>{height}{'<w:tblHeader/>' if number == 0 else ''}</w:trPr>{cells}</w:tr>"


def _cell(text: str, look: str, width: int, is_kept: bool, is_dark: bool) -> str:
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="1F3A5F"/>' if is_dark else ""
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n"))
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr><w:p><w:pPr><w:pStyle w:val="{look}"/>'
        f"{'<w:keepNext/>' if is_kept else ''}</w:pPr><w:r>{lines}</w:r></w:p></w:tc>"
    )


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
_KEPT_STYLES = frozenset(
    "DefaultParagraphFont Footer Heading1 Heading2 Heading3 ListBullet NoList Normal Quote Subtitle TableGrid TableNormal "
    "Title".split()
)
_WHITE = RGBColor(0xFF, 0xFF, 0xFF)
_OWN_STYLES = {
    "Small": (8.5, _SOFT, False),
    "Lead": (11, _SOFT, False),
    "Source": (9.5, _SOFT, False),
    "Fact": (10.5, _TEXT, False),
    "Figure": (10.5, _SOFT, False),
    "Cell": (10, _TEXT, False),
    "Cell Name": (10, _TEXT, True),
    "Cell Code": (7.5, _TEXT, False),
    "Cell Heading": (10, _WHITE, True),
}
_EDGES = ("top", "left", "bottom", "right", "insideH", "insideV")
_ROOMY = ("Réponse",)
