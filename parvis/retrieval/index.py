"""What every search engine under Parvis can do: keep terms per passage, and give candidates under an access filter.

Ranking is not theirs: all engines return the same candidates in the same order.
No engine commits: it takes part in its caller's transaction, except for `maintain(purge=True)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# Okapi BM25, tuned on short passages.
K1 = 0.9
B = 0.75


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage as the index knows it. `terms` are those of the title and headings, once, then of the text."""

    passage_id: int
    document_id: int
    corpus_id: int
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over the allowed corpora only: what another institution wrote changes no rank here."""

    passage_count: int
    average_length: float
    document_frequency: Mapping[str, int] = field(default_factory=dict)

    def weight(self, term: str) -> float:
        """Inverse document frequency: never negative, 0 for a term no allowed passage has."""
        frequency = self.document_frequency.get(term, 0)
        if not frequency:
            return 0.0
        return math.log1p((self.passage_count - frequency + 0.5) / (frequency + 0.5))


class Index(Protocol):
    """A passage never changes document. An empty set of corpora finds nothing; no value means "all corpora"."""

    def upsert(self, entries: Iterable[Entry]) -> None:
        """Adds passages, replacing those of the same id."""

    def delete(self, document_ids: Iterable[int]) -> None:
        """Forgets documents: no later question finds them, nor their words in a correction."""

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        """The `k` best passages that have one of `terms`, best first, equal scores by passage id."""

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats: ...

    def vocabulary(self, corpora: frozenset[int]) -> Mapping[str, int]:
        """Every term of the allowed corpora and how many passages have it."""

    def maintain(self, purge: bool = False) -> None:
        """Tidies the index. With `purge`, no byte of what was deleted stays in the database's files: it rewrites them,
        so it cannot run inside a transaction (`InTransaction`), and nobody else can write meanwhile."""


class InTransaction(Exception):
    """`maintain(purge=True)` was called inside a transaction."""

    code = "purge_in_transaction"
