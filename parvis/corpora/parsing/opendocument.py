"""ODT and ODP: headings, paragraphs, lists, tables, notes, formulas and descriptions of pictures."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from .container import Container, attribute, local
from .document import BlockKind, DocumentHead, DocumentTail, Unit
from .formulas import linear
from .limits import Limits
from .markup import document
from .media_types import ODP, ODT
from .refusals import Unreadable
from .sections import Piece, one_line, row
from .slides import slide_unit


def read_odt(path: Path, *, name: str, limits: Limits) -> Iterator[DocumentHead | Unit | DocumentTail]:
    with Container(path, limits) as container:
        pieces = list(_Content(container).blocks(_body(container, "text")))
        title = _title(container) or next((p.text[:300] for p in pieces if p.kind is BlockKind.HEADING), "") or Path(name).stem
    yield from document(ODT, title, pieces)


def read_odp(path: Path, *, name: str, limits: Limits) -> Iterator[DocumentHead | Unit | DocumentTail]:
    with Container(path, limits) as container:
        slides = list(_body(container, "presentation").iterchildren("{*}page"))
        if len(slides) > limits.pages:
            raise Unreadable("too_many_pages", {"pages": str(len(slides)), "limit": str(limits.pages)})
        yield DocumentHead(ODP, _title(container) or Path(name).stem, len(slides))
        content = _Content(container)
        silent: list[int] = []
        for number, slide in enumerate(slides, 1):
            unit = slide_unit(number, content.slide(slide))
            if not unit.text:
                silent.append(number)
            yield unit
        yield DocumentTail(len(slides), tuple(silent))


def _body(container: Container, kind: str) -> etree._Element:
    root = container.xml("content.xml")
    body = root.find(f"{{*}}body/{{*}}{kind}") if root is not None else None
    if body is None:
        raise Unreadable("corrupt")
    return body


def _title(container: Container) -> str:
    properties = container.xml("meta.xml")
    title = properties.findtext("{*}meta/{*}title") if properties is not None else None
    return one_line(title or "")[:300]


class _Content:
    def __init__(self, container: Container) -> None:
        self._container = container

    def slide(self, page: etree._Element) -> Iterator[Piece]:
        frames = [frame for frame in page if local(frame) != "notes"]
        frames.sort(key=lambda frame: attribute(frame, "class") != "title")  # stable
        for frame in frames:
            if attribute(frame, "class") == "title":
                yield Piece(BlockKind.HEADING, one_line(" ".join(piece.text for piece in self.blocks(frame))), 1)
            elif attribute(frame, "class") not in ("date-time", "footer", "page-number", "header"):
                yield from self.blocks(frame)
        for frame in page.iterfind("{*}notes/{*}frame"):
            if attribute(frame, "class") == "notes":
                yield from self.blocks(frame)

    def blocks(self, parent: etree._Element, kind: BlockKind = BlockKind.PARAGRAPH) -> Iterator[Piece]:
        for child in parent:
            name = local(child)
            if name == "h":
                level = attribute(child, "outline-level")
                yield Piece(BlockKind.HEADING, one_line(self._text(child)), int(level) if level.isdigit() else 1)
                yield from self._anchored(child)
            elif name == "p":
                yield from self._paragraph(child, kind)
            elif name in ("list-item", "list-header"):
                yield from self.blocks(child, BlockKind.LIST_ITEM)
            elif name == "table":
                yield from self._table(child)
            elif name in ("frame", "custom-shape", "rect", "line"):
                yield from self._frame(child, kind)
            elif name not in _NOT_SHOWN:
                yield from self.blocks(child, kind)

    def _paragraph(self, paragraph: etree._Element, kind: BlockKind) -> Iterator[Piece]:
        style = attribute(paragraph, "style-name")
        if style == "Title":
            yield Piece(BlockKind.HEADING, one_line(self._text(paragraph)), 0)
        elif kind is BlockKind.PARAGRAPH and ("Preformatted" in style or "Code" in style):
            yield Piece(BlockKind.CODE, one_line(self._text(paragraph)))
        elif style in ("Caption", "Illustration", "Figure", "Table", "Legend", "Légende"):
            yield Piece(BlockKind.CAPTION, one_line(self._text(paragraph)))
        else:
            yield Piece(kind, one_line(self._text(paragraph)))
        yield from self._anchored(paragraph)

    def _anchored(self, paragraph: etree._Element) -> Iterator[Piece]:
        """What hangs on the paragraph: frames, then notes. Formulas are already in its line."""
        for frame in paragraph.iter("{*}frame"):
            if frame.find("{*}object") is None and not _inside(frame, "frame", paragraph):
                yield from self._frame(frame, BlockKind.PARAGRAPH)
        for note in paragraph.iter("{*}note-body"):
            yield Piece(BlockKind.PARAGRAPH, one_line(" ".join(self._text(line) for line in note)))

    def _frame(self, frame: etree._Element, kind: BlockKind) -> Iterator[Piece]:
        for box in frame:
            if local(box) in ("text-box", "table"):
                yield from self._table(box) if local(box) == "table" else self.blocks(box, kind)
            elif local(box) == "object":
                yield Piece(BlockKind.FORMULA, self._formula(box))
            elif local(box) in ("p", "list"):
                yield from self.blocks(frame, kind)
                break
        described = (one_line(frame.findtext(f"{{*}}{name}") or "") for name in ("title", "desc"))
        yield Piece(BlockKind.CAPTION, " : ".join(dict.fromkeys(filter(None, described))))

    def _table(self, table: etree._Element) -> Iterator[Piece]:
        for table_row in table.iter("{*}table-row"):
            if next(table_row.iterancestors("{*}table")) is table:
                cells = [
                    " ".join(p.text for p in self.blocks(cell) if p.text) for cell in table_row.iterchildren("{*}table-cell")
                ]
                yield Piece(BlockKind.TABLE_ROW, row(cells))

    def _text(self, element: etree._Element) -> str:
        pieces: list[str] = [element.text or ""]
        for child in element:
            name = local(child)
            if name == "s":
                pieces.append(" ")
            elif name in ("tab", "line-break"):
                pieces.append(" ")
            elif name == "frame" and (formula := child.find("{*}object")) is not None:
                pieces.append(f" {self._formula(formula)} ")
            elif name not in _NOT_IN_LINE:
                pieces.append(self._text(child))
            pieces.append(child.tail or "")
        return "".join(pieces)

    def _formula(self, element: etree._Element) -> str:
        inside = next(element.iterfind("{*}math"), None)
        if inside is None:
            target = posixpath.normpath(attribute(element, "href"))
            inside = self._container.xml(f"{target}/content.xml")
        return linear(inside) if inside is not None and local(inside) == "math" else ""


def _inside(element: etree._Element, name: str, limit: etree._Element) -> bool:
    for ancestor in element.iterancestors():
        if ancestor is limit:
            return False
        if local(ancestor) == name:
            return True
    return False


_NOT_SHOWN = frozenset(
    {
        "tracked-changes",
        "table-of-content",
        "alphabetical-index",
        "annotation",
        "sequence-decls",
        "forms",
        "notes",
        "desc",
        "title",
    }
)
_NOT_IN_LINE = frozenset({"note", "annotation", "frame", "custom-shape", "tracked-changes", "desc", "title", ""})
