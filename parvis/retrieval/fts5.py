"""The embedded engine: SQLite FTS5, in the same database file and transaction as the documents.

FTS5 keeps one list of rows per term, contentless and without positions. Row numbers are ours: a passage is put into a range
of them that belongs to its corpus. So a list is read for the ranges of the corpora allowed, each list costs the room of one
however many corpora there are, and a row elsewhere could not be named: only ranges that were asked for are translated back.

A row number carries the passage's length in its last 6 bits: choosing candidates then needs the lists and nothing else.

SQLite before 3.43 deletes from a contentless table only when given the exact terms back. Analysing the text again would
not do: the analysis may have changed since. So the terms of each batch of passages are kept, compressed.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.index import (
    LENGTHS,
    PREFIX,
    Entry,
    FilesInUse,
    InTransaction,
    Stats,
    askable,
    named,
)

TABLES = (
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS search_terms USING fts5(
        terms, content='', detail=none, columnsize=0, tokenize='ascii'
    )
    """,
    # 4,096 places of passages of one corpus, from `number` × 4,096 on; so many of them were given out.
    """
    CREATE TABLE IF NOT EXISTS search_range (
        number INTEGER PRIMARY KEY,
        corpus_id INTEGER NOT NULL,
        taken INTEGER NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS search_range_corpus ON search_range (corpus_id)",
    # Passages of one document at neighbouring places: their ids, 8 bytes each, then their lengths; and their terms.
    """
    CREATE TABLE IF NOT EXISTS search_batch (
        first_place INTEGER PRIMARY KEY,
        document_id INTEGER NOT NULL,
        passages BLOB NOT NULL,
        terms BLOB NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS search_batch_document ON search_batch (document_id)",
    """
    CREATE TABLE IF NOT EXISTS search_corpus (
        corpus_id INTEGER PRIMARY KEY,
        passages INTEGER NOT NULL,
        terms INTEGER NOT NULL
    )
    """,
    # The words of everybody's passages, in order: where near ones are looked for before they are counted where it is allowed.
    "CREATE TABLE IF NOT EXISTS search_word (term TEXT PRIMARY KEY) WITHOUT ROWID",
    # Bytes of a transaction held in memory before a segment is written: fewer segments to merge afterwards.
    "INSERT INTO search_terms (search_terms, rank) VALUES ('hashsize', 8000000)",
    # Bytes of a page of the lists: a question skips to a few ranges, and reads a page from its start at each.
    "INSERT INTO search_terms (search_terms, rank) VALUES ('pgsz', 1000)",
)

# One value for each list rather than a row for each passage, which costs five times as much to fetch.
WHOLE_LISTS = """
SELECT (SELECT group_concat(rowid) FROM search_terms WHERE search_terms MATCH '"' || asked.value || '"')
FROM json_each(?) asked ORDER BY asked.key
"""
PARTS_OF_LISTS = """
SELECT (
    SELECT group_concat(found.rowid) FROM json_each(?2) part CROSS JOIN search_terms found
    WHERE found.search_terms MATCH '"' || asked.value || '"' AND found.rowid BETWEEN CAST(part.key AS INTEGER) AND part.value
)
FROM json_each(?1) asked ORDER BY asked.key
"""
RANGES = "SELECT number FROM search_range WHERE corpus_id IN (SELECT value FROM json_each(?)) ORDER BY number"
COUNTS = """
SELECT ifnull(sum(passages), 0), ifnull(sum(terms), 0)
FROM search_corpus WHERE corpus_id IN (SELECT value FROM json_each(?))
"""
LIST_WORDS = """
INSERT OR IGNORE INTO search_word SELECT value FROM json_each(?) WHERE value NOT GLOB '*[0-9]*' ORDER BY value
"""
WORDS_THAT_BEGIN = """
SELECT term FROM json_each(?) asked CROSS JOIN search_word ON term >= asked.value AND term < asked.value || char(0x10FFFF)
"""
LIST_EVERY_WORD = (
    "CREATE VIRTUAL TABLE temp.search_listed USING fts5vocab(main, search_terms, row)",
    "CREATE TABLE temp.search_kept AS SELECT term FROM temp.search_listed WHERE term NOT GLOB '*[0-9]*'",
    "DELETE FROM search_word WHERE term NOT IN (SELECT term FROM temp.search_kept)",
    "INSERT OR IGNORE INTO search_word SELECT term FROM temp.search_kept",
    "DROP TABLE temp.search_kept",
    "DROP TABLE temp.search_listed",
)
EMPTY_RANGES = """
DELETE FROM search_range WHERE NOT EXISTS (
    SELECT * FROM search_batch WHERE first_place BETWEEN number * ?1 AND (number + 1) * ?1 - 1
)
"""


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
        batches: list[_Batch] = []
        for (document_id, corpus_id), passages in documents.items():
            ordered = [_Passage.of(passages[one]) for one in sorted(passages)]
            batches += self._placed(document_id, corpus_id, ordered)
            self._count(corpus_id, ordered, sign=1)
        self._put_in(batches)
        words = {term for passages in documents.values() for entry in passages.values() for term in entry.terms}
        self._execute(LIST_WORDS, [json.dumps(list(words))])

    def delete(self, document_ids: Iterable[int]) -> None:
        for document_id in set(document_ids):
            self._take_out(document_id)

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        with self._one_state():
            counts, lists = self._counts_and_lists(terms, corpora)
            return self._best(lists, counts, k) if lists and k > 0 else []

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats:
        with self._one_state():
            return self._counts_and_lists(terms, corpora)[0]

    def words(self, beginnings: Collection[str]) -> list[str]:
        return [term for (term,) in self._execute(WORDS_THAT_BEGIN, [json.dumps(list(beginnings))])]

    def maintain(self, purge: bool = False) -> None:
        if purge and self.connection.in_transaction:
            raise InTransaction
        self._execute("INSERT INTO search_terms (search_terms) VALUES ('optimize')")
        self._execute(EMPTY_RANGES, [_RANGE])
        self.list_words()
        if purge:
            self.connection.commit()
            self.connection.execute("VACUUM")
            busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise FilesInUse

    def list_words(self) -> None:
        """All of them again, those that no passage has any more left out."""
        with self._one_state():
            for statement in LIST_EVERY_WORD:
                self._execute(statement)

    @contextmanager
    def _one_state(self) -> Iterator[None]:
        """What is read meanwhile is of one moment: a row number could belong to another corpus at the next."""
        self.connection.execute("SAVEPOINT search_reading")
        try:
            yield
        finally:
            self.connection.execute("RELEASE search_reading")

    def _counts_and_lists(self, terms: Sequence[str], corpora: frozenset[int]) -> tuple[Stats, dict[str, _Rows]]:
        """The rows of the allowed corpora that have each term, of the terms that some row has."""
        asked = [json.dumps(sorted(corpora))]
        passages, length = self._execute(COUNTS, asked).fetchone()
        ranges = [number for (number,) in self._execute(RANGES, asked)]
        lists = self._lists(askable(terms), ranges, passages) if passages else {}
        frequencies = {term: len(rows) for term, rows in lists.items()}
        return Stats(passages, length / passages if passages else 0.0, frequencies), lists

    def _lists(self, terms: Sequence[str], ranges: Sequence[int], passages: int) -> dict[str, _Rows]:
        """Read in part where the ranges are few for what the index holds, about."""
        ((highest,),) = self._execute("SELECT max(number) FROM search_range")
        parts = _parts(ranges)
        if len(parts) * _WORTH_A_START < passages / len(ranges) * highest:
            found = self._execute(PARTS_OF_LISTS, [json.dumps(terms), json.dumps(parts)])
            lists = [_numbers(rows) for (rows,) in found]
        else:
            allowed = np.zeros(highest + 1, dtype=np.bool_)
            allowed[ranges] = True
            found = self._execute(WHOLE_LISTS, [json.dumps(terms)])
            lists = [rows[allowed[rows // (_RANGE * LENGTHS)]] for rows in (_numbers(rows) for (rows,) in found)]
        return {term: rows for term, rows in zip(terms, lists, strict=True) if len(rows)}

    def _best(self, lists: Mapping[str, _Rows], counts: Stats, k: int) -> list[tuple[int, float]]:
        rows, where = np.unique(np.concatenate(list(lists.values())), return_inverse=True)
        scores, start = np.zeros(len(rows)), 0
        for term, found in lists.items():  # in the order of the question, as the other engines do: the same sum
            scores[where[start : start + len(found)]] += counts.weight(term)
            start += len(found)
        scores *= np.array(counts.closenesses())[rows % LENGTHS]
        if k < len(rows):
            best = scores >= np.partition(scores, -k)[-k]
            rows, scores = rows[best], scores[best]
        scored = zip((-scores).tolist(), self._passages(rows // LENGTHS), strict=True)
        return [(passage_id, -score) for score, passage_id in sorted(scored)[:k]]

    def _passages(self, places: _Rows) -> list[int]:
        """The ids of the passages at those places, in their order."""
        found = self._execute(
            """
            SELECT (
                SELECT substr(passages, 1 + 8 * (asked.value - first_place), 8) FROM search_batch
                WHERE first_place <= asked.value ORDER BY first_place DESC LIMIT 1
            )
            FROM json_each(?) asked ORDER BY asked.key
            """,
            [json.dumps(places.tolist())],
        )
        return _ids(b"".join(id for (id,) in found))

    def _placed(self, document_id: int, corpus_id: int, passages: Sequence[_Passage]) -> Iterator[_Batch]:
        """The passages in batches, each at the next free places of the corpus."""
        number, taken = self._latest_range(corpus_id)
        while passages:
            if taken == _RANGE:
                number, taken = self._new_range(corpus_id)
            here = passages[: min(_BATCH, _RANGE - taken)]
            yield _Batch(number * _RANGE + taken, document_id, here)
            taken += len(here)
            self._execute("UPDATE search_range SET taken = ? WHERE number = ?", [taken, number])
            passages = passages[len(here) :]

    def _latest_range(self, corpus_id: int) -> tuple[int, int]:
        latest = self._execute(
            "SELECT number, taken FROM search_range WHERE corpus_id = ? ORDER BY number DESC LIMIT 1", [corpus_id]
        ).fetchone()
        return latest or self._new_range(corpus_id)

    def _new_range(self, corpus_id: int) -> tuple[int, int]:
        made = self._execute("INSERT INTO search_range (corpus_id, taken) VALUES (?, 0)", [corpus_id])
        return made.lastrowid or 0, 0

    def _put_in(self, batches: Iterable[_Batch]) -> None:
        batches = sorted(batches, key=lambda batch: batch.first_place)  # FTS5 writes a segment when a row steps back
        self._execute_many(
            "INSERT INTO search_terms (rowid, terms) VALUES (?, ?)", (row for batch in batches for row in batch.rows())
        )
        self._execute_many(
            "INSERT INTO search_batch (first_place, document_id, passages, terms) VALUES (?, ?, ?, ?)",
            ((batch.first_place, batch.document_id, batch.packed_passages(), batch.packed_terms()) for batch in batches),
        )

    def _take_out(self, document_id: int, passage_ids: Collection[int] | None = None) -> None:
        """Takes those passages out of the lists, or all of the document's; the rest of their batches is put back."""
        for first_place, corpus_id, passages, terms in self._execute(
            """
            SELECT first_place, corpus_id, passages, terms
            FROM search_batch CROSS JOIN search_range ON number = first_place / ? WHERE document_id = ?
            """,
            [_RANGE, document_id],
        ).fetchall():
            batch = _Batch.of(first_place, document_id, passages, terms)
            rest = [one for one in batch.passages if passage_ids is not None and one.id not in passage_ids]
            if len(rest) == len(batch.passages):
                continue
            self._execute_many("INSERT INTO search_terms (search_terms, rowid, terms) VALUES ('delete', ?, ?)", batch.rows())
            self._execute("DELETE FROM search_batch WHERE first_place = ?", [first_place])
            self._put_in(self._placed(document_id, corpus_id, rest))
            self._count(corpus_id, batch.passages, sign=-1)
            self._count(corpus_id, rest, sign=1)

    def _count(self, corpus_id: int, passages: Sequence[_Passage], *, sign: int) -> None:
        self._execute(
            """
            INSERT INTO search_corpus (corpus_id, passages, terms) VALUES (?1, ?2, ?3)
            ON CONFLICT (corpus_id) DO UPDATE SET passages = passages + ?2, terms = terms + ?3
            """,
            [corpus_id, sign * len(passages), sign * sum(4 * one.length + 2 for one in passages)],
        )

    def _execute(self, statement: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        return self.connection.execute(named(statement, self.prefix), parameters)

    def _execute_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self.connection.executemany(named(statement, self.prefix), rows)


_RANGE = 4096  # places
_BATCH = 256  # passages
_WORTH_A_START = 16_000  # passages of which a list is read whole in the time it takes to start reading one

_Rows = NDArray[np.int64]


class _Passage(NamedTuple):
    id: int
    length: int  # among those told apart
    terms: str

    @classmethod
    def of(cls, entry: Entry) -> _Passage:
        return cls(entry.passage_id, entry.length // 4, " ".join(entry.distinct_terms()))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Passages of one document at neighbouring places."""

    first_place: int
    document_id: int
    passages: Sequence[_Passage]

    @classmethod
    def of(cls, first_place: int, document_id: int, passages: bytes, terms: bytes) -> _Batch:
        count = len(passages) // 9
        texts = zlib.decompress(terms).decode().split("\n")
        kept = map(_Passage, _ids(passages[: 8 * count]), passages[8 * count :], texts)
        return cls(first_place, document_id, list(kept))

    def rows(self) -> Iterator[tuple[int, str]]:
        return ((place * LENGTHS + one.length, one.terms) for place, one in enumerate(self.passages, self.first_place))

    def packed_passages(self) -> bytes:
        ids = np.array([one.id for one in self.passages], dtype="<i8").tobytes()
        return ids + bytes([one.length for one in self.passages])

    def packed_terms(self) -> bytes:
        return zlib.compress("\n".join([one.terms for one in self.passages]).encode(), level=3)


def _ids(packed: bytes) -> list[int]:
    ids: list[int] = np.frombuffer(packed, dtype="<i8").tolist()
    return ids


def _parts(ranges: Iterable[int]) -> dict[int, int]:
    """The first row of each run of neighbouring ranges, given in order, and the latest."""
    parts: dict[int, int] = {}
    first, latest, rows = 0, -1, _RANGE * LENGTHS
    for number in ranges:
        if number * rows != latest + 1:
            first = number * rows
        latest = parts[first] = (number + 1) * rows - 1
    return parts


def _numbers(written: str | None) -> _Rows:
    return np.fromstring(written or "", dtype=np.int64, sep=",")
