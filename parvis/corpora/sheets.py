"""One page of a document as readers see it, with a run of its text highlighted: what web/components/sheet.html draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import BoundedSemaphore

from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.corpora import storage
from parvis.corpora.models import Page
from parvis.corpora.parsing.document import BlockKind, UnitKind
from parvis.corpora.parsing.locate import boxes_for, unpack_words
from parvis.corpora.parsing.picture import draw

SCALE = 2.0  # pixels a point: an A4 page is 1190 wide
_drawing = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    highlighted: bool


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, a heading of `level`, an item, a row… in runs."""

    kind: str
    level: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In points, from the top left of the page."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """Either an image with rectangles over it, or blocks of text; `segments` is the same text in one run."""

    label: str
    image_url: str = ""
    width: float = 0
    height: float = 0
    boxes: tuple[Rectangle, ...] = ()
    blocks: tuple[TextBlock, ...] = ()
    segments: tuple[Segment, ...] = ()
    code: bool = False


def sheet(page: Page, start: int = 0, end: int = 0) -> Sheet:
    """`page` with `page.text[start:end]` highlighted, nothing if that is empty. The page's document must be loaded."""
    start, end = max(0, min(start, len(page.text))), max(0, min(end, len(page.text)))
    label = f"{page.document}, {place(page)}"
    if page.document.has_page_images:
        return Sheet(
            label=label,
            image_url=reverse("corpora:page_image", args=[page.document_id, page.number]),
            width=page.width,
            height=page.height,
            boxes=_rectangles(page, start, end),
        )
    kinds = {block[0] for block in page.blocks}
    return Sheet(
        label=label,
        blocks=tuple(_blocks(page, start, end)),
        segments=_segments(page.text, 0, len(page.text), start, end),
        code=kinds == {BlockKind.CODE},
    )


def place(page: Page) -> str:
    """Where in its document: "p. 12", "slide 3", "at 00:01:05", a heading."""
    if page.kind == UnitKind.PAGE:
        return _("p. %(label)s") % {"label": page.label}
    if page.kind == UnitKind.CUE:
        return _("at %(time)s") % {"time": page.label}
    if page.kind == UnitKind.SLIDE:
        return _("slide %(number)s") % {"number": page.number}
    return page.label or _("section %(number)s") % {"number": page.number}


def page_picture(page: Page) -> bytes:
    """PNG of a page of a PDF, drawn once in a bounded process, then kept beside its file. Raises Unreadable."""
    kept = storage.drawn(page.document.sha256, f"{page.number}.png")
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        with _drawing:
            png = draw(storage.path_of(page.document.sha256), page.number, scale=SCALE)
        storage.write_drawn(kept, png)
        return png


def _rectangles(page: Page, start: int, end: int) -> tuple[Rectangle, ...]:
    if start >= end or not page.words:
        return ()
    boxes = boxes_for(unpack_words(bytes(page.words)), start, end)
    return tuple(
        Rectangle(round(box.x0, 1), round(box.y0, 1), round(box.x1 - box.x0, 1), round(box.y1 - box.y0, 1)) for box in boxes
    )


def _blocks(page: Page, start: int, end: int) -> Iterator[TextBlock]:
    for kind, block_start, block_end, level in page.blocks:
        yield TextBlock(kind, level, _segments(page.text, block_start, block_end, start, end))


def _segments(text: str, first: int, last: int, start: int, end: int) -> tuple[Segment, ...]:
    """`text[first:last]` as what is before, in and after the highlight."""
    start, end = min(max(start, first), last), min(max(end, first), last)
    runs = ((first, start, False), (start, end, True), (end, last, False)) if start < end else ((first, last, False),)
    return tuple(Segment(text[begin:stop], highlighted) for begin, stop, highlighted in runs if begin < stop)
