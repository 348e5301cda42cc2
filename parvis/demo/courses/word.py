"""From the courses' Markdown to DOCX: headings, lists, tables, and `$…$` formulas as OMML that Word can edit."""

# ruff: noqa: SLF001 — python-docx offers no public way to add a formula, a field or a header row.

from __future__ import annotations

import datetime
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from lxml import etree

from parvis.demo.courses.typeset import typography

MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
STAMP = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)


def build(source: str, target: Path, *, author: str) -> None:
    document = Document()
    _styles(document)
    title = source.splitlines()[0].removeprefix("# ")
    document.core_properties.title, document.core_properties.author = title, author
    document.core_properties.language = "fr-FR"
    document.core_properties.created = document.core_properties.modified = STAMP
    _footer(document, f"{title} — {author} — démonstration de Parvis")
    lines = source.splitlines()
    at = 0
    while at < len(lines):
        at = _block(document, lines, at)
    document.save(str(target))
    freeze(target)


def freeze(target: Path) -> None:
    """Rewrites the archive with one date everywhere, so that the same source gives the same bytes."""
    target.write_bytes(_frozen(target.read_bytes()))


def omml(formula: str) -> Any:
    """`\\frac{a}{b}`, `\\sqrt{a}`, `x_{i}`, `x^{2}` and plain characters, as an `m:oMath` element."""
    element = etree.Element(f"{{{MATH}}}oMath", nsmap={"m": MATH})
    _Formula(formula).into(element)
    return element


class _Formula:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def into(self, parent: Any) -> None:
        while self.at < len(self.text) and self.text[self.at] not in "})]":
            base = self._atom()
            scripts = {}
            while self.at < len(self.text) and self.text[self.at] in "_^":
                mark = self.text[self.at]
                self.at += 1
                scripts[mark] = self._argument()
            for node in _scripted(base, scripts) if scripts else base:
                parent.append(node)

    def _atom(self) -> list[Any]:
        for name, node in (("\\frac", self._fraction), ("\\sqrt", self._root)):
            if self.text.startswith(name, self.at):
                self.at += len(name)
                return [node()]
        if self.text[self.at] == "{":
            return self._argument()
        if self.text[self.at] in "([":
            return [self._brackets()]
        run = re.compile(r"\d+(?:[,\u00a0]\d+)*|[^\W\d_]+|").match(self.text, self.at)
        words = (run[0] if run else "") or self.text[self.at]
        self.at += len(words)
        return [_run(words)]

    def _argument(self) -> list[Any]:
        holder = _element("e")
        if self.text[self.at] == "{":
            self.at += 1
            self.into(holder)
            self.at += 1
        else:
            holder.append(_run(self.text[self.at]))
            self.at += 1
        return list(holder)

    def _brackets(self) -> Any:
        """A stretching pair, kept as one base so that `(…)_{P}` has its index after the whole."""
        pair = _element("d")
        properties = _child(pair, "dPr", [])
        _child(properties, "begChr", []).set(f"{{{MATH}}}val", self.text[self.at])
        self.at += 1
        inner = _element("e")
        self.into(inner)
        _child(properties, "endChr", []).set(f"{{{MATH}}}val", self.text[self.at])
        self.at += 1
        pair.append(inner)
        return pair

    def _fraction(self) -> Any:
        fraction = _element("f")
        for part in ("num", "den"):
            _child(fraction, part, self._argument())
        return fraction

    def _root(self) -> Any:
        root = _element("rad")
        properties = _child(root, "radPr", [])
        _child(properties, "degHide", []).set(f"{{{MATH}}}val", "1")
        _child(root, "deg", [])
        _child(root, "e", self._argument())
        return root


def _scripted(base: list[Any], scripts: dict[str, list[Any]]) -> list[Any]:
    node = _element({"_": "sSub", "^": "sSup"}["".join(scripts)] if len(scripts) == 1 else "sSubSup")
    _child(node, "e", base)
    for mark, part in (("_", "sub"), ("^", "sup")):
        if mark in scripts:
            _child(node, part, scripts[mark])
    return [node]


def _element(name: str) -> Any:
    return etree.Element(f"{{{MATH}}}{name}")


def _child(parent: Any, name: str, nodes: list[Any]) -> Any:
    child = etree.SubElement(parent, f"{{{MATH}}}{name}")
    for node in nodes:
        child.append(node)
    return child


def _run(text: str) -> Any:
    run = _element("r")
    inner = etree.SubElement(run, f"{{{MATH}}}t")
    inner.text = text
    inner.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return run


def _frozen(data: bytes) -> bytes:
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in archive.namelist():
            member = archive.read(name)
            if name.endswith(".xlsx"):  # the numbers of a chart
                member = _frozen(member)
            elif name == "docProps/core.xml":
                member = re.sub(rb">\d{4}-\d\d-\d\dT[\d:.]+Z<", STAMP.strftime(">%Y-%m-%dT00:00:00Z<").encode(), member)
            info = zipfile.ZipInfo(name, (STAMP.year, STAMP.month, STAMP.day, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            target.writestr(info, member)
    return copy.getvalue()


def _block(document: Any, lines: list[str], at: int) -> int:
    line = lines[at]
    if not line.strip():
        return at + 1
    heading = re.match(r"(#{1,4}) (.+)", line)
    if heading:
        level = len(heading[1])
        document.add_heading(typography(heading[2]), level=level - 1)
    elif line.startswith("$$"):
        paragraph = document.add_paragraph()
        holder = etree.SubElement(paragraph._p, f"{{{MATH}}}oMathPara")
        holder.append(omml(line.strip("$ ").replace("'", "’")))
    elif line.startswith("|"):
        end = next((n for n in range(at, len(lines)) if not lines[n].startswith("|")), len(lines))
        _table(document, lines[at:end])
        return end
    elif re.match(r"- |\d+\. ", line):
        style = "List Bullet" if line.startswith("- ") else "List Number"
        _inline(document.add_paragraph(style=style), re.sub(r"^(- |\d+\. )", "", line))
    elif line.startswith("!tableau "):
        _inline(document.add_paragraph(style="Caption"), line[9:])
    elif line.startswith("> "):
        _inline(document.add_paragraph(style="Intense Quote"), line[2:])
    else:
        _inline(document.add_paragraph(), line)
    return at + 1


def _inline(paragraph: Any, text: str) -> None:
    for part in re.split(r"(\$[^$]+\$|\*\*[^*]+\*\*|\*[^*]+\*)", typography(text)):
        if part.startswith("$"):
            paragraph._p.append(omml(part.strip("$")))
        elif part:
            run = paragraph.add_run(part.strip("*"))
            run.bold, run.italic = part.startswith("**"), part.startswith("*") and not part.startswith("**")


def _table(document: Any, lines: list[str]) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not re.match(r"\|[-| ]+\|$", line)]
    table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Light Grid Accent 1")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for i, row in enumerate(rows):
        for j, words in enumerate(row):
            paragraph = table.cell(i, j).paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(1)
            paragraph.paragraph_format.keep_with_next = i < len(rows) - 1 and len(rows) < 15
            _inline(paragraph, words)
            for run in paragraph.runs:
                run.font.size = Pt(9.5)
    header = table.rows[0]._tr.get_or_add_trPr()
    header.append(OxmlElement("w:tblHeader"))
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _styles(document: Any) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin = section.bottom_margin = Cm(2.3)
    for name, size in (
        ("Normal", 11),
        ("Title", 26),
        ("Heading 1", 18),
        ("Heading 2", 14),
        ("Heading 3", 12),
        ("Caption", 9.5),
    ):
        style = document.styles[name]
        style.font.name, style.font.size = "Liberation Serif" if name == "Normal" else "Liberation Sans", Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{key}"), None)
        fonts.set(qn("w:hAnsi"), style.font.name)
        if name != "Normal":
            style.font.color.rgb = RGBColor(0x1F, 0x4E, 0x79)
    document.styles["Normal"].paragraph_format.space_after = Pt(6)
    document.styles["Caption"].paragraph_format.keep_with_next = True
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "fr-FR")
    document.styles["Normal"].element.get_or_add_rPr().append(language)


def _footer(document: Any, text: str) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.add_run(text + " — ").font.size = Pt(8.5)
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    run = OxmlElement("w:r")
    words = OxmlElement("w:t")
    words.text = "1"
    run.append(words)
    field.append(run)
    paragraph._p.append(field)
