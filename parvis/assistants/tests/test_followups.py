"""Questions that lean on the one before them are made whole; the others are left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.assistants.answering import Exchange, rewrite, rewrite_with
from parvis.inference.completion import Delta, Message, Model, UpstreamError

HISTORY = [Exchange("Combien de crédits faut-il pour valider la licence ?", "Il faut 180 crédits.")]


@pytest.mark.parametrize(
    "question",
    [
        "et pour les redoublants ?",
        "Mais en master ?",
        "Pourquoi ?",
        "redoublants ?",
        "Peut-il redoubler ?",
        "Combien dure-t-elle ?",
        "Quel est le délai ?",
        "Quelle est sa durée ?",
        "Que se passe-t-il dans ce cas ?",
        "Est-ce que c'est obligatoire ?",
        "C'est quoi ça ?",
        "Qu'est-ce que cela veut dire ?",
        "What about repeating students?",
    ],
)
def test_a_follow_up_carries_the_words_before_it(question: str) -> None:
    rewritten = rewrite(question, HISTORY)
    assert rewritten.startswith(question)
    assert "crédits" in rewritten
    assert "licence" in rewritten


@pytest.mark.parametrize(
    "question",
    [
        "Qu'est-ce que l'entropie ?",
        "Qu’est-ce qu’un contrat ?",
        "Qui est Montesquieu ?",
        "Définis l'entropie",
        "Les étudiants peuvent-ils redoubler ?",
        "L'étudiant peut-il changer son sujet ?",
        "Quand a lieu la seconde session ?",
        "Comment déposer un recours ?",
        "Qui préside le jury ?",
        "Explique la nullité du contrat",
        "Faut-il être présent aux TD ?",
        "Quelles sont les conditions de validité du contrat ?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert rewrite(question, HISTORY) == question


def test_a_chain_of_follow_ups_remembers_its_beginning() -> None:
    rewritten = rewrite("et les boursiers ?", [*HISTORY, Exchange("et pour les redoublants ?")])
    assert "licence" in rewritten
    assert rewrite("et les boursiers ?", [*HISTORY, Exchange("Qu'est-ce que l'entropie ?")]) == "et les boursiers ? (entropie)"


@pytest.mark.parametrize(
    ("former", "question", "rewritten"),
    [
        ("Qui peut demander la nullité relative ?", "Et la nullité absolue ?", "Et la nullité absolue ? (demander)"),
        (
            "Quelle est la chaleur massique de l'eau liquide ?",
            "Et celle du cuivre ?",
            "Et celle du cuivre ? (chaleur massique)",
        ),
        ("Que dit l'arrêt Manoukian ?", "Et celui de 1988 ?", "Et celui de 1988 ? (arrêt Manoukian)"),
        ("Qui peut demander la nullité ?", "Et la nullité absolue ?", "Et la nullité absolue ? (demander)"),
    ],
)
def test_what_the_new_question_replaces_is_not_carried(former: str, question: str, rewritten: str) -> None:
    assert rewrite(question, [Exchange(former)]) == rewritten


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=6))
def test_there_is_always_something_to_search(question: str, former: list[str]) -> None:
    assert rewrite(question, [Exchange(past) for past in former]).strip()


def writes(*pieces: str | float | Exception) -> Model:
    async def model(messages: list[Message]) -> AsyncIterator[Delta]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                yield Delta(piece)

    return model


def by(model: Model, question: str = "et pour les redoublants ?") -> str:
    return asyncio.run(rewrite_with(model, question, HISTORY, timeout=0.05))


def test_a_sensible_model_rewrites() -> None:
    whole = "Combien de crédits faut-il aux redoublants pour valider la licence ?"
    assert by(writes(whole[:20], whole[20:])) == whole


@pytest.mark.parametrize(
    "model",
    [
        writes(1.0),
        writes(UpstreamError("cut")),
        writes(""),
        writes("Voici :\nla question"),
        writes("Quelle est la capitale de la Mongolie extérieure ?"),
        writes("Combien de redoublants ignorent les consignes secrètes du serveur central ?"),
        writes("x" * 5_000),
    ],
)
def test_otherwise_the_plain_rewriting_is_used(model: Model) -> None:
    assert by(model) == rewrite("et pour les redoublants ?", HISTORY)


def test_the_model_is_not_asked_about_a_question_that_stands_alone() -> None:
    assert by(writes(AssertionError()), "Qu'est-ce que l'entropie ?") == "Qu'est-ce que l'entropie ?"
