from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from parvis.retrieval.abstention import (
    FARTHEST_MOVE,
    NEUTRAL,
    Band,
    answerability,
    band,
    calibrate,
    probability,
)
from parvis.retrieval.evaluation import Library
from parvis.retrieval.extraction import best_sentences
from parvis.retrieval.index import Index
from parvis.retrieval.passage import Passage
from parvis.retrieval.search import search
from parvis.retrieval.tests.course import CONTRACTS, RULES, library, passages

LOWEST, HIGHEST = probability(NEUTRAL - FARTHEST_MOVE), probability(NEUTRAL + FARTHEST_MOVE)


@pytest.fixture(scope="module")
def course() -> Library:
    return library(CONTRACTS, RULES)


@pytest.fixture(scope="module")
def contracts() -> Library:
    """One document only."""
    return library(CONTRACTS)


def decided(course: Library, question: str) -> Band:
    return band(course.ask(question), course.threshold())


@pytest.mark.parametrize(
    "question",
    [
        "Quel est le délai de prescription de l'action en nullité ?",
        "Qu'est-ce que le dol ?",
        "Que signifie synallagmatique ?",
        "définition du contrat",
        "Quand faut-il déposer une demande de césure ?",
        "Combien de crédits compte une année de licence ?",
        "Qui préside le jury ?",
        "redoublement licence",
        "prescription nullité",
        "césure",
    ],
)
def test_what_the_course_holds_is_answered(course: Library, question: str) -> None:
    assert decided(course, question) is Band.ANSWER


@pytest.mark.parametrize(
    "question",
    [
        "Kan a lieu l'inscripsion administrativ ?",
        "qui peut demander la nulité relative",
        "delai pour deposer une demande de cesurre",
        "QUI PRESIDE LE JURI ?",
        "Quel est le delai de prescripton de l'action en nullite ?",
    ],
)
def test_mistakes_of_spelling_do_not_make_it_abstain(course: Library, question: str) -> None:
    assert decided(course, question) is Band.ANSWER


@pytest.mark.parametrize(
    "question",
    [
        "Quelle est la recette du gâteau au yaourt ?",
        "Quelle est la capitale du Japon ?",
        "Quelle est la peine pour vol avec violence ?",
        "Comment fonctionne la photosynthèse ?",
        "Combien de temps dure la garde à vue ?",
        "Qui a gagné la coupe du monde en 1998 ?",
        "Qui est le président de la République ?",
        "Quel est le montant de la bourse sur critères sociaux ?",
        "Comment résoudre une équation du second degré ?",
        "gâteau yaourt",
        "capitale Japon",
        "bonjour",
        "",
        "?!",
        "de la",
    ],
)
def test_what_the_course_does_not_hold_is_not_answered(course: Library, contracts: Library, question: str) -> None:
    assert decided(course, question) is Band.NEAREST
    assert decided(contracts, question) is Band.NEAREST


def test_the_same_question_is_not_answered_once_its_passage_is_gone(course: Library, contracts: Library) -> None:
    question = "Quand faut-il déposer une demande de césure ?"
    assert decided(course, question) is Band.ANSWER
    assert decided(contracts, question) is Band.NEAREST


def test_a_probability_between_0_and_1_and_0_when_nothing_is_found(course: Library) -> None:
    for question in ("dol", "Qu'est-ce que le dol ?", "dol " * 500, "1234567890", "L'article 1137 du Code civil en 2016"):
        assert 0 <= answerability(course.ask(question)) <= 1
    assert answerability(course.ask("gâteau yaourt")) == 0


def test_passages_that_only_embeddings_found_are_judged_too(course: Library) -> None:
    """They may come with no score at all."""
    found = course.ask("Qu'est-ce que le dol ?")
    unscored = replace(found, hits=tuple(replace(hit, score=0.0) for hit in found.hits))
    assert 0 <= answerability(unscored) <= 1
    assert best_sentences(unscored)


def test_nothing_else_than_the_allowed_corpora_counts() -> None:
    """Another corpus, however large, moves neither the probability nor the threshold."""
    alone = library(CONTRACTS)
    both = Library(
        [
            *passages(CONTRACTS),
            *(_moved(passage, corpus=2) for passage in passages(RULES)),
        ]
    )
    allowed = frozenset({1})
    mine = [passage for passage in both.passages.values() if passage.corpus_id == 1]
    for question in ("Qu'est-ce que le dol ?", "Quand déposer une demande de césure ?", "nulité"):
        found = search(question, index=both.index, corpora=allowed, fetch=both.fetch)
        assert answerability(found) == answerability(alone.ask(question))
    assert calibrate(mine, index=both.index, corpora=allowed, fetch=both.fetch) == alone.threshold()


def test_the_threshold_is_always_the_same_and_never_far(course: Library, contracts: Library) -> None:
    for one in (course, contracts, library(("Seul", "La salle ouvre à huit heures et ferme à vingt heures."))):
        assert LOWEST <= one.threshold() <= HIGHEST
        assert one.threshold() == one.threshold()


def test_nothing_to_measure_gives_the_neutral_threshold(course: Library) -> None:
    index: Index = course.index
    assert calibrate([], index=index, corpora=frozenset({1}), fetch=course.fetch) == probability(NEUTRAL)
    mute = library(("Chiffres", "12 13 14"))
    assert LOWEST <= mute.threshold() <= HIGHEST


def test_a_corpus_whose_passages_resemble_each_other_asks_for_more() -> None:
    """Where another passage has the very words of the one hidden, chance matches are many."""
    draw = random.Random(4)
    varied, paired = [], []
    for number in range(40):
        words = [f"terme{number}x{letter}" for letter in "abcdefghijkl"]
        varied.append((f"Fiche {number}", " ".join(words) + "."))
        paired.append(
            (
                f"Fiche {number // 2 * 2}",
                " ".join(draw.sample([one.replace(f"e{number}x", f"e{number // 2}x") for one in words], 12)) + ".",
            )
        )
    assert library(*paired).threshold() > library(*varied).threshold()


def test_the_same_documents_twice_are_answered_as_once() -> None:
    """A copy takes away the lead of the right passage over the next; the threshold makes up for it."""
    twice = library(CONTRACTS, RULES, CONTRACTS, RULES)
    for question in ("Qui préside le jury ?", "Qu'est-ce que le dol ?", "redoublement licence"):
        assert decided(twice, question) is Band.ANSWER
    assert decided(twice, "Quelle est la peine pour vol avec violence ?") is Band.NEAREST


def test_a_thousand_passages_are_calibrated_in_a_moment() -> None:
    draw = random.Random(8)
    vocabulary = [f"mot{number}" for number in range(3_000)]
    text = [(f"Document {n}", " ".join(draw.choices(vocabulary, k=70)) + ".") for n in range(1_000)]
    large = library(*text)
    start = time.process_time()
    large.threshold()
    assert time.process_time() - start < 2


def _moved(passage: Passage, corpus: int) -> Passage:
    return replace(passage, id=passage.id + 1_000, document_id=passage.document_id + 1_000, corpus_id=corpus)
