"""The questions on the demonstration courses name places where their answers really stand."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from parvis.corpora.parsing.document import Unit
from parvis.corpora.parsing.limits import Limits
from parvis.corpora.parsing.reading import read

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


def _stands(asked: dict[str, Any]) -> bool:
    units = [unit for unit in _units(asked["course"], asked["file"]) if _is_at(unit, asked)]
    return any(all(_plain(answer) in _plain(unit.text) for answer in asked["answers"]) for unit in units)


def _is_at(unit: Unit, asked: dict[str, Any]) -> bool:
    if "heading" in asked:
        return _plain(asked["heading"]) in {_plain(name) for name in (unit.label, *unit.heading_path)}
    return bool(unit.number == (asked.get("page") or asked["slide"]))


@cache
def _units(course: str, name: str) -> tuple[Unit, ...]:
    parts = read(COURSES / course / name, name=name, limits=Limits(), ocr=False)
    return tuple(part for part in parts if isinstance(part, Unit))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFC", text).replace("\u2019", "'").replace("\u202f", " ")
    return " ".join(folded.replace("\u00a0", " ").lower().split())
