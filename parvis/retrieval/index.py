"""What every search engine under Parvis can do: keep terms per passage, and give candidates under an access filter.

Ranking is not theirs (`ranking`), and they choose candidates alike: the same ones, in the same order, whatever the engine.
No engine commits: it takes part in its caller's transaction, except for `maintain(purge=True)`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from parvis.retrieval.analysis import terms
from parvis.retrieval.passage import Passage

# Okapi BM25, for short passages.
K1 = 0.9
B = 0.75

PREFIX = "search"  # of an index's tables

LENGTHS = 64  # the lengths told apart when candidates are chosen: 6 bits, which an engine keeps beside a passage's id


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage as the index knows it. `terms` are those of the title and headings, once, then of the text."""

    passage_id: int
    document_id: int
    corpus_id: int
    terms: tuple[str, ...]

    @classmethod
    def of(cls, passage: Passage) -> Entry:
        return cls(passage.id, passage.document_id, passage.corpus_id, tuple(terms(passage.indexed_text())))

    @property
    def length(self) -> int:
        """The number of terms, to the nearest of 2, 6, 10 … 254: exact enough to prefer short passages to long ones."""
        return 4 * min(len(self.terms) // 4, LENGTHS - 1) + 2

    def distinct_terms(self) -> list[str]:
        """An engine may write them side by side, so a term holds letters and figures only."""
        distinct = list(dict.fromkeys(self.terms))
        if distinct and ("" in distinct or not "".join(distinct).isalnum()):
            raise ValueError(f"passage {self.passage_id} has a term that no analysis gives")
        return distinct


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

    def closeness(self, length: int) -> float:
        """What one occurrence of a term is worth in a passage of so many terms: the shorter, the more."""
        return (K1 + 1) / (1 + K1 * (1 - B + B * length / max(self.average_length, 1.0)))

    def closenesses(self) -> list[float]:
        """For each of the lengths told apart."""
        return [self.closeness(4 * number + 2) for number in range(LENGTHS)]


class Reading(Protocol):
    """What a search asks of an index. An empty set of corpora finds nothing; no value means "all corpora"."""

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        """The `k` passages with the most of `terms`, best first, equal scores by passage id: the sum of the weights of the
        terms a passage has, in the order given, times its closeness."""

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats: ...

    def words(self, beginnings: Collection[str]) -> Sequence[str]:
        """The terms that begin so, of all corpora and without an order: those without a figure, at least, and for a while
        after a deletion more. Only those that `stats` then finds in the allowed corpora may be told or change a result."""


class Index(Reading, Protocol):
    """A passage never changes document."""

    def upsert(self, entries: Iterable[Entry]) -> None:
        """Adds passages, replacing those of the same id."""

    def delete(self, document_ids: Iterable[int]) -> None:
        """Forgets documents: no later question finds them, nor their words in a correction."""

    def maintain(self, purge: bool = False) -> None:
        """Tidies the index. With `purge`, no byte of what was deleted stays in the database's files: it rewrites them,
        so it cannot run inside a transaction (`InTransaction`), and nobody else can write meanwhile."""


def named(statement: str, prefix: str) -> str:
    """Statements are written for tables named search_…; an index of other things keeps its own beside them."""
    return statement if prefix == PREFIX else statement.replace("search_", f"{prefix}_")


def askable(terms: Iterable[str]) -> list[str]:
    """Once each, in order, without what no analysis gives: it is in no list, and would be syntax to an engine."""
    return [term for term in dict.fromkeys(terms) if term.isalnum()]


class InTransaction(Exception):
    """`maintain(purge=True)` was called inside a transaction."""

    code = "purge_in_transaction"
    params: Mapping[str, object] = {}


class FilesInUse(Exception):
    """Another connection kept reading during `maintain(purge=True)`: erased bytes may still be in the files."""

    code = "purge_files_in_use"
    params: Mapping[str, object] = {}
