"""The order of what was found: BM25 on terms, then runs of four characters, then neighbouring terms.

Runs of four characters see what stemming missed ("obligation", "obligatoire"); neighbours see "droit public" as more than its
words. Each part is divided by its best value among the candidates, so that the weights mean the same for every question.
Computed over the candidates alone, in one pass of arrays: no index of runs or pairs is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.analysis import folded_and_terms
from parvis.retrieval.index import K1, B, Stats
from parvis.retrieval.passage import Passage

RUNS_WEIGHT = 0.6
PAIRS_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question looks for: its terms as asked, repetitions kept, and its folded words for the runs."""

    terms: tuple[str, ...]
    folded: str


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
    read = [folded_and_terms(passage.indexed_text()) for passage in passages]
    weights = {term: stats.weight(term) for term in asked.terms}
    bm25 = np.array([_bm25(terms, weights, stats.average_length) for _, terms in read])
    runs = _runs_bm25(asked.folded, [folded for folded, _ in read])
    pairs = np.array([_pairs(asked.terms, terms, weights) for _, terms in read])
    scores = relative(bm25) + RUNS_WEIGHT * relative(runs) + PAIRS_WEIGHT * relative(pairs)
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


def _bm25(terms: Sequence[str], weights: Mapping[str, float], average_length: float) -> float:
    length_part = K1 * (1 - B + B * len(terms) / max(average_length, 1.0))
    counts = Counter(term for term in terms if term in weights)
    return sum(weight * counts[term] * (K1 + 1) / (counts[term] + length_part) for term, weight in weights.items())


def _pairs(asked: Sequence[str], terms: Sequence[str], weights: Mapping[str, float]) -> float:
    """Summed in the order of the question: the order of a set changes from one process to the next, and sums with it."""
    present = set(pairwise(terms))
    return sum(
        weights[first] + weights[second] for first, second in dict.fromkeys(pairwise(asked)) if (first, second) in present
    )


def _runs_bm25(asked: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """BM25 on runs of four characters, rare runs weighing more. How rare is judged among the candidates: they share the
    question's subject, so what tells them apart weighs most."""
    wanted = np.unique(_runs(asked))
    runs = [_runs(text) for text in texts]
    lengths = np.array([len(one) for one in runs], dtype=np.float64)
    if not len(wanted):
        return np.zeros(len(texts))
    every = np.concatenate(runs)
    place = np.searchsorted(wanted, every)
    place[place == len(wanted)] = 0
    known = wanted[place] == every
    passage = np.repeat(np.arange(len(texts)), [len(one) for one in runs])
    counts = np.bincount(passage[known] * len(wanted) + place[known], minlength=len(texts) * len(wanted))
    counts = counts.reshape(len(texts), len(wanted)).astype(np.float64)
    frequency = (counts > 0).sum(axis=0)
    weights = np.log1p((len(texts) - frequency + 0.5) / (frequency + 0.5))
    length_part = K1 * (1 - B + B * lengths / max(lengths.mean(), 1.0))
    scores: NDArray[np.float64] = (counts * (K1 + 1) / (counts + length_part[:, None])) @ weights
    return scores


_BASE = np.uint64(1_000_003)


def _runs(folded: str) -> NDArray[np.uint64]:
    """The runs of four characters of a text, as numbers; a space stands before the first word and after the last."""
    codes = np.frombuffer(f" {folded} ".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < 4:
        return codes[:0]
    return ((codes[:-3] * _BASE + codes[1:-2]) * _BASE + codes[2:-1]) * _BASE + codes[3:]
