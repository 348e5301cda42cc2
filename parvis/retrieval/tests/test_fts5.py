"""What the embedded engine does in more than one way, and the layout it had before."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from parvis.retrieval import fts5
from parvis.retrieval.fts5 import Fts5Index
from parvis.retrieval.index import Entry
from parvis.retrieval.tests.library import PlainIndex

WORDS = tuple(f"mot{number}" for number in range(30))


@pytest.mark.parametrize("worth_a_start", [0, 1_000_000], ids=["in part", "whole"])
def test_lists_are_read_whole_or_in_part_alike_over_ranges_of_any_order(
    sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, worth_a_start: int
) -> None:
    for name, value in (("_WORTH_A_START", worth_a_start), ("_RANGE", 16), ("_BATCH", 5)):
        monkeypatch.setattr(fts5, name, value)
    chance, index, plain = random.Random(3), Fts5Index(sqlite), PlainIndex()
    for document in range(1, 60):  # corpora grow by turns, so their ranges alternate
        passages = [
            Entry(100 * document + n, document, document % 4, tuple(chance.choices(WORDS, k=chance.randrange(1, 40))))
            for n in range(chance.randrange(1, 9))
        ]
        for one in (index, plain):
            one.upsert(passages)
            one.delete([document - 7])
            one.upsert(passages[2:4])
    index.maintain()
    for _ in range(40):
        question, corpora = chance.sample(WORDS, 3), frozenset(chance.sample(range(5), k=2))
        assert index.candidates(question, corpora, 20) == plain.candidates(question, corpora, 20)
        assert index.stats(WORDS, corpora).document_frequency == plain.stats(WORDS, corpora).document_frequency


def test_what_is_written_while_candidates_are_read_changes_nothing_in_them(sqlite_path: Path) -> None:
    """Row numbers are translated after the lists were read: in another state of the index they could be others' passages."""
    reader, writer = (sqlite3.connect(sqlite_path, isolation_level=None) for _ in range(2))
    Fts5Index(writer).upsert([Entry(number, number, 1, ("examen",)) for number in range(1, 4)])
    written: list[str] = []

    def write_meanwhile(statement: str) -> None:
        if "group_concat" in statement and not written:
            written.append(statement)
            Fts5Index(writer).delete([1, 2, 3])
            Fts5Index(writer).upsert([Entry(number, number, 2, ("examen",)) for number in range(11, 14)])

    reader.set_trace_callback(write_meanwhile)
    found = Fts5Index(reader).candidates(["examen"], frozenset({1}), 5)
    reader.set_trace_callback(None)
    assert written
    assert [passage_id for passage_id, _ in found] == [1, 2, 3]
    assert Fts5Index(reader).candidates(["examen"], frozenset({1}), 5) == []
    reader.close()
    writer.close()


def test_a_corpus_that_is_written_again_and_again_keeps_few_ranges(
    sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_RANGE", 16)
    index = Fts5Index(sqlite)
    for _ in range(20):
        index.upsert([Entry(number, 1, 1, ("examen",)) for number in range(1, 11)])
        index.maintain()
    assert sqlite.execute("SELECT count(*) FROM search_range").fetchone()[0] <= 2
    assert len(index.candidates(["examen"], frozenset({1}), 50)) == 10
