"""Blocks in document order into units, for the formats that have headings and no pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .document import Block, BlockKind, Unit, UnitKind
from .repair import clean

# A section longer than this goes on in a further unit, so that none is too long to be shown or sent.
LONGEST_SECTION = 20_000


@dataclass(frozen=True, slots=True)
class Piece:
    """One block before it has a place. `level` is that of a heading as the format says it (1 to 9)."""

    kind: BlockKind
    text: str
    level: int = 0


def sections(pieces: Iterable[Piece], *, start_label: str) -> Iterator[Unit]:
    """One unit for each heading with what follows it; what precedes the first heading is labelled `start_label`.

    A unit's `heading_path` is what was in force before its own heading. Levels are made consecutive: a heading of level n
    has exactly n − 1 headings above it.
    """
    open_headings: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    label, gathered, length, number = start_label, list[Piece](), 0, 0
    for piece in _tidy(pieces):
        if piece.kind is BlockKind.HEADING or length + len(piece.text) > LONGEST_SECTION:
            if gathered:
                number += 1
                yield unit_of(gathered, number=number, kind=UnitKind.SECTION, label=label, heading_path=path)
                gathered, length = [], 0
            if piece.kind is BlockKind.HEADING:
                while open_headings and open_headings[-1][0] >= piece.level:
                    open_headings.pop()
                path = tuple(text for _, text in open_headings)
                open_headings.append((piece.level, piece.text[:200]))
                piece = Piece(piece.kind, piece.text, len(open_headings))
                label = piece.text[:200]
            else:
                path = tuple(text for _, text in open_headings)
        gathered.append(piece)
        length += len(piece.text) + 2
    if gathered:
        yield unit_of(gathered, number=number + 1, kind=UnitKind.SECTION, label=label, heading_path=path)


def unit_of(
    pieces: Iterable[Piece],
    *,
    number: int,
    kind: UnitKind,
    label: str,
    heading_path: tuple[str, ...] = (),
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Unit:
    """The unit made of these blocks, a blank line between each and the next."""
    texts, blocks, length = list[str](), list[Block](), 0
    for piece in pieces:
        start = length + 2 if texts else 0
        length = start + len(piece.text)
        texts.append(piece.text)
        blocks.append(Block(piece.kind, start, length, piece.level if piece.kind is BlockKind.HEADING else 0))
    return Unit(
        number=number,
        kind=kind,
        label=label,
        text="\n\n".join(texts),
        blocks=tuple(blocks),
        heading_path=heading_path,
        start_seconds=start_seconds,
        end_seconds=end_seconds,
    )


def one_line(text: str) -> str:
    """Cleaned, spaces and line breaks made single spaces; a no-break space is kept."""
    return _SPACES.sub(" ", clean(text)).strip()


def lines(text: str) -> str:
    """Cleaned with its line breaks, no blank line left inside: a blank line parts blocks."""
    return "\n".join(line.rstrip() for line in clean(text).splitlines() if line.strip())


def row(cells: Iterable[str]) -> str:
    """A row of a table as one line, nothing when all its cells are empty."""
    said = [one_line(cell) for cell in cells]
    return " | ".join(said) if any(said) else ""


def _tidy(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces with text in them, the very long ones cut where a sentence or at least a word ends."""
    for piece in pieces:
        text = piece.text.strip()
        while len(text) > LONGEST_SECTION:
            end = max(text.rfind(". ", 0, LONGEST_SECTION) + 1, text.rfind("\n", 0, LONGEST_SECTION))
            end = end if end > LONGEST_SECTION // 2 else text.rfind(" ", 0, LONGEST_SECTION)
            end = end if end > LONGEST_SECTION // 2 else LONGEST_SECTION
            yield Piece(BlockKind.PARAGRAPH if piece.kind is BlockKind.HEADING else piece.kind, text[:end].strip())
            text = text[end:].strip()
        if text:
            yield Piece(piece.kind, text, piece.level)


_SPACES = re.compile("[ \t\r\n\f\v\u2028\u2029]+")
