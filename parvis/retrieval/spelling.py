"""Mends a word of a question that no allowed passage has, by the nearest term that one has.

Only terms of the corpora its asker may read are proposed: a correction never tells what others hold. A word that is found
is left alone, so that a question without a mistake keeps its words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.analysis import Token

SHORTEST = 4  # letters; below, everything is near everything
SHORTEST_FOR_TWO = 7


@dataclass(frozen=True, slots=True)
class Correction:
    """`written` is as in the question; `term` is as in the index."""

    written: str
    term: str
    distance: int


def correction(token: Token, vocabulary: Mapping[str, int]) -> Correction | None:
    """The nearest term, among the nearest the one with the same first letter, then the most frequent."""
    word = token.term
    if len(word) < SHORTEST or not word.isalpha():
        return None
    for most in (1, 2) if len(word) >= SHORTEST_FOR_TWO else (1,):
        near = [term for term in _alike(word, vocabulary, most) if distance(word, term, most) <= most]
        if near:
            best = min(near, key=lambda term: (term[0] != word[0], -vocabulary[term], term))
            return Correction(token.surface, best, most)
    return None


def distance(first: str, second: str, most: int) -> int:
    """Edits between two words, a swap of neighbours counting as one (optimal string alignment); `most + 1` if more."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    before_that: list[int] = []
    before = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        row = [i]
        for j, other in enumerate(second, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                edits = min(edits, before_that[j - 2] + 1)
            row.append(edits)
        if min(row) > most:
            return most + 1
        before_that, before = before, row
    return min(before[-1], most + 1)


def _alike(word: str, vocabulary: Mapping[str, int], most: int) -> list[str]:
    """The terms that may be that near: about as long, with about the same letters; an edit changes two at most."""
    known = _lettered(vocabulary)
    lengths, letters = _lengths_and_letters([word])
    near = np.abs(known.lengths - lengths[0]) <= most
    near &= np.bitwise_count(known.letters ^ letters[0]) <= 2 * most
    return [known.terms[position] for position in np.flatnonzero(near).tolist()]


@dataclass(frozen=True, slots=True)
class _Lettered:
    vocabulary: Mapping[str, int]
    terms: list[str]
    lengths: NDArray[np.int64]
    letters: NDArray[np.uint32]


# The latest ones: an index gives the same object as long as nothing changed.
_latest: deque[_Lettered] = deque(maxlen=8)


def _lettered(vocabulary: Mapping[str, int]) -> _Lettered:
    for one in tuple(_latest):
        if one.vocabulary is vocabulary:
            return one
    terms = [term for term in vocabulary if term.isalpha()]
    _latest.append(_Lettered(vocabulary, terms, *_lengths_and_letters(terms or [""])))
    return _latest[-1]


def _lengths_and_letters(terms: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Letters as the bits of a number: their codes modulo 32, which tells a to z apart."""
    written = np.array(terms, dtype=np.str_)
    codes = written.view(np.uint32).reshape(len(terms), -1)
    bits = np.where(codes > 0, np.uint32(1) << (codes % np.uint32(32)), np.uint32(0))
    return np.strings.str_len(written), np.bitwise_or.reduce(bits, axis=1)
