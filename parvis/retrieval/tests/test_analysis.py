from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.retrieval.analysis import LONGEST_TERM, analyse, fold, sentences, terms


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("les élèves étudiants", "L'eleve ETUDIANT"),
        ("Inscriptions", "inscription"),
        ("cœur", "coeur"),
        ("École", "E\u0301cole"),
        ("l’examen", "l'examens"),
        ("aujourd’hui", "AUJOURD'HUI"),
        ("difficulté", "diﬃcultes"),
        ("m²", "m2"),
    ],
)
def test_what_readers_take_for_the_same_word_is_one_term(first: str, second: str) -> None:
    assert terms(first)
    assert set(terms(first)) == set(terms(second))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Qu'est-ce que l'examen ?", ["examen"]),
        ("jusqu'à l'été", ["ete"]),
        ("en C++, pas en C#", ["cplusplus", "csharp"]),
        ("vitamine D", ["vitamin"]),
        ("article 612-3", ["articl", "612", "3"]),
        ("est-ce que c'est à nous ?", []),
        ("", []),
        ("\x00 \ud800 ***", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@given(st.text())
def test_tokens_stand_where_they_say_and_fold_is_stable(text: str) -> None:
    tokens = analyse(text)
    assert [token.term for token in tokens] == terms(text)
    assert all(text[token.start : token.end] == token.surface for token in tokens)
    assert all(token.term.isalnum() and len(token.term) <= LONGEST_TERM for token in tokens)
    assert fold(fold(text)) == fold(text)


def test_threads_do_not_mix_their_words() -> None:
    words = [f"{start}{end}" for start in ("nation", "inscript", "étudi", "régul") for end in ("alement", "ions", "ait", "er")]
    alone = {word: terms(word + "x" * 3 + word) for word in words}
    mixed: list[tuple[str, list[str]]] = []

    def work() -> None:
        for turn in range(50):
            mixed.extend((word, terms(f"{word}xxx{word}")) for word in words[turn % 3 :])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found == alone[word] for word, found in mixed)


@pytest.mark.parametrize(
    "sentences_of_text",
    [
        ["M. Dupont est venu.", "Il a lu l'art. 3 et la p. 12.", "Voir n° 4."],
        ["« Bonjour. »", "Elle part…", "Vraiment ?", "Oui !", "(Entre parenthèses.)"],
        ["Né en 12 av. J.-C. à Rome.", "Mort en 1789.", "Le seuil est de 3.5 points, cf. Dupont et al. (2003)."],
        ["Voir l'art. L. 612-3 du code.", "Le coefficient vaut 3,2."],
        ["1. Introduction au droit.", "Le texte commence."],
        ["L'eau bout à 100 °C.[3]", "Elle gèle à 0 °C."],
    ],
)
def test_a_sentence_ends_where_a_reader_ends_it(sentences_of_text: list[str]) -> None:
    assert said(" ".join(sentences_of_text)) == sentences_of_text


def test_blank_lines_and_list_items_end_a_sentence_and_line_ends_do_not() -> None:
    assert said("Il faut\nfournir :\n- une photo\n- un CV\n\nRien d'autre") == [
        "Il faut\nfournir :",
        "- une photo",
        "- un CV",
        "Rien d'autre",
    ]


def test_a_blank_line_ends_a_sentence_that_ended_already_whatever_follows() -> None:
    assert said("Il trie.\n\ndef fusion(a, b):\n    return a") == ["Il trie.", "def fusion(a, b):\n    return a"]
    assert said("Fournir :\n- une photo.\n- un CV.\n2) venir.") == ["Fournir :", "- une photo.", "- un CV.", "2) venir."]


@given(st.text(alphabet="aA .!?\n\u00a0»«-1M", max_size=80))
def test_sentences_hold_every_word_once_and_in_order(text: str) -> None:
    spans = sentences(text)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
