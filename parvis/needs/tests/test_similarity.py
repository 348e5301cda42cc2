from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence

import pytest

from parvis.needs import similarity
from parvis.needs.similarity import DOMAIN_BOOST, OTHER_BOOST, Close, Draft, Facets, Known, close_needs, keys, rescore
from parvis.retrieval.fts5 import Fts5Index, create_tables
from parvis.retrieval.index import Entry, Stats

MINUTES = Known(1, 10, text="Rédaction automatique des comptes rendus de réunion")
SPEECH = Known(2, 20, text="Transcription automatique des cours en amphi")
QUIZ = Known(3, 30, text="Générer des QCM à partir d'un polycopié")
CONFIRMED = Known(4, 10, text="Relevé de décisions généré depuis l'enregistrement d'une visio")
KNOWN = (MINUTES, SPEECH, QUIZ, CONFIRMED)


def suggested(draft: Draft, known: Sequence[Known] = KNOWN, **options: object) -> list[Close]:
    index = Fts5Index(sqlite3.connect(":memory:"))
    create_tables(index.connection)
    index.upsert(Entry(one.key, one.group, 1, keys(one.title, one.text, one.facets)) for one in known)
    by_key = {one.key: one for one in known}
    corpora = options.pop("corpora", frozenset({1}))
    return close_needs(draft, index=index, corpora=corpora, fetch=lambda some: [by_key[key] for key in some], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("few", [500, 0])
def test_a_group_is_found_once_by_its_closest_text(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "FEW", few)
    best, *others = suggested(Draft(text="un relevé de décisions à partir de la visio"))
    assert (best.group, best.key) == (10, CONFIRMED.key)
    assert 10 not in {one.group for one in others}


def test_what_was_judged_different_is_never_proposed_again() -> None:
    draft = Draft(text=MINUTES.text)
    assert suggested(draft)[0].group == 10
    assert 10 not in {one.group for one in suggested(draft, never={10})}


def test_shared_terms_are_words_of_both_texts_even_of_two_stems() -> None:
    best = suggested(
        Draft(text="Transcrire des cours du SOIR"), [*KNOWN, Known(5, 50, text="le soir"), Known(6, 60, text="SOIR")]
    )[0]
    assert best.group == 20
    assert set(best.shared_terms) == {"transcrire", "transcription", "cours"}
    assert best.score == pytest.approx((best.parts.words + best.parts.characters) / 2)


def test_a_facet_lifts_equal_texts_and_no_more_than_it_says() -> None:
    facets = Facets("enseignement", "étudiants", "évaluer", "aucune")
    twins = [Known(1, 1, text=QUIZ.text), Known(2, 2, text=QUIZ.text, facets=facets), Known(3, 3, text="Rien de commun")]
    first, second, *_ = suggested(Draft(text=QUIZ.text, facets=facets), twins)
    assert (first.group, second.group) == (2, 1)
    assert first.score - second.score == pytest.approx(DOMAIN_BOOST + 3 * OTHER_BOOST)
    assert [one.parts.facets for one in suggested(Draft(text=QUIZ.text), twins)[:2]] == [0.0, 0.0]


def test_embeddings_bring_what_shares_no_word() -> None:
    draft = Draft(text="Fabriquer un questionnaire de révision")
    meaning = {QUIZ.key: 0.9, MINUTES.key: 0.1, SPEECH.key: 0.1, CONFIRMED.key: 0.1}
    assert suggested(draft)[0].group != 30
    best = suggested(draft, meaning=meaning)[0]
    assert (best.group, best.parts.meaning) == (30, 0.9)


def test_the_order_does_not_depend_on_that_of_the_candidates() -> None:
    rarity, draft = Stats(4, 8.0, {"automat": 2}), Draft(text="des comptes rendus automatiques de cours")
    expected = rescore(draft, KNOWN, rarity)
    shuffled = random.Random(2).sample(KNOWN, len(KNOWN))
    assert [one.key for one in rescore(draft, shuffled, rarity)] == [one.key for one in expected]


def test_nothing_is_found_from_nothing_nor_where_one_may_not_read() -> None:
    assert suggested(Draft(title="?!", text="de la")) == []
    assert suggested(Draft(text=QUIZ.text), corpora=frozenset({2})) == []
