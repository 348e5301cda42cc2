"""What a parsed document is: units of text in reading order, each with its locator.

Plain data, no Django: the parsers produce it, ingestion stores it, `parvis ask` uses it without a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UnitKind(StrEnum):
    """What one unit of a document is, hence how a citation names it."""

    PAGE = "page"  # PDF: `number` is the physical page, from 1
    SLIDE = "slide"  # PPTX, ODP
    SECTION = "section"  # DOCX, ODT, HTML, Markdown, text, EPUB, notebooks: one per heading
    CUE = "cue"  # WebVTT, SRT: consecutive cues up to a minute; located by time


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    FORMULA = "formula"
    CODE = "code"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points (1/72 inch), origin at the top left of the page as displayed (rotation applied)."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word of `Unit.text[start:end]` and where it stands; a word cut by a hyphen at a line end has two boxes."""

    start: int
    end: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A run `Unit.text[start:end]` of one kind. `level` is the heading's depth from 1, and 0 for anything else: after a
    heading of level n the path in force is the first n − 1 headings of the path before it, then this one."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """One page, slide, section or group of cues. `text` is repaired (accents composed, hyphenation joined), NFC, with blocks
    separated by a blank line; every offset in this module counts characters of it."""

    number: int  # from 1, in document order
    kind: UnitKind
    label: str  # what a reader sees: "12", "iv", "Diapositive 3", "00:01:05", a heading
    text: str
    blocks: tuple[Block, ...]
    heading_path: tuple[str, ...] = ()  # headings in force before the first block, outermost first
    words: tuple[Word, ...] = ()  # geometry: PDF pages only
    width: float = 0.0  # points; 0 where there is no geometry
    height: float = 0.0
    start_seconds: float | None = None  # cues only
    end_seconds: float | None = None
    ocr: bool = False  # the text was recognised from an image


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """What is known of a document before its first unit."""

    media_type: str  # as found in the bytes, never as claimed by the name
    title: str
    unit_count: int | None  # None where only reading to the end tells
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class DocumentTail:
    """What is known after the last unit. `units_without_text` are pages that need OCR that was not to be had."""

    unit_count: int
    units_without_text: tuple[int, ...] = ()
