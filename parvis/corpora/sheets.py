"""One page of a document as readers see it, with a run of its text highlighted: what web/components/sheet.html draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
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
    """A paragraph, a heading of `level`, an item, a row… in runs. A row has its runs cell by cell."""

    kind: str
    level: int
    text: str
    segments: tuple[Segment, ...]
    cells: tuple[tuple[Segment, ...], ...] = ()

    @property
    def highlighted(self) -> bool:
        return any(segment.highlighted for segment in self.segments)

    @property
    def is_latex(self) -> bool:
        return self.kind == BlockKind.FORMULA and self.text.startswith("$$")


@dataclass(frozen=True, slots=True)
class BlockGroup:
    """Blocks of one kind that follow each other: the rows of a table, the items of a list, or one block alone."""

    kind: str
    blocks: tuple[TextBlock, ...]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In points, from the top left of the page."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """Either an image with rectangles over it, or blocks of text in groups."""

    label: str
    image_url: str = ""
    width: float = 0
    height: float = 0
    boxes: tuple[Rectangle, ...] = ()
    groups: tuple[BlockGroup, ...] = ()


def sheet(page: Page, start: int = 0, end: int = 0) -> Sheet:
    """`page` with `page.text[start:end]` highlighted, nothing if that is empty. The page's document must be loaded."""
    start, end = max(0, min(start, len(page.text))), max(0, min(end, len(page.text)))
    title = str(page.document)
    label = f"{title}, {place(page, title)}"
    if page.document.has_page_images:
        return Sheet(
            label=label,
            image_url=reverse("corpora:page_image", args=[page.document_id, page.number]),
            width=page.width,
            height=page.height,
            boxes=_rectangles(page, start, end),
        )
    return Sheet(label=label, groups=tuple(_groups(_blocks(page, start, end))))


def place(page: Page, title: str = "") -> str:
    """Where in its document: "p. 12", "slide 3", "at 00:01:05", a heading unless it is the document's own title."""
    if page.kind == UnitKind.PAGE:
        return _("p. %(label)s") % {"label": page.label}
    if page.kind == UnitKind.CUE:
        return _("at %(time)s") % {"time": page.label}
    if page.kind == UnitKind.SLIDE:
        return _("slide %(number)s") % {"number": page.number}
    if page.label and page.label != title:
        return page.label
    return _("section %(number)s") % {"number": page.number}


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


def _groups(blocks: Iterable[TextBlock]) -> Iterator[BlockGroup]:
    """Rows and items together; anything else alone."""
    together = (BlockKind.TABLE_ROW, BlockKind.LIST_ITEM)
    for (_number, kind), group in groupby(
        enumerate(blocks), key=lambda one: (None if one[1].kind in together else one[0], one[1].kind)
    ):
        yield BlockGroup(kind, tuple(block for _number, block in group))


def _blocks(page: Page, start: int, end: int) -> Iterator[TextBlock]:
    for kind, first, last, level in page.blocks:
        segments = _segments(page.text, first, last, start, end)
        places = _cells(page.text, first, last) if kind == BlockKind.TABLE_ROW else ()
        cells = tuple(_segments(page.text, *cell, start, end) for cell in places)
        yield TextBlock(kind, level, page.text[first:last], segments, cells)


def _cells(text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Where each cell of a row stands: parsers write " | " between them."""
    at = first
    while (bar := text.find(_BETWEEN_CELLS, at, last)) >= 0:
        yield at, bar
        at = bar + len(_BETWEEN_CELLS)
    yield at, last


_BETWEEN_CELLS = " | "


def _segments(text: str, first: int, last: int, start: int, end: int) -> tuple[Segment, ...]:
    """`text[first:last]` as what is before, in and after the highlight."""
    start, end = min(max(start, first), last), min(max(end, first), last)
    runs = ((first, start, False), (start, end, True), (end, last, False)) if start < end else ((first, last, False),)
    return tuple(Segment(text[begin:stop], highlighted) for begin, stop, highlighted in runs if begin < stop)
