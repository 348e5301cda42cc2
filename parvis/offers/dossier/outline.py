"""A document before it is a DOCX, an ODT or a PDF: headings, paragraphs, lists and tables. Texts are already typeset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from parvis.needs.typography import typeset
from parvis.needs.workbooks import printable


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 to 3
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    style: str = "body"  # body, lead, small


@dataclass(frozen=True, slots=True)
class Quotation:
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers that say the essential, side by side."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`widths` are shares of the line. A table to fill has empty cells, and room in them."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    is_to_fill: bool = False
    is_code_last: bool = False  # the last column holds hashes


Block: TypeAlias = Heading | Paragraph | Quotation | Bullets | Facts | Figures | Table


@dataclass(frozen=True, slots=True)
class Document:
    kind: str  # Expression fonctionnelle du besoin
    title: str  # of the need
    identity: str  # at the foot of each page: request, reference, version, beginning of the hash
    fingerprint: str
    blocks: tuple[Block, ...]
    is_landscape: bool = False
    is_compact: bool = False  # holds on one page

    @property
    def full_title(self) -> str:
        return f"{self.kind} – {self.title}"


def is_hash(text: str) -> bool:
    """Printed in a type that holds on the line."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def blocks_of(text: str) -> Iterator[Block]:
    """Paragraphs and lists of a text typed by people: blank lines between paragraphs, a dash or a bullet before items."""
    for part in re.split(r"\n\s*\n", printable(text).strip()):
        lines = [line.strip() for line in part.split("\n") if line.strip()]
        items = [match[1] for line in lines if (match := re.match(r"(?:[-–—•*]|\d+[.)])\s+(.+)", line))]
        if lines and len(items) == len(lines):
            yield Bullets(tuple(typeset(item) for item in items))
        elif lines:
            yield Paragraph(typeset("\n".join(lines)))
