"""The order of what was found: BM25 on terms, then runs of four characters, then neighbouring terms.

Runs of four characters see what stemming missed ("obligation", "obligatoire"); neighbours see "droit public" as more than its
words. Each part is divided by its best value among the candidates, so that the weights mean the same for every question.
Computed over the candidates alone, in one pass of arrays: no index of runs or pairs is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.analysis import folded_and_terms, sentences, terms
from parvis.retrieval.definition import definition_strength, is_heading_of, opening_strength
from parvis.retrieval.framing import is_framing
from parvis.retrieval.index import K1, B, Stats
from parvis.retrieval.passage import Passage
from parvis.retrieval.question import rarity

RUNS_WEIGHT = 0.6
PAIRS_WEIGHT = 0.2
HEADING_WEIGHT = 0.5  # for a heading that is what is asked about, and nothing else
DEFINITION_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question looks for: its terms as asked, repetitions kept; its folded words for the runs; the terms of what it
    wants defined, if it does."""

    terms: tuple[str, ...]
    folded: str
    defined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Features:
    """What a passage's rank is made of, before any division: comparable between questions only with care."""

    bm25: float = 0.0
    runs: float = 0.0  # BM25 on runs of four characters
    pairs: float = 0.0  # weights of the neighbouring terms of the question that are neighbours in the passage
    similarity: float = 0.0  # cosine of the embeddings, where there are any


@dataclass(frozen=True, slots=True)
class Ranked:
    passage: Passage
    features: Features
    score: float


def rank(asked: Asked, passages: Sequence[Passage], stats: Stats) -> list[Ranked]:
    """`passages` in order, best first, equal scores by id."""
    if not passages:
        return []
    read = [_read(passage.indexed_text()) for passage in passages]
    weights = {term: stats.weight(term) for term in asked.terms}
    bm25 = np.array([_bm25(one.terms, weights, stats.average_length) for one in read])
    runs = _runs_bm25(asked.folded, [one.runs for one in read])
    pairs = np.array([_pairs(asked.terms, one.terms, weights) for one in read])
    scores = relative(bm25) + RUNS_WEIGHT * relative(runs) + PAIRS_WEIGHT * relative(pairs)
    rarities = {term: rarity(stats, term) for term in asked.terms}
    scores += HEADING_WEIGHT * np.array([_is_headed(rarities, passage) for passage in passages])
    if asked.defined:
        defined = {term: rarity(stats, term) for term in asked.defined}
        scores += DEFINITION_WEIGHT * np.array([_defines(defined, passage) for passage in passages])
    ranked = [
        Ranked(passage, Features(*parts), score)
        for passage, parts, score in zip(
            passages, zip(bm25.tolist(), runs.tolist(), pairs.tolist(), strict=True), scores.tolist(), strict=True
        )
    ]
    return sorted(ranked, key=lambda one: (-one.score, one.passage.id))


def relative(values: NDArray[np.float64]) -> NDArray[np.float64]:
    best = values.max(initial=0.0)
    return values / best if best > 0 else np.zeros_like(values)


@dataclass(frozen=True, slots=True)
class _Read:
    terms: tuple[str, ...]
    runs: NDArray[np.uint32]


@lru_cache(maxsize=4096)  # 3 kB each: the same course is asked again and again
def _read(text: str) -> _Read:
    folded, terms = folded_and_terms(text)
    return _Read(tuple(terms), _runs(folded))


def _bm25(terms: Sequence[str], weights: Mapping[str, float], average_length: float) -> float:
    length_part = K1 * (1 - B + B * len(terms) / max(average_length, 1.0))
    counts = ((weight, terms.count(term)) for term, weight in weights.items())
    return sum(weight * count * (K1 + 1) / (count + length_part) for weight, count in counts if count)


def _pairs(asked: Sequence[str], terms: Sequence[str], weights: Mapping[str, float]) -> float:
    """Summed in the order of the question: the order of a set changes from one process to the next, and sums with it."""
    present = set(pairwise(terms))
    return sum(
        weights[first] + weights[second] for first, second in dict.fromkeys(pairwise(asked)) if (first, second) in present
    )


def _is_headed(asked: Mapping[str, float], passage: Passage) -> bool:
    """Whether its heading names nearly all that is asked, by what it weighs: "Seconde session", for "Quand a lieu la seconde
    session ?"; or two headings that do so together: "La césure", then "Déposer une demande"."""
    if passage.heading_path and is_heading_of(passage.heading_path[-1], asked, least=0.8):
        return True
    if len(passage.heading_path) < 2:
        return False
    above, own = (set(terms(heading)) for heading in passage.heading_path[-2:])
    told = {term: weight for term, weight in asked.items() if not is_framing(term)}
    shared = sum(weight for term, weight in told.items() if term in above | own)
    is_divided = bool(told.keys() & own - above) and bool(told.keys() & above - own)
    return is_divided and shared >= 0.8 * sum(told.values())


def _defines(defined: Mapping[str, float], passage: Passage) -> float:
    """Of its best sentence, or of the first one under a heading that names what is defined."""
    headed = bool(passage.heading_path) and is_heading_of(passage.heading_path[-1], defined)
    holds = defined.keys() <= set(_read(passage.indexed_text()).terms)
    if not headed and not holds:
        return 0.0
    told = [passage.text[start:end] for start, end in sentences(passage.text)]
    strengths = [definition_strength(sentence, tuple(defined)) for sentence in told] if holds else []
    return max([*strengths, opening_strength(told[0], defined) if headed and told else 0.0])


def _runs_bm25(asked: str, passages: Sequence[NDArray[np.uint32]]) -> NDArray[np.float64]:
    """BM25 on runs of four characters, rare runs weighing more. How rare is judged among the candidates: they share the
    question's subject, so what tells them apart weighs most."""
    wanted = np.unique(_runs(asked))
    if not len(wanted):
        return np.zeros(len(passages))
    lengths = np.array([len(runs) for runs in passages])
    every, owner = np.concatenate(passages), np.repeat(np.arange(len(passages)), lengths)
    perhaps = np.zeros(1 << 16, dtype=np.bool_)  # by their last 16 bits: leaves a tenth to look up
    perhaps[wanted & 0xFFFF] = True
    kept = perhaps[every & 0xFFFF]
    every, owner = every[kept], owner[kept]
    place = np.searchsorted(wanted, every)
    known = wanted[np.minimum(place, len(wanted) - 1)] == every
    cells = np.bincount(owner[known] * len(wanted) + place[known], minlength=len(passages) * len(wanted))
    counts = cells.reshape(len(passages), len(wanted)).astype(np.float64)
    frequency = (counts > 0).sum(axis=0)
    weights = np.log1p((len(passages) - frequency + 0.5) / (frequency + 0.5))
    length_part = K1 * (1 - B + B * lengths / max(lengths.mean(), 1.0))
    scores: NDArray[np.float64] = (counts * (K1 + 1) / (counts + length_part[:, None])) @ weights
    return scores


_BASE = np.uint32(1_000_003)


def _runs(folded: str) -> NDArray[np.uint32]:
    """The runs of four characters of a text, as numbers; a space stands before the first word and after the last."""
    codes = np.frombuffer(f" {folded} ".encode("utf-32-le", "replace"), dtype=np.uint32)
    return ((codes[:-3] * _BASE + codes[1:-2]) * _BASE + codes[2:-1]) * _BASE + codes[3:]
