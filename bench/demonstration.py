"""The demonstration's own courses, as a student meets them: 102 questions in students' words, answered by the product from
the question to the quotation, through the same functions as the pages.

    python -m bench.demonstration [--json FILE] [--show]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.report import Report


@dataclass(frozen=True)
class Outcome:
    row: dict[str, Any]
    answered: bool
    quoted: str
    places: list[tuple[str, int]]
    nearest: str

    @property
    def is_answerable(self) -> bool:
        return bool(self.row["answers"])

    @property
    def holds_the_answer(self) -> bool:
        return any(_plain(answer) in _plain(self.quoted) for answer in self.row["answers"])

    @property
    def shows_the_answer(self) -> bool:
        return any(_plain(answer) in _plain(self.quoted + " " + self.nearest) for answer in self.row["answers"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true", help="nothing shorter: it takes seconds")
    parser.add_argument("--show", action="store_true", help="print each question that went wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PARVIS_DATA_DIR": folder, "PARVIS_DEMO": "1", "DJANGO_SETTINGS_MODULE": "parvis.settings"}
        outcomes = list(_outcomes())
    report = Report("Demonstration courses: 102 questions in students' words")
    answerable = [one for one in outcomes if one.is_answerable]
    unanswerable = [one for one in outcomes if not one.is_answerable]
    report.row("answerable: the quoted sentences hold the answer", _share(one.holds_the_answer for one in answerable), ">= .7")
    report.row("answerable: quoted or among the nearest passages", _share(one.shows_the_answer for one in answerable), ">= .8")
    report.row("answerable: not abstained", _share(one.answered for one in answerable), ">= .8")
    report.row("unanswerable: abstained", _share(not one.answered for one in unanswerable), ">= .8")
    typing = [one for one in answerable if one.row.get("typing")]
    report.row("with typing errors: the quoted sentences hold the answer", _share(one.holds_the_answer for one in typing))
    following = [one for one in answerable if one.row.get("after")]
    report.row("follow-ups: the quoted sentences hold the answer", _share(one.holds_the_answer for one in following))
    if arguments.show:
        for one in outcomes:
            if one.answered != one.is_answerable or (one.is_answerable and not one.holds_the_answer):
                print(
                    f"\n? {one.row['question']}\n  wanted {one.row['answers']} {one.row.get('file')} {one.row.get('page')}"
                    f"\n  {'said' if one.answered else 'ABSTAINED'} {one.quoted}"
                )
    return report.finish(arguments.json)


def _outcomes() -> Iterator[Outcome]:
    import django

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from parvis.access.middleware import principal_of
    from parvis.assistants.answering import Exchange, rewrite
    from parvis.corpora.actions import search_corpora
    from parvis.corpora.models import Corpus
    from parvis.demo.loader import COURSES, HERE, load, personas
    from parvis.retrieval.abstention import NEUTRAL_THRESHOLD, Band, band
    from parvis.retrieval.extraction import best_sentences

    load()
    folders = {course.name: course.folder for course in COURSES}
    read_by = {
        folders[one.name]: (who, one) for who in map(principal_of, personas()) for one in Corpus.objects.visible_to(who)
    }
    for line in (HERE / "courses" / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        reader, corpus = read_by[row["course"]]
        question = rewrite(row["question"], [Exchange(row["after"])] if row.get("after") else [])
        found = search_corpora(reader, question, [corpus.id])
        answered = band(found, corpus.threshold or NEUTRAL_THRESHOLD) is Band.ANSWER
        sentences = best_sentences(found) if answered else []
        yield Outcome(
            row,
            answered,
            " ".join(one.text for one in sentences),
            [(one.passage.document_title, one.passage.unit_number) for one in sentences],
            " ".join(hit.passage.text for hit in found.hits[:3]),
        )


def _plain(text: str) -> str:
    from parvis.retrieval.analysis import fold

    return " ".join(fold(text).replace("’", "'").split())


def _share(flags: Iterator[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values) if values else float("nan")


if __name__ == "__main__":
    sys.exit(main())
