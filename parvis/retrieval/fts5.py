"""The embedded engine: SQLite FTS5, in the same database file and transaction as the documents.

FTS5 keeps one list of passages per *corpus and term* ("12:examen"), contentless and without positions. So the access
filter is not a condition that a query could forget but the only way to name a term; the counts of a corpus are read off
its own lists; and a question costs in proportion to what its asker may read, not to what the institution holds.

Row ids carry the passage's length in their last 6 bits: choosing candidates then needs the lists and nothing else.

SQLite before 3.43 deletes from a contentless table only when given the exact terms back. Analysing the text again would
not do: the analysis may have changed since. So the distinct terms of each batch of passages are kept, compressed, and the
lists themselves tell which passage has which: little more than half the room that the terms of each passage would take.
"""

from __future__ import annotations

import heapq
import json
import secrets
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from parvis.retrieval.index import (
    LENGTHS,
    PREFIX,
    Entry,
    FilesInUse,
    InTransaction,
    Stats,
    askable,
    named,
    vocabulary_of,
)

TABLES = (
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS search_terms USING fts5(
        terms, content='', detail=none, columnsize=0, tokenize="ascii tokenchars ':'"
    )
    """,
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_lists USING fts5vocab(search_terms, row)",
    """
    CREATE TABLE IF NOT EXISTS search_batch (
        document_id INTEGER NOT NULL,
        first_passage INTEGER NOT NULL,
        latest_passage INTEGER NOT NULL,
        corpus_id INTEGER NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (document_id, first_passage)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS search_corpus (
        corpus_id INTEGER PRIMARY KEY,
        passages INTEGER NOT NULL,
        terms INTEGER NOT NULL,
        revision INTEGER NOT NULL
    )
    """,
    # Bytes of a transaction held in memory before a segment is written: fewer segments to merge afterwards.
    "INSERT INTO search_terms (search_terms, rank) VALUES ('hashsize', 8000000)",
)


def create_tables(connection: sqlite3.Connection, prefix: str = PREFIX) -> None:
    """Harmless when they exist."""
    for statement in TABLES:
        connection.execute(named(statement, prefix))


@dataclass(frozen=True, slots=True)
class Fts5Index:
    """An `Index` in an SQLite database that has the tables of `create_tables`."""

    connection: sqlite3.Connection
    prefix: str = PREFIX

    def upsert(self, entries: Iterable[Entry]) -> None:
        documents: dict[tuple[int, int], dict[int, Entry]] = defaultdict(dict)
        for entry in entries:
            documents[entry.document_id, entry.corpus_id][entry.passage_id] = entry
        for (document_id, _), passages in documents.items():
            self._take_out(document_id, passages.keys())
        for (document_id, corpus_id), passages in documents.items():
            ordered = [(_row(passages[one]), passages[one].distinct_terms()) for one in sorted(passages)]
            for first in range(0, len(ordered), _BATCH):
                self._put_in(document_id, corpus_id, ordered[first : first + _BATCH])

    def delete(self, document_ids: Iterable[int]) -> None:
        for document_id in set(document_ids):
            self._take_out(document_id)

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        distinct = askable(terms)
        lists = self._lists(distinct, corpora)
        counts = self._stats({term: len(rows) for term, rows in lists.items()}, corpora)
        coverage: dict[int, float] = {}
        for term in distinct:
            weight = counts.weight(term)
            for row in lists.get(term, ()):
                coverage[row] = coverage.get(row, 0.0) + weight
        closeness = counts.closenesses()
        scored = ((-weight * closeness[row % LENGTHS], row // LENGTHS) for row, weight in coverage.items())
        return [(passage_id, -score) for score, passage_id in heapq.nsmallest(k, scored)]

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats:
        distinct, ordered = askable(terms), sorted(corpora)
        frequencies: dict[str, int] = {}
        for key, passages in self._execute(
            "SELECT asked.key, list.doc FROM json_each(?) asked CROSS JOIN search_lists list WHERE list.term = asked.value",
            [_names(distinct, ordered)],
        ):
            term = distinct[key // len(ordered)]
            frequencies[term] = frequencies.get(term, 0) + passages
        return self._stats(frequencies, corpora)

    def vocabulary(self, corpora: frozenset[int]) -> Mapping[str, int]:
        revisions = self._execute(
            "SELECT corpus_id, revision FROM search_corpus WHERE corpus_id IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(corpora))],
        )
        return vocabulary_of(dict(revisions.fetchall()), self._vocabulary)

    def maintain(self, purge: bool = False) -> None:
        if purge and self.connection.in_transaction:
            raise InTransaction
        self._execute("INSERT INTO search_terms (search_terms) VALUES ('optimize')")
        if purge:
            self.connection.commit()
            self.connection.execute("VACUUM")
            busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise FilesInUse

    def _lists(self, terms: Sequence[str], corpora: frozenset[int]) -> Mapping[str, list[int]]:
        """The rows that have each term. One statement for all: starting one costs as much as reading a short list."""
        ordered = sorted(corpora)
        lists: dict[str, list[int]] = {}
        for key, row in self._execute(
            """
            SELECT asked.key, found.rowid
            FROM json_each(?) asked CROSS JOIN search_terms found
            WHERE found.search_terms MATCH '"' || asked.value || '"'
            """,
            [_names(terms, ordered)],
        ):
            lists.setdefault(terms[key // len(ordered)], []).append(row)
        return lists

    def _stats(self, frequencies: Mapping[str, int], corpora: frozenset[int]) -> Stats:
        passages, terms = self._execute(
            """
            SELECT ifnull(sum(passages), 0), ifnull(sum(terms), 0)
            FROM search_corpus WHERE corpus_id IN (SELECT value FROM json_each(?))
            """,
            [json.dumps(sorted(corpora))],
        ).fetchone()
        return Stats(passages, terms / passages if passages else 0.0, frequencies)

    def _vocabulary(self, corpus_id: int) -> dict[str, int]:
        prefix = f"{corpus_id}:"
        found = self._execute("SELECT term, doc FROM search_lists WHERE term >= ? AND term < ?", [prefix, f"{corpus_id};"])
        return {name[len(prefix) :]: passages for name, passages in found}

    def _put_in(self, document_id: int, corpus_id: int, passages: Sequence[_Passage]) -> None:
        self.connection.executemany(
            named("INSERT INTO search_terms (rowid, terms) VALUES (?, ?)", self.prefix), _written(corpus_id, passages)
        )
        self._execute(
            "INSERT INTO search_batch (document_id, first_passage, latest_passage, corpus_id, content) VALUES (?, ?, ?, ?, ?)",
            [document_id, passages[0][0] // LENGTHS, passages[-1][0] // LENGTHS, corpus_id, _packed(passages)],
        )
        self._count(corpus_id, [row for row, _ in passages], sign=1)

    def _take_out(self, document_id: int, passage_ids: Collection[int] | None = None) -> None:
        """Takes those passages out of the lists, or all of the document's; the rest of their batches is put back."""
        first, latest = (min(passage_ids), max(passage_ids)) if passage_ids else (0, 1 << 62)
        for batch, corpus_id, content in self._execute(
            """
            SELECT rowid, corpus_id, content FROM search_batch
            WHERE document_id = ? AND first_passage <= ? AND latest_passage >= ?
            """,
            [document_id, latest, first],
        ).fetchall():
            passages = self._read(corpus_id, *_unpacked(content))
            self.connection.executemany(
                named("INSERT INTO search_terms (search_terms, rowid, terms) VALUES ('delete', ?, ?)", self.prefix),
                _written(corpus_id, passages),
            )
            self._execute("DELETE FROM search_batch WHERE rowid = ?", [batch])
            self._count(corpus_id, [row for row, _ in passages], sign=-1)
            rest = [one for one in passages if passage_ids is not None and one[0] // LENGTHS not in passage_ids]
            if rest:
                self._put_in(document_id, corpus_id, rest)

    def _read(self, corpus_id: int, rows: Sequence[int], terms: Sequence[str]) -> list[_Passage]:
        """The terms of each row of a batch, from the lists. Rows of other documents may stand between them."""
        passages: dict[int, list[str]] = {row: [] for row in rows}
        for key, row in self._execute(
            """
            SELECT asked.key, found.rowid
            FROM json_each(?) asked CROSS JOIN search_terms found
            WHERE found.search_terms MATCH '"' || asked.value || '"' AND found.rowid BETWEEN ? AND ?
            """,
            [_names(terms, [corpus_id]), rows[0], rows[-1]],
        ):
            if row in passages:
                passages[row].append(terms[key])
        return list(passages.items())

    def _execute(self, statement: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        return self.connection.execute(named(statement, self.prefix), parameters)

    def _count(self, corpus_id: int, rows: Sequence[int], *, sign: int) -> None:
        length = sum(4 * (row % LENGTHS) + 2 for row in rows)
        self._execute(
            """
            INSERT INTO search_corpus (corpus_id, passages, terms, revision) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (corpus_id) DO UPDATE SET passages = passages + ?2, terms = terms + ?3, revision = ?4
            """,
            [corpus_id, sign * len(rows), sign * length, secrets.randbits(62)],
        )


_BATCH = 256  # passages

_Passage = tuple[int, Sequence[str]]  # its row, its distinct terms


def _row(entry: Entry) -> int:
    return entry.passage_id * LENGTHS + entry.length // 4


def _written(corpus_id: int, passages: Sequence[_Passage]) -> list[tuple[int, str]]:
    prefix = f" {corpus_id}:"
    return [(row, prefix + prefix.join(terms) if terms else "") for row, terms in passages]


def _packed(passages: Sequence[_Passage]) -> bytes:
    rows = [row for row, _ in passages]
    steps = [row - before for before, row in zip([0, *rows], rows, strict=False)]
    terms = sorted(set().union(*(terms for _, terms in passages)))
    return zlib.compress(f"{' '.join(map(str, steps))}\n{' '.join(terms)}".encode())


def _unpacked(content: bytes) -> tuple[list[int], list[str]]:
    steps, terms = zlib.decompress(content).decode().split("\n")
    return list(accumulate(map(int, steps.split()))), terms.split()


def _names(terms: Sequence[str], corpora: Sequence[int]) -> str:
    return json.dumps([f"{corpus_id}:{term}" for term in terms for corpus_id in corpora])
