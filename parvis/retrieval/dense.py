"""Embeddings beside the words, where an endpoint gives them: exact search among the allowed vectors, and a weight in the
fusion of scores that was calibrated on that endpoint, 0 where it does not help.

An exact scan, for a reader's corpora hold thousands of passages, not millions. Vectors are kept as half floats: half the
space of a float, and the ranks do not change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parvis.retrieval.index import Reading
from parvis.retrieval.passage import Passage
from parvis.retrieval.ranking import relative
from parvis.retrieval.search import Found, search

Embed = Callable[[Sequence[str]], ArrayLike]  # one row per text


class Vectors(Protocol):
    """Where vectors are kept: rows are of length 1, or of length 0 for none."""

    def of_corpora(self, corpora: frozenset[int]) -> tuple[Sequence[int], NDArray[np.float16]]:
        """The passages of those corpora that have a vector, and their vectors."""

    def of_passages(self, passage_ids: Sequence[int]) -> tuple[Sequence[int], NDArray[np.float16]]:
        """Those of the passages that have a vector, in any order, and their vectors."""


@dataclass(slots=True)
class ExactScan:
    """An `Embedder`. What `embed` raises goes through: only its owner knows how to do without it."""

    embed: Embed
    vectors: Vectors
    weight: float
    _latest: tuple[str, NDArray[np.float32]] | None = field(default=None, repr=False)

    def nearest(self, question: str, corpora: frozenset[int], k: int) -> list[int]:
        ids, rows = self.vectors.of_corpora(corpora)
        if not len(ids):
            return []
        scores = _cosines(rows, self._asked(question))
        best = sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))[:k]
        return [int(ids[place]) for place in best]

    def similarities(self, question: str, passage_ids: Sequence[int]) -> list[float]:
        ids, rows = self.vectors.of_passages(passage_ids)
        scores: list[float] = _cosines(rows, self._asked(question)).tolist() if len(ids) else []
        known = dict(zip(ids, scores, strict=True))
        return [known.get(passage_id, 0.0) for passage_id in passage_ids]

    def _asked(self, question: str) -> NDArray[np.float32]:
        """Embedded once: a search asks for the nearest passages, then for the similarities."""
        if self._latest is None or self._latest[0] != question:
            self._latest = question, normalised(self.embed([question]))[0].astype(np.float32)
        return self._latest[1]


@dataclass(frozen=True, slots=True)
class HeldVectors:
    """`Vectors` in memory."""

    ids: NDArray[np.int64]
    corpora: NDArray[np.int64]
    rows: NDArray[np.float16]

    def of_corpora(self, corpora: frozenset[int]) -> tuple[Sequence[int], NDArray[np.float16]]:
        chosen = np.isin(self.corpora, sorted(corpora))
        return self.ids[chosen].tolist(), self.rows[chosen]

    def of_passages(self, passage_ids: Sequence[int]) -> tuple[Sequence[int], NDArray[np.float16]]:
        chosen = np.isin(self.ids, passage_ids)
        return self.ids[chosen].tolist(), self.rows[chosen]


def embedded(passages: Sequence[Passage], embed: Embed) -> HeldVectors:
    """The vectors of passages, titles and headings included as in the index."""
    rows = normalised(embed([passage.indexed_text() for passage in passages]))
    ids = np.array([passage.id for passage in passages], dtype=np.int64)
    return HeldVectors(ids, np.array([passage.corpus_id for passage in passages], dtype=np.int64), rows)


def normalised(rows: ArrayLike) -> NDArray[np.float16]:
    """Rows of length 1, ready to be kept; a row that is not finite becomes 0, which is near nothing."""
    plain = np.nan_to_num(np.atleast_2d(np.asarray(rows, dtype=np.float64)), nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    return (plain / np.where(lengths > 0, lengths, 1.0)).astype(np.float16)


def packed(row: NDArray[np.float16]) -> bytes:
    """For a column of bytes; little-endian whatever the machine."""
    return row.astype("<f2").tobytes()


def unpacked(blobs: Iterable[bytes]) -> NDArray[np.float16]:
    """The rows packed; all are of one endpoint, hence of one length."""
    rows = [np.frombuffer(blob, dtype="<f2") for blob in blobs]
    return np.stack(rows).astype(np.float16) if rows else np.empty((0, 0), dtype=np.float16)


WEIGHTS_TRIED = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
LEAST_GAIN = 0.003  # of nDCG@10
FEWEST_QUESTIONS = 50


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question and the grade, at least 1, of each passage that answers it."""

    text: str
    relevant: Mapping[int, int]


def calibrate_weight(
    questions: Sequence[Labelled],
    *,
    index: Reading,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Passage]],
    embedder: ExactScan,
) -> float:
    """The weight of the similarities that ranks best, 0 unless it is worth an endpoint's call.

    Each half of the questions chooses a weight that the other half judges: the gain so judged must reach `LEAST_GAIN` and
    exceed what chance gives one time in twenty.
    """
    if len(questions) < FEWEST_QUESTIONS:
        return 0.0
    weights = (0.0, *WEIGHTS_TRIED)
    heard = replace(embedder, weight=1.0)
    qualities = np.array(
        [
            _qualities(one, weights, search(one.text, index=index, corpora=corpora, fetch=fetch, limit=ALL, embedder=heard))
            for one in questions
        ]
    )
    gains = qualities - qualities[:, :1]
    even, odd = gains[::2], gains[1::2]
    judged = np.concatenate([odd[:, even.mean(axis=0).argmax()], even[:, odd.mean(axis=0).argmax()]])
    chance = 1.64 * float(judged.std()) / math.sqrt(len(judged))
    if judged.mean() < max(LEAST_GAIN, chance):
        return 0.0
    return weights[int(gains.mean(axis=0).argmax())]


ALL = 1_000  # hits: as many as there are candidates
DEPTH = 10


def _qualities(question: Labelled, weights: Sequence[float], found: Found) -> list[float]:
    """nDCG@10 under each weight, from one search made under weight 1."""
    similarities = relative(np.maximum([one.similarity for one in found.features], 0.0))
    lexical = np.array([hit.score for hit in found.hits]) - similarities
    ideal = _gain(sorted(question.relevant.values(), reverse=True))
    qualities = []
    for weight in weights:
        scores: list[float] = np.round(lexical + weight * similarities, 9).tolist()
        order = sorted(range(len(scores)), key=lambda place: (-scores[place], found.hits[place].passage.id))
        qualities.append(_gain([question.relevant.get(found.hits[place].passage.id, 0) for place in order]) / ideal)
    return qualities


def _gain(grades: Sequence[int]) -> float:
    return sum((float(2**grade) - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades[:DEPTH], 1))


def _cosines(rows: NDArray[np.float16], asked: NDArray[np.float32]) -> NDArray[np.float32]:
    """By blocks: the half floats are widened a few megabytes at a time."""
    blocks = [rows[start : start + 8192].astype(np.float32) @ asked for start in range(0, len(rows), 8192)]
    return np.concatenate(blocks)
