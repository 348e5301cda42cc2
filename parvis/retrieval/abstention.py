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
from parvis.retrieval.extraction import defines, is_of_kind, kind_told, role_told
from parvis.retrieval.index import Stats
from parvis.retrieval.question import Expected, Weighed, expected, is_name, is_number, measured, wanted_person, weigh
from parvis.retrieval.search import search

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from parvis.retrieval.index import Reading
    from parvis.retrieval.passage import Passage
    from parvis.retrieval.search import Found


class Band(Enum):
    ANSWER = "answer"
    NEAREST = "nearest"  # shown as the closest passages, with no claim that they answer


@dataclass(frozen=True, slots=True)
class Signals:
    """What is seen of a question and of the best passages. Shares go from 0 to 1, weighted by rarity; rarity is in tens."""

    resemblance: float  # of the question's words to one passage, by runs of four letters
    sentence_coverage: float  # of the question, by one sentence and its document's title
    lead: float  # of the first passage over the second
    runs: float  # logarithm of the ranking's best score for runs
    phrase: float  # the most words of the question in a row that a passage has in a row, over all its words
    name_missing: float  # 1 when one of the question's capitalised words is not in the passages
    numbers: float  # share of the question's numbers in one passage, minus .7; 0 without any
    latest_word: float  # share of the question's last word that the most resembling passage has: often what is asked
    title_weight: float  # rarity of the question's words in the first document's title: all its passages have them
    title_asked: float  # share of that title's words that the question has
    weight_found: float  # rarity of all that one passage has: a long question found is more than a short one
    wrong_kind: float  # 1 when a number, a date or a name is asked and that sentence has none
    same_document: float  # share of the scores, squared, that are of the first passage's document; at most .6


def answerability(found: Found) -> float:
    """The probability that the passages found hold the answer, had half of all questions one. 0 when nothing was found."""
    signals = observe(found)
    return probability(evidence(signals) + DEFINED * _is_defined(found) + _told_as_asked(found)) if signals else 0.0


def band(found: Found, threshold: float) -> Band:
    return Band.ANSWER if answerability(found) >= threshold else Band.NEAREST


def calibrate(
    passages: Sequence[Passage],
    *,
    index: Reading,
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
    index: Reading,
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
    words = _asked_words(found, weighed)
    texts = [_text(hit.passage.indexed_text()) for hit in found.hits[:PASSAGES_READ]]
    nearest = texts[:CLOSELY_READ]
    title = frozenset(terms(found.hits[0].passage.document_title))
    resemblance, most_alike = max(((_resemblance(words, text), text) for text in texts), key=lambda pair: pair[0])
    coverage, sentence = _best_sentence(found, weighed)
    names, numbers = _names_and_numbers(found)
    return Signals(
        resemblance=resemblance,
        sentence_coverage=coverage,
        lead=_lead(found),
        runs=math.log1p(max((one.runs for one in found.features), default=0.0)),
        phrase=_longest_phrase(found.question, nearest),
        name_missing=float(max(_held(names, text.terms) for text in nearest) < 1) if names else 0.0,
        numbers=max(_held(numbers, text.terms) for text in nearest) - 0.7 if numbers else 0.0,
        latest_word=words[-1].share_in(most_alike),
        title_weight=weighed.total * weighed.coverage(title) / 10,
        title_asked=_held(title, weighed.weights),
        weight_found=max(weighed.total * weighed.coverage(text.terms) for text in texts) / 10,
        wrong_kind=float(_is_wrong_kind(sentence, found.question)),
        same_document=_share_of_first_document(found),
    )


PASSAGES_READ = 5
CLOSELY_READ = 3  # of them
MENDED_SHARE = 0.75  # of a word that one edit brings to a word of the passage
MOST_OF_ONE_DOCUMENT = 0.6  # a course may be one document only, which tells nothing

# Printed by `python -m bench.train_abstention`, in the order of Signals.
COEFFICIENTS = (2.502, 1.250, 1.859, 0.413, 1.288, -1.777, 0.686, 0.621, -1.930, 0.725, 0.674, -0.386, 3.467)
INTERCEPT = -6.950
NEUTRAL = -0.62
NEUTRAL_THRESHOLD = probability(NEUTRAL)  # for corpora that were not calibrated
USUAL_MIDDLE = 0.77

# Log-odds for a definition asked and found; by hand, for the set fitted on asks hardly any.
DEFINED = 1.0

# Log-odds for the holder of a function named or not, for the date, the price, the time asked told of what is asked, or no
# such amount told at all; by hand too, and checked on the half tuned on.
SOMEBODY_NAMED, NOBODY_NAMED, NOT_MENTIONED = 0.6, -1.4, -2.5
KIND_TOLD, KIND_BASE, NO_AMOUNT = 2.0, -0.7, -1.0

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
class _Text:
    """What words are looked for in: itself folded, its terms as the index knows them, and its runs of four letters."""

    folded: str
    terms: frozenset[str]
    runs: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the question as written; `mended` is what the term it was corrected to counts for, 0 if it was not."""

    term: str
    runs: tuple[str, ...]
    weight: float
    mended: float

    def share_in(self, text: _Text) -> float:
        return max(_held(self.runs, text.runs), self.mended * (self.term in text.terms))


def _asked_words(found: Found, weighed: Weighed) -> list[_Word]:
    corrected = {one.written: one for one in found.corrections}
    words: dict[str, _Word] = {}
    for token in found.tokens:
        one = corrected.get(token.surface)
        term, mended = (one.term, MENDED_SHARE**one.distance) if one else (token.term, 0.0)
        if term in weighed.weights:
            words.setdefault(term, _Word(term, runs_of(fold(token.surface)), weighed.weights[term], mended))
    return list(words.values())


def _text(text: str) -> _Text:
    folded, found = folded_and_terms(text)
    return _Text(folded, frozenset(found), frozenset().union(*map(runs_of, folded.split(" "))))


def _resemblance(words: Sequence[_Word], text: _Text) -> float:
    return sum(word.weight * word.share_in(text) for word in words) / (sum(word.weight for word in words) or 1.0)


@lru_cache(maxsize=1 << 15)
def runs_of(word: str) -> tuple[str, ...]:
    """Runs of four characters, a space marking both ends."""
    marked = f" {word} "
    return tuple(marked[i : i + 4] for i in range(max(1, len(marked) - 3)))


def _best_sentence(found: Found, weighed: Weighed) -> tuple[float, str]:
    """The share of the question that it covers, with its document's title, and the sentence."""
    best = (0.0, "")
    for hit in found.hits[:CLOSELY_READ]:
        passage = hit.passage
        title = terms(passage.document_title)
        for start, end in sentences(passage.text):
            sentence = passage.text[start:end]
            coverage = weighed.coverage({*title, *terms(sentence)})
            if coverage > best[0]:
                best = (coverage, sentence)
    return best


def _lead(found: Found) -> float:
    """Of the first passage over the second, from 0 to 1."""
    scores = [hit.score for hit in found.hits]
    return 1 - scores[1] / (scores[0] or 1.0) if len(scores) > 1 else 0.3  # embeddings alone may have found them, all at 0


def _share_of_first_document(found: Found) -> float:
    squares = [hit.score**2 for hit in found.hits]
    first = found.hits[0].passage.document_id
    own = sum(square for square, hit in zip(squares, found.hits, strict=True) if hit.passage.document_id == first)
    return min(MOST_OF_ONE_DOCUMENT, own / (sum(squares) or 1.0))


def _longest_phrase(question: str, texts: Sequence[_Text]) -> float:
    words = folded_and_terms(question)[0].split(" ")
    most = 0
    for text in texts:
        told = f" {text.folded} "
        for start in range(len(words)):
            while start + most < len(words) and f" {' '.join(words[start : start + most + 1])} " in told:
                most += 1
    return most / len(words)


def _is_wrong_kind(sentence: str, question: str) -> bool:
    kind = expected(question)
    return kind in (Expected.NUMBER, Expected.DATE, Expected.NAME) and not is_of_kind(sentence, kind, question)


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
    texts = (hit.passage.text for hit in found.hits[:PASSAGES_READ]) if found.defined else ()
    return any(defines(text[start:end], found.defined) for text in texts for start, end in sentences(text))


def _told_as_asked(found: Found) -> float:
    """Where the question says what an answer looks like: a name, a price, a time."""
    if role := wanted_person(found.question):
        share, is_named = role_told(found, role)
        return SOMEBODY_NAMED if is_named else NOBODY_NAMED + NOT_MENTIONED * (1 - share)
    kind = expected(found.question)
    is_measured = kind is Expected.NUMBER and measured(found.question) is not None
    if kind is not Expected.DATE and not is_measured:
        return 0.0
    told = kind_told(found, kind)
    return max(0.0, KIND_TOLD * told + KIND_BASE) if told or not is_measured else NO_AMOUNT


def _held(asked: Collection[str], found: Collection[str]) -> float:
    return sum(one in found for one in asked) / len(asked) if asked else 0.0
