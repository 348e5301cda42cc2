"""From the first layout of the embedded index, one list per corpus and term, to that of `fts5`. To be removed, with the
migrations that call it, once no database made before the first release is left."""

from __future__ import annotations

import sqlite3
import zlib
from collections import defaultdict
from itertools import accumulate

from parvis.retrieval.fts5 import Fts5Index, create_tables
from parvis.retrieval.index import LENGTHS, PREFIX, Entry, named

OLD_TABLES = ("search_lists", "search_terms", "search_batch", "search_corpus")


def convert_tables(connection: sqlite3.Connection, prefix: str = PREFIX) -> None:
    """Harmless where the tables are new. Takes part in the caller's transaction."""
    columns = {name for _, name, *_ in connection.execute(named("PRAGMA table_info(search_batch)", prefix))}
    if "first_passage" not in columns:
        return
    entries = _entries(connection, prefix)
    for table in OLD_TABLES:
        connection.execute(named(f"DROP TABLE {table}", prefix))
    create_tables(connection, prefix)
    Fts5Index(connection, prefix).upsert(entries)


def _entries(connection: sqlite3.Connection, prefix: str) -> list[Entry]:
    terms: dict[int, list[str]] = defaultdict(list)
    connection.execute(named("CREATE VIRTUAL TABLE temp.search_pairs USING fts5vocab(main, search_terms, instance)", prefix))
    for name, row in connection.execute(named("SELECT term, doc FROM temp.search_pairs", prefix)):
        terms[row].append(name.partition(":")[2])
    connection.execute(named("DROP TABLE temp.search_pairs", prefix))
    return [
        # The length is what matters of repeated terms, and it is kept in the row.
        Entry(row // LENGTHS, document_id, corpus_id, _as_long(terms[row], 4 * (row % LENGTHS)))
        for document_id, corpus_id, content in connection.execute(
            named("SELECT document_id, corpus_id, content FROM search_batch", prefix)
        )
        for row in accumulate(map(int, zlib.decompress(content).decode().split("\n")[0].split()))
    ]


def _as_long(terms: list[str], length: int) -> tuple[str, ...]:
    return (*terms, *terms[:1] * (length - len(terms)))
