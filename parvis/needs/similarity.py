"""Close needs as one types: candidates by shared keys, then words and runs of characters compared, then facets.

No text alone says that two needs are the same (the best automatic merge is wrong one time in four): this proposes, people
decide. Every confirmed verbatim of a need is a text of its group, and a group is as close as its closest text: each
agreement makes the next suggestion better.

A word counts by its stem and, as much, by its family, the first letters of the stem: "traduire" and "traduction" have one
family and two stems. Runs of characters see compounds and misspellings. How rare a word is comes from the index, over the
texts one may read; how rare a run is, from the candidates themselves, so no model of characters is kept anywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from heapq import nlargest
from itertools import accumulate, chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.analysis import analyse, fold, folded_and_terms
from parvis.retrieval.analysis import terms as terms_of
from parvis.retrieval.index import Reading, Stats

CANDIDATES = 50
FEW = 500  # texts: all are compared, those that share no key too
MOST_READ = 60_000  # entries of the index read for one draft, the rarest keys first; all of them for most drafts
LONGEST_DRAFT = 4_000  # characters compared; what follows is a pasted document


@dataclass(frozen=True, slots=True)
class Facets:
    """What the author picked, "" where nothing."""

    domain: str = ""
    public: str = ""
    activity: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    title: str = ""
    text: str = ""
    facets: Facets = Facets()


@dataclass(frozen=True, slots=True)
class Known:
    """A text one may be close to. `group` is the harmonised need it is a confirmed verbatim of, or the need itself."""

    key: int
    group: int
    title: str = ""
    text: str = ""
    facets: Facets = Facets()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a score is made of: two cosines, what equal facets add, the cosine of the embeddings where there is one."""

    words: float
    characters: float
    facets: float
    meaning: float | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """A group and its closest text. `shared_terms` are words as written in the draft and in that text, the rarest first."""

    key: int
    group: int
    score: float
    shared_terms: tuple[str, ...]
    parts: Parts


def close_needs(
    draft: Draft,
    *,
    index: Reading,
    corpora: frozenset[int],
    fetch: Callable[[Sequence[int]], Sequence[Known]],
    limit: int = 5,
    never: Collection[int] = (),
    meaning: Mapping[int, float] | None = None,
) -> list[Close]:
    """The groups closest to `draft`, best first. The index holds `keys(...)` of each text, its passage id the text's key;
    `fetch` gives texts by key. `never` are the groups someone judged different; `meaning` are cosines of embeddings by key,
    and the nearest by it are candidates too."""
    asked = keys(draft.title, draft.text[:LONGEST_DRAFT], draft.facets)
    rarity = index.stats([key for key in asked if key != _EVERY], corpora)
    few = rarity.passage_count <= FEW
    sought, most = (asked, FEW) if few else (_affordable(asked, rarity), CANDIDATES + len(never))
    wanted = [key for key, _ in index.candidates(sought, corpora, most)]
    nearest = nlargest(CANDIDATES, meaning, key=lambda key: (meaning[key], -key)) if meaning else []
    known = fetch(list(dict.fromkeys([*wanted, *nearest])))
    return rescore(draft, known, rarity, limit=limit, never=never, meaning=meaning)


def standing_out(meaning: Mapping[int, float]) -> set[int]:
    """The texts nearer than chance brings one among as many: near enough to be proposed though they share no word. Each
    model of embeddings has its own idea of far, so this one is measured against its other cosines."""
    if not meaning:
        return set()
    cosines = np.fromiter(meaning.values(), dtype=np.float64)
    # The greatest of n draws of a normal law is about √(2 ln n) deviations above its mean.
    least = cosines.mean() + math.sqrt(2 * math.log(len(cosines))) * cosines.std()
    return {key for key, cosine in meaning.items() if cosine > least}


def keys(title: str, text: str, facets: Facets) -> tuple[str, ...]:
    """Under what a text is found in the index: stems, families, its domain, and one key that every text has."""
    domain = [_DOMAIN + _plain(facets.domain)] if facets.domain else []
    return (*_read(_joined(title, text)).words, *domain, _EVERY)


def rescore(
    draft: Draft,
    candidates: Sequence[Known],
    rarity: Stats,
    *,
    limit: int = 5,
    never: Collection[int] = (),
    meaning: Mapping[int, float] | None = None,
) -> list[Close]:
    """`candidates` as groups, closest first, equal scores by key. `rarity` counts the texts that have each word key of the
    draft. With `meaning`, both measures are brought to one scale over the candidates and averaged."""
    known = [one for one in candidates if one.group not in never]
    if not known:
        return []
    asked = _read(_joined(draft.title, draft.text[:LONGEST_DRAFT]))
    read = [_read_known(one) for one in known]
    words = _word_cosines(asked, read, rarity)
    characters = _character_cosines(asked, read)
    facets = np.array([_agreement(draft.facets, one.facets) for one in known])
    text = (words + characters) / 2
    scores = text + facets if meaning is None else _fused(text, _of(known, meaning)) + facets
    best: dict[int, int] = {}
    for place in sorted(range(len(known)), key=lambda place: (-scores[place], known[place].key)):
        if text[place] > 0 or facets[place] > 0 or meaning:
            best.setdefault(known[place].group, place)
    return [
        Close(
            key=known[place].key,
            group=group,
            score=float(scores[place]),
            shared_terms=_shared(draft, known[place], rarity),
            parts=Parts(
                float(words[place]),
                float(characters[place]),
                float(facets[place]),
                None if meaning is None else meaning.get(known[place].key, 0.0),
            ),
        )
        for group, place in list(best.items())[:limit]
    ]


def similarities(texts: Sequence[Known]) -> NDArray[np.float64]:
    """How close each text is to each other one, by words and characters (0–1), the texts being the whole collection."""
    read = [_read_known(one) for one in texts]
    vocabulary: dict[str, int] = {}
    words = np.array([vocabulary.setdefault(word, len(vocabulary)) for one in read for word in one.words], dtype=np.intp)
    owner = np.repeat(np.arange(len(texts)), [len(one.words) for one in read])
    runs, runs_owner, counts = _every_run(read)
    by_runs = _cosines(np.unique(runs, return_inverse=True)[1], runs_owner, counts, len(texts))
    close: NDArray[np.float64] = (_cosines(words, owner, np.ones(len(words)), len(texts)) + by_runs) / 2
    return close


def word_surfaces(known: Known) -> dict[str, str]:
    """Each word of a text that counts, by stem or, where it has one, by family, as first written."""
    return {word: surface for word, surface in _surfaces(known.title, known.text).items() if _word_keys(word)[-1] == word}


# What is tuned: `python -m bench.needs --tune` chooses them on themes other than those it then measures.
FAMILY = 5  # letters
SHORTEST_RUN, LONGEST_RUN = 3, 4
DOMAIN_BOOST = 0.3
OTHER_BOOST = 0.03  # each of public, activity and data; not measured: small on purpose

LEAST_SPREAD = 0.05

_EVERY = "0"
_FAMILY = "1"  # no stem starts with it: a word in figures has no family
_DOMAIN = "2"
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Read:
    """`words` are stems and families, once each; `runs` are numbers of runs of characters, sorted, and what each counts."""

    words: tuple[str, ...]
    runs: NDArray[np.uint32]
    counts: NDArray[np.float64]


def _read_known(known: Known) -> _Read:
    return _read(_joined(known.title, known.text[:LONGEST_DRAFT]))


def _affordable(asked: Sequence[str], rarity: Stats) -> list[str]:
    counts = rarity.document_frequency
    rarest = sorted((key for key in asked if counts.get(key)), key=lambda key: (counts[key], key))
    read = accumulate(counts[key] for key in rarest)
    return [key for key, total in zip(rarest, read, strict=True) if total <= MOST_READ] or rarest[:1]


def _joined(title: str, text: str) -> str:
    return f"{title}\n{text}"


@lru_cache(maxsize=8192)  # some 2 kB each: the same needs come back at each key stroke
def _read(text: str) -> _Read:
    folded, terms = folded_and_terms(text)
    runs = np.frombuffer(b"".join(map(_runs, folded.split(" "))), dtype=np.uint32)
    runs, counts = _counted(np.sort(runs))
    return _Read(tuple(dict.fromkeys(chain.from_iterable(map(_word_keys, terms)))), runs, 1 + np.log(counts))


@lru_cache(maxsize=1 << 16)
def _word_keys(term: str) -> tuple[str, ...]:
    return (term, _FAMILY + term[:FAMILY]) if term.isalpha() else (term,)


@lru_cache(maxsize=1 << 16)
def _runs(folded: str) -> bytes:
    """The runs of characters of a word that counts, and of the space at each end of it, as numbers of 32 bits."""
    if not terms_of(folded):
        return b""
    spaced = f" {folded} "
    lengths = range(SHORTEST_RUN, LONGEST_RUN + 1)
    runs = (spaced[start : start + length] for length in lengths for start in range(len(spaced) - length + 1))
    return np.array([crc32(run.encode()) for run in runs], dtype=np.uint32).tobytes()


def _counted(sorted_runs: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """As `np.unique`, in a third of the time on so few."""
    first = np.flatnonzero(np.append(True, sorted_runs[1:] != sorted_runs[:-1])[: len(sorted_runs)])
    return sorted_runs[first], np.diff(np.append(first, len(sorted_runs)))


def _plain(value: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", fold(value))


def _weight(rarity: Stats, word: str) -> float:
    """As an index weighs a term, but a word that no text has yet is the rarest, not nothing."""
    frequency = rarity.document_frequency.get(word, 0)
    return math.log1p(max(rarity.passage_count - frequency + 0.5, 0.5) / (frequency + 0.5))


def _word_cosines(asked: _Read, known: Sequence[_Read], rarity: Stats) -> NDArray[np.float64]:
    """A word that only the known text has counts as a mean word of the draft: its own rarity would be one more look-up in
    the index for each word of each candidate, and changes nothing that was measured."""
    weights = {word: _weight(rarity, word) ** 2 for word in asked.words}
    own = sum(weights.values())
    mean = own / max(len(weights), 1)
    cosines = []
    for one in known:
        common = [weights[word] for word in one.words if word in weights]
        norm = sum(common) + mean * (len(one.words) - len(common))
        cosines.append(sum(common) / math.sqrt(own * norm) if common else 0.0)
    return np.array(cosines)


def _character_cosines(asked: _Read, known: Sequence[_Read]) -> NDArray[np.float64]:
    ids, owner, counts = _every_run([asked, *known])
    _, column, frequency = np.unique(ids, return_inverse=True, return_counts=True)
    values = counts * _rarities(frequency, len(known) + 1)[column]
    wanted = np.zeros(len(frequency))
    wanted[column[: len(asked.runs)]] = values[: len(asked.runs)]
    common = np.bincount(owner, values * wanted[column], minlength=len(known) + 1)
    norms = np.sqrt(np.bincount(owner, values * values, minlength=len(known) + 1))
    cosines: NDArray[np.float64] = common[1:] / np.maximum(norms[1:] * norms[0], 1e-12)
    return cosines


def _every_run(read: Sequence[_Read]) -> tuple[NDArray[np.uint32], NDArray[np.intp], NDArray[np.float64]]:
    owner = np.repeat(np.arange(len(read)), [len(one.runs) for one in read])
    return np.concatenate([one.runs for one in read]), owner, np.concatenate([one.counts for one in read])


def _rarities(frequency: NDArray[np.intp], texts: int) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.log1p((texts - frequency + 0.5) / (frequency + 0.5))
    return weights


def _cosines(
    columns: NDArray[np.intp], owner: NDArray[np.intp], counts: NDArray[np.float64], texts: int
) -> NDArray[np.float64]:
    from scipy.sparse import csr_array

    frequency = np.bincount(columns, minlength=1)
    values = counts * _rarities(frequency, texts)[columns]
    norms = np.sqrt(np.bincount(owner, values * values, minlength=texts))
    rows = csr_array((values / np.maximum(norms, 1e-12)[owner], (owner, columns)), shape=(texts, len(frequency)))
    cosines: NDArray[np.float64] = (rows @ rows.T).toarray()
    return cosines


def _agreement(draft: Facets, known: Facets) -> float:
    """What facets picked alike add: never more than DOMAIN_BOOST + 3 × OTHER_BOOST; a facet left empty adds nothing."""
    boosts = {"domain": DOMAIN_BOOST}
    return sum(
        boosts.get(field.name, OTHER_BOOST)
        for field in fields(Facets)
        if getattr(draft, field.name) and getattr(draft, field.name) == getattr(known, field.name)
    )


def _of(known: Sequence[Known], meaning: Mapping[int, float]) -> NDArray[np.float64]:
    return np.array([meaning.get(one.key, 0.0) for one in known])


def _fused(text: NDArray[np.float64], meaning: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of both, each as deviations over the candidates, then on the scale of the first: facets keep their worth.
    Texts hardly told apart by their words are not told apart more for it."""
    spread = max(float(text.std()), LEAST_SPREAD)
    other = (meaning - meaning.mean()) / (meaning.std() or 1.0)
    fused: NDArray[np.float64] = (text + text.mean() + spread * other) / 2
    return fused


def _shared(draft: Draft, known: Known, rarity: Stats) -> tuple[str, ...]:
    here, there = _surfaces(draft.title, draft.text), _surfaces(known.title, known.text)
    common = sorted(here.keys() & there.keys(), key=lambda word: (-_weight(rarity, word), word))
    return tuple(dict.fromkeys(surface for word in common for surface in (here[word], there[word])))


def _surfaces(title: str, text: str) -> dict[str, str]:
    """Each word key as first written, in small letters unless it is an acronym."""
    surfaces: dict[str, str] = {}
    for token in analyse(_joined(title, text[:LONGEST_DRAFT])):
        acronym = token.surface[1:] != token.surface[1:].lower()
        for word in _word_keys(token.term):
            surfaces.setdefault(word, token.surface if acronym else token.surface.lower())
    return surfaces
