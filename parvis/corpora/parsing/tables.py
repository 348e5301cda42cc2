"""Rows of a table from placed lines: no ruling is looked at, only cells that stand under one another.

A row is drawn cell after cell or line after line, and a short cell is often centred beside a tall one. So a row ends when
the drawing comes back to a column on its left, or goes down in a column further than to the next line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .lines import Line, Token

Row = list[list[Token]]
Column = tuple[float, float]


def table_rows(lines: Sequence[Line]) -> dict[int, Row | None]:
    """For each line in a table its row, at the first line of that row, or None at the others."""
    rows: dict[int, Row | None] = {}
    run: list[int] = []
    for number, line in enumerate(lines):
        if run and _belongs(lines, run, number):
            run.append(number)
            continue
        _add(lines, run, rows)
        run = [number] if len(line.cells) > 1 and not _is_numbered(line) else []
    _add(lines, run, rows)
    return rows


def _belongs(lines: Sequence[Line], run: list[int], number: int) -> bool:
    line, near = lines[number], [lines[place] for place in run[-5:]]
    bottom = max(other.y1 for other in near)
    below = near[-1].y0 + 0.3 * line.size < line.y0 < max(bottom, near[-1].y1) + 2.2 * line.size
    beside = line.x0 > near[-1].x1 - 1 and line.y0 < bottom and line.y1 > near[-1].y0 - 4 * line.size
    if not (below or beside):
        return False
    columns = [cell for place in run[-20:] for cell in lines[place].cells[1:]]
    if len(line.cells) > 1:
        return _is_aligned(columns, line)
    if any(abs(cell[0].x0 - line.x0) < 3 for cell in columns):
        return True
    first = min(lines[place].x0 for place in run)
    return abs(line.x0 - first) < 3 and _has_a_cell_beside(lines, number, columns)


def _has_a_cell_beside(lines: Sequence[Line], number: int, columns: Sequence[list[Token]]) -> bool:
    """A first cell alone on its line: what follows goes back up, to its right, under a column."""
    line = lines[number]
    return any(
        other.x0 > line.x1 and other.y0 < line.y1 - 1 and any(abs(cell[0].x0 - other.x0) < 3 for cell in columns)
        for other in lines[number + 1 : number + 5]
    )


def _is_aligned(columns: Sequence[list[Token]], line: Line) -> bool:
    """A cell after the first stands under one of the rows above, by its left, its right or its middle."""
    for cell in line.cells[1:]:
        for other in columns:
            left, right = cell[0].x0 - other[0].x0, cell[-1].x1 - other[-1].x1
            if abs(left) < 3 or abs(right) < 3 or abs(left + right) < 3:
                return True
    return False


def _is_numbered(line: Line) -> bool:
    """A list item or a numbered heading, whose number stands apart."""
    return len(line.cells) == 2 and len(line.cells[0]) == 1 and bool(_NUMBER.match(line.cells[0][0].text))


def _add(lines: Sequence[Line], run: list[int], rows: dict[int, Row | None]) -> None:
    """Keep the run when it is a table: three rows of cells, or two of three cells."""
    full = [number for number in run if len(lines[number].cells) > 1]
    if len(full) < 2:
        return
    widest = max((lines[number] for number in run), key=lambda line: len(line.cells))
    if len(full) < 3 and len(widest.cells) < 3:
        return
    columns = [(cell[0].x0, cell[-1].x1) for cell in widest.cells]
    row: dict[int, list[Token]] = {}
    first, last_column = run[0], -1
    for number in run:
        line = _parted(lines[number], columns)
        places = [_column(columns, cell) for cell in line.cells]
        if row and _starts_row(row, line, places, last_column):
            rows[first] = [row[place] for place in sorted(row)]
            row, first = {}, number
        rows[number] = None
        for place, cell in zip(places, line.cells, strict=True):
            row.setdefault(place, []).extend(cell)
        last_column = places[-1]
    rows[first] = [row[place] for place in sorted(row)]


def _parted(line: Line, columns: Sequence[Column]) -> Line:
    """The line with its cells parted where a word begins a column, however near the word before it ends."""
    cells: Row = []
    for cell in line.cells:
        start = 0
        for place in range(1, len(cell)):
            gap = (cell[place].x0 - cell[place - 1].x1) / max(1.0, line.size)
            if gap > 0.35 and any(abs(cell[place].x0 - left) < 1.5 for left, _ in columns):
                cells.append(cell[start:place])
                start = place
        cells.append(cell[start:])
    return line if len(cells) == len(line.cells) else replace(line, cells=cells)


def _starts_row(row: dict[int, list[Token]], line: Line, places: list[int], last_column: int) -> bool:
    place = places[0]
    if place > last_column:
        return False
    if place == 0 and last_column > 0:
        return True
    held = row.get(place)
    bottom = held[-1].y1 if held else max(token.y1 for cell in row.values() for token in cell) - line.size
    return line.y0 > bottom + (0.6 if place or len(line.cells) == 1 else 0.25) * line.size


def _column(columns: Sequence[Column], cell: list[Token]) -> int:
    left, right = cell[0].x0, cell[-1].x1

    def away(place: int) -> tuple[float, float]:
        start, end = columns[place]
        return -max(0.0, min(end, right) - max(start, left)), min(abs(start - left), abs(end - right))

    return min(range(len(columns)), key=away)


_NUMBER = re.compile(r"^(?:[•◦▪■●○‣⁃∙·►➢✓–—*-]|\(?\d{1,3}[.)]?|\d+(?:\.\d+)+\.?|\(?[a-z][.)]|[IVXivx]{1,5}[.)])$")
