"""What every engine does alike: run on SQLite, and on PostgreSQL where there is one."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parvis.retrieval import fts5, postgres
from parvis.retrieval.analysis import terms
from parvis.retrieval.fts5 import Fts5Index
from parvis.retrieval.index import Entry, Index
from parvis.retrieval.postgres import PostgresIndex
from parvis.retrieval.tests.library import Library, PlainIndex, passage

WORDS = "droit examen note rattrapage stage mémoire jury semestre crédit absence étudiant bourse dossier délai recours".split()


def misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word))
    return word[:at] + chance.choice(["", "x", word[at] * 2]) + word[at + 1 :]


NEAR = [*WORDS, *(misspelt(word, random.Random(seed)) for word in WORDS for seed in range(4))]

ON_ONE_INDEX = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

entries = st.lists(
    st.builds(
        lambda id, corpus, words: Entry(id, 100 * corpus + id % 4, corpus, tuple(terms(" ".join(words)))),
        st.integers(1, 30),
        st.integers(1, 4),
        st.lists(st.sampled_from(WORDS), max_size=12),
    ),
    max_size=25,
    unique_by=lambda entry: entry.passage_id,
)
asked = st.lists(st.sampled_from([*WORDS, "inconnu"]), max_size=6).map(lambda words: terms(" ".join(words)))
allowed = st.frozensets(st.integers(1, 5), max_size=4)


def emptied(index: Index) -> Index:
    index.delete(range(1000))
    return index


@ON_ONE_INDEX
@given(entries, st.frozensets(st.integers(100, 404), max_size=3), entries, asked, allowed)
def test_an_engine_does_as_the_plain_index(
    index: Index,
    first: Sequence[Entry],
    deleted: frozenset[int],
    second: Sequence[Entry],
    question: Sequence[str],
    corpora: frozenset[int],
) -> None:
    plain = PlainIndex()
    same_documents = {entry.passage_id: entry for entry in first}
    again = [
        entry
        for entry in second
        if entry.passage_id not in same_documents or same_documents[entry.passage_id].document_id == entry.document_id
    ]
    for one in (emptied(index), plain):
        one.upsert(first)
        one.delete(deleted)
        one.upsert(again)
    assert index.candidates(question, corpora, 5) == plain.candidates(question, corpora, 5)
    every = sorted({term for entry in (*first, *again) for term in entry.terms})
    assert counts(index, every, corpora) == counts(plain, every, corpora)
    assert set(index.words(["e", "ra"])) >= set(plain.words(["e", "ra"]))
    index.maintain()
    assert sorted(index.words(["e", "ra", "s"])) == sorted(plain.words(["e", "ra", "s"]))
    counted, expected = index.stats(question, corpora), plain.stats(question, corpora)
    assert counted.passage_count == expected.passage_count
    assert counted.average_length == pytest.approx(expected.average_length)
    assert dict(counted.document_frequency) == expected.document_frequency


def test_both_engines_rank_alike(sqlite: sqlite3.Connection, postgresql: psycopg.Connection[Any]) -> None:
    """Equal candidates and scores, hence equal results: nothing else of an engine reaches the ranking."""
    chance = random.Random(5)
    entries = [
        Entry(number, number // 7, number % 6, tuple(terms(" ".join(chance.choices(WORDS, k=chance.randrange(3, 300))))))
        for number in range(1, 400)
    ]
    one, other = Fts5Index(sqlite), PostgresIndex(postgresql)
    for index in (one, other):
        index.upsert(entries)
        index.delete([3, 11])
    for _ in range(40):
        question = terms(" ".join(chance.choices(WORDS, k=4)))
        corpora = frozenset(chance.sample(range(6), k=3))
        assert one.candidates(question, corpora, 50) == other.candidates(question, corpora, 50)


@ON_ONE_INDEX
@given(
    st.lists(st.tuples(st.integers(1, 4), st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)), min_size=1, max_size=20),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    allowed,
    st.integers(0, 10_000),
)
def test_nothing_outside_the_access_filter_is_found_nor_proposed(
    index: Index, texts: list[tuple[int, list[str]]], question: list[str], corpora: frozenset[int], seed: int
) -> None:
    library = Library(emptied(index))
    library.add(*(passage(number, " ".join(words), corpus=corpus) for number, (corpus, words) in enumerate(texts, 1)))
    found = library.search(" ".join(misspelt(word, random.Random(seed)) for word in question), corpora)
    assert all(hit.passage.corpus_id in corpora for hit in found.hits)
    readable = {term for corpus, words in texts if corpus in corpora for term in terms(" ".join(words))}
    assert {correction.term for correction in found.corrections} <= readable


@ON_ONE_INDEX
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), min_size=1, max_size=10),
    st.lists(st.lists(st.sampled_from(NEAR), min_size=1, max_size=8), max_size=10),
    st.lists(st.sampled_from([*WORDS, *NEAR]), min_size=1, max_size=4),
)
def test_what_others_hold_changes_no_result(
    index: Index, mine: list[list[str]], others: list[list[str]], question: list[str]
) -> None:
    library = Library(emptied(index))
    library.add(*(passage(number, " ".join(words), corpus=1) for number, words in enumerate(mine, 1)))
    asked = misspelt(" ".join(question), random.Random(len(mine)))
    alone = library.search(asked, {1})
    library.add(*(passage(number, " ".join(words), corpus=2) for number, words in enumerate(others, 100)))
    assert library.search(asked, {1}) == alone


def test_no_corpus_allowed_finds_nothing(index: Index) -> None:
    index.upsert([Entry(1, 1, 1, ("examen",))])
    assert index.candidates(["examen"], frozenset(), 10) == []
    assert index.stats(["examen"], frozenset()).passage_count == 0
    assert counts(index, ["examen"], frozenset()) == {}
    assert index.candidates(["examen"], frozenset({1}), 10) != []


def test_corpora_whose_numbers_begin_alike_are_not_mixed(index: Index) -> None:
    index.upsert([Entry(number, number, number, ("examen", f"mot{number}")) for number in (1, 11, 111)])
    assert [id for id, _ in index.candidates(["examen"], frozenset({11}), 10)] == [11]
    assert counts(index, ["examen", "mot1", "mot11"], frozenset({1})) == {"examen": 1, "mot1": 1}


def test_a_replaced_document_is_found_as_it_is_now(index: Index) -> None:
    index.upsert([Entry(number, 1, 1, ("ancien", "examen")) for number in range(1, 200)])
    index.upsert([Entry(1, 1, 1, ("nouveau",)), Entry(130, 1, 1, ("nouveau",))])
    assert [id for id, _ in index.candidates(["nouveau"], frozenset({1}), 10)] == [1, 130]
    assert index.stats(["ancien"], frozenset({1})).document_frequency == {"ancien": 197}
    index.delete([1])
    assert index.stats(["ancien", "nouveau"], frozenset({1})).passage_count == 0
    assert counts(index, ["ancien", "nouveau", "examen"], frozenset({1})) == {}


def test_words_of_a_deleted_document_are_not_proposed_any_more(index: Index) -> None:
    library = Library(index)
    library.add(passage(1, "rattrapage"), passage(2, "examen"))
    assert [one.term for one in library.search("ratrapage", {1}).corrections] == terms("rattrapage")
    index.delete([1])
    assert library.search("ratrapage", {1}).corrections == ()


def test_a_neighbours_word_is_never_a_correction(index: Index) -> None:
    library = Library(index)
    library.add(passage(1, "mondial"), passage(2, "rattrapage cordial", corpus=2))
    assert library.search("ratrapage", {1}).corrections == ()
    assert [one.term for one in library.search("cordiale montiale xordial", {1}).corrections] == ["mondial"]
    assert [one.term for one in library.search("ratrapage", {1, 2}).corrections] == terms("rattrapage")


def test_a_term_that_no_analysis_gives_is_refused_when_indexed_and_ignored_when_asked(index: Index) -> None:
    with pytest.raises(ValueError, match="passage 1"):
        index.upsert([Entry(1, 1, 1, ("examen 2:secret",))])
    index.upsert([Entry(1, 1, 1, ("examen",)), Entry(2, 2, 2, ("secret",))])
    for term in ('"', "examen OR 2:secret", "2:secret", "' | '2:secret", "exam*", "\x00", ""):
        assert index.candidates([term], frozenset({1}), 10) == []
        assert index.stats([term], frozenset({1})).document_frequency == {}


def test_words_of_any_script_are_found(index: Index) -> None:
    library = Library(index)
    library.add(passage(1, "Ελληνικά"), passage(2, "Русский язык"), passage(3, "日本語"), passage(4, "العربية 𝔘nicode ①"))
    assert index.words(["рус", "日"]) in (["русскии", "日本語"], ["日本語", "русскии"])
    assert [library.ids(question) for question in ("ελληνικα", "РУССКИЙ", "日本語", "العربية")] == [[1], [2], [3], [4]]


def test_an_index_takes_part_in_its_callers_transaction(sqlite: sqlite3.Connection) -> None:
    index = Fts5Index(sqlite)
    index.upsert([Entry(1, 1, 1, ("garde",))])
    sqlite.execute("BEGIN")
    index.upsert([Entry(2, 2, 1, ("perdu",))])
    index.delete([1])
    assert counts(index, ["garde", "perdu"], frozenset({1})) == {"perdu": 1}
    sqlite.rollback()
    assert counts(index, ["garde", "perdu"], frozenset({1})) == {"garde": 1}
    assert [id for id, _ in index.candidates(["garde", "perdu"], frozenset({1}), 10)] == [1]


def test_the_same_on_postgresql(postgresql: psycopg.Connection[Any]) -> None:
    index = PostgresIndex(postgresql)
    index.upsert([Entry(1, 1, 1, ("garde",))])
    with postgresql.transaction(force_rollback=True):
        index.upsert([Entry(2, 2, 1, ("perdu",))])
        index.delete([1])
        assert counts(index, ["garde", "perdu"], frozenset({1})) == {"perdu": 1}
    assert counts(index, ["garde", "perdu"], frozenset({1})) == {"garde": 1}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_index_of_other_things_has_tables_of_its_own(engine: str, request: pytest.FixtureRequest) -> None:
    connection = request.getfixturevalue(engine)
    make, kind = (fts5.create_tables, Fts5Index) if engine == "sqlite" else (postgres.create_tables, PostgresIndex)
    make(connection, "needs_search")
    documents, needs = kind(connection), kind(connection, "needs_search")
    needs.upsert([Entry(1, 1, 1, ("examen",))])
    assert documents.candidates(["examen"], frozenset({1}), 5) == []
    assert counts(documents, ["examen"], frozenset({1})) == {}
    documents.upsert([Entry(2, 2, 1, ("examen",))])
    documents.delete([1, 2])
    assert [found for found, _ in needs.candidates(["examen"], frozenset({1}), 5)] == [1]


def counts(index: Index, asked: Sequence[str], corpora: frozenset[int]) -> dict[str, int]:
    return dict(index.stats(asked, corpora).document_frequency)
