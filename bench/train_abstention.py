"""Fits the coefficients of `parvis.retrieval.abstention` on half of a labelled set, and prints them to be pasted there.

    python -m bench.train_abstention PIAF

Half of the documents, by a hash of their title, train; the other half is never looked at here. Questions are asked in the
whole half and in small collections of 20, 100 and 400 passages, as courses are; as written, with a typing error, and as a
few keywords. Deterministic: the same set gives the same figures.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.abstention import Signals, observe
from parvis.retrieval.analysis import analyse
from parvis.retrieval.evaluation import Dataset, Hiding, Library, Question, drawn, load
from parvis.retrieval.passage import Passage
from parvis.retrieval.search import Found

SIZES = (20, 100, 400)
WHOLE_QUESTIONS = 1_000
SMALL_QUESTIONS = 500  # for each size
WEIGHTS = {None: 1.0, Hiding.NEAR: 0.5, Hiding.ARTICLE: 1.0}
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
    examples = [*_whole(passages, drawn(questions, WHOLE_QUESTIONS))]
    for size in SIZES:
        examples += _small(passages, questions, size)
    values = np.array([astuple(signals) for signals, _ in examples])
    present = np.array([float(how is None) for _, how in examples])
    weights = np.array([WEIGHTS[how] for _, how in examples])
    coefficients = fit(values, present, weights)
    print(f"# {len(examples)} examples, {present.mean():.0%} answerable", file=sys.stderr)
    for field, coefficient, spread in zip(fields(Signals), coefficients, values.std(axis=0), strict=False):
        print(f"# {field.name:22} {coefficient:8.3f}  by its spread {coefficient * spread:6.2f}", file=sys.stderr)
    print(f"COEFFICIENTS = ({', '.join(f'{one:.3f}' for one in coefficients[:-1])})")
    print(f"INTERCEPT = {coefficients[-1]:.3f}")
    return 0


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


def _whole(passages: Sequence[Passage], questions: Sequence[Question]) -> Iterator[tuple[Signals, Hiding | None]]:
    library = Library(passages)
    for question in questions:
        yield from _asked(library, question, _worded(question))


def _small(passages: Sequence[Passage], questions: Sequence[Question], size: int) -> Iterator[tuple[Signals, Hiding | None]]:
    """Collections drawn around a document of three passages at least; questions from inside and from outside."""
    draw = random.Random(size)
    documents: dict[int, list[Passage]] = {}
    for passage in passages:
        documents.setdefault(passage.document_id, []).append(passage)
    large = [one for one in documents.values() if len(one) >= 3]
    asked = 0
    while asked < SMALL_QUESTIONS:
        chosen = draw.choice(large)[:size]
        while len(chosen) < size:
            chosen = list(dict.fromkeys([*chosen, *draw.choice(list(documents.values()))]))[:size]
        library = Library(chosen)
        held, about = set(library.passages), {passage.document_id for passage in chosen}
        inside = [question for question in questions if held.issuperset(question.relevant)]
        outside = [question for question in questions if about.isdisjoint(_documents(question, documents))]
        for question in draw.sample(inside, min(8, len(inside))):
            asked += 1
            yield from _asked(library, question, _worded(question), hidings=(Hiding.NEAR,))
        for question in draw.sample(outside, 8):
            yield from _judged(library.ask(_worded(question)), Hiding.ARTICLE)


def _documents(question: Question, documents: dict[int, list[Passage]]) -> set[int]:
    return {
        document_id
        for document_id, passages in documents.items()
        if any(passage.id in question.relevant for passage in passages)
    }


def _asked(
    library: Library, question: Question, text: str, hidings: Sequence[Hiding] = (Hiding.NEAR, Hiding.ARTICLE)
) -> Iterator[tuple[Signals, Hiding | None]]:
    yield from _judged(library.ask(text), None)
    for how in hidings:
        if library.can_hide(question, how):
            yield from _judged(library.ask(text, without=(question, how)), how)


def _judged(found: Found, how: Hiding | None) -> Iterator[tuple[Signals, Hiding | None]]:
    signals = observe(found)
    if signals is not None:
        yield signals, how


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
