"""Cuts the text of a unit into passages: 60 to 100 words, on sentence borders, without overlap.

Short enough for a quotation to be found in it, long enough to be read alone. No overlap: neighbours are joined at
display, and overlapping passages cost index for nothing (measured: -.02 to +.02).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from parvis.retrieval.analysis import sentences
from parvis.retrieval.passage import Passage

FEWEST_WORDS = 60
MOST_WORDS = 100
MOST_ATOMIC_WORDS = 250  # above, even a table's row or a listing is cut, at line ends first


@dataclass(frozen=True, slots=True)
class Span:
    """A run `text[start:end]` of a unit that may be searched: a paragraph, an item, a row; never a heading, which
    reaches its passages through `heading_path`. An atomic span (row, code, formula) is kept whole where possible."""

    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage `text[start:end]` to be."""

    start: int
    end: int
    heading_path: tuple[str, ...] = ()


def cut(text: str, spans: Iterable[Span]) -> list[Cut]:
    """The passages of one unit, in order. Every word of the spans is in exactly one; none crosses a heading.

    What stands under one heading is shared out evenly; less than 60 words under a heading make one short passage.
    """
    passages = []
    for heading_path, pieces in _sections(text, spans):
        for first, latest in _shared_out(pieces):
            passages.append(Cut(pieces[first].start, pieces[latest].end, heading_path))
    return passages


def neighbours(passage: Passage, unit: Sequence[Passage], *, most_words: int = 2 * MOST_WORDS) -> tuple[Passage, ...]:
    """`passage` with the passages of its unit that touch it, for display: those after it first, then those before,
    while they fit in `most_words`. `unit` may hold other passages; only adjoining ones of the same unit are taken."""
    same = sorted(
        (one for one in unit if (one.document_id, one.unit_number) == (passage.document_id, passage.unit_number)),
        key=lambda one: one.start,
    )
    left = most_words - len(passage.text.split())
    run = [passage]
    for one in same:
        if one.start >= passage.end and _touch(run[-1], one) and len(one.text.split()) <= left:
            left -= len(one.text.split())
            run.append(one)
    for one in reversed(same):
        if one.end <= passage.start and _touch(one, run[0]) and len(one.text.split()) <= left:
            left -= len(one.text.split())
            run.insert(0, one)
    return tuple(run)


def joined(passages: Iterable[Passage]) -> list[tuple[Passage, ...]]:
    """Passages found together, those that touch put side by side; runs in the order of their best passage."""
    runs: list[list[Passage]] = []
    for passage in passages:
        touching = [run for run in runs if _touch(run[-1], passage) or _touch(passage, run[0])]
        if touching:
            touching[0][:] = sorted([passage, *chain.from_iterable(touching)], key=lambda one: one.start)
            runs = [run for run in runs if not any(run is other for other in touching[1:])]
        else:
            runs.append([passage])
    return [tuple(run) for run in runs]


# What separates two passages that touch: the blank line between two blocks, at most.
_WIDEST_GAP = 3


def _touch(first: Passage, second: Passage) -> bool:
    return (first.document_id, first.unit_number, first.heading_path) == (
        second.document_id,
        second.unit_number,
        second.heading_path,
    ) and 0 <= second.start - first.end <= _WIDEST_GAP


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut: a sentence, an atomic span."""

    start: int
    end: int
    words: int
    cost: int  # of ending a passage here


_AFTER_BLOCK, _AFTER_SENTENCE, _AFTER_PART, _AFTER_COLON = 0, 150, 400, 600


def _sections(text: str, spans: Iterable[Span]) -> Iterator[tuple[tuple[str, ...], list[_Piece]]]:
    """Pieces that may share a passage: same heading path, and nothing but white space between the spans."""
    latest_end = 0
    number = 0
    numbered = []
    for span in sorted(spans, key=lambda span: span.start):
        number += bool(text[latest_end : span.start].strip())
        latest_end = max(latest_end, span.end)
        numbered.append((number, span))
    for (_, heading_path), group in groupby(numbered, key=lambda one: (one[0], one[1].heading_path)):
        pieces = [piece for _, span in group for piece in _pieces(text, span)]
        if pieces:
            yield heading_path, pieces


def _pieces(text: str, span: Span) -> Iterator[_Piece]:
    body = text[span.start : span.end]
    whole = [(len(body) - len(body.lstrip()), len(body.rstrip()))] if span.atomic else sentences(body)
    most = MOST_ATOMIC_WORDS if span.atomic else MOST_WORDS
    parts = [part for start, end in whole if start < end for part in _parts(body, start, end, most)]
    for position, (start, end, ends_whole) in enumerate(parts):
        if body[start:end].endswith((":", " :")):
            cost = _AFTER_COLON
        elif position == len(parts) - 1:
            cost = _AFTER_BLOCK
        else:
            cost = _AFTER_SENTENCE if ends_whole else _AFTER_PART
        yield _Piece(span.start + start, span.start + end, len(body[start:end].split()), cost)


_WORDS = re.compile(r"\S+")


def _parts(body: str, start: int, end: int, most: int) -> Iterator[tuple[int, int, bool]]:
    """`body[start:end]` cut in parts of at most `most` words: at a line's end, else after a comma, else anywhere."""
    words = [match.span() for match in _WORDS.finditer(body, start, end)]
    first = 0
    while len(words) - first > most:
        room = range(first + MOST_WORDS - 1, first + FEWEST_WORDS - 2, -1)
        at = next((i for i in room if "\n" in body[words[i][1] : words[i + 1][0]]), None)
        if at is None:
            at = next((i for i in room if body[words[i][1] - 1] in ",;:"), room[0])
        yield words[first][0], words[at][1], False
        first = at + 1
    yield words[first][0], words[-1][1], True


def _shared_out(pieces: Sequence[_Piece]) -> list[tuple[int, int]]:
    """The cheapest way to make passages of `pieces`, as (first, latest) positions: a shortest path."""
    cheapest = [0.0] + [float("inf")] * len(pieces)
    came_from = [0] * (len(pieces) + 1)
    for end in range(1, len(pieces) + 1):
        words = 0
        for start in range(end - 1, -1, -1):
            words += pieces[start].words
            if words > MOST_WORDS and start < end - 1:
                break
            cost = cheapest[start] + _cost(words) + (pieces[end - 1].cost if end < len(pieces) else 0)
            if cost < cheapest[end]:
                cheapest[end], came_from[end] = cost, start
    cuts = []
    end = len(pieces)
    while end:
        cuts.append((came_from[end], end - 1))
        end = came_from[end]
    return cuts[::-1]


def _cost(words: int) -> float:
    """Of a passage this long: a little for being one more, then the square of what is missing."""
    return 100 + max(0, FEWEST_WORDS - words) ** 2
