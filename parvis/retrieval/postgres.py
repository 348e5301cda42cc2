"""PostgreSQL as an engine: `tsvector` and GIN keep the lists of passages, by *corpus and term* as in `fts5`.

PostgreSQL has no BM25 of its own, and its `ts_rank` knows no rarity: it is not asked to rank. Counts per corpus are kept in a
table, because a GIN index cannot give them without reading its lists.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from parvis.retrieval.index import PREFIX, Entry, FilesInUse, InTransaction, Stats, askable, named

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS search_passage (
        passage_id bigint PRIMARY KEY,
        document_id bigint NOT NULL,
        corpus_id bigint NOT NULL,
        length integer NOT NULL,
        terms tsvector NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS search_passage_document ON search_passage (document_id)",
    # No pending list: a question asked right after indexing would have to read all of it.
    "CREATE INDEX IF NOT EXISTS search_passage_terms ON search_passage USING gin (terms) WITH (fastupdate = off)",
    """
    CREATE TABLE IF NOT EXISTS search_vocabulary (
        corpus_id bigint NOT NULL,
        term text NOT NULL,
        passages integer NOT NULL,
        PRIMARY KEY (corpus_id, term)
    )
    """,
    # The words of everybody's passages, where near ones are looked for before they are counted where it is allowed. Not
    # unique: two documents indexed at once would wait for each other.
    'CREATE TABLE IF NOT EXISTS search_word (term text COLLATE "C" NOT NULL)',
    "CREATE INDEX IF NOT EXISTS search_word_term ON search_word (term)",
    """
    CREATE TABLE IF NOT EXISTS search_corpus (
        corpus_id bigint PRIMARY KEY,
        passages bigint NOT NULL,
        terms bigint NOT NULL
    )
    """,
)


def create_tables(connection: psycopg.Connection[Any], prefix: str = PREFIX) -> None:
    """Harmless when they exist."""
    for statement in TABLES:
        connection.execute(named(statement, prefix))


ADD_PASSAGE = """
INSERT INTO search_passage (passage_id, document_id, corpus_id, length, terms)
VALUES (%s, %s, %s, %s, array_to_tsvector(%s::text[]))
"""

# One scan of the GIN index per term asked, each over the lists of all allowed corpora. Weights are added in the order of the
# question, as the other engines do: the same sum, to the last bit.
CANDIDATES = """
SELECT
    passage.passage_id,
    sum(asked.weight ORDER BY asked.place) * (%(closeness)s::float8[])[passage.length / 4 + 1] AS score
FROM unnest(%(lists)s::text[], %(weights)s::float8[]) WITH ORDINALITY AS asked (lists, weight, place)
JOIN search_passage passage ON passage.terms @@ asked.lists::tsquery
WHERE passage.corpus_id = ANY(%(corpora)s::bigint[])
GROUP BY passage.passage_id
ORDER BY score DESC, passage_id
LIMIT %(k)s
"""

# A snapshot taken now begins at the oldest transaction that writes anywhere on the server, in other databases too, and a full
# vacuum takes a snapshot of its own: it is not enough that nobody here reads.
HORIZON_PASSED = """
SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(mark)s::xid8 AND NOT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()
    AND age(backend_xmin) > age(%(mark)s::xid8::xid)
)
"""
PATIENCE_SECONDS = 20.0

# In one order for everybody, so that two documents indexed at once never wait for each other in a circle.
COUNT_TERMS = """
INSERT INTO search_vocabulary AS known (corpus_id, term, passages)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::integer[]) AS counted (corpus_id, term, passages) ORDER BY 1, 2
ON CONFLICT (corpus_id, term) DO UPDATE SET passages = known.passages + excluded.passages
"""


LIST_WORDS = """
INSERT INTO search_word (term)
SELECT word FROM unnest(%s::text[]) word
WHERE word !~ '[0-9]' AND NOT EXISTS (SELECT FROM search_word WHERE term = word COLLATE "C")
"""
WORDS_THAT_BEGIN = """
SELECT DISTINCT term FROM unnest(%s::text[]) AS asked (beginning)
JOIN search_word ON term >= beginning COLLATE "C" AND term < beginning || chr(1114111) COLLATE "C"
"""
# Nobody may count on a word of the list, and so not add it, while it is being taken out.
LIST_EVERY_WORD = (
    "LOCK TABLE search_word IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM search_word",
    "INSERT INTO search_word (term) SELECT DISTINCT term FROM search_vocabulary WHERE term !~ '[0-9]'",
)


@dataclass(frozen=True, slots=True)
class PostgresIndex:
    """An `Index` in a PostgreSQL database that has the tables of `create_tables`."""

    connection: psycopg.Connection[Any]
    prefix: str = PREFIX

    def upsert(self, entries: Iterable[Entry]) -> None:
        latest = {entry.passage_id: entry for entry in entries}
        self._take_out(passage_ids=latest.keys())
        rows = [
            (
                entry.passage_id,
                entry.document_id,
                entry.corpus_id,
                entry.length,
                [_name(entry.corpus_id, term) for term in entry.distinct_terms()],
            )
            for entry in latest.values()
        ]
        with self.connection.cursor() as cursor:
            cursor.executemany(named(ADD_PASSAGE, self.prefix), rows)
        self._count(((corpus_id, length, names) for _, _, corpus_id, length, names in rows), sign=1)
        self._execute(LIST_WORDS, [sorted({term for entry in latest.values() for term in entry.terms})])

    def delete(self, document_ids: Iterable[int]) -> None:
        self._take_out(document_ids=document_ids)

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        counts = self.stats(terms, corpora)
        weights = {term: weight for term in askable(terms) if (weight := counts.weight(term))}
        if not weights or k < 1:
            return []
        found = self._execute(
            CANDIDATES,
            {
                "lists": ["|".join(f"'{_name(corpus_id, term)}'" for corpus_id in sorted(corpora)) for term in weights],
                "weights": list(weights.values()),
                "closeness": counts.closenesses(),
                "corpora": sorted(corpora),
                "k": k,
            },
        )
        return [(passage_id, score) for passage_id, score in found]

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats:
        [(passages, length)] = self._execute(
            "SELECT coalesce(sum(passages), 0)::bigint, coalesce(sum(terms), 0)::bigint FROM search_corpus "
            "WHERE corpus_id = ANY(%s::bigint[])",
            [sorted(corpora)],
        ).fetchall()
        frequencies = self._execute(
            "SELECT term, sum(passages)::bigint FROM search_vocabulary "
            "WHERE corpus_id = ANY(%s::bigint[]) AND term = ANY(%s::text[]) GROUP BY term",
            [sorted(corpora), askable(terms)],
        )
        return Stats(passages, length / passages if passages else 0.0, dict(frequencies.fetchall()))

    def words(self, beginnings: Collection[str]) -> list[str]:
        return [term for (term,) in self._execute(WORDS_THAT_BEGIN, [list(beginnings)])]

    def maintain(self, purge: bool = False) -> None:
        """PostgreSQL's own log and its archives keep what was erased until they are recycled: see the site's retention."""
        if not purge:
            self.list_words()
            return
        if not self.connection.autocommit or self.connection.info.transaction_status != TransactionStatus.IDLE:
            raise InTransaction
        self.list_words()
        self._outlive_older_transactions()
        for table in ("search_passage", "search_vocabulary", "search_word", "search_corpus"):
            self._execute(f"VACUUM (FULL, ANALYZE) {table}")  # the statistics, too, quote values
        self.connection.execute("CHECKPOINT")

    def list_words(self) -> None:
        """All of them again, those that no passage has any more left out."""
        with self.connection.transaction():
            for statement in LIST_EVERY_WORD:
                self._execute(statement)

    def _outlive_older_transactions(self) -> None:
        """Rows that a transaction begun before their deletion may still see stay in the files, even in a full vacuum. Raises
        FilesInUse when one lasts."""
        [(mark,)] = self.connection.execute("SELECT pg_current_xact_id()::text").fetchall()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.connection.execute(HORIZON_PASSED, {"mark": mark}).fetchall()[0][0]:
            if time.monotonic() > deadline:
                raise FilesInUse
            time.sleep(0.05)

    def _execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> psycopg.Cursor[Any]:
        return self.connection.execute(named(statement, self.prefix), parameters)

    def _take_out(self, *, passage_ids: Iterable[int] = (), document_ids: Iterable[int] = ()) -> None:
        taken = self._execute(
            "DELETE FROM search_passage WHERE passage_id = ANY(%s::bigint[]) OR document_id = ANY(%s::bigint[]) "
            "RETURNING corpus_id, length, tsvector_to_array(terms)",
            [sorted(passage_ids), sorted(document_ids)],
        ).fetchall()
        self._count(taken, sign=-1)

    def _count(self, passages: Iterable[tuple[int, int, Sequence[str]]], *, sign: int) -> None:
        totals: dict[int, list[int]] = {}
        frequencies: Counter[tuple[int, str]] = Counter()
        for corpus_id, length, names in passages:
            total = totals.setdefault(corpus_id, [0, 0])
            total[0] += sign
            total[1] += sign * length
            prefix = len(_name(corpus_id, ""))
            for name in names:
                frequencies[corpus_id, name[prefix:]] += sign
        for corpus_id, (count, length) in sorted(totals.items()):
            self._execute(
                """
                INSERT INTO search_corpus AS known (corpus_id, passages, terms) VALUES (%s, %s, %s)
                ON CONFLICT (corpus_id) DO UPDATE SET passages = known.passages + excluded.passages,
                    terms = known.terms + excluded.terms
                """,
                [corpus_id, count, length],
            )
        counted = [(corpus_id, term, count) for (corpus_id, term), count in frequencies.items()]
        self._execute(COUNT_TERMS, [list(column) for column in zip(*counted, strict=True)] or [[], [], []])
        if sign < 0:
            self._execute(
                "DELETE FROM search_vocabulary WHERE passages <= 0 AND corpus_id = ANY(%s::bigint[])", [sorted(totals)]
            )


def _name(corpus_id: int, term: str) -> str:
    return f"{corpus_id}:{term}"
