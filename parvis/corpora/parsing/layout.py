"""From placed words to text in reading order: lines, columns, paragraphs, headings, tables.

Words come in the order the file draws them, which is nearly always the reading order: it is kept unless the page shows that
it is not. Coordinates are points with the origin at the top left, in a frame where the text runs from left to right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from .document import Block, BlockKind, Box, Word
from .lines import Line, Token
from .repair import join_hyphenated
from .tables import table_rows


@dataclass(slots=True)
class Paragraph:
    """Lines of one block. For a table row there is one line, whose cells may have grown over several."""

    kind: BlockKind
    lines: list[Line]
    level: int = 0

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


def lines_of(tokens: Sequence[Token], width: float, height: float, *, drawn_in_order: bool = True) -> list[Line]:
    """Words into lines, in reading order."""
    lines = _group(tokens if drawn_in_order else sorted(tokens, key=lambda t: (round(t.y1), t.x0)))
    if _is_interleaved(lines, width):
        lines = _in_columns([_line([cell]) for line in lines for cell in line.cells])
    elif not drawn_in_order or _is_out_of_order(
        [line for line in lines if 0.08 * height < line.y0 and line.y1 < 0.92 * height]
    ):
        lines = _in_columns(lines)
    return lines


def letters_by_size(lines: Iterable[Line]) -> Counter[float]:
    """How many letters stand in lines of each size, to the half point: the body's size is the commonest."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size * 2) / 2] += len(line.text)
    return weights


def paragraphs_of(lines: Sequence[Line], body: float, body_is_bold: bool) -> list[Paragraph]:
    """Lines into blocks, headings marked (their level is for the caller to give)."""
    rows = table_rows(lines)
    leading = _leading(lines)
    paragraphs: list[Paragraph] = []
    for number, line in enumerate(lines):
        if number in rows:
            if (cells := rows[number]) is not None:
                paragraphs.append(Paragraph(BlockKind.TABLE_ROW, [replace(line, cells=cells)]))
        elif paragraphs and not _starts_paragraph(paragraphs[-1], line, leading, lines):
            paragraphs[-1].lines.append(line)
        else:
            paragraphs.append(Paragraph(BlockKind.PARAGRAPH, [line]))
    for paragraph in paragraphs:
        if paragraph.kind is BlockKind.PARAGRAPH:
            paragraph.kind = _kind(paragraph, body, body_is_bold)
    return _joined_across_columns(paragraphs)


def compose(
    paragraphs: Sequence[Paragraph], vocabulary: Set[str], to_page: Callable[[Token], Box]
) -> tuple[str, tuple[Block, ...], tuple[Word, ...]]:
    """The text of a page, its blocks and its words with their boxes."""
    writer = _Writer(vocabulary, to_page)
    for paragraph in paragraphs:
        writer.add(paragraph)
    return "".join(writer.pieces), tuple(writer.blocks), tuple(writer.words)


LIST_MARKER = re.compile(r"^(?:[•◦▪■●○‣⁃∙·►➢✓–—*-]|\(?\d{1,2}[.)]|\(?[a-z][.)]|[ivx]{1,4}[.)])$")
CAPTION = re.compile(
    r"^(?:Figure|Fig\.|Tableau|Table|Illustration|Schéma|Graphique|Listing|Photo|Carte|Encadré)\s*[\dIVX]+", re.I
)
_NUMBERING = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[IVX]+\.?|[A-Z]\.|Chapitre|Annexe|Article)$")
_TERMINAL = re.compile(r"[.!?…:;][»\"”)]?$")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_MATHS = re.compile(r"[=≈≤≥≠∑∫∂√∞∏∈∀∃→⇒]")


def _group(tokens: Sequence[Token]) -> list[Line]:
    lines: list[Line] = []
    cells: list[list[Token]] = []
    last: Token | None = None
    for token in tokens:
        gap = None if last is None else _gap(last, token)
        if gap is None:
            if cells:
                lines.append(_line(cells))
            cells = [[token]]
        elif gap > (0.6 if token.new_line else 1.2):
            cells.append([token])
        else:
            cells[-1].append(token)
        last = token
    if cells:
        lines.append(_line(cells))
    return lines


def _gap(last: Token, token: Token) -> float | None:
    """The white between two words, in heights of the smaller; None when the second stands on another line."""
    top, bottom = last.y0, last.y1
    height = bottom - top
    other_top, other_bottom = token.y0, token.y1
    if other_bottom - other_top < height:
        height = other_bottom - other_top
    overlap = (bottom if bottom < other_bottom else other_bottom) - (top if top > other_top else other_top)
    if overlap <= 0.45 * height or token.x0 <= last.x1 - 0.6 * height:
        return None
    return (token.x0 - last.x1) / height if height > 0 else 0.0


def _line(cells: list[list[Token]]) -> Line:
    tokens = [token for cell in cells for token in cell] if len(cells) > 1 else cells[0]
    heights = sorted([token.y1 - token.y0 for token in tokens])
    return Line(
        cells,
        min([token.x0 for token in tokens]),
        min([token.y0 for token in tokens]),
        max([token.x1 for token in tokens]),
        max([token.y1 for token in tokens]),
        heights[len(heights) // 4],
        " ".join([token.text for token in tokens]),
    )


def _is_interleaved(lines: Sequence[Line], width: float) -> bool:
    """Two columns drawn row by row: most lines have prose on both sides of one gutter."""
    halves = [
        line
        for line in lines
        if len(line.cells) == 2
        and all(len(cell) >= 3 and _extent(cell) > 0.22 * width for cell in line.cells)
        and line.cells[0][-1].x1 < line.cells[1][0].x0
    ]
    if len(halves) < 6 or len(halves) < 0.5 * len(lines):
        return False
    starts = Counter(round(line.cells[1][0].x0 / 3) for line in halves)
    return sum(count for _, count in starts.most_common(2)) > 0.7 * len(halves)


def _extent(cell: list[Token]) -> float:
    return cell[-1].x1 - cell[0].x0


def _is_out_of_order(lines: Sequence[Line]) -> bool:
    """The drawing goes back up without going right: the order of drawing is not the order of reading."""
    return any(
        a.y0 - b.y0 > (1.5 if len(b.text) > 12 else 3) * a.size and b.x0 <= a.x1 - 2 and b.size > 0.5 * a.size
        for a, b in pairwise(lines)
    )


def _in_columns(pieces: list[Line]) -> list[Line]:
    ordered: list[Line] = []
    _cut(pieces, median(piece.size for piece in pieces), ordered, 0)
    return ordered


def _cut(pieces: list[Line], size: float, ordered: list[Line], depth: int) -> None:
    """Recursive XY-cut: first along a gutter between columns, else between rows."""
    if len(pieces) > 1 and depth < 24:
        gutter = _gutter(pieces, size)
        if gutter is not None:
            _cut([piece for piece in pieces if piece.x1 <= gutter], size, ordered, depth + 1)
            _cut([piece for piece in pieces if piece.x1 > gutter], size, ordered, depth + 1)
            return
        for parts in (_bands(pieces, size, by_span=True), _bands(pieces, size, by_span=False)):
            if len(parts) > 1:
                for part in parts:
                    _cut(part, size, ordered, depth + 1)
                return
    ordered.extend(_rows(pieces))


def _gutter(pieces: list[Line], size: float) -> float | None:
    """Where a white strip from top to bottom parts two bodies of prose; a margin of numbers is no column."""
    reach = float("-inf")
    best: tuple[float, float] | None = None
    across = sorted(pieces, key=lambda piece: piece.x0)
    for position, piece in enumerate(across):
        if piece.x0 - reach > 0.8 * size and _is_prose(across[:position]) and _is_prose(across[position:]):
            best = max(best or (0.0, 0.0), (piece.x0 - reach, reach))
        reach = max(reach, piece.x1)
    return None if best is None else best[1]


def _is_prose(pieces: list[Line]) -> bool:
    return len(pieces) >= 3 and sum(len(piece.text) for piece in pieces) >= 15 * len(pieces)


def _bands(pieces: list[Line], size: float, *, by_span: bool) -> list[list[Line]]:
    """Horizontal bands: where lines across the whole give way to shorter ones, or where there is white."""
    rows = sorted(pieces, key=lambda piece: piece.y0)
    parts: list[list[Line]] = [[rows[0]]]
    reach = rows[0].y1
    width = max(piece.x1 for piece in pieces) - min(piece.x0 for piece in pieces)
    for before, piece in pairwise(rows):
        if by_span:
            changes = (piece.x1 - piece.x0 > 0.7 * width) != (before.x1 - before.x0 > 0.7 * width)
            apart = changes and piece.y0 >= reach - 0.3 * size
        else:
            apart = piece.y0 - reach > 0.9 * size
        if apart:
            parts.append([])
        parts[-1].append(piece)
        reach = max(reach, piece.y1)
    return parts


def _rows(pieces: list[Line]) -> list[Line]:
    tokens = [token for piece in pieces for cell in piece.cells for token in cell]
    tokens.sort(key=lambda token: token.y0 + token.y1)
    rows: list[list[Token]] = []
    for token in tokens:
        if rows and token.y0 + token.y1 < rows[-1][0].y0 + rows[-1][0].y1 + 0.6 * (token.y1 - token.y0):
            rows[-1].append(token)
        else:
            rows.append([token])
    return _group([token for row in rows for token in sorted(row, key=lambda token: token.x0)])


def _leading(lines: Sequence[Line]) -> float:
    """The usual distance from one line to the next."""
    steps = [b.y1 - a.y1 for a, b in pairwise(lines) if 0.5 * a.size < b.y1 - a.y1 < 3 * a.size]
    return median(steps) if steps else 14.0


def _starts_paragraph(paragraph: Paragraph, line: Line, leading: float, lines: Sequence[Line]) -> bool:
    last = paragraph.lines[-1]
    if paragraph.kind is BlockKind.TABLE_ROW or LIST_MARKER.match(line.cells[0][0].text):
        return True
    if line.y0 < last.y0 - 0.5 * last.size or line.x0 > last.x1 or line.x1 < last.x0:
        return True  # another column: joined later when the sentence goes on
    if abs(line.size - last.size) > 0.12 * last.size or line.monospace != last.monospace:
        return True
    if line.bold != last.bold and not _runs_on(last, line):
        return True
    step = line.y1 - last.y1
    if step > 1.35 * max(leading, last.size * 0.9) or step > 2.4 * last.size:
        return True
    if abs((line.x0 + line.x1) - (last.x0 + last.x1)) < 6 and line.x0 - last.x0 > 0.5:
        return False  # centred
    first = paragraph.lines[0]
    if LIST_MARKER.match(first.cells[0][0].text):
        return line.x0 < first.x0 - 2 or (line.x0 < first.x0 + 2 and len(paragraph.lines) > 1 and last.x0 > first.x0 + 4)
    indent = line.x0 - last.x0
    if line.monospace:
        return False
    if (
        indent > 0
        and len(paragraph.lines) == 1
        and any(abs(token.x0 - line.x0) < 2 for token in [token for cell in last.cells for token in cell][1:3])
    ):
        return False  # a number in the margin: the text after it stands over this line
    if indent > 0.8 * line.size or (indent < -0.8 * line.size and len(paragraph.lines) > 1):
        return True
    right = max(other.x1 for other in paragraph.lines)
    return bool(len(paragraph.lines) > 1 and last.x1 < right - 0.25 * (right - last.x0) and _TERMINAL.search(last.text))


def _runs_on(last: Line, line: Line) -> bool:
    """A sentence goes on from a full line to the next: words that happen to fill a line in bold are no heading."""
    full = last.x1 > line.x1 - 0.1 * (line.x1 - line.x0)
    return full and line.text[:1].islower() and not _TERMINAL.search(last.text)


def _kind(paragraph: Paragraph, body: float, body_is_bold: bool) -> BlockKind:
    lines = paragraph.lines
    text = paragraph.text
    if all(line.monospace for line in lines):
        return BlockKind.CODE
    if CAPTION.match(text):
        return BlockKind.CAPTION
    size = max(line.size for line in lines)
    short = len(lines) <= 3 and len(text) <= 200 and sum(char.isalpha() for char in text) >= 2
    if short and not text.endswith((",", ";")) and text[0] not in "•–-*":
        if size >= 1.15 * body and not text.endswith("."):
            return BlockKind.HEADING
        numbered = _NUMBERING.match(lines[0].cells[0][0].text)
        if all(line.bold for line in lines) and not body_is_bold and size >= 0.95 * body:
            if not text.endswith(".") or (numbered and len(text) < 100):
                return BlockKind.HEADING
    if LIST_MARKER.match(lines[0].cells[0][0].text):
        return BlockKind.LIST_ITEM
    if len(lines) <= 3 and _MATHS.search(text) and sum(map(len, _LONG_WORD.findall(text))) < 0.3 * len(text):
        return BlockKind.FORMULA
    return BlockKind.PARAGRAPH


def _joined_across_columns(paragraphs: list[Paragraph]) -> list[Paragraph]:
    joined: list[Paragraph] = []
    for paragraph in paragraphs:
        before = joined[-1] if joined else None
        if before is not None and _continues(before, paragraph):
            before.lines.extend(paragraph.lines)
        else:
            joined.append(paragraph)
    return joined


def _continues(before: Paragraph, paragraph: Paragraph) -> bool:
    if before.kind not in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM) or paragraph.kind is not BlockKind.PARAGRAPH:
        return False
    last, first = before.lines[-1], paragraph.lines[0]
    moved = first.y0 < last.y0 - last.size and first.x0 > last.x0 + 2 * last.size
    same_hand = abs(first.size - last.size) <= 0.12 * last.size and first.bold == last.bold
    text = first.text
    return moved and same_hand and text[:1].islower() and not re.search(r"[.!?…][»\"”)]?$", last.text)


def _line_tokens(line: Line, *, is_last: bool) -> list[Token]:
    """The words of a line; a hyphen at its end is one even where the parser took it for a sign."""
    tokens = [token for cell in line.cells for token in cell]
    end = tokens[-1]
    if not is_last and not end.hyphen and len(end.text) > 2 and end.text[-1] in "-‐" and end.text[-2].isalpha():
        tokens[-1] = replace(end, text=end.text[:-1], hyphen=True)
    return tokens


class _Writer:
    """Lays paragraphs end to end and keeps each word's offsets and boxes."""

    def __init__(self, vocabulary: Set[str], to_page: Callable[[Token], Box]) -> None:
        self.pieces: list[str] = []
        self.words: list[Word] = []
        self.blocks: list[Block] = []
        self._vocabulary = vocabulary
        self._to_page = to_page
        self._length = 0

    def add(self, paragraph: Paragraph) -> None:
        mark = self._length, len(self.pieces), len(self.words)
        if self._length:
            self._write("\n\n")
        start = self._length
        if paragraph.kind is BlockKind.TABLE_ROW:
            self._row(paragraph.lines[0])
        else:
            self._run(paragraph)
        if self._length == start:
            self._length = mark[0]
            del self.pieces[mark[1] :], self.words[mark[2] :]
            return
        self.blocks.append(Block(paragraph.kind, start, self._length, paragraph.level))

    def _row(self, line: Line) -> None:
        for place, cell in enumerate(line.cells):
            if place:
                self._write(" | ")
            self._tokens(cell)

    def _run(self, paragraph: Paragraph) -> None:
        lines = paragraph.lines
        if paragraph.kind is BlockKind.CODE:
            for place, line in enumerate(lines):
                if place:
                    self._write("\n")
                self._tokens([token for cell in line.cells for token in cell])
        else:
            self._tokens([token for line in lines for token in _line_tokens(line, is_last=line is lines[-1])])

    def _tokens(self, tokens: Sequence[Token]) -> None:
        carried: tuple[str, list[Box]] | None = None
        pieces, words, to_page, length = self.pieces, self.words, self._to_page, self._length
        fresh = True
        for token in tokens:
            text, boxes = token.text, [to_page(token)]
            if carried is not None:
                joined = join_hyphenated(carried[0], text, self._vocabulary)
                text = joined if joined is not None else f"{carried[0]}-{text}"
                boxes = carried[1] + boxes
                carried = None
            if token.hyphen:
                if token is not tokens[-1]:
                    carried = text, boxes
                    continue
                text += "-"
            if not fresh:
                pieces.append(" ")
                length += 1
            fresh = False
            pieces.append(text)
            words.append(Word(length, length + len(text), tuple(boxes)))
            length += len(text)
        self._length = length

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self._length += len(text)
