from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from parvis.retrieval.analysis import fold, terms
from parvis.retrieval.dense import (
    Embed,
    ExactScan,
    HeldVectors,
    Labelled,
    calibrate_weight,
    embedded,
    normalised,
    packed,
    unpacked,
)
from parvis.retrieval.evaluation import Library
from parvis.retrieval.passage import Passage
from parvis.retrieval.search import search

SUBJECTS = (
    ("voiture", "automobile"),
    ("médecin", "docteur"),
    ("logement", "habitation"),
    ("repas", "nourriture"),
    ("salaire", "rémunération"),
    ("vélo", "bicyclette"),
    ("élève", "écolier"),
    ("ordinateur", "calculateur"),
    ("livre", "ouvrage"),
    ("bateau", "navire"),
)
DETAILS = ("prix", "entretien", "assurance", "location", "achat", "réparation")


def of_letters(texts: Sequence[str]) -> NDArray[np.float64]:
    """A small real embedding: runs of three letters, hashed to 512 places."""
    return np.array([_counts([f" {fold(text)} "[i : i + 3] for i in range(len(text))]) for text in texts])


def of_meaning(texts: Sequence[str]) -> NDArray[np.float64]:
    """One that knows the synonyms of the test: each pair of words has one place."""
    places = {term: f"subject {n}" for n, pair in enumerate(SUBJECTS) for word in pair for term in terms(word)}
    return np.array([_counts([places.get(term, term) for term in terms(text)]) for text in texts])


def of_chance(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([np.random.default_rng(zlib.crc32(text.encode())).normal(size=64) for text in texts])


def _counts(parts: Sequence[str]) -> NDArray[np.float64]:
    return np.bincount([zlib.crc32(part.encode()) % 512 for part in parts], minlength=512).astype(np.float64)


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    made = []
    for number, (word, detail) in enumerate(((pair[0], detail) for pair in SUBJECTS for detail in DETAILS), 1):
        text = f"Fiche {number} : {detail} d'un bien de la catégorie {word}, selon le barème de la maison."
        made.append(Passage(number, 1 + number % 2, number, 1, 0, len(text), text, "Fiches", "1"))
    return made


@pytest.fixture(scope="module")
def questions() -> list[Labelled]:
    """Asked with the other word of each pair: no lexical engine can tell which subject is meant."""
    asked = [(pair[1], detail) for pair in SUBJECTS for detail in DETAILS]
    return [Labelled(f"{detail} {word}", {number: 1}) for number, (word, detail) in enumerate(asked, 1)]


def test_a_vector_is_kept_in_half_floats_of_length_one() -> None:
    row = normalised([[3.0, 4.0]])[0]
    [again] = unpacked([packed(row)])
    assert len(packed(row)) == 4
    assert again.tolist() == pytest.approx([0.6, 0.8], abs=1e-3)


def test_a_vector_that_is_no_vector_is_near_nothing() -> None:
    rows = normalised([[0.0, 0.0], [float("nan"), 1.0], [float("inf"), float("nan")]])
    assert np.isfinite(rows).all()
    assert rows[0].tolist() == rows[2].tolist() == [0.0, 0.0]


def test_the_nearest_are_those_of_a_plain_computation(passages: list[Passage]) -> None:
    held = embedded(passages, of_letters)
    scan = ExactScan(of_letters, held, weight=0.5)
    question = "assurance de la voiture"
    cosines = normalised(of_letters([passage.indexed_text() for passage in passages])).astype(float) @ normalised(
        of_letters([question])
    )[0].astype(float)
    by_cosine = [passages[place].id for place in np.argsort(-cosines, kind="stable")]
    assert scan.nearest(question, frozenset({1, 2}), 5) == by_cosine[:5]
    assert scan.similarities(question, [3, 999]) == pytest.approx([cosines[2], 0.0], abs=1e-3)


def test_nothing_outside_the_allowed_corpora_is_near(passages: list[Passage]) -> None:
    scan = ExactScan(of_letters, embedded(passages, of_letters), weight=0.5)
    corpus_of = {passage.id: passage.corpus_id for passage in passages}
    assert {corpus_of[one] for one in scan.nearest("assurance voiture", frozenset({2}), 100)} == {2}
    assert scan.nearest("assurance voiture", frozenset(), 100) == []


def test_a_question_is_embedded_once(passages: list[Passage]) -> None:
    calls = []

    def counted(texts: Sequence[str]) -> NDArray[np.float64]:
        calls.append(texts)
        return of_letters(texts)

    library = Library(passages)
    scan = ExactScan(counted, embedded(passages, of_letters), weight=0.5)
    search("prix du vélo", index=library.index, corpora=library.corpora, fetch=library.fetch, embedder=scan)
    assert calls == [["prix du vélo"]]


@pytest.mark.parametrize(("embed", "helps"), [(of_meaning, True), (of_chance, False)])
def test_a_weight_is_kept_only_where_it_helps(
    passages: list[Passage], questions: list[Labelled], embed: Embed, helps: bool
) -> None:
    library = Library(passages)
    scan = ExactScan(embed, embedded(passages, embed), weight=1.0)
    weight = calibrate_weight(questions, index=library.index, corpora=library.corpora, fetch=library.fetch, embedder=scan)
    assert (weight > 0) is helps


def test_too_few_questions_calibrate_nothing(passages: list[Passage], questions: list[Labelled]) -> None:
    library = Library(passages)
    scan = ExactScan(of_meaning, embedded(passages, of_meaning), weight=1.0)
    weight = calibrate_weight(questions[:20], index=library.index, corpora=library.corpora, fetch=library.fetch, embedder=scan)
    assert weight == 0


def test_the_weight_calibrated_brings_the_passage_first(passages: list[Passage], questions: list[Labelled]) -> None:
    library = Library(passages)
    scan = ExactScan(of_meaning, embedded(passages, of_meaning), weight=0.6)
    found = search("prix bicyclette", index=library.index, corpora=library.corpora, fetch=library.fetch, embedder=scan)
    assert "vélo" in found.hits[0].passage.text


def test_vectors_may_be_missing(passages: list[Passage]) -> None:
    none = HeldVectors(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0), np.float16))
    library = Library(passages)
    scan = ExactScan(of_letters, none, weight=0.5)
    found = search("prix du vélo", index=library.index, corpora=library.corpora, fetch=library.fetch, embedder=scan)
    assert "vélo" in found.hits[0].passage.text
