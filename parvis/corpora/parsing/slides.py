"""PPTX: one unit a slide, its title, what it shows in order, then the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from .container import Container, attribute, local
from .document import BlockKind, DocumentHead, DocumentTail, Unit, UnitKind
from .formulas import linear
from .limits import Limits
from .media_types import PPTX
from .refusals import Unreadable
from .sections import Piece, one_line, row, unit_of
from .word import core_title


def read_slides(path: Path, *, name: str, limits: Limits) -> Iterator[DocumentHead | Unit | DocumentTail]:
    with Container(path, limits) as container:
        slides = _slides(container)
        if len(slides) > limits.pages:
            raise Unreadable("too_many_pages", {"pages": str(len(slides)), "limit": str(limits.pages)})
        yield DocumentHead(PPTX, core_title(container) or Path(name).stem, len(slides))
        silent: list[int] = []
        for number, part in enumerate(slides, 1):
            unit = slide_unit(number, _pieces(container, part))
            if not unit.text:
                silent.append(number)
            yield unit
        yield DocumentTail(len(slides), tuple(silent))


def slide_unit(number: int, pieces: Iterator[Piece]) -> Unit:
    shown = [piece for piece in pieces if piece.text]
    return unit_of(shown, number=number, kind=UnitKind.SLIDE, label=f"Diapositive {number}")


def _slides(container: Container) -> list[str]:
    main = next((target for kind, target in container.relations("").values() if kind == "officeDocument"), _MAIN)
    root = container.xml(main)
    if root is None:
        raise Unreadable("corrupt")
    relations = container.relations(main)
    ids = (_relation_id(slide) for slide in root.iter("{*}sldId"))
    return [
        relations[identifier][1] for identifier in ids if identifier in relations and relations[identifier][1] in container
    ]


def _pieces(container: Container, part: str) -> Iterator[Piece]:
    root = container.xml(part)
    if root is None:
        return
    relations = container.relations(part)
    shapes = list(_shapes(root))
    shapes.sort(key=lambda shape: _placeholder(shape) not in ("title", "ctrTitle"))  # stable: the rest keeps its order
    for shape in shapes:
        yield from _shape(container, shape, relations)
    for kind, target in relations.values():
        if kind == "notesSlide" and (notes := container.xml(target)) is not None:
            for shape in notes.iter("{*}sp"):
                if _placeholder(shape) == "body":
                    yield from (Piece(BlockKind.PARAGRAPH, one_line(_text(paragraph))) for paragraph in shape.iter("{*}p"))


def _shapes(root: etree._Element) -> Iterator[etree._Element]:
    """Shapes in drawing order, which is the order screen readers follow; groups opened, doubles of old readers left out."""
    for element in root.iter("{*}sp", "{*}pic", "{*}graphicFrame"):
        if not any(local(ancestor) == "Fallback" for ancestor in element.iterancestors()):
            yield element


def _shape(container: Container, shape: etree._Element, relations: dict[str, tuple[str, str]]) -> Iterator[Piece]:
    role = _placeholder(shape)
    if role in ("dt", "ftr", "sldNum", "hdr"):
        return
    for table_row in shape.iter("{*}tr"):
        cells = (" ".join(map(_text, cell.iter("{*}p"))) for cell in table_row.iter("{*}tc"))
        yield Piece(BlockKind.TABLE_ROW, row(cells))
    if local(shape) == "sp":
        paragraphs = [one_line(_text(paragraph)) for paragraph in shape.iterfind("{*}txBody/{*}p")]
        if role in ("title", "ctrTitle"):
            yield Piece(BlockKind.HEADING, " ".join(filter(None, paragraphs)), 1)
        else:
            kind = BlockKind.LIST_ITEM if role in ("body", "obj", "content") else BlockKind.PARAGRAPH
            yield from (Piece(kind, paragraph) for paragraph in paragraphs)
    elif local(shape) == "pic":
        yield from (Piece(BlockKind.CAPTION, one_line(attribute(about, "descr"))) for about in shape.iterfind("*/{*}cNvPr"))
    else:
        yield from _diagram(container, shape, relations)


def _diagram(container: Container, frame: etree._Element, relations: dict[str, tuple[str, str]]) -> Iterator[Piece]:
    """What a drawn diagram (SmartArt) or a chart says."""
    for about in frame.iterfind("*/{*}cNvPr"):
        yield Piece(BlockKind.CAPTION, one_line(attribute(about, "descr")))
    for pointer in frame.iter("{*}relIds", "{*}chart"):
        wanted = attribute(pointer, "dm") or attribute(pointer, "id")
        root = container.xml(relations[wanted][1]) if wanted in relations else None
        if root is not None:
            yield from (Piece(BlockKind.LIST_ITEM, one_line(_text(paragraph))) for paragraph in root.iter("{*}p"))


def _placeholder(shape: etree._Element) -> str:
    """The role of the shape; a placeholder that names none holds content."""
    placeholder = next(shape.iterfind("*/{*}nvPr/{*}ph"), None)
    return "" if placeholder is None else placeholder.get("type", "obj")


def _text(paragraph: etree._Element) -> str:
    pieces: list[str] = []
    for child in paragraph:
        name = local(child)
        if name in ("r", "fld"):
            pieces.append(child.findtext("{*}t") or "")
        elif name == "br":
            pieces.append(" ")
        else:
            pieces.extend(f" {linear(formula)} " for formula in child.iter("{*}oMath") if not _in_fallback(formula))
    return "".join(pieces)


def _in_fallback(element: etree._Element) -> bool:
    return any(local(ancestor) == "Fallback" for ancestor in element.iterancestors())


def _relation_id(slide: etree._Element) -> str:
    """`id` is the slide's own number; the one in the relationships namespace points to its part."""
    return next((str(value) for key, value in slide.attrib.items() if str(key).endswith("relationships}id")), "")


_MAIN = "ppt/presentation.xml"
