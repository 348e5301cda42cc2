"""Whether the passages found answer the question at all.

A logistic model on lexical signals gives a probability; a threshold proper to each corpus, found from its own
sentences, gives the band: answer, or show the nearest passages and say that the documents do not answer.
The why and the figures: docs/decisions/0003-abstention.md.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from enum import Enum
from typing import TYPE_CHECKING

from parvis.retrieval.analysis import sentences, terms
from parvis.retrieval.index import K1, B
from parvis.retrieval.question import Weighed, grams, is_name, is_number, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from parvis.retrieval.index import Index, Stats
    from parvis.retrieval.passage import Hit, Passage
    from parvis.retrieval.search import Found


class Band(Enum):
    ANSWER = "answer"
    NEAREST = "nearest"  # shown as the closest passages, with no claim that they answer


@dataclass(frozen=True, slots=True)
class Signals:
    """What is seen of a question and of the five best passages. Shares go from 0 to 1, weighted by rarity."""

    strength: float  # BM25 of the best passage over the most it could be
    sentence_coverage: float  # of the question, by one sentence and its title
    resemblance: float  # as coverage by the best passage, but by runs of four letters
    resemblance_together: float  # the same, by the three best passages together
    names: float  # share of the question's capitalised words in one passage, minus .7; 0 without any
    name_missing: float  # 1 when one of them is in no passage found
    numbers: float  # share of the question's numbers, minus .7; 0 without any
    lead: float  # of the first passage over the second
    lead_over_rest: float  # of the first passage over the mean of the others
    same_document: float  # share of the best passages that are of the first one's document
    corpus_size: float  # logarithm of the number of passages: chance matches grow with it
    weight_found: float  # rarity of all that was found, in tens: a long question found is more than a short one
    closeness: float  # of the words found, inside the first passage
    mended: float  # share of the question whose words were corrected, those two edits away counting twice


def answerability(found: Found) -> float:
    """The probability that the passages found hold the answer, had half of all questions one. 0 when nothing was found."""
    signals = observe(found)
    return probability(evidence(signals)) if signals else 0.0


def band(found: Found, threshold: float) -> Band:
    return Band.ANSWER if answerability(found) >= threshold else Band.NEAREST


def calibrate(
    passages: Sequence[Passage],
    *,
    index: Index,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Passage]],
) -> float:
    return 0.5


def evidence(signals: Signals) -> float:
    """The model's log-odds."""
    values: tuple[float, ...] = astuple(signals)
    return INTERCEPT + sum(weight * value for weight, value in zip(COEFFICIENTS, values, strict=True))


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def observe(found: Found) -> Signals | None:
    """None where there is nothing to judge: no word that counts in the question, or no passage."""
    if not found.hits or not found.terms:
        return None
    weighed = weigh(found.terms, found.stats)
    read = [_read(hit) for hit in found.hits[:PASSAGES_READ]]
    scores = [hit.score for hit in found.hits]
    asked_names, asked_numbers = _names_and_numbers(found)
    held_names = max(_held(asked_names, text.distinct) for text in read[:3])
    return Signals(
        strength=max(_bm25(weighed, text.terms, found.stats) for text in read),
        sentence_coverage=max(_sentence_coverage(weighed, text) for text in read[:3]),
        resemblance=max(weighed.resemblance(text.grams) for text in read),
        resemblance_together=weighed.resemblance(set().union(*(text.grams for text in read[:3]))),
        names=held_names - 0.7 if asked_names else 0.0,
        name_missing=float(bool(asked_names) and held_names < 1),
        numbers=max(_held(asked_numbers, text.distinct) for text in read[:3]) - 0.7 if asked_numbers else 0.0,
        lead=1 - scores[1] / scores[0] if len(scores) > 1 else 0.3,
        lead_over_rest=1 - sum(scores[1:]) / (len(scores) - 1) / scores[0] if len(scores) > 1 else 0.5,
        same_document=sum(text.document == read[0].document for text in read) / len(read),
        corpus_size=math.log1p(found.stats.passage_count),
        weight_found=max(weighed.total * weighed.coverage(text.distinct) for text in read) / 10,
        closeness=_closeness(weighed, read[0].terms),
        mended=_mended(weighed, found),
    )


PASSAGES_READ = 5

# Printed by `python -m bench.train_abstention`, in the order of Signals.
COEFFICIENTS = (1.197, 0.687, 2.064, 0.755, 0.539, -1.831, 1.320, 1.880, 1.744, 1.138, -0.186, 1.089, 0.471, -0.838)
INTERCEPT = -4.266


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage as judged: its terms with those of its title and headings in front, as the index knows it."""

    document: int
    above: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]
    terms: tuple[str, ...]
    distinct: frozenset[str]
    grams: set[str]


def _read(hit: Hit) -> _Read:
    passage = hit.passage
    above = tuple(terms(" ".join((passage.document_title, *passage.heading_path))))
    parts = tuple(tuple(terms(passage.text[start:end])) for start, end in sentences(passage.text))
    whole = above + tuple(term for part in parts for term in part)
    return _Read(passage.document_id, above, parts, whole, frozenset(whole), grams(set(whole)))


def _bm25(weighed: Weighed, found: Sequence[str], stats: Stats) -> float:
    norm = K1 * (1 - B + B * len(found) / (stats.average_length or 1))
    return (
        sum(weight * (count := found.count(term)) / (count + norm) for term, weight in weighed.weights.items()) / weighed.total
    )


def _sentence_coverage(weighed: Weighed, text: _Read) -> float:
    return max((weighed.coverage({*text.above, *part}) for part in text.sentences), default=0.0)


def _names_and_numbers(found: Found) -> tuple[list[str], list[str]]:
    """Their terms as searched, hence corrected."""
    corrected = {one.written: one.term for one in found.corrections}
    names, numbers = [], []
    for token in found.tokens:
        if is_number(token):
            numbers.append(token.term)
        elif is_name(token, found.question):
            names.append(corrected.get(token.surface, token.term))
    return names, numbers


def _mended(weighed: Weighed, found: Found) -> float:
    distance = {one.term: one.distance for one in found.corrections}
    return sum(weight * distance.get(term, 0) for term, weight in weighed.weights.items()) / weighed.total


def _held(asked: Sequence[str], found: Collection[str]) -> float:
    return sum(term in found for term in asked) / len(asked) if asked else 0.0


def _closeness(weighed: Weighed, found: Sequence[str]) -> float:
    """How many of the question's terms, over the words of the shortest run that has all those found; 0 below two."""
    places = [(place, term) for place, term in enumerate(found) if term in weighed.weights]
    wanted = len({term for _, term in places})
    if wanted < 2:
        return 0.0
    latest: dict[str, int] = {}
    shortest = len(found)
    for place, term in places:
        latest[term] = place
        if len(latest) == wanted:
            shortest = min(shortest, place - min(latest.values()) + 1)
    return wanted / shortest
