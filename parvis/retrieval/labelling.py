"""Questions that documents ask of themselves, to calibrate on where nobody wrote any.

A heading asks for what stands below it, and "X est un…" answers "Qu’est-ce que X ?". The headings are withheld from the
passages: asked with them in place, words alone would find everything and nothing else could help.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from parvis.retrieval.analysis import fold, sentences, terms
from parvis.retrieval.dense import Labelled
from parvis.retrieval.passage import Passage

MOST_QUESTIONS = 200
FEWEST_TERMS = 2  # of a heading: "Introduction" asks nothing
MOST_TERMS = 5  # of what is defined


def self_asked(passages: Sequence[Passage]) -> tuple[list[Passage], list[Labelled]]:
    """The passages without their headings, and at most `MOST_QUESTIONS` questions to them, always the same ones."""
    answered = _by_heading(passages) | _by_definition(passages)
    drawn = sorted(answered, key=lambda question: zlib.crc32(question.encode()))[:MOST_QUESTIONS]
    questions = [Labelled(question, dict.fromkeys(answered[question], 1)) for question in sorted(drawn)]
    return [replace(passage, heading_path=()) for passage in passages], questions


def _by_heading(passages: Sequence[Passage]) -> dict[str, list[int]]:
    """Headings that stand in one place only: of two "Exercices de révision", none says which is meant."""
    places: dict[str, set[tuple[int, tuple[str, ...]]]] = defaultdict(set)
    below: dict[str, list[int]] = defaultdict(list)
    for passage in passages:
        for depth, heading in enumerate(passage.heading_path, 1):
            places[fold(heading)].add((passage.document_id, passage.heading_path[:depth]))
            below[heading].append(passage.id)
    return {
        heading: ids
        for heading, ids in below.items()
        if len(places[fold(heading)]) == 1 and len(set(terms(heading))) >= FEWEST_TERMS
    }


def _by_definition(passages: Sequence[Passage]) -> dict[str, list[int]]:
    answered: dict[str, list[int]] = defaultdict(list)
    for passage in passages:
        for defined in dict.fromkeys(_defined(passage.text)):
            answered[f"Qu’est-ce que {defined} ?"].append(passage.id)
    return answered


def _defined(text: str) -> Iterator[str]:
    for start, end in sentences(text):
        if (match := _DEFINITION.match(text[start:end])) and 1 <= len(terms(match["what"])) <= MOST_TERMS:
            yield " ".join(match["what"].lower().split())


_DEFINITION = re.compile(
    r"\s*(?P<what>(?:(?:une?|les?|la)\s|l[’'])?\s*[\w’'\-\s]{3,60}?)"
    r"(?:[\s\u00a0\u202f]:[\s\u00a0\u202f]|\s(?:est\s(?:une?\s|la\s|le\s|l[’'])|désigne\s|se définit\s))",
    re.IGNORECASE,
)
