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
from .repair import join_hyphenated


@dataclass(slots=True)
class Token:
    """A placed run of characters without a space. `index` is the parser's own, to ask for its font later."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    index: int = 0
    hyphen: bool = False  # ends with a hyphen (already taken off) where its line ends
    new_line: bool = False  # the parser saw a line break before it


@dataclass(slots=True)
class Line:
    """Words on one baseline, in cells where wide gaps part them."""

    cells: list[list[Token]]
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    text: str
    bold: bool = False
    monospace: bool = False


@dataclass(slots=True)
class PageLines:
    """A page before its furniture is known. `width` and `height` belong to the same frame as the lines."""

    lines: list[Line]
    width: float
    height: float


@dataclass(slots=True)
class Paragraph:
    """Lines of one block. For a table row there is one line, whose cells may have grown over several."""

    kind: BlockKind
    lines: list[Line]
    level: int = 0

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


def lines_of(tokens: Sequence[Token], width: float) -> list[Line]:
    """Words into lines, in reading order."""
    lines = _group(tokens)
    if _is_interleaved(lines, width) or _jumps_about(lines):
        lines = _sorted_by_columns(lines)
    return lines


def letters_by_size(lines: Iterable[Line]) -> Counter[float]:
    """How many letters stand in lines of each size, to the half point: the body's size is the commonest."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size * 2) / 2] += len(line.text)
    return weights


def paragraphs_of(lines: Sequence[Line], body: float, body_is_bold: bool) -> list[Paragraph]:
    """Lines into blocks, headings marked (their level is for the caller to give)."""
    rows = _table_rows(lines)
    leading = _leading(lines)
    paragraphs: list[Paragraph] = []
    for number, line in enumerate(lines):
        if number in rows:
            _add_row(paragraphs, line, rows[number])
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
_LEADERS = re.compile(r"^[.…·_]{4,}$")
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
        heights[len(heights) // 2],
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


def _jumps_about(lines: Sequence[Line]) -> bool:
    """More returns upwards than columns and furniture explain: the order of drawing is not the order of reading."""
    upwards = sum(1 for a, b in pairwise(lines) if b.y0 < a.y0 - 0.5 * a.size)
    return upwards > max(5, 0.15 * len(lines))


def _sorted_by_columns(lines: Sequence[Line]) -> list[Line]:
    cells = [cell for line in lines for cell in line.cells]
    pieces = [_line([cell]) for cell in cells]
    size = median(piece.size for piece in pieces)
    ordered: list[Line] = []
    _cut(pieces, size, ordered, 0)
    return ordered


def _cut(pieces: list[Line], size: float, ordered: list[Line], depth: int) -> None:
    """Recursive XY-cut: along the widest vertical gutter when both sides have lines, else between rows."""
    if len(pieces) > 1 and depth < 24:
        gutter = _gutter(pieces, size)
        if gutter is not None:
            _cut([piece for piece in pieces if piece.x1 <= gutter], size, ordered, depth + 1)
            _cut([piece for piece in pieces if piece.x1 > gutter], size, ordered, depth + 1)
            return
        parts = _bands(pieces, size)
        if len(parts) > 1:
            for part in parts:
                _cut(part, size, ordered, depth + 1)
            return
    ordered.extend(_rows(pieces))


def _gutter(pieces: list[Line], size: float) -> float | None:
    reach = float("-inf")
    best: tuple[float, float] | None = None
    for position, piece in enumerate(sorted(pieces, key=lambda piece: piece.x0)):
        if position >= 3 and len(pieces) - position >= 3 and piece.x0 - reach > 0.8 * size:
            best = max(best or (0.0, 0.0), (piece.x0 - reach, reach))
        reach = max(reach, piece.x1)
    return None if best is None else best[1]


def _bands(pieces: list[Line], size: float) -> list[list[Line]]:
    """Horizontal bands parted by white space, or by a line that spans what the others leave as a gutter."""
    rows = sorted(pieces, key=lambda piece: piece.y0)
    parts: list[list[Line]] = [[rows[0]]]
    reach = rows[0].y1
    width = max(piece.x1 for piece in pieces) - min(piece.x0 for piece in pieces)
    for before, piece in pairwise(rows):
        spans = (piece.x1 - piece.x0 > 0.7 * width) != (before.x1 - before.x0 > 0.7 * width)
        if piece.y0 - reach > 0.9 * size or (spans and piece.y0 >= reach - 0.3 * size):
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


def _table_rows(lines: Sequence[Line]) -> dict[int, bool]:
    """Numbers of the lines that are rows of a table; True marks one that starts a row, False one that goes on with it."""
    rows: dict[int, bool] = {}
    run: list[int] = []
    for number, line in enumerate(lines):
        cells = len(line.cells)
        if run and _is_below(lines[run[-1]], line) and (cells > 1 or _under_a_cell(lines, run, line)):
            if cells == 1 or _aligned(lines, run, line):
                run.append(number)
                continue
        _keep_run(lines, run, rows)
        run = [number] if cells > 1 and not _is_numbered(line) else []
    _keep_run(lines, run, rows)
    return rows


def _is_below(before: Line, line: Line) -> bool:
    return -0.3 * line.size < line.y0 - before.y1 < 2.2 * line.size


def _is_numbered(line: Line) -> bool:
    first = line.cells[0]
    return len(line.cells) == 2 and len(first) == 1 and bool(LIST_MARKER.match(first[0].text))


def _under_a_cell(lines: Sequence[Line], run: list[int], line: Line) -> bool:
    return any(
        abs(cell[0].x0 - line.x0) < 3 and line.x1 > cell[0].x0 for number in run[-4:] for cell in lines[number].cells[1:]
    )


def _aligned(lines: Sequence[Line], run: list[int], line: Line) -> bool:
    for number in reversed(run[-6:]):
        others = lines[number].cells
        if len(others) == 1:
            continue
        for cell in line.cells[1:]:
            for other in others[1:]:
                left, right = cell[0].x0 - other[0].x0, cell[-1].x1 - other[-1].x1
                if abs(left) < 3 or abs(right) < 3 or abs(left + right) < 3:
                    return True
        return False
    return False


def _keep_run(lines: Sequence[Line], run: list[int], rows: dict[int, bool]) -> None:
    full = [number for number in run if len(lines[number].cells) > 1]
    wide = max((len(lines[number].cells) for number in full), default=0)
    if len(full) >= 3 or (len(full) >= 2 and wide >= 3):
        for number in run[: run.index(full[-1]) + 1] if len(lines[run[-1]].cells) > 1 else run:
            rows[number] = len(lines[number].cells) > 1 and not _goes_on(lines, run, number)


def _goes_on(lines: Sequence[Line], run: list[int], number: int) -> bool:
    """A line of several cells that continues the row above: its first cell starts under the row's second."""
    position = run.index(number)
    return position > 0 and lines[number].x0 > lines[run[0]].cells[1][0].x0 - 3


def _add_row(paragraphs: list[Paragraph], line: Line, starts: bool) -> None:
    if starts or not paragraphs or paragraphs[-1].kind is not BlockKind.TABLE_ROW:
        own = replace(line, cells=[list(cell) for cell in line.cells])  # its cells grow with the lines that go on with it
        paragraphs.append(Paragraph(BlockKind.TABLE_ROW, [own]))
        return
    row = paragraphs[-1].lines[0]
    for cell in line.cells:
        nearest = min(range(len(row.cells)), key=lambda place: abs(row.cells[place][0].x0 - cell[0].x0))
        row.cells[nearest].extend(cell)
    row.y1 = max(row.y1, line.y1)


def _starts_paragraph(paragraph: Paragraph, line: Line, leading: float, lines: Sequence[Line]) -> bool:
    last = paragraph.lines[-1]
    if paragraph.kind is BlockKind.TABLE_ROW or LIST_MARKER.match(line.cells[0][0].text):
        return True
    if line.y0 < last.y0 - 0.5 * last.size or line.x0 > last.x1 or line.x1 < last.x0:
        return True  # another column: joined later when the sentence goes on
    if abs(line.size - last.size) > 0.12 * last.size or line.bold != last.bold or line.monospace != last.monospace:
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
    if indent > 0.8 * line.size or (indent < -0.8 * line.size and len(paragraph.lines) > 1):
        return True
    right = max(other.x1 for other in paragraph.lines)
    return bool(len(paragraph.lines) > 1 and last.x1 < right - 0.25 * (right - last.x0) and _TERMINAL.search(last.text))


def _kind(paragraph: Paragraph, body: float, body_is_bold: bool) -> BlockKind:
    lines = paragraph.lines
    text = paragraph.text
    if all(line.monospace for line in lines):
        return BlockKind.CODE
    if CAPTION.match(text):
        return BlockKind.CAPTION
    size = max(line.size for line in lines)
    letters = sum(char.isalpha() for char in text)
    short = len(lines) <= 3 and 2 <= letters and len(text) <= 200
    if short and not text.endswith((",", ";")) and text[0] not in "•–-*":
        if size >= 1.15 * body and not text.endswith("."):
            return BlockKind.HEADING
        numbered = _NUMBERING.match(lines[0].cells[0][0].text)
        if all(line.bold for line in lines) and not body_is_bold and size >= 0.95 * body:
            if not text.endswith(".") or (numbered and len(text) < 100):
                return BlockKind.HEADING
    if LIST_MARKER.match(lines[0].cells[0][0].text):
        return BlockKind.LIST_ITEM
    words = re.findall(r"[^\W\d_]{4,}", text)
    if len(lines) <= 3 and _MATHS.search(text) and sum(map(len, words)) < 0.3 * len(text):
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
            self._tokens([token for line in lines for cell in line.cells for token in cell])

    def _tokens(self, tokens: Sequence[Token]) -> None:
        carried: tuple[str, list[Box]] | None = None
        fresh = True
        for token in tokens:
            if _LEADERS.match(token.text):
                continue
            box = self._to_page(token)
            if carried is None:
                text, boxes = token.text, [box]
            else:
                text, boxes = carried
                joined = join_hyphenated(text, token.text, self._vocabulary)
                text = joined if joined is not None else f"{text}-{token.text}"
                boxes.append(box)
            if token.hyphen:
                carried = text, boxes
                continue
            carried = None
            fresh = self._word(text, boxes, fresh)
        if carried is not None:
            self._word(carried[0] + "-", carried[1], fresh)

    def _word(self, text: str, boxes: list[Box], fresh: bool) -> bool:
        start = self._length
        if not fresh:
            self.pieces.append(" ")
            start += 1
        self.pieces.append(text)
        self._length = end = start + len(text)
        self.words.append(Word(start, end, tuple(boxes)))
        return False

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self._length += len(text)
