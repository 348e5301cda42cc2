"""Fits the coefficients of `parvis.retrieval.abstention` on half of a labelled set, and prints them to be pasted there.

    python -m bench.train_abstention PIAF

Half of the documents, by a hash of their title, train; the other half is never looked at here. Questions are asked in the
whole half and in small collections of 20, 100 and 400 passages, as courses are; as written, with a typing error, and as a
few keywords. Deterministic: the same set gives the same figures.

First it prints what the same model gives inside that half, each fifth of its documents judged by what the others taught:
signals are chosen by that.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval import abstention
from parvis.retrieval.abstention import Signals, middle, observe, pseudo_evidence
from parvis.retrieval.analysis import analyse
from parvis.retrieval.evaluation import Dataset, Hiding, Library, Question, auroc, drawn, load
from parvis.retrieval.passage import Passage

SIZES = (20, 100, 400)
WHOLE_QUESTIONS = 1200
COLLECTIONS = 25  # of each size
PER_COLLECTION = 10  # questions
FOLDS = 5
KEPT = 0.81  # share of the answerable questions as written, in the whole half, that the neutral threshold lets through
WEIGHTS = {None: 1.0, Hiding.NEAR: 1.0, Hiding.ARTICLE: 1.0, Hiding.FAR: 0.0}  # the last halves the passages, which shows
RIDGE = 1.0


def in_dev(passage: Passage) -> bool:
    """Which half of a labelled set a document is in: dev is tuned on, the rest is reported on."""
    return sha256(passage.document_title.encode()).digest()[0] % 2 == 0


def halves(dataset: Dataset) -> tuple[list[Question], list[Question]]:
    """The questions whose passages are in dev, and the others."""
    dev_passages = {passage.id for passage in dataset.passages if in_dev(passage)}
    dev = [question for question in dataset.questions if dev_passages.issuperset(question.relevant)]
    test = [question for question in dataset.questions if dev_passages.isdisjoint(question.relevant)]
    return dev, test


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="folder of corpus.jsonl, queries.jsonl, qrels.tsv, answers.jsonl")
    dataset = load(parser.parse_args().dataset)
    passages = [passage for passage in dataset.passages if in_dev(passage)]
    questions, _ = halves(dataset)
    libraries = {size: list(_collections(passages, size)) for size in SIZES}
    whole = Library(passages)
    examples = [*_whole(whole, drawn(questions, WHOLE_QUESTIONS))]
    for size in SIZES:
        examples += _small(libraries[size], questions, size)
    values = np.array([astuple(example.signals) for example in examples])
    present = np.array([float(example.hidden is None) for example in examples])
    weights = np.array([WEIGHTS[example.hidden] for example in examples])
    document_of = {passage.id: passage.document_id for passage in passages}
    folds = np.array([document_of[min(example.question.relevant)] % FOLDS for example in examples])
    _cross_validate(examples, values, present, weights, folds)
    coefficients = np.round(fit(values, present, weights), 3)
    evidences = values @ coefficients[:-1] + coefficients[-1]
    as_written = [example.hidden is None and example.as_written and example.whole for example in examples]
    _print(coefficients, values, neutral=float(np.quantile(evidences[as_written], 1 - KEPT)))
    abstention.COEFFICIENTS, abstention.INTERCEPT = tuple(coefficients[:-1].tolist()), float(coefficients[-1])
    middles = [_middle(library) for library in (whole, *(one for size in SIZES for one in libraries[size][:6]))]
    print(f"USUAL_MIDDLE = {np.mean(middles):.2f}  # from {min(middles):.2f} to {max(middles):.2f}")
    return 0


def _cross_validate(
    examples: Sequence[Example],
    values: NDArray[np.float64],
    present: NDArray[np.float64],
    weights: NDArray[np.float64],
    folds: NDArray[np.int64],
) -> None:
    evidences = np.zeros(len(examples))
    for fold in range(FOLDS):
        taught = folds != fold
        coefficients = fit(values[taught], present[taught], weights[taught])
        evidences[~taught] = values[~taught] @ coefficients[:-1] + coefficients[-1]
    judged: dict[Hiding | None, list[float]] = {hidden: [] for hidden in WEIGHTS}
    for example, one in zip(examples, evidences.tolist(), strict=True):
        if example.whole and example.as_written:
            judged[example.hidden].append(one)
    for hidden in Hiding:
        print(f"# AUROC inside dev, {hidden.value}: {auroc(judged[None], judged[hidden]):.4f}", file=sys.stderr)


def _print(coefficients: NDArray[np.float64], values: NDArray[np.float64], neutral: float) -> None:
    for field, coefficient, spread in zip(fields(Signals), coefficients, values.std(axis=0), strict=False):
        print(f"# {field.name:22} {coefficient:8.3f}, by its spread {coefficient * spread:6.2f}", file=sys.stderr)
    print(f"COEFFICIENTS = ({', '.join(f'{one:.3f}' for one in coefficients[:-1])})")
    print(f"INTERCEPT = {coefficients[-1]:.3f}")
    print(f"NEUTRAL = {neutral:.2f}")


def _middle(library: Library) -> float:
    passages = list(library.passages.values())
    evidences = pseudo_evidence(passages, index=library.index, corpora=library.corpora, fetch=library.fetch)
    return middle(*evidences)


@dataclass(frozen=True, slots=True)
class Example:
    question: Question
    signals: Signals
    hidden: Hiding | None  # what makes it unanswerable
    as_written: bool
    whole: bool


def fit(values: NDArray[np.float64], present: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic regression by Newton's method, with a small ridge on standardised values; the intercept comes last."""
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    columns = np.c_[(values - mean) / spread, np.ones(len(values))]
    ridge = RIDGE * np.r_[np.ones(values.shape[1]), 0.0]
    inside = np.zeros(columns.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-columns @ inside))
        slope = columns.T @ (weights * (chance - present)) + ridge * inside
        curve = (columns * (weights * chance * (1 - chance))[:, None]).T @ columns + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        inside -= step
        if np.abs(step).max() < 1e-9:
            break
    raw = inside[:-1] / spread
    return np.append(raw, inside[-1] - raw @ mean)


def _whole(library: Library, questions: Sequence[Question]) -> Iterator[Example]:
    for question in questions:
        for hidden in WEIGHTS:
            yield from _asked(library, question, hidden, whole=True)


def _small(libraries: Sequence[Library], questions: Sequence[Question], size: int) -> Iterator[Example]:
    """Questions of each collection, then as many about what it does not have."""
    draw = random.Random(size)
    for library in libraries:
        inside = [question for question in questions if library.passages.keys() >= question.relevant.keys()]
        outside = [question for question in questions if library.passages.keys().isdisjoint(question.relevant)]
        for question in draw.sample(inside, min(PER_COLLECTION, len(inside))):
            yield from _asked(library, question, None)
            yield from _asked(library, question, Hiding.NEAR)
        for question in draw.sample(outside, PER_COLLECTION):
            yield from _asked(library, question, Hiding.ARTICLE)


def _collections(passages: Sequence[Passage], size: int) -> Iterator[Library]:
    """Collections of whole documents, but for the last one, around one of three passages at least."""
    draw = random.Random(size)
    documents: dict[int, list[Passage]] = {}
    for passage in passages:
        documents.setdefault(passage.document_id, []).append(passage)
    large = [one for one in documents.values() if len(one) >= 3]
    for _ in range(COLLECTIONS):
        chosen = draw.choice(large)[:size]
        while len(chosen) < size:
            chosen = list(dict.fromkeys([*chosen, *draw.choice(list(documents.values()))]))[:size]
        yield Library(chosen)


def _asked(library: Library, question: Question, hidden: Hiding | None, *, whole: bool = False) -> Iterator[Example]:
    text = _worded(question)
    away = library.passages.keys().isdisjoint(question.relevant)
    if hidden is None or away or library.can_hide(question, hidden):
        signals = observe(library.ask(text, without=(question, hidden) if hidden and not away else None))
        if signals is not None:
            yield Example(question, signals, hidden, text == question.text, whole)


def _worded(question: Question) -> str:
    """One question in six has a typing error, one in six is cut down to its keywords."""
    draw = random.Random(question.id)
    chance = draw.random()
    if chance < 1 / 6:
        return misspelt(question.text, draw)
    if chance < 1 / 3:
        return keywords(question.text)
    return question.text


def misspelt(text: str, draw: random.Random) -> str:
    """One edit in one of the longer words: a letter lost, doubled, changed, or two swapped."""
    words = text.split()
    long = [place for place, word in enumerate(words) if len(word) >= 6]
    if not long:
        return text
    place = draw.choice(long)
    word = words[place]
    at = draw.randrange(1, len(word) - 1)
    words[place] = draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + draw.choice("aeinrstlou") + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )
    return " ".join(words)


def keywords(text: str) -> str:
    return " ".join(token.surface for token in analyse(text)) or text


if __name__ == "__main__":
    raise SystemExit(main())
