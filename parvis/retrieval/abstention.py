"""Whether the passages found answer the question at all.

A logistic model on lexical signals gives a probability; a threshold proper to each corpus, found from its own
sentences, gives the band: answer, or show the nearest passages and say that the documents do not answer.
The why and the figures: docs/decisions/0003-abstention.md.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import astuple, dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from parvis.retrieval.analysis import analyse, fold, folded_and_terms, sentences, terms
from parvis.retrieval.extraction import defines
from parvis.retrieval.index import Stats
from parvis.retrieval.question import Weighed, defined_terms, is_name, is_number, weigh
from parvis.retrieval.search import search

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from parvis.retrieval.index import Index
    from parvis.retrieval.passage import Hit, Passage
    from parvis.retrieval.search import Found


class Band(Enum):
    ANSWER = "answer"
    NEAREST = "nearest"  # shown as the closest passages, with no claim that they answer


@dataclass(frozen=True, slots=True)
class Signals:
    """What is seen of a question and of the five best passages. Shares go from 0 to 1, weighted by rarity."""

    sentence_coverage: float  # of the question, by one sentence and its title
    resemblance: float  # of the words to those of one passage, by runs of four letters
    runs: float  # the ranking's score for runs, by letter of the question
    names: float  # share of the question's capitalised words in one passage, minus .7; 0 without any
    name_missing: float  # 1 when one of them is not in that passage
    numbers: float  # share of the question's numbers, minus .7; 0 without any
    unknown: float  # share that no passage of the corpora has
    lead: float  # of the first passage over the second
    lead_over_rest: float  # of the first passage over the mean of the others
    same_document: float  # share of the best passages that are of the first one's document
    corpus_size: float  # logarithm of the number of passages, by halves: chance matches grow with it
    weight_found: float  # rarity of all that was found, in tens: a long question found is more than a short one
    closeness: float  # of the words found, inside the first passage


def answerability(found: Found) -> float:
    """The probability that the passages found hold the answer, had half of all questions one. 0 when nothing was found."""
    signals = observe(found)
    return probability(evidence(signals) + DEFINED * _is_defined(found)) if signals else 0.0


def band(found: Found, threshold: float) -> Band:
    return Band.ANSWER if answerability(found) >= threshold else Band.NEAREST


def calibrate(
    passages: Sequence[Passage],
    *,
    index: Index,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Passage]],
) -> float:
    """The threshold proper to these corpora, of which `passages` are all or a sample.

    A few words of a sentence are asked, with the sentence's passage there, then hidden. Where the hidden ones still look
    answerable, passages resemble each other and the threshold goes up; where even those present look doubtful, words are
    worn and it goes down. The move is a share of what was seen, less with few passages, and bounded: the model was fitted
    on collections of 20 to 800 passages and mostly needs none.
    """
    present, hidden = pseudo_evidence(passages, index=index, corpora=corpora, fetch=fetch)
    if not present:
        return NEUTRAL_THRESHOLD
    move = SHARE_MOVED * (middle(present, hidden) - USUAL_MIDDLE) * len(present) / (len(present) + 10)
    return probability(NEUTRAL + max(-FARTHEST_MOVE, min(FARTHEST_MOVE, move)))


def pseudo_evidence(
    passages: Sequence[Passage],
    *,
    index: Index,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Passage]],
) -> tuple[list[float], list[float]]:
    """Log-odds of questions made from the passages' own sentences: with their passage, then without it."""
    present, hidden = [], []
    for passage in passages[:: max(1, math.ceil(len(passages) / PSEUDO_QUESTIONS))]:
        sentence = _drawn_sentence(passage)
        if sentence:
            found = search(_pseudo_question(sentence), index=index, corpora=corpora, fetch=fetch)
            present.append(_evidence_of(found))
            hidden.append(_evidence_of(_without(found, sentence)))
    return present, hidden


def middle(present: Sequence[float], hidden: Sequence[float]) -> float:
    """Between the lower quarter of those present and the upper quarter of those hidden."""
    return (sorted(present)[len(present) // 4] + sorted(hidden)[-1 - len(hidden) // 4]) / 2


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
    best = scores[0] or 1.0  # embeddings alone may have found them, all at 0
    asked_names, asked_numbers = _names_and_numbers(found)
    held_names = max(_held(asked_names, text.distinct) for text in read[:3])
    return Signals(
        sentence_coverage=max(_sentence_coverage(weighed, text) for text in read[:3]),
        resemblance=_resemblance(found, read),
        runs=max((one.runs for one in found.features), default=0.0) / len(found.question),
        names=held_names - 0.7 if asked_names else 0.0,
        name_missing=float(bool(asked_names) and held_names < 1),
        numbers=max(_held(asked_numbers, text.distinct) for text in read[:3]) - 0.7 if asked_numbers else 0.0,
        unknown=1 - weighed.coverage([term for term, number in found.stats.document_frequency.items() if number]),
        lead=1 - scores[1] / best if len(scores) > 1 else 0.3,
        lead_over_rest=1 - sum(scores[1:]) / (len(scores) - 1) / best if len(scores) > 1 else 0.5,
        same_document=sum(text.document == read[0].document for text in read) / len(read),
        corpus_size=round(2 * math.log1p(found.stats.passage_count)) / 2,
        weight_found=max(weighed.total * weighed.coverage(text.distinct) for text in read) / 10,
        closeness=_closeness(weighed, read[0].terms),
    )


PASSAGES_READ = 5
MENDED_SHARE = 0.75  # of a word that one edit brings to a word of the passage

# Printed by `python -m bench.train_abstention`, in the order of Signals.
COEFFICIENTS = (0.271, 4.267, 1.077, 0.332, -1.645, 0.841, -0.207, 2.521, 0.552, 1.144, -0.275, 0.821, 0.369)
INTERCEPT = -4.024
NEUTRAL = -0.44
NEUTRAL_THRESHOLD = probability(NEUTRAL)  # for corpora that were not calibrated
USUAL_MIDDLE = 1.42

# Log-odds for a definition asked and found; by hand, for the set fitted on asks hardly any.
DEFINED = 1.0

PSEUDO_QUESTIONS = 24
SHARE_MOVED = 0.3
FARTHEST_MOVE = 0.5
NOTHING_FOUND = -6.0  # log-odds


def _evidence_of(found: Found) -> float:
    signals = observe(found)
    return evidence(signals) if signals else NOTHING_FOUND


def _drawn_sentence(passage: Passage) -> str:
    """One of those that have something to ask about, always the same one."""
    told = [passage.text[start:end] for start, end in sentences(passage.text)]
    told = [sentence for sentence in told if len(terms(sentence)) >= 3]
    return told[_draw(passage.text) % len(told)] if told else ""


def _pseudo_question(sentence: str) -> str:
    """Three to six of its words that count, spread over it."""
    tokens = analyse(sentence)
    wanted = min(3 + _draw(sentence) % 4, len(tokens))
    return " ".join(tokens[place * len(tokens) // wanted].surface for place in range(wanted))


def _draw(text: str) -> int:
    return zlib.crc32(text.encode())


def _without(found: Found, sentence: str) -> Found:
    """What would have been found without the passages that hold that sentence, copies of it included."""
    asked = terms(sentence)
    kept, hidden = [], []
    for hit, features in zip(found.hits, found.features, strict=True):
        held = terms(hit.passage.indexed_text())
        if set(asked) <= set(held) and " ".join(asked) in " ".join(held):
            hidden.append(set(held))
        else:
            kept.append((hit, features))
    stats = found.stats
    frequency = {term: number - sum(term in held for held in hidden) for term, number in stats.document_frequency.items()}
    return replace(
        found,
        hits=tuple(hit for hit, _ in kept),
        features=tuple(features for _, features in kept),
        stats=Stats(stats.passage_count - len(hidden), stats.average_length, frequency),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage as judged: its terms with those of its title and headings in front, as the index knows it."""

    document: int
    above: frozenset[str]
    sentences: tuple[tuple[str, ...], ...]
    terms: tuple[str, ...]
    distinct: frozenset[str]
    words: frozenset[str]


def _read(hit: Hit) -> _Read:
    passage = hit.passage
    folded, found = folded_and_terms(passage.indexed_text())
    parts = tuple(tuple(terms(passage.text[start:end])) for start, end in sentences(passage.text))
    above = frozenset(terms(" ".join((passage.document_title, *passage.heading_path))))
    return _Read(passage.document_id, above, parts, tuple(found), frozenset(found), frozenset(folded.split(" ")))


def _resemblance(found: Found, read: Sequence[_Read]) -> float:
    """By the words as written; a word corrected counts for what it was corrected to, but less at each edit."""
    corrected = {one.written: one for one in found.corrections}
    weighed = weigh(found.terms, found.stats)
    best = 0.0
    for text in read:
        runs = frozenset(run for word in text.words for run in runs_of(word))
        held = 0.0
        for surface, term in {token.surface: token.term for token in found.tokens}.items():
            share = _held(runs_of(fold(surface)), runs)
            if one := corrected.get(surface):
                term = one.term
                share = max(share, (one.term in text.distinct) * MENDED_SHARE**one.distance)
            held += weighed.weights.get(term, 0.0) * share
        best = max(best, held)
    return min(1.0, best / weighed.total)


@lru_cache(maxsize=1 << 15)
def runs_of(word: str) -> tuple[str, ...]:
    """Runs of four characters, a space marking both ends."""
    marked = f" {word} "
    return tuple(marked[i : i + 4] for i in range(max(1, len(marked) - 3)))


def _sentence_coverage(weighed: Weighed, text: _Read) -> float:
    return max((weighed.coverage(text.above.union(part)) for part in text.sentences), default=0.0)


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


def _is_defined(found: Found) -> bool:
    wanted = defined_terms(found.question)
    texts = (hit.passage.text for hit in found.hits[:PASSAGES_READ]) if wanted else ()
    return any(defines(text[start:end], wanted) for text in texts for start, end in sentences(text))


def _held(asked: Sequence[str], found: Collection[str]) -> float:
    return sum(one in found for one in asked) / len(asked) if asked else 0.0


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
