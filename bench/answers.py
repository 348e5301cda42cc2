"""Answers in two sentences and abstention: figures beside their targets, with PIAF's half that nothing was tuned on.

python -m bench.answers [--quick] [--json FILE] [--piaf FOLDER]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.report import Report
from bench.train_abstention import halves, in_dev, keywords, misspelt
from parvis.retrieval.abstention import answerability
from parvis.retrieval.evaluation import Dataset, Evaluation, Hiding, Library, Question, drawn, evaluate, load
from parvis.retrieval.passage import Passage

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
SMALL = 20  # passages: a handout
SMALL_COLLECTIONS = 12


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 questions")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--piaf", type=Path, default=SHARED / "piaf")
    arguments = parser.parse_args()
    report = Report("Answers and abstention")
    dataset = load(arguments.piaf)
    _, held_out = halves(dataset)
    questions = drawn(held_out, 500 if arguments.quick else None)
    _whole(report, evaluate(replace(dataset, questions=tuple(questions))))
    _worded(report, dataset, drawn(held_out, 200 if arguments.quick else 600))
    _small(report, dataset, held_out)
    _calibration(report, dataset)
    return report.finish(arguments.json)


def _whole(report: Report, result: Evaluation) -> None:
    note = f"{result.questions} questions, {result.passages} passages"
    report.row(
        "Answer in two sentences / right passage in the first five", result.two_sentences_over_top_5 or 0, ">= 0.77", note=note
    )
    report.row("Answer in two sentences", result.answer_in_two_sentences or 0)
    report.row("Answer in one sentence", result.answer_in_one_sentence or 0)
    report.row("Right passage in the first five", result.passage_in_top_5)
    report.row("nDCG@10", result.ndcg_at_10)
    report.row("AUROC near", result.auroc_near or 0, ">= 0.82", note="only the right passage hidden")
    report.row("AUROC article", result.auroc_article or 0, ">= 0.90", note="its document hidden")
    report.row("AUROC far", result.auroc_far or 0, ">= 0.93", note="documents of its side of the collection hidden")
    report.row("Answered at the calibrated threshold", result.answered, note=f"threshold {result.threshold:.2f}")
    report.row("Answered, near hidden", result.answered_near or 0)
    report.row("Answered, article hidden", result.answered_article or 0)
    report.row("Answered, far hidden", result.answered_far or 0)


def _worded(report: Report, dataset: Dataset, questions: Sequence[Question]) -> None:
    """The same questions with a typing error, and as keywords."""
    library = Library(dataset.passages)
    threshold = library.threshold()
    draw = random.Random(5)
    as_written = _answered(library, [question.text for question in questions], threshold)
    wrong = _answered(library, [misspelt(question.text, draw) for question in questions], threshold)
    short = _answered(library, [keywords(question.text) for question in questions], threshold)
    report.row("Answered with a typing error / as written", wrong / as_written, ">= 0.85")
    report.row("Answered as keywords / as written", short / as_written, ">= 0.90")
    hidden = [
        answerability(library.ask(keywords(question.text), without=(question, Hiding.ARTICLE))) >= threshold
        for question in questions
    ]
    report.row("Answered as keywords, article hidden", sum(hidden) / len(hidden))


def _small(report: Report, dataset: Dataset, questions: Sequence[Question]) -> None:
    """Collections of 20 passages, and collections of one document."""
    draw = random.Random(20)
    documents: dict[int, list[Passage]] = {}
    for passage in dataset.passages:
        if not in_dev(passage):
            documents.setdefault(passage.document_id, []).append(passage)
    everything = [passage for passages in documents.values() for passage in passages]
    handouts = [draw.sample(everything, SMALL) for _ in range(SMALL_COLLECTIONS)]
    longest = sorted(documents.values(), key=len, reverse=True)[:SMALL_COLLECTIONS]
    for name, collections in ((f"{SMALL} passages", handouts), ("one document", longest)):
        inside, outside = [], []
        for passages in collections:
            library = Library(passages)
            threshold = library.threshold()
            held = [question for question in questions if library.passages.keys() >= question.relevant.keys()]
            others = [question for question in questions if not about(question, passages, dataset)]
            inside += [_answers(library, question.text, threshold) for question in drawn(held, 15)]
            outside += [_answers(library, question.text, threshold) for question in drawn(others, 15)]
        report.row(f"Answered, {name}", sum(inside) / len(inside), ">= 0.75")
        report.row(f"Answered, {name}, question about another document", sum(outside) / len(outside), "<= 0.10")


def about(question: Question, passages: Sequence[Passage], dataset: Dataset) -> bool:
    documents = {dataset.passages[passage_id - 1].document_id for passage_id in question.relevant}
    return any(passage.document_id in documents for passage in passages)


def _calibration(report: Report, dataset: Dataset) -> None:
    library = Library(dataset.passages[:1000])
    library.threshold()
    start = time.perf_counter()
    library.threshold()
    report.row("Calibration of 1,000 passages", (time.perf_counter() - start) * 1000, unit="ms")


def _answered(library: Library, texts: Sequence[str], threshold: float) -> float:
    return sum(_answers(library, text, threshold) for text in texts) / len(texts)


def _answers(library: Library, text: str, threshold: float) -> bool:
    return answerability(library.ask(text)) >= threshold


if __name__ == "__main__":
    raise SystemExit(main())
