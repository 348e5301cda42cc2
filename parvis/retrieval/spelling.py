"""Mends the words of a question that no allowed passage has: shorthand written out, lost apostrophes put back, the others
replaced by the nearest term that one has.

Only terms of the corpora its asker may read are proposed: a correction never tells what others hold. A word that is found
is left alone, so that a question without a mistake keeps its words; so is a word that only frames the question.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.analysis import Token, fold, terms
from parvis.retrieval.question import is_framing

SHORTEST = 5  # letters; below, everything is near everything
SHORTEST_FOR_TWO = 7
SHORTEST_FOR_FIRST = 7  # to mend its first letter, which is seldom wrong
SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Correction:
    """`written` is as in the question; `term` is as in the index."""

    written: str
    term: str
    distance: int


def written_out(question: str, unknown: Sequence[Token], vocabulary: Mapping[str, int]) -> str:
    """The question with its shorthand in full ("cb" → "combien") and its lost apostrophes ("laide" → "l'aide"), among
    the words that no passage has."""
    for token in reversed(unknown):
        if whole := _in_full(fold(token.surface), vocabulary):
            question = question[: token.start] + whole + question[token.end :]
    return question


def correction(token: Token, vocabulary: Mapping[str, int]) -> Correction | None:
    """A term that one slip or another ending of the word gives; else the nearest term, for a short stem by one edit of
    the word itself. Among the nearest, one that begins alike, then the most frequent."""
    word = token.term
    surface = fold(token.surface)
    if not word.isalpha() or is_framing(word) or len(surface) < SHORTEST:
        return None
    given = _given_by(_slips(surface), vocabulary)
    if not given and len(word) < SHORTEST:
        given = _given_by(_edits(surface), vocabulary)
    if given:
        return Correction(token.surface, min(given, key=lambda term: (-vocabulary[term], term)), 1)
    if len(word) < SHORTEST:
        return None
    for most in (1, 2) if len(word) >= SHORTEST_FOR_TWO else (1,):
        alike = (term for term in _alike(word, vocabulary, most) if term[0] == word[0] or len(word) >= SHORTEST_FOR_FIRST)
        near = [term for term in alike if distance(word, term, most) <= most]
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


_SHORTHAND = {
    "ac": "avec",
    "auj": "aujourd'hui",
    "bcp": "beaucoup",
    "bjr": "bonjour",
    "cad": "c'est-à-dire",
    "cb": "combien",
    "cbien": "combien",
    "cest": "c'est",
    "cetait": "c'était",
    "cmt": "comment",
    "dc": "donc",
    "ds": "dans",
    "dun": "d'un",
    "dune": "d'une",
    "exam": "examen",
    "exams": "examens",
    "fo": "faut",
    "jai": "j'ai",
    "jaurai": "j'aurai",
    "jetais": "j'étais",
    "kan": "quand",
    "kand": "quand",
    "ke": "que",
    "kel": "quel",
    "kelle": "quelle",
    "kels": "quels",
    "ki": "qui",
    "koi": "quoi",
    "mm": "même",
    "ns": "nous",
    "nai": "n'ai",
    "nest": "n'est",
    "pb": "problème",
    "pcq": "parce que",
    "pdt": "pendant",
    "pk": "pourquoi",
    "pkoi": "pourquoi",
    "pq": "pourquoi",
    "pr": "pour",
    "prof": "professeur",
    "profs": "professeurs",
    "qd": "quand",
    "qnd": "quand",
    "qq": "quelque",
    "quest": "qu'est",
    "quil": "qu'il",
    "quils": "qu'ils",
    "quon": "qu'on",
    "rdv": "rendez-vous",
    "sest": "s'est",
    "slt": "salut",
    "tjrs": "toujours",
    "tps": "temps",
    "vs": "vous",
}
_ELISION_LOST = re.compile(r"(?P<elided>[lds])(?P<rest>[aeiouyh]\w{3,})")


def _in_full(word: str, vocabulary: Mapping[str, int]) -> str:
    """ "" for a word that is not shorthand."""
    if word in _SHORTHAND:
        return _SHORTHAND[word]
    if match := _ELISION_LOST.fullmatch(word):
        rest = _SHORTHAND.get(match["rest"], match["rest"])
        return f"{match['elided']}'{rest}" if vocabulary.keys() & terms(rest) else ""
    return ""


def _given_by(words: Iterable[str], vocabulary: Mapping[str, int]) -> set[str]:
    return {term for word in words for term in terms(word) if len(term) >= SHORTEST_STEM and term in vocabulary}


def _slips(word: str) -> Iterator[str]:
    """The word with two neighbours swapped, a letter doubled or no longer so, or another ending of its verb, which the
    stemmer does not always see: so that what is compared is words and not only stems. Its first letter is kept."""
    for place in range(1, len(word)):
        before, letter, after = word[:place], word[place], word[place + 1 :]
        if before[-1] == letter:
            yield before + after
        yield before + letter * 2 + after
        if after and after[0] != letter:
            yield before + after[0] + letter + after[1:]
    for ending in ("ent", "ons", "ez", "es", "e", "s"):
        if len(word) >= SHORTEST + len(ending) and word.endswith(ending):
            yield word[: -len(ending)] + "er"


def _edits(word: str) -> Iterator[str]:
    """The word with one letter lost, replaced or added after the first."""
    for place in range(1, len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:]
        for letter in ascii_lowercase:
            yield before + letter + after[1:]
            yield before + letter + after


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
