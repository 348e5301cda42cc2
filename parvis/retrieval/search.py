"""Finds the passages that answer a question best, among those its asker may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np

from parvis.retrieval.analysis import Token, analyse, folded_and_terms
from parvis.retrieval.definition import defined_terms
from parvis.retrieval.framing import asked_tokens
from parvis.retrieval.index import Reading, Stats
from parvis.retrieval.passage import Hit, Passage
from parvis.retrieval.question import weigh
from parvis.retrieval.ranking import Asked, Features, Ranked, rank, relative
from parvis.retrieval.spelling import Correction, Vocabulary, correction, written_out
from parvis.retrieval.synonyms import names, other_names

CANDIDATES = 50
MORE_CANDIDATES = 150  # where a definition is asked: its words are often everywhere
LONGEST_QUESTION = 2_000  # characters; what follows is a pasted text, and adds nothing to what is looked for
MOST_TERMS = 40  # of a question, the rarest


class Embedder(Protocol):
    """Embeddings of the passages, where an endpoint is configured. `weight` is calibrated on that endpoint: 0 if it does
    not help."""

    weight: float

    def nearest(self, question: str, corpora: frozenset[int], k: int) -> Sequence[int]:
        """Passages of those corpora nearest to the question."""

    def similarities(self, question: str, passage_ids: Sequence[int]) -> Sequence[float]:
        """Cosine to each passage, 0 for one that has no embedding."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a question found. `question` has its shorthand written out, and `tokens` are its words; `terms` are its terms
    after correction, repetitions kept; `features` follow `hits`."""

    question: str
    tokens: tuple[Token, ...]
    terms: tuple[str, ...]
    corrections: tuple[Correction, ...]
    hits: tuple[Hit, ...]
    features: tuple[Features, ...]
    stats: Stats
    defined: tuple[str, ...] = ()  # terms of what the question wants defined, corrected


def search(
    question: str,
    *,
    index: Reading,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Passage]],
    limit: int = 10,
    embedder: Embedder | None = None,
) -> Found:
    """`fetch` gives passages by id, in any order, without those that no longer exist. Nothing outside `corpora` is
    looked at: not in the lists, not in the counts, not in the corrections."""
    question = _written_out(question[:LONGEST_QUESTION], index, corpora)
    found = _search(question, index, corpora, fetch, limit, embedder)
    for other in _asked_otherwise(question, index, corpora):
        again = _search(other, index, corpora, fetch, limit, embedder)
        if _fit(again) > _fit(found) + WORTH_RENAMING:
            found = again
    return found


def _search(
    question: str,
    index: Reading,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Passage]],
    limit: int,
    embedder: Embedder | None,
) -> Found:
    tokens = asked_tokens(question, analyse(question))
    terms, corrections, stats = _known_terms(tokens, index, corpora)
    defined = _defined(question, corrections)
    wanted = [passage_id for passage_id, _ in index.candidates(terms, corpora, MORE_CANDIDATES if defined else CANDIDATES)]
    if embedder is not None and embedder.weight > 0 and corpora:
        wanted = list(dict.fromkeys([*wanted, *embedder.nearest(question, corpora, CANDIDATES)]))
    passages = [passage for passage in fetch(wanted) if passage.corpus_id in corpora] if wanted else []
    ranked = rank(Asked(terms, _mended(question, corrections), defined), passages, stats)
    if embedder is not None and embedder.weight > 0:
        ranked = _fused(ranked, question, embedder)
    ranked = ranked[:limit]
    return Found(
        question=question,
        tokens=tokens,
        terms=terms,
        corrections=corrections,
        hits=tuple(Hit(one.passage, one.score) for one in ranked),
        features=tuple(one.features for one in ranked),
        stats=stats,
        defined=defined,
    )


def _asked_otherwise(question: str, index: Reading, corpora: frozenset[int]) -> list[str]:
    """With other names for what it asks about, be they misspelt, as far as the documents have them."""
    tokens = asked_tokens(question, analyse(question))
    stats = index.stats([token.term for token in tokens], corpora)
    others = other_names(question, [_as_in_a_name(token, stats) for token in tokens])
    if not others:
        return []
    stats = index.stats([term for _, needed in others for term in needed], corpora)
    return [other for other, needed in others if all(stats.document_frequency.get(term) for term in needed)]


def _as_in_a_name(token: Token, stats: Stats) -> Token:
    """A word that no passage has may be meant for one of a name, which is everybody's to know."""
    if stats.document_frequency.get(token.term) or not (found := correction(token, _names_vocabulary())):
        return token
    return replace(token, term=found.term) if found.distance == 1 else token


@lru_cache(maxsize=1)
def _names_vocabulary() -> Vocabulary:
    return Vocabulary.of(Counter(term for name in names() for term in name))


WORTH_RENAMING = 0.1


def _fit(found: Found) -> float:
    """How much of the question one of the first passages has; then, less, how many of its neighbouring words."""
    if not found.hits:
        return 0.0
    weighed = weigh(found.terms, found.stats)
    held = max(weighed.coverage(folded_and_terms(hit.passage.indexed_text())[1]) for hit in found.hits[:PASSAGES_FITTED])
    pairs = {first: found.stats.weight(first) + found.stats.weight(second) for first, second in pairwise(found.terms)}
    neighbours = max(features.pairs for features in found.features[:PASSAGES_FITTED])
    return held + 0.5 * neighbours / (sum(pairs.values()) or 1.0)


PASSAGES_FITTED = 3


def _written_out(question: str, index: Reading, corpora: frozenset[int]) -> str:
    tokens = analyse(question)
    stats = index.stats([token.term for token in tokens], corpora)
    unknown = [token for token in tokens if not stats.document_frequency.get(token.term)]
    if not unknown or not stats.passage_count:
        return question
    return written_out(question, unknown[:MOST_TERMS], _vocabulary(index, corpora))


def _known_terms(
    tokens: Sequence[Token], index: Reading, corpora: frozenset[int]
) -> tuple[tuple[str, ...], tuple[Correction, ...], Stats]:
    """The terms to look for, those no passage has mended where one is near."""
    stats = index.stats([token.term for token in tokens], corpora)
    unknown = {token.term: token for token in tokens if not stats.document_frequency.get(token.term)}
    mended: dict[str, Correction] = {}
    if unknown and stats.passage_count:
        vocabulary = _vocabulary(index, corpora)
        found = {term: correction(token, vocabulary) for term, token in list(unknown.items())[:MOST_TERMS]}
        mended = {term: one for term, one in found.items() if one is not None}
    terms = [mended[token.term].term if token.term in mended else token.term for token in tokens]
    if mended:
        stats = index.stats(terms, corpora)
    rarest = set(sorted(dict.fromkeys(terms), key=stats.weight, reverse=True)[:MOST_TERMS])
    return tuple(term for term in terms if term in rarest), tuple(mended.values()), stats


def _vocabulary(index: Reading, corpora: frozenset[int]) -> Vocabulary:
    def counts(terms: Collection[str]) -> Mapping[str, int]:
        return index.stats(list(terms), corpora).document_frequency if terms else {}

    return Vocabulary(index.words, counts)


def _defined(question: str, corrections: Sequence[Correction]) -> tuple[str, ...]:
    corrected = {term: one.term for one in corrections for term in folded_and_terms(one.written)[1]}
    return tuple(dict.fromkeys(corrected.get(term, term) for term in defined_terms(question)))


def _mended(question: str, corrections: Sequence[Correction]) -> str:
    """The question's folded words, those corrected replaced."""
    by_word = {folded_and_terms(one.written)[0]: one.term for one in corrections}
    return " ".join(by_word.get(word, word) for word in folded_and_terms(question)[0].split(" "))


def _fused(ranked: Sequence[Ranked], question: str, embedder: Embedder) -> list[Ranked]:
    """Scores added, each divided by its best: a fusion of ranks would let a weak model undo a good order."""
    similarities = np.array(embedder.similarities(question, [one.passage.id for one in ranked]), dtype=np.float64)
    lexical = relative(np.array([one.score for one in ranked]))
    scores = lexical + embedder.weight * relative(np.maximum(similarities, 0.0))
    fused = [
        replace(one, score=score, features=replace(one.features, similarity=similarity))
        for one, score, similarity in zip(ranked, scores.tolist(), similarities.tolist(), strict=True)
    ]
    return sorted(fused, key=lambda one: (-one.score, one.passage.id))
