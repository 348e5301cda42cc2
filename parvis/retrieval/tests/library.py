"""A small library to search in tests: passages in memory, and an index over them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from parvis.retrieval.index import Entry, Index, Stats
from parvis.retrieval.passage import Passage
from parvis.retrieval.search import Embedder, Found, search


def passage(
    id: int, text: str, *, corpus: int = 1, document: int = 0, title: str = "", headings: tuple[str, ...] = ()
) -> Passage:
    return Passage(id, corpus, document or id, 1, 0, len(text), text, title, "1", headings)


@dataclass(frozen=True)
class Library:
    index: Index
    passages: dict[int, Passage] = field(default_factory=dict)

    def add(self, *passages: Passage) -> None:
        self.passages.update((one.id, one) for one in passages)
        self.index.upsert([Entry.of(one) for one in passages])

    def search(self, question: str, corpora: Collection[int], *, limit: int = 10, embedder: Embedder | None = None) -> Found:
        return search(question, index=self.index, corpora=frozenset(corpora), fetch=self.fetch, limit=limit, embedder=embedder)

    def ids(self, question: str, corpora: Collection[int] = (1,)) -> list[int]:
        return [hit.passage.id for hit in self.search(question, corpora).hits]

    def fetch(self, ids: Sequence[int]) -> list[Passage]:
        return [self.passages[one] for one in reversed(ids) if one in self.passages]


class PlainIndex:
    """What an index must do, written the slow and obvious way."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    def upsert(self, entries: Iterable[Entry]) -> None:
        self.entries.update((entry.passage_id, entry) for entry in entries)

    def delete(self, document_ids: Iterable[int]) -> None:
        gone = set(document_ids)
        self.entries = {id: entry for id, entry in self.entries.items() if entry.document_id not in gone}

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        stats = self.stats(terms, corpora)
        scores = []
        for entry in self._allowed(corpora):
            weights = [stats.weight(term) for term in dict.fromkeys(terms) if term in entry.terms]
            if weights:
                scores.append((entry.passage_id, sum(weights) * stats.closeness(entry.length)))
        return sorted(scores, key=lambda one: (-one[1], one[0]))[:k]

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats:
        allowed = self._allowed(corpora)
        vocabulary = self._vocabulary(corpora)
        length = sum(entry.length for entry in allowed) / len(allowed) if allowed else 0.0
        return Stats(len(allowed), length, {term: vocabulary[term] for term in terms if term in vocabulary})

    def words(self, beginnings: Collection[str]) -> Sequence[str]:
        words = {term for entry in self.entries.values() for term in entry.terms if not any(map(str.isdigit, term))}
        return [word for word in words if word.startswith(tuple(beginnings))]

    def _vocabulary(self, corpora: frozenset[int]) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for entry in self._allowed(corpora):
            for term in set(entry.terms):
                counts[term] = counts.get(term, 0) + 1
        return counts

    def maintain(self, purge: bool = False) -> None:
        pass

    def _allowed(self, corpora: frozenset[int]) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.corpus_id in corpora]
