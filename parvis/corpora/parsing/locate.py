"""From offsets in a unit's text to boxes on its page, and the words of a page as one small blob."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from .document import Box, Word


def boxes_for(words: Sequence[Word], start: int, end: int) -> tuple[Box, ...]:
    """The boxes to highlight for `text[start:end]`: those of its words, merged along each line."""
    merged: list[Box] = []
    goes_on = _goes_on_down if _runs_down(words) else _goes_on_across
    for word in words:
        if word.start < end and word.end > start:
            for box in word.boxes:
                if merged and goes_on(merged[-1], box):
                    merged[-1] = _union(merged[-1], box)
                else:
                    merged.append(box)
    return tuple(merged)


def pack_words(words: Sequence[Word]) -> bytes:
    """One blob a page, exact to a tenth of a point."""
    columns: list[list[int]] = [[], [], [], [], [], []]
    previous = 0
    for word in words:
        for place, box in enumerate(word.boxes):
            # Further boxes of a word repeat nothing: their length is 0.
            record = (0 if place else word.start - previous, 0 if place else word.end - word.start, *_tenths(box))
            for column, value in zip(columns, record, strict=True):
                column.append(value)
        previous = word.start
    count = len(columns[0])
    flat = [value for column in columns for value in column]
    return zlib.compress(struct.pack(f"<BI{len(flat)}i", _VERSION, count, *flat), 6)


def unpack_words(packed: bytes) -> tuple[Word, ...]:
    data = zlib.decompress(packed)
    version, count = struct.unpack_from("<BI", data)
    if version != _VERSION:
        raise ValueError(f"words packed by another version: {version}")
    flat = struct.unpack_from(f"<{6 * count}i", data, 5)
    words: list[Word] = []
    start = 0
    for record in zip(*(flat[place * count : (place + 1) * count] for place in range(6)), strict=True):
        step, length, x0, y0, x1, y1 = record
        box = Box(x0 / 10, y0 / 10, x1 / 10, y1 / 10)
        if length == 0 and words:
            last = words.pop()
            words.append(Word(last.start, last.end, (*last.boxes, box)))
        else:
            start += step
            words.append(Word(start, start + length, (box,)))
    return tuple(words)


_VERSION = 1


def _tenths(box: Box) -> tuple[int, int, int, int]:
    return round(box.x0 * 10), round(box.y0 * 10), round(box.x1 * 10), round(box.y1 * 10)


def _runs_down(words: Sequence[Word]) -> bool:
    """Whether the page's text runs up or down: most of its long words are taller than wide."""
    long = [word.boxes[0] for word in words if word.end - word.start >= 4]
    return 2 * sum(box.y1 - box.y0 > 1.3 * (box.x1 - box.x0) for box in long) > len(long)


def _goes_on_across(before: Box, box: Box) -> bool:
    """Same line and near: not a cell of another column."""
    height = min(before.y1 - before.y0, box.y1 - box.y0)
    overlap = min(before.y1, box.y1) - max(before.y0, box.y0)
    return overlap > 0.5 * height and -0.5 * height < max(box.x0 - before.x1, before.x0 - box.x1) < 1.5 * height


def _goes_on_down(before: Box, box: Box) -> bool:
    width = min(before.x1 - before.x0, box.x1 - box.x0)
    overlap = min(before.x1, box.x1) - max(before.x0, box.x0)
    return overlap > 0.5 * width and -0.5 * width < max(box.y0 - before.y1, before.y0 - box.y1) < 1.5 * width


def _union(left: Box, right: Box) -> Box:
    return Box(min(left.x0, right.x0), min(left.y0, right.y0), max(left.x1, right.x1), max(left.y1, right.y1))
