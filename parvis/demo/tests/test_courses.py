"""The questions on the demonstration courses name places where their answers really stand."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from parvis.corpora.parsing.document import BlockKind, DocumentHead, DocumentTail, Unit
from parvis.corpora.parsing.limits import Limits
from parvis.corpora.parsing.reading import read
from parvis.demo.loader import COURSES as DEMONSTRATED
from parvis.demo.loader import READABLE
from parvis.retrieval.abstention import Band, band
from parvis.retrieval.cutting import Span, cut
from parvis.retrieval.evaluation import Library
from parvis.retrieval.extraction import best_sentences
from parvis.retrieval.passage import Passage

COURSES = Path(__file__).parent.parent / "courses"
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in (COURSES / "questions.jsonl").read_text("utf-8").splitlines()]


def test_each_answer_stands_in_the_place_named() -> None:
    misplaced = [asked["question"] for asked in QUESTIONS if asked["answers"] and not _stands(asked)]
    assert misplaced == []


def test_a_follow_up_follows_a_question_of_the_same_course() -> None:
    asked = {(row["course"], row["question"]) for row in QUESTIONS}
    assert [row for row in QUESTIONS if "after" in row and (row["course"], row["after"]) not in asked] == []


def test_the_courses_are_long_enough_to_be_real() -> None:
    law = _units("droit-des-contrats", "introduction-au-droit-des-contrats.pdf")
    slides = _units("thermodynamique", "thermodynamique-diapositives.pptx")
    assert len(law) + len(slides) >= 60
    assert all(unit.text.strip() for unit in law + slides)


SUGGESTED = {
    "Quels sont les vices du consentement ?": "L'erreur, le dol et la violence vicient le consentement",
    "Quelle est la différence entre nullité absolue et nullité relative ?": "La nullité est absolue lorsque la règle violée",
    "Qu’est-ce que la force majeure ?": "Il y a force majeure en matière contractuelle lorsqu'un événement échappant",
    "Quel est l’énoncé du premier principe ?": "ΔU = W + Q",
    "Qu’est-ce qu’une transformation réversible ?": "Une transformation réversible est une limite idéale",
    "Quel est le rendement d’un moteur de Carnot ?": "ηCarnot = 1 − Tf / Tc",
    "Que se passe-t-il si je suis absent à un examen ?": "à un examen terminal, elle entraîne la défaillance",
    "Comment demander une année de césure ?": "année entière | Avant le 15 juin",
    "Quand faut-il s’inscrire ?": "3 juillet 2026 | 24 juillet 2026",
}


@pytest.mark.parametrize(("folder", "question"), [(one.folder, asked) for one in DEMONSTRATED for asked in one.suggestions])
def test_each_question_suggested_is_answered(folder: str, question: str) -> None:
    told = _quoted(folder, question)
    assert _plain(SUGGESTED[question]) in _plain(" ".join(told))
    assert not any(one.startswith(("Elle ", "Cette ", "Ce ", "Toutefois")) for one in told)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Combien coûte l'inscription en master ?", "Tarif ordinaire | 178 € | 254 €"),
        ("Quelle est la durée d'une cesure ??", "deux semestres consécutifs"),
        ("Combien de temps dure une année de césure ?", "pendant un semestre ou une année"),
        ("combien de jours ai-je pour déposer un recours", "recours gracieux, puis contentieux, dans un délai de deux mois"),
        ("Combien de crédits vaut une année de licence ?", "30 crédits"),
        ("horaires bibliothèque", "ouverte du lundi au vendredi"),
        ("Qui est le président de la République ?", None),
        ("Qui est le doyen ?", None),
        ("Quel est le numéro de téléphone de la scolarité ?", None),
    ],
)
def test_what_students_ask_of_the_rules_is_answered_or_declined(question: str, answer: str | None) -> None:
    told = _quoted("reglement-des-etudes", question)
    assert (answer is None and not told) or (answer is not None and _plain(answer) in _plain(" ".join(told)))


def _quoted(folder: str, question: str) -> list[str]:
    course, threshold = _course(folder)
    found = course.ask(question)
    return [one.text for one in best_sentences(found)] if band(found, threshold) is Band.ANSWER else []


@cache
def _course(folder: str) -> tuple[Library, float]:
    names = sorted(path.name for path in (COURSES / folder).iterdir() if path.suffix in READABLE)
    passages: list[Passage] = []
    for document_id, name in enumerate(names, 1):
        title = next(part.title for part in _parts(folder, name) if isinstance(part, DocumentHead))
        for unit in _units(folder, name):
            for one in cut(unit.text, _spans(unit)):
                text, place = unit.text[one.start : one.end], (len(passages) + 1, 1, document_id, unit.number)
                passages.append(Passage(*place, one.start, one.end, text, title, unit.label, one.heading_path))
    library = Library(passages)
    return library, library.threshold()


def _spans(unit: Unit) -> Iterator[Span]:
    """As ingestion gives them."""
    path = list(enumerate(unit.heading_path, start=1))
    for block in unit.blocks:
        if block.kind == BlockKind.HEADING:
            path = [(above, text) for above, text in path if above < block.level]
            path.append((block.level, unit.text[block.start : block.end]))
        else:
            is_atomic = block.kind in (BlockKind.TABLE_ROW, BlockKind.FORMULA, BlockKind.CODE)
            yield Span(block.start, block.end, tuple(text for _, text in path), atomic=is_atomic)


def _stands(asked: dict[str, Any]) -> bool:
    units = [unit for unit in _units(asked["course"], asked["file"]) if _is_at(unit, asked)]
    return any(all(_plain(answer) in _plain(unit.text) for answer in asked["answers"]) for unit in units)


def _is_at(unit: Unit, asked: dict[str, Any]) -> bool:
    if "heading" in asked:
        return _plain(asked["heading"]) in {_plain(name) for name in (unit.label, *unit.heading_path)}
    return bool(unit.number == (asked.get("page") or asked["slide"]))


def _units(course: str, name: str) -> tuple[Unit, ...]:
    return tuple(part for part in _parts(course, name) if isinstance(part, Unit))


@cache
def _parts(course: str, name: str) -> tuple[DocumentHead | Unit | DocumentTail, ...]:
    return tuple(read(COURSES / course / name, name=name, limits=Limits(), ocr=False))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFC", text).replace("\u2019", "'").replace("\u202f", " ")
    return " ".join(folded.replace("\u00a0", " ").lower().split())
