"""Other search engines, given the same terms, to be compared in the same run. Each ranks by its own BM25."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import bm25s
import tantivy

from parvis.retrieval.index import Entry

Rows = Iterable[Entry]


class Tantivy:
    """Reference for speed and size: a Rust library, its own files, its own transactions."""

    name = "tantivy"

    def __init__(self, folder: Path | None = None) -> None:
        schema = tantivy.SchemaBuilder()
        schema.add_unsigned_field("passage", fast=True)
        schema.add_unsigned_field("corpus", indexed=True)
        schema.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        self._schema = schema.build()
        self._index = tantivy.Index(self._schema, path=str(folder) if folder else None)

    def add(self, rows: Rows) -> None:
        writer = self._index.writer(heap_size=256_000_000, num_threads=1)
        for row in rows:
            document = tantivy.Document()
            document.add_unsigned("passage", row.passage_id)
            document.add_unsigned("corpus", row.corpus_id)
            document.add_text("terms", " ".join(row.terms))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def best(self, terms: Sequence[str], corpora: Collection[int] | None, k: int) -> list[int]:
        query = tantivy.Query
        should = [(tantivy.Occur.Should, query.term_query(self._schema, "terms", term)) for term in dict.fromkeys(terms)]
        asked = query.boolean_query(should)
        if corpora is not None:
            allowed = query.const_score_query(query.term_set_query(self._schema, "corpus", sorted(corpora)), 0.0)
            asked = query.boolean_query([(tantivy.Occur.Must, asked), (tantivy.Occur.Must, allowed)])
        searcher = self._index.searcher()
        addresses = [address for _, address in searcher.search(asked, limit=k, count=False).hits]
        return [int(one or 0) for one in searcher.fast_field_values("passage", addresses)]


class Bm25s:
    """Scores kept in sparse matrices, in memory; no update, no access filter."""

    name = "bm25s"

    def add(self, rows: Rows) -> None:
        kept = list(rows)
        self._ids = [row.passage_id for row in kept]
        self._model = bm25s.BM25()
        self._model.index([list(row.terms) for row in kept], show_progress=False)

    def best(self, terms: Sequence[str], corpora: Collection[int] | None, k: int) -> list[int]:
        known = [term for term in dict.fromkeys(terms) if term in self._model.vocab_dict]
        if not known:
            return []
        found, _ = self._model.retrieve([known], k=min(k, len(self._ids)), show_progress=False)
        return [self._ids[position] for position in found[0]]


class PlainFts5:
    """FTS5 as it is usually used: one column of terms, one of corpora, and the order of its own bm25()."""

    name = "FTS5 bm25()"

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._connection = sqlite3.connect(Path(self._folder.name) / "plain.sqlite3", isolation_level=None)
        self._connection.execute("CREATE VIRTUAL TABLE plain USING fts5(terms, corpus, content='', tokenize='ascii')")

    def add(self, rows: Rows) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO plain (rowid, terms, corpus) VALUES (?, ?, ?)",
            ((row.passage_id, " ".join(row.terms), f"c{row.corpus_id}") for row in rows),
        )
        self._connection.execute("COMMIT")

    def best(self, terms: Sequence[str], corpora: Collection[int] | None, k: int) -> list[int]:
        asked = " OR ".join(f'"{term}"' for term in dict.fromkeys(terms) if term.isalnum())
        if not asked:
            return []
        asked = f"terms : ({asked})"
        if corpora is not None:
            asked += " AND corpus : (" + " OR ".join(f"c{corpus}" for corpus in sorted(corpora)) + ")"
        found = self._connection.execute("SELECT rowid FROM plain WHERE plain MATCH ? ORDER BY rank LIMIT ?", [asked, k])
        return [row for (row,) in found]
