"""DOCX: headings, paragraphs, lists, tables row by row, formulas, footnotes, descriptions of pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from .container import Container, attribute, local
from .document import BlockKind, DocumentHead, DocumentTail, Unit
from .formulas import linear
from .limits import Limits
from .markup import document
from .media_types import DOCX
from .refusals import Unreadable
from .sections import Piece, one_line, row


def read_word(path: Path, *, name: str, limits: Limits) -> Iterator[DocumentHead | Unit | DocumentTail]:
    with Container(path, limits) as container:
        pieces = list(_Body(container).pieces())
        title = core_title(container) or _first_title(pieces) or Path(name).stem
    yield from document(DOCX, title, pieces)


def core_title(container: Container) -> str:
    """The title in an OOXML file's properties."""
    properties = container.xml("docProps/core.xml")
    title = properties.findtext("{*}title") if properties is not None else None
    return one_line(title or "")[:300]


class _Body:
    def __init__(self, container: Container) -> None:
        main = next((target for kind, target in container.relations("").values() if kind == "officeDocument"), _MAIN)
        root = container.xml(main)
        if root is None or root.find("{*}body") is None:
            raise Unreadable("corrupt")
        self._body = root.find("{*}body")
        targets = dict(container.relations(main).values())
        self._styles = _styles(container.xml(targets.get("styles", "word/styles.xml")))
        self._notes = {
            kind: _notes(container.xml(targets[f"{kind}s"])) for kind in ("footnote", "endnote") if f"{kind}s" in targets
        }

    def pieces(self) -> Iterator[Piece]:
        yield from self._blocks(self._body)

    def _blocks(self, parent: etree._Element | None) -> Iterator[Piece]:
        for child in parent if parent is not None else ():
            name = local(child)
            if name == "p":
                yield from self._paragraph(child)
            elif name == "tbl":
                yield from self._table(child)
            elif name == "sdt" and child.find("{*}sdtPr/{*}docPartObj/{*}docPartGallery[@{*}val='Table of Contents']") is None:
                yield from self._blocks(child.find("{*}sdtContent"))
            elif name in ("customXml", "ins", "moveTo", "smartTag"):
                yield from self._blocks(child)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[Piece]:
        kind, level = self._kind(paragraph)
        if kind is None:
            return
        text = one_line(_text(paragraph))
        if kind is BlockKind.PARAGRAPH and text and not _has_letters_outside_formulas(paragraph):
            kind = BlockKind.FORMULA
        yield Piece(kind, text, level)
        for picture in paragraph.iter("{*}docPr"):
            yield Piece(BlockKind.CAPTION, one_line(attribute(picture, "descr")))
        for box in paragraph.iter("{*}txbxContent"):
            if not _in_fallback(box):
                yield from self._blocks(box)
        for kind_of_note, notes in self._notes.items():
            for reference in paragraph.iter(f"{{*}}{kind_of_note}Reference"):
                yield Piece(BlockKind.PARAGRAPH, notes.get(attribute(reference, "id"), ""))

    def _table(self, table: etree._Element) -> Iterator[Piece]:
        for table_row in table.iter("{*}tr"):
            if next(table_row.iterancestors("{*}tbl")) is table:
                cells = [
                    " ".join(map(_text, cell.iter("{*}p"))) for cell in table_row.iter("{*}tc") if cell.getparent() is not None
                ]
                yield Piece(BlockKind.TABLE_ROW, row(cells))

    def _kind(self, paragraph: etree._Element) -> tuple[BlockKind | None, int]:
        style_id = next((attribute(style, "val") for style in paragraph.iterfind("{*}pPr/{*}pStyle")), "")
        style = self._styles.get(style_id)
        outline = next((attribute(level, "val") for level in paragraph.iterfind("{*}pPr/{*}outlineLvl")), "")
        level = int(outline) if outline.isdigit() and int(outline) < 9 else style.level if style else None
        if style and style.is_contents:
            return None, 0
        if level is not None:
            return BlockKind.HEADING, level + 1
        if style and style.name in ("title", "titre"):
            return BlockKind.HEADING, 0
        if style and style.name in ("caption", "légende"):
            return BlockKind.CAPTION, 0
        if paragraph.find("{*}pPr/{*}numPr") is not None or (style and style.is_list):
            return BlockKind.LIST_ITEM, 0
        if style and re.search(r"\b(?:code|source|html preformatted|préformaté)\b", style.name):
            return BlockKind.CODE, 0
        return BlockKind.PARAGRAPH, 0


class _Style:
    __slots__ = ("is_contents", "is_list", "level", "name")

    def __init__(self, name: str, level: int | None, is_list: bool) -> None:
        self.name = name
        self.level = level
        self.is_list = is_list or name.startswith("list ")
        self.is_contents = bool(re.match(r"(?:toc|tm|table des matières) ?\d$", name))


def _styles(root: etree._Element | None) -> dict[str, _Style]:
    """Paragraph styles by id, each with what it takes from the style it is based on."""
    elements = {attribute(style, "styleId"): style for style in root.iterfind("{*}style")} if root is not None else {}
    return {style_id: _style(elements, style_id) for style_id in elements}


def _style(elements: dict[str, etree._Element], style_id: str) -> _Style:
    name, level, is_list = "", None, False
    seen: set[str] = set()
    while style_id in elements and style_id not in seen:
        seen.add(style_id)
        element = elements[style_id]
        own_name = next((attribute(child, "val") for child in element.iterfind("{*}name")), "").lower()
        name = name or own_name
        if level is None:
            outline = next((attribute(child, "val") for child in element.iterfind("{*}pPr/{*}outlineLvl")), "")
            named = re.match(r"(?:heading|titre) (\d)$", own_name)
            level = int(outline) if outline.isdigit() and int(outline) < 9 else int(named[1]) - 1 if named else None
        is_list = is_list or element.find("{*}pPr/{*}numPr") is not None
        style_id = next((attribute(child, "val") for child in element.iterfind("{*}basedOn")), "")
    return _Style(name, level, is_list)


def _notes(root: etree._Element | None) -> dict[str, str]:
    return {
        attribute(note, "id"): one_line(" ".join(map(_text, note.iter("{*}p"))))
        for note in (root if root is not None else ())
        if attribute(note, "type") in ("", "normal")
    }


def _text(paragraph: etree._Element) -> str:
    """What the paragraph shows: no deleted, hidden or instruction text, no text of a box that stands in it."""
    pieces: list[str] = []
    _collect(paragraph, pieces)
    return "".join(pieces)


def _collect(element: etree._Element, pieces: list[str]) -> None:
    for child in element:
        name = local(child)
        if name == "t":
            pieces.append(child.text or "")
        elif name in ("tab", "br", "cr"):
            pieces.append(" ")
        elif name == "noBreakHyphen":
            pieces.append("‑")
        elif name == "oMath":
            pieces.append(f" {linear(child)} ")
        elif name == "r" and child.find("{*}rPr/{*}vanish") is not None:
            continue
        elif name not in _NOT_SHOWN:
            _collect(child, pieces)


def _has_letters_outside_formulas(paragraph: etree._Element) -> bool:
    if next(paragraph.iter("{*}oMath"), None) is None:
        return True
    return any(re.search(r"\w", text.text or "") for text in paragraph.iter(f"{{{_WORD_NAMESPACE}}}t"))


def _in_fallback(element: etree._Element) -> bool:
    return any(local(ancestor) == "Fallback" for ancestor in element.iterancestors())


def _first_title(pieces: list[Piece]) -> str:
    return next(
        (piece.text[:300] for piece in pieces if piece.kind is BlockKind.HEADING and piece.level <= 1 and piece.text), ""
    )


_MAIN = "word/document.xml"
_WORD_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NOT_SHOWN = frozenset({"del", "moveFrom", "pPr", "rPr", "txbxContent", "Fallback", "instrText", "delText", "sdtPr", "tcPr"})
