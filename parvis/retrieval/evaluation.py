"""How well a labelled set of questions is served: ranking, answers in two sentences, abstention.

A set is a folder of `corpus.jsonl` {id, title, text}, `queries.jsonl` {id, text}, `qrels.tsv` (query-id, corpus-id, score,
with its heading line) and, to judge answers, `answers.jsonl` {id, answers: [{text, …}]}. Passages of the same title are
one document.

No set marks its unanswerable questions, so they are made by hiding: the right passages only ("near", kept when no other
passage of the document holds an answer), their whole documents ("article"), or every document whose subject is on their
side of the collection ("far").
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.abstention import answerability, calibrate
from parvis.retrieval.analysis import terms
from parvis.retrieval.extraction import best_sentences
from parvis.retrieval.fts5 import Fts5Index, create_tables
from parvis.retrieval.index import Entry, Reading, Stats
from parvis.retrieval.passage import Passage
from parvis.retrieval.search import Embedder, Found, search

DEPTH = 10
MOST_FOR_ABSTENTION = 1_500  # questions asked three times more, each time with something hidden


class BadDataset(Exception):
    """A folder that is not a labelled set. `code`: missing_file, empty_file, not_utf8, not_json, missing_field, wrong_type,
    duplicate_id, unknown_id, bad_score, bad_heading. `params`: file, and where known line and value."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(f"{code} {params}")
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    relevant: Mapping[int, int]  # passage id -> grade, at least 1
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Passages are numbered from 1 in the order of the file, `document_id` numbers their titles, and `corpus_id` tells
    which half of the subjects they are in."""

    name: str
    passages: tuple[Passage, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Shares from 0 to 1; None where the set has nothing to measure it by. `answered…` are shares of the questions
    answered at the calibrated threshold: of those whose passages are there, then of those hidden in each way."""

    dataset: str
    passages: int
    questions: int
    ndcg_at_10: float
    recall_at_10: float
    mrr_at_10: float
    passage_in_top_5: float
    answer_in_top_5: float | None
    answer_in_one_sentence: float | None
    answer_in_two_sentences: float | None
    two_sentences_over_top_5: float | None  # answer in two sentences / right passage among the first five
    auroc_near: float | None
    auroc_article: float | None
    auroc_far: float | None
    threshold: float
    answered: float
    answered_near: float | None
    answered_article: float | None
    answered_far: float | None
    embeddings_weight: float | None = None  # None: measured without


def load(folder: Path) -> Dataset:
    """Refuses a bad row rather than measure on less than it was given: raises `BadDataset`."""
    corpus: dict[str, Passage] = {}
    documents: dict[str, int] = {}
    for row in _rows(folder / "corpus.jsonl"):
        key, title, text = row.new_id(corpus), row.text("title", default=""), row.text("text")
        document = documents.setdefault(title or f"id:{key}", len(documents) + 1)
        number = len(corpus) + 1
        corpus[key] = Passage(number, 1, document, number, 0, len(text), text, title, str(number))
    queries: dict[str, str] = {}
    for row in _rows(folder / "queries.jsonl"):
        queries[row.new_id(queries)] = row.text("text")
    answers: dict[str, tuple[str, ...]] = {}
    if (folder / "answers.jsonl").exists():
        for row in _rows(folder / "answers.jsonl"):
            answers[row.known_id(queries)] = row.answers()
    relevant = _relevant(folder / "qrels.tsv", queries, corpus)
    questions = tuple(
        Question(key, text, relevant[key], answers.get(key, ())) for key, text in queries.items() if key in relevant
    )
    return Dataset(folder.name, tuple(_halved(corpus.values())), questions)


def evaluate(
    dataset: Dataset,
    *,
    limit: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    embedder_of: Callable[[Library, Sequence[Question]], Embedder] | None = None,
) -> Evaluation:
    """Asks every question, or `limit` of them drawn by their id, always the same. `on_progress(done, total)`.

    Ranking and answers are measured with the embedder; abstention goes by the words alone, as it does in answers."""
    questions = drawn(dataset.questions, limit)
    judged = {question.id for question in drawn(questions, MOST_FOR_ABSTENTION)}
    library = Library(dataset.passages)
    threshold = library.threshold()
    embedder = embedder_of(library, questions) if embedder_of else None
    served = []
    chances: dict[Hiding | None, list[float]] = {None: [], **{how: [] for how in Hiding}}
    for done, question in enumerate(questions):
        if on_progress:
            on_progress(done, len(questions))
        found = library.ask(question.text)
        served.append(_served(question, library.ask(question.text, embedder=embedder) if embedder else found))
        if question.id in judged:
            chances[None].append(answerability(found))
            for how in Hiding:
                if library.can_hide(question, how):
                    chances[how].append(answerability(library.ask(question.text, without=(question, how))))
    if on_progress:
        on_progress(len(questions), len(questions))
    return replace(_summary(dataset, served, chances, threshold), embeddings_weight=embedder.weight if embedder else None)


def drawn(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """`limit` of the questions, by a hash of their id; in their own order."""
    by_hash = sorted(questions, key=lambda question: hashlib.sha256(question.id.encode()).digest())
    kept = {question.id for question in by_hash[:limit]}
    return [question for question in questions if question.id in kept]


class Hiding(Enum):
    """What is hidden to make a question unanswerable."""

    NEAR = "near"
    ARTICLE = "article"
    FAR = "far"


class Library:
    """Passages indexed in memory, of which some can be hidden from a question."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.passages = {passage.id: passage for passage in passages}
        self.corpora = frozenset(passage.corpus_id for passage in self.passages.values())
        self._documents: dict[int, list[int]] = defaultdict(list)
        for passage in self.passages.values():
            self._documents[passage.document_id].append(passage.id)
        connection = sqlite3.connect(":memory:")
        create_tables(connection)
        self.index = Fts5Index(connection)
        self.index.upsert(_entry(passage) for passage in self.passages.values())

    def ask(self, text: str, *, without: tuple[Question, Hiding] | None = None, embedder: Embedder | None = None) -> Found:
        index: Reading = self.index
        corpora = self.corpora
        if without is not None:
            question, how = without
            if how is Hiding.FAR:
                corpora -= self._halves(question)
            else:
                hidden = self._hidden(question, how)
                index = Without(index, tuple(_entry(self.passages[passage_id]) for passage_id in sorted(hidden)))
        return search(text, index=index, corpora=corpora, fetch=self.fetch, embedder=embedder)

    def fetch(self, passage_ids: Sequence[int]) -> list[Passage]:
        return [self.passages[passage_id] for passage_id in passage_ids]

    def can_hide(self, question: Question, how: Hiding) -> bool:
        """Whether the question is unanswerable then, and something is left to search."""
        if how is Hiding.FAR:
            return bool(self.corpora - self._halves(question))
        if how is Hiding.ARTICLE:
            return len(self._hidden(question, how)) < len(self.passages)
        left = self._hidden(question, Hiding.ARTICLE) - self._hidden(question, Hiding.NEAR)
        return bool(question.answers and left) and not any(
            _holds(self.passages[passage_id].text, question.answers) for passage_id in left
        )

    def threshold(self) -> float:
        return calibrate(list(self.passages.values()), index=self.index, corpora=self.corpora, fetch=self.fetch)

    def _halves(self, question: Question) -> set[int]:
        return {self.passages[passage_id].corpus_id for passage_id in question.relevant}

    def _hidden(self, question: Question, how: Hiding) -> set[int]:
        if how is Hiding.NEAR:
            return set(question.relevant)
        documents = {self.passages[passage_id].document_id for passage_id in question.relevant}
        return {passage_id for document_id in documents for passage_id in self._documents[document_id]}


@dataclass(frozen=True, slots=True)
class Without:
    """An index as it would be without some of its passages: not in its lists nor in its counts."""

    index: Reading
    hidden: tuple[Entry, ...]

    def candidates(self, terms: Sequence[str], corpora: frozenset[int], k: int) -> list[tuple[int, float]]:
        hidden = {entry.passage_id for entry in self.hidden}
        found = self.index.candidates(terms, corpora, k + len(hidden))
        return [(passage_id, score) for passage_id, score in found if passage_id not in hidden][:k]

    def stats(self, terms: Sequence[str], corpora: frozenset[int]) -> Stats:
        all_of_it = self.index.stats(terms, corpora)
        hidden = [entry for entry in self.hidden if entry.corpus_id in corpora]
        passages = all_of_it.passage_count - len(hidden)
        length = all_of_it.average_length * all_of_it.passage_count - sum(len(entry.terms) for entry in hidden)
        counts = self._counts(corpora)
        return Stats(
            passages,
            length / passages if passages else 0.0,
            {term: left for term, number in all_of_it.document_frequency.items() if (left := number - counts[term]) > 0},
        )

    def words(self, beginnings: Collection[str]) -> Sequence[str]:
        return self.index.words(beginnings)

    def _counts(self, corpora: frozenset[int]) -> Counter[str]:
        return Counter(term for entry in self.hidden if entry.corpus_id in corpora for term in set(entry.terms))


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The chance that an answerable question scores above an unanswerable one, ties counting half."""
    if not positive or not negative:
        return None
    ordered = np.sort(np.array(negative))
    below = np.searchsorted(ordered, positive, side="left")
    at_most = np.searchsorted(ordered, positive, side="right")
    return float((below + at_most).mean() / 2 / len(ordered))


@dataclass(frozen=True, slots=True)
class _Served:
    """What one question got. The answers are None where the set gives none."""

    ndcg: float
    recall: float
    reciprocal_rank: float
    in_top_5: bool
    answer_in_top_5: bool | None
    answer_in_one: bool | None
    answer_in_two: bool | None


def _served(question: Question, found: Found) -> _Served:
    ranked = [hit.passage.id for hit in found.hits[:DEPTH]]
    gains = [question.relevant.get(passage_id, 0) for passage_id in ranked]
    ideal = _gain(sorted(question.relevant.values(), reverse=True)[:DEPTH])
    first = next((rank for rank, gain in enumerate(gains, 1) if gain), None)
    return _Served(
        ndcg=_gain(gains) / ideal,
        recall=sum(gain > 0 for gain in gains) / len(question.relevant),
        reciprocal_rank=1 / first if first else 0.0,
        in_top_5=any(gains[:5]),
        answer_in_top_5=_told(question, (hit.passage.text for hit in found.hits[:5])),
        answer_in_one=_told(question, (one.text for one in best_sentences(found, 1, context=False))),
        answer_in_two=_told(question, (one.text for one in best_sentences(found, 2, context=False))),
    )


def _gain(grades: Sequence[int]) -> float:
    return sum((float(2**grade) - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def _told(question: Question, texts: Iterable[str]) -> bool | None:
    return any(_holds(text, question.answers) for text in texts) if question.answers else None


def _holds(text: str, answers: Iterable[str]) -> bool:
    plain = _plain(text)
    return any(_plain(answer) in plain for answer in answers)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _summary(
    dataset: Dataset,
    served: Sequence[_Served],
    chances: Mapping[Hiding | None, Sequence[float]],
    threshold: float,
) -> Evaluation:
    in_top_5 = sum(one.in_top_5 for one in served) / len(served)
    in_two = _share(one.answer_in_two for one in served)
    present = chances[None]

    def answered(values: Sequence[float]) -> float | None:
        return _share(value >= threshold for value in values)

    return Evaluation(
        dataset=dataset.name,
        passages=len(dataset.passages),
        questions=len(served),
        ndcg_at_10=sum(one.ndcg for one in served) / len(served),
        recall_at_10=sum(one.recall for one in served) / len(served),
        mrr_at_10=sum(one.reciprocal_rank for one in served) / len(served),
        passage_in_top_5=in_top_5,
        answer_in_top_5=_share(one.answer_in_top_5 for one in served),
        answer_in_one_sentence=_share(one.answer_in_one for one in served),
        answer_in_two_sentences=in_two,
        two_sentences_over_top_5=in_two / in_top_5 if in_two is not None and in_top_5 else None,
        auroc_near=auroc(present, chances[Hiding.NEAR]),
        auroc_article=auroc(present, chances[Hiding.ARTICLE]),
        auroc_far=auroc(present, chances[Hiding.FAR]),
        threshold=threshold,
        answered=answered(present) or 0.0,
        answered_near=answered(chances[Hiding.NEAR]),
        answered_article=answered(chances[Hiding.ARTICLE]),
        answered_far=answered(chances[Hiding.FAR]),
    )


def _share(values: Iterable[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _entry(passage: Passage) -> Entry:
    return Entry(passage.id, passage.document_id, passage.corpus_id, tuple(terms(passage.indexed_text())))


@dataclass(frozen=True, slots=True)
class _Row:
    """One JSON object of a file, and where it stands, to say what is wrong with it."""

    file: str
    line: int
    fields: Mapping[str, object]

    def text(self, field: str, default: str | None = None) -> str:
        value = self.fields.get(field, default)
        if value is None:
            raise self.refused("missing_field", value=field)
        if not isinstance(value, str):
            raise self.refused("wrong_type", value=field)
        if not value.strip() and default is None:
            raise self.refused("missing_field", value=field)
        return value

    def new_id(self, known: Mapping[str, object]) -> str:
        key = self.text("id")
        if key in known:
            raise self.refused("duplicate_id", value=key)
        return key

    def known_id(self, known: Mapping[str, object]) -> str:
        key = self.text("id")
        if key not in known:
            raise self.refused("unknown_id", value=key)
        return key

    def answers(self) -> tuple[str, ...]:
        given = self.fields.get("answers")
        if not isinstance(given, list):
            raise self.refused("missing_field" if given is None else "wrong_type", value="answers")
        texts = [one.get("text") if isinstance(one, dict) else None for one in given]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise self.refused("wrong_type", value="answers")
        return tuple(dict.fromkeys(str(text) for text in texts))

    def refused(self, code: str, **params: str | int) -> BadDataset:
        return BadDataset(code, file=self.file, line=self.line, **params)


def _rows(path: Path) -> Iterator[_Row]:
    for number, line in _lines(path):
        try:
            fields = json.loads(line)
        except ValueError:
            raise BadDataset("not_json", file=path.name, line=number) from None
        if not isinstance(fields, dict):
            raise BadDataset("not_json", file=path.name, line=number)
        yield _Row(path.name, number, fields)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, numbered from 1."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise BadDataset("missing_file", file=path.name) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BadDataset("not_utf8", file=path.name, line=line) from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise BadDataset("empty_file", file=path.name)
    yield from lines


def _relevant(path: Path, queries: Mapping[str, str], corpus: Mapping[str, Passage]) -> dict[str, dict[int, int]]:
    relevant: dict[str, dict[int, int]] = {}
    (_, heading), *rows = _lines(path)
    if heading.split() != ["query-id", "corpus-id", "score"]:
        raise BadDataset("bad_heading", file=path.name, line=1)
    for number, line in rows:
        row = _Row(path.name, number, {})
        cells = line.rstrip("\r").split("\t")
        if len(cells) != 3:
            raise row.refused("wrong_type", value=line[:40])
        query, passage, grade = cells
        if query not in queries or passage not in corpus:
            raise row.refused("unknown_id", value=passage if query in queries else query)
        if not grade.strip().isdecimal() or int(grade) > HIGHEST_GRADE:
            raise row.refused("bad_score", value=grade)
        if int(grade):
            relevant.setdefault(query, {})[corpus[passage].id] = int(grade)
    if not relevant:
        raise BadDataset("empty_file", file=path.name)
    return relevant


HIGHEST_GRADE = 10


def _halved(passages: Iterable[Passage]) -> Iterator[Passage]:
    """The same passages, in corpus 1 or 2 so that documents of like subject are together: the sign of the second
    singular vector of documents by terms, cut at its median. All in corpus 1 when there are too few documents."""
    passages = list(passages)
    documents: dict[int, Counter[str]] = {}
    for passage in passages:
        documents.setdefault(passage.document_id, Counter()).update(terms(passage.indexed_text()))
    if len(documents) < 4:
        yield from passages
        return
    sides = _side_of_subjects(list(documents.values()))
    second = {document_id for document_id, side in zip(documents, sides, strict=True) if side}
    for passage in passages:
        yield replace(passage, corpus_id=2 if passage.document_id in second else 1)


def _side_of_subjects(documents: Sequence[Counter[str]]) -> list[bool]:
    """Power iteration on the sparse, length-normalised tf-idf; deterministic."""
    frequency = Counter(term for document in documents for term in document)
    columns = {term: column for column, term in enumerate(term for term, n in frequency.items() if n > 1)}
    cells = [
        (row, columns[term], (1 + math.log(count)) * math.log(len(documents) / frequency[term]))
        for row, document in enumerate(documents)
        for term, count in document.items()
        if term in columns
    ]
    row, column, value = (np.array(one) for one in zip(*cells, strict=True)) if cells else (np.zeros(0, int),) * 3
    norm = np.sqrt(np.bincount(row, value**2, len(documents)))
    value = value / np.maximum(norm, 1e-12)[row]

    def times(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        across = np.bincount(column, value * vector[row], len(columns)).astype(np.float64)
        return np.bincount(row, value * across[column], len(documents)).astype(np.float64)

    first = _leading(times, np.ones(len(documents)), [])
    second = _leading(times, np.cos(np.arange(len(documents), dtype=np.float64)), [first])
    return [bool(side) for side in second > np.median(second)]


def _leading(
    times: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    start: NDArray[np.float64],
    known: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    vector = start
    for _ in range(100):
        for other in known:
            vector = vector - (vector @ other) * other
        vector = times(vector)
        vector = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return vector
