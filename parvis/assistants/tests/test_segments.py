"""Sentences and their proofs, whatever the model writes and wherever its stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parvis.assistants.segments import LONGEST_SEGMENT, Claim, Segment, Segmenter


def read(*chunks: str) -> list[Segment]:
    segmenter = Segmenter()
    return [segment for chunk in chunks for segment in segmenter.push(chunk)] + segmenter.close()


def texts(text: str) -> list[str]:
    return [segment.text for segment in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Selon l'art. 12, M. Dupont vote. Mme Ney non.", ["Selon l'art. 12, M. Dupont vote.", " Mme Ney non."]),
        ("Il faut 3,2 points, etc. et plus. Oui !", ["Il faut 3,2 points, etc. et plus.", " Oui !"]),
        ("Voici :\n- un. \n- deux\n2. trois", ["Voici :", "\n- un.", " \n- deux", "\n2. trois"]),
        ("Une ligne\ncoupée en deux.\n\nUne autre", ["Une ligne\ncoupée en deux.", "\n\nUne autre"]),
        ("## Titre\nDu texte.", ["## Titre", "\nDu texte."]),
        ("| a | b. C |\n| d | e |", ["| a | b. C |", "\n| d | e |"]),
        ("Soit $a. B$ ou \\(c. D\\) et `e. F`. Fin", ["Soit $a. B$ ou \\(c. D\\) et `e. F`.", " Fin"]),
        ("Un prix de 20 $. Ou 30 $.", ["Un prix de 20 $.", " Ou 30 $."]),
        ("```\na. B\n\nc. D\n```\nPuis.", ["```\na. B\n\nc. D\n```", "\nPuis."]),
        ("Il dit « Non. Jamais. » et part. Bien.", ["Il dit « Non. Jamais. » et part.", " Bien."]),
        ("« Non. Oui » dit-il. Bien. » Puis.", ["« Non. Oui » dit-il.", " Bien. »", " Puis."]),
        ("<think>Hum. [1]</think>Oui.", ["Oui."]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence", "claims"),
    [
        ('Oui. [1: "a b"]', "Oui.", [((1,), "a b")]),
        ('Oui [1: "a b"].', "Oui.", [((1,), "a b")]),
        ('Oui. [1: "a b"] [2 : « c »].', "Oui.", [((1,), "a b"), ((2,), "c")]),
        ('Oui. [1, 3: "a […] b"; "c"]', "Oui.", [((1, 3), "a […] b"), ((1, 3), "c")]),
        ("Oui. [Extrait n° 4 : a b]", "Oui.", [((4,), "a b")]),
        ("Oui.\n\n[2]", "Oui.", [((2,), None)]),
        ("Oui. « a b » [2]", "Oui.", [((2,), "a b")]),
        ('Oui. [2: ""]', "Oui.", [((2,), "")]),
        ("Oui [sic]. [note 3", "Oui [sic].", []),
        ("Voir [2](http://x.example).", "Voir [2](http://x.example).", []),
    ],
)
def test_proofs_are_taken_out_of_the_text(text: str, sentence: str, claims: list[tuple[tuple[int, ...], str | None]]) -> None:
    first = read(text)[0]
    assert first.text == sentence
    assert first.claims == tuple(Claim(*claim) for claim in claims)


def test_a_sentence_comes_as_soon_as_nothing_can_change_it() -> None:
    segmenter = Segmenter()
    assert segmenter.push('Oui. [1: "a b"]') == []  # another proof may follow
    assert segmenter.push(" E") == [Segment("Oui.", (Claim((1,), "a b"),))]


def test_an_endless_sentence_is_cut() -> None:
    assert max(map(len, texts("mot " * 5_000))) <= LONGEST_SEGMENT


MARKS = [
    "```",
    "$",
    "$$",
    "«",
    "»",
    '"',
    "\n",
    "\n\n",
    "- ",
    "1. ",
    ". ",
    "!",
    "…",
    "[",
    "]",
    "(",
    ")",
    "![a](b)",
    "art. 12",
    "M. D",
]
MARKS += [
    '[1: "a b c"]',
    "[2]",
    " [3",
    "A",
    "é",
    " ",
    "\t",
    "<think>",
    "</think>",
    "【1】",
    ", ",
    ": ",
    "et ",
    "# ",
    "|",
    "\\(",
    "\\)",
]


@given(st.lists(st.sampled_from(MARKS), max_size=40).map("".join), st.lists(st.integers(1, 9), min_size=1, max_size=30))
@example('. \\$ [3\n\n] »1. [2: "a b"]', [1])
@example("M. D.\t\n!art. 12", [1])
@settings(max_examples=400, deadline=None)
def test_the_segments_do_not_depend_on_the_chunks(text: str, sizes: list[int]) -> None:
    chunks: list[str] = []
    position = 0
    while position < len(text):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(text[position : position + size])
        position += size
    assert read(*chunks) == read(text)


@given(st.text(alphabet=st.characters(exclude_characters="[【<"), max_size=300))
def test_nothing_is_lost_where_there_is_no_proof(text: str) -> None:
    assert "".join(texts(text)).strip() == text.strip()
