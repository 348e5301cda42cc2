"""Mends the words of a question that no allowed passage has: shorthand written out, lost apostrophes put back, the others
replaced by the nearest term that one has.

Near words are looked for among those of all corpora, and then counted in those that the asker may read: only words found
there are proposed, chosen as if there were no others, so that a correction never tells what others hold. A word that is found
is left alone, so that a question without a mistake keeps its words; so is a word that only frames the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, takewhile
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from parvis.retrieval.analysis import Token, fold, terms
from parvis.retrieval.common_words import is_common
from parvis.retrieval.framing import is_framing

SHORTEST = 5  # letters; below, everything is near everything
SHORTEST_HEARD = 4
SHORTEST_FOR_TWO = 7
SHORTEST_FOR_FIRST = 7  # to mend its first letter, which is seldom wrong
SHORTEST_STEM = 4
LONGEST_BEGINNING = 4
SHORTEST_SOUNDED = 3  # what sounds exactly alike is stronger evidence than an edit
EFFORT_PER_LETTER = 0.17  # of a word that takes two edits


@dataclass(frozen=True, slots=True)
class Correction:
    """`written` is as in the question; `term` is as in the index."""

    written: str
    term: str
    distance: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be proposed. `words` gives the terms of all corpora that begin in one of several ways; `counts`, in how many
    passages of the allowed corpora some terms are, of those that are in any."""

    words: Callable[[Collection[str]], Sequence[str]]
    counts: Callable[[Collection[str]], Mapping[str, int]]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Vocabulary:
        return cls(
            lambda beginnings: [term for term in counts if term.startswith(tuple(beginnings))],
            lambda terms: {term: counts[term] for term in terms if term in counts},
        )


def written_out(question: str, unknown: Sequence[Token], vocabulary: Vocabulary) -> str:
    """The question with its shorthand in full ("cb" → "combien") and its lost apostrophes ("laide" → "l'aide"), among
    the words that no passage has."""
    for token in reversed(unknown):
        if whole := _in_full(fold(token.surface), vocabulary):
            question = question[: token.start] + whole + question[token.end :]
    return question


def correction(token: Token, vocabulary: Vocabulary) -> Correction | None:
    """A term that one slip or another ending of the word gives, else one edit, else another spelling of its sounds
    ("rétractassion"), else two edits where they take little effort. A good French word gives way to its own inflections
    only."""
    word = token.term
    surface = fold(token.surface)
    if not word.isalpha() or is_framing(word) or len(surface) < SHORTEST_HEARD:
        return None
    of_a_verb = len(surface) < SHORTEST and surface == word + "i"  # "juri" is not of "jurer", though it stems so
    if _is_good_french(surface) and not of_a_verb:
        return _inflection(token, vocabulary)
    listed = _Listed.of(vocabulary.words(_beginnings(word)))
    if len(surface) < SHORTEST:
        return _by_ear(token, _respelt(surface), listed, vocabulary)
    by_hand = vocabulary.counts(listed.given_by(_slips(surface)))
    if not by_hand and len(word) < SHORTEST:
        by_hand = vocabulary.counts(listed.given_by(_edits(surface)))
    if by_hand:
        return Correction(token.surface, min(by_hand, key=lambda term: (-by_hand[term], term)), 1)
    if term := _nearest(word, listed, vocabulary, 1):
        return Correction(token.surface, term, 1)
    if by_ear := _by_ear(token, _sounding_alike(surface), listed, vocabulary):
        return by_ear
    most_effort = 2.0 if token.surface[:1].isupper() else EFFORT_PER_LETTER * len(word)  # names are no words that one knows
    if len(word) >= SHORTEST_FOR_TWO and (term := _nearest(word, listed, vocabulary, 2, most_effort)):
        return Correction(token.surface, term, 2)
    return None


def _by_ear(token: Token, spellings: Iterable[str], listed: _Listed, vocabulary: Vocabulary) -> Correction | None:
    heard = vocabulary.counts(listed.given_by(spellings, SHORTEST_SOUNDED))
    if not heard:
        return None
    best = min(heard, key=lambda term: (abs(len(term) - len(token.term)), -heard[term], term))
    return Correction(token.surface, best, 1)


def _beginnings(word: str) -> list[str]:
    """Of the terms it may be mended into: its first letter; or, of a long word, that letter mended and the next ones right."""
    if len(word) < SHORTEST_FOR_FIRST:
        return [word[0]]
    mended = [word[1:], word[2:], word[1] + word[0] + word[2:]]
    mended += [letter + rest for letter in ascii_lowercase for rest in (word, word[1:])]
    return [word[0], *dict.fromkeys(one[:LONGEST_BEGINNING] for one in mended if one[0] != word[0])]


def _nearest(word: str, listed: _Listed, vocabulary: Vocabulary, most: int, most_effort: float = 1.0) -> str:
    """A term that begins alike, then the one of two edits that takes least effort, then the most frequent; "" if none is
    near."""
    if len(word) < SHORTEST:
        return ""
    near = [term for term in listed.alike(word, most) if distance(word, term, most) <= most]
    efforts = {term: effort(word, term) if most > 1 else 0.0 for term in near}
    likely = vocabulary.counts([term for term in near if efforts[term] <= most_effort])
    return min(likely, key=lambda term: (term[0] != word[0], efforts[term], -likely[term], term), default="")


def effort(first: str, second: str) -> float:
    """As `distance`, each edit weighing what it is worth as evidence: little for those that ears and hasty fingers make."""
    rows = [[0.0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(len(first) + 1):
        for j in range(len(second) + 1):
            steps = []
            if i:
                steps.append(rows[i - 1][j] + _extra(first, i - 1))
            if j:
                steps.append(rows[i][j - 1] + _extra(second, j - 1))
            if i and j:
                steps.append(rows[i - 1][j - 1] + _exchanged(first[i - 1], second[j - 1]))
            if i > 1 and j > 1 and first[i - 1] == second[j - 2] and first[i - 2] == second[j - 1]:
                steps.append(rows[i - 2][j - 2] + 0.5)
            rows[i][j] = min(steps, default=0.0)
    return rows[-1][-1]


def _extra(word: str, place: int) -> float:
    if place and word[place] == word[place - 1]:
        return 0.25
    return 0.6 if word[place] in "eh" else 1.0


def _exchanged(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return 0.6 if {one, other} <= set("aeiouy") or one + other in _CONFUSED or other + one in _CONFUSED else 1.0


_CONFUSED = frozenset("cs ck cq kq sz gj mn td bp fv".split())


def distance(first: str, second: str, most: int) -> int:
    """Edits between two words, a swap of neighbours counting as one (optimal string alignment); `most + 1` if more."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    before_that: list[int] = []
    before = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        row = [i]
        for j, other in enumerate(second, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                edits = min(edits, before_that[j - 2] + 1)
            row.append(edits)
        if min(row) > most:
            return most + 1
        before_that, before = before, row
    return min(before[-1], most + 1)


_SHORTHAND = {
    "ac": "avec",
    "auj": "aujourd'hui",
    "bcp": "beaucoup",
    "bjr": "bonjour",
    "cad": "c'est-à-dire",
    "cb": "combien",
    "cbien": "combien",
    "cest": "c'est",
    "cetait": "c'était",
    "cmt": "comment",
    "dc": "donc",
    "ds": "dans",
    "dun": "d'un",
    "dune": "d'une",
    "exam": "examen",
    "exams": "examens",
    "fo": "faut",
    "jai": "j'ai",
    "jaurai": "j'aurai",
    "jetais": "j'étais",
    "kan": "quand",
    "kand": "quand",
    "ke": "que",
    "kel": "quel",
    "kelle": "quelle",
    "kels": "quels",
    "ki": "qui",
    "koi": "quoi",
    "mm": "même",
    "ns": "nous",
    "nai": "n'ai",
    "nest": "n'est",
    "pb": "problème",
    "pcq": "parce que",
    "pdt": "pendant",
    "pk": "pourquoi",
    "pkoi": "pourquoi",
    "pq": "pourquoi",
    "pr": "pour",
    "prof": "professeur",
    "profs": "professeurs",
    "qd": "quand",
    "qnd": "quand",
    "qq": "quelque",
    "quest": "qu'est",
    "quil": "qu'il",
    "quils": "qu'ils",
    "quon": "qu'on",
    "rdv": "rendez-vous",
    "sest": "s'est",
    "slt": "salut",
    "tjrs": "toujours",
    "tps": "temps",
    "vs": "vous",
}
_ELISION_LOST = re.compile(r"(?P<elided>[lds])(?P<rest>[aeiouyh]\w{3,})")


def _in_full(word: str, vocabulary: Vocabulary) -> str:
    """ "" for a word that is not shorthand."""
    if word in _SHORTHAND:
        return _SHORTHAND[word]
    if match := _ELISION_LOST.fullmatch(word):
        rest = _SHORTHAND.get(match["rest"], match["rest"])
        return f"{match['elided']}'{rest}" if vocabulary.counts(terms(rest)) else ""
    return ""


# What French ears do not tell apart, each way from the most to the least usual spelling. Written from left to right only
# where the right is never a slip for the left.
_SOUNDS = (
    (re.compile("ssion|cion|sion|scion"), ("tion", "ssion", "sion")),
    (re.compile("tion"), ("ssion", "sion")),
    (re.compile("ay|ai|ei|ey"), ("ai", "ei", "e")),
    (re.compile("ph|f"), ("ph", "f")),
    (re.compile("eau|au|o"), ("o", "au", "eau")),
    (re.compile("[ae][nm]"), ("an", "en", "am", "em")),
    (re.compile("ain|ein|in|im|ym"), ("in", "ain", "ein", "im", "ym")),
    (re.compile("qu|ch|k|c(?=[aou])|q"), ("c", "qu", "ch", "k")),
    (re.compile("ss|sc|c(?=[eiy])|s"), ("s", "ss", "c", "sc")),
    (re.compile("z|s(?=[aeiouy])"), ("s", "z")),
    (re.compile("ge|j|g(?=[eiy])"), ("g", "j", "ge")),
    (re.compile("y|i"), ("i", "y")),
    (re.compile("th|t"), ("t", "th")),
    (re.compile("rh|r"), ("r", "rh")),
    (re.compile("e"), ("ai", "eu")),
    (re.compile("eu|oeu"), ("eu", "oeu")),
    (re.compile("n(?=[bmp])"), ("m",)),
    (re.compile("(?:er|ez|ee|es|et|e|s|t|d|x|)$"), ("", "e", "er", "et", "t")),
    (re.compile("([bcdfglmnprst])\\1"), ("\\1",)),
    (re.compile("(?<=[aeiouy])([cflmnprst])(?=[aeiouy])"), ("\\1\\1",)),
)
MOST_SOUNDED = 400


@lru_cache(maxsize=1_024)
def _sounding_alike(word: str) -> tuple[str, ...]:
    """The word with one of its sounds spelt otherwise, or two. Its first letter is kept, and its length nearly."""
    once = list(dict.fromkeys(_respelt(word)))
    twice = islice((other for one in once for other in _respelt(one)), MOST_SOUNDED)
    return tuple(other for other in dict.fromkeys(chain(once, twice)) if abs(len(other) - len(word)) <= 2)


def _respelt(word: str) -> Iterator[str]:
    for pattern, spellings in _SOUNDS:
        for match in pattern.finditer(word):
            for spelling in spellings if match.start() else ():
                written = match.expand(spelling) if "\\" in spelling else spelling
                other = word[: match.start()] + written + word[match.end() :]
                if other != word:
                    yield other


def _slips(word: str) -> Iterator[str]:
    """The word with two neighbours swapped, a letter doubled or no longer so, or another ending of its verb, which the
    stemmer does not always see: so that what is compared is words and not only stems. Its first letter is kept."""
    for place in range(1, len(word)):
        before, letter, after = word[:place], word[place], word[place + 1 :]
        if before[-1] == letter:
            yield before + after
        yield before + letter * 2 + after
        if after and after[0] != letter:
            yield before + after[0] + letter + after[1:]
    yield from _infinitives(word)


def _infinitives(word: str) -> Iterator[str]:
    for ending in ("ent", "ons", "ez", "es", "e", "s"):
        if len(word) >= SHORTEST + len(ending) and word.endswith(ending):
            yield word[: -len(ending)] + "er"


def _inflection(token: Token, vocabulary: Vocabulary) -> Correction | None:
    """The same word as its verb's endings leave it, where the stemmer sees two: "justifier", "justifiée"."""
    word = token.term
    if len(word) < SHORTEST:
        return None
    shared = {term: _shared(word, term) for term in _Listed.of(vocabulary.words([word[:SHORTEST]])).alike(word, 2)}
    alike = vocabulary.counts(
        [term for term, same in shared.items() if word[same:] in _REMAINDERS and term[same:] in _REMAINDERS]
    )
    if not alike:
        return None
    return Correction(token.surface, min(alike, key=lambda term: (-shared[term], -alike[term], term)), 1)


def _shared(first: str, second: str) -> int:
    """Letters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


_REMAINDERS = frozenset(["", *"e i u t r s er ir re is it iss ent ant".split()])


def _is_good_french(word: str) -> bool:
    """Of the list, or made from it as verbs make other words: "mangent", "détendeur"."""
    roots = (word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM)
    forms = (root + infinitive for root in roots for infinitive in ("er", "ir", "re"))
    return any(is_common(term) for form in chain([word], forms) for term in terms(form))


_ENDINGS = ("ent", "ons", "ez", "es", "e", "s", "ais", "ait", "aient", "ant", "eur", "eurs", "euse", "euses", "able", "ables")


def _edits(word: str) -> Iterator[str]:
    """The word with one letter lost, replaced or added after the first."""
    for place in range(1, len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:]
        for letter in ascii_lowercase:
            yield before + letter + after[1:]
            yield before + letter + after


@dataclass(frozen=True, slots=True)
class _Listed:
    """Terms of all corpora that may be what was meant. No outcome depends on one that is not counted afterwards."""

    terms: frozenset[str]
    beginnings: frozenset[str]

    @classmethod
    def of(cls, terms: Iterable[str]) -> _Listed:
        letters = frozenset(term for term in terms if term.isalpha())
        return cls(letters, frozenset(term[:LONGEST_BEGINNING] for term in letters))

    def given_by(self, words: Iterable[str], shortest: int = SHORTEST_STEM) -> set[str]:
        """What is nowhere by its first letters is not worth stemming; a stem that begins otherwise does not count."""
        return {
            term
            for word in words
            for beginning in (word[:LONGEST_BEGINNING], word[:SHORTEST_SOUNDED])
            if beginning in self.beginnings
            for term in terms(word)
            if term[:LONGEST_BEGINNING] == beginning and len(term) >= shortest and term in self.terms
        }

    def alike(self, word: str, most: int) -> list[str]:
        """Those that may be that near: about as long, with about the same letters; an edit changes two at most."""
        as_long = [term for term in self.terms if abs(len(term) - len(word)) <= most]
        letters = _letters([word, *as_long])
        near = np.bitwise_count(letters[1:] ^ letters[0]) <= 2 * most
        return [as_long[position] for position in np.flatnonzero(near).tolist()]


def _letters(terms: Sequence[str]) -> NDArray[np.uint32]:
    """The bits of a number: the letters' codes modulo 32, which tells a to z apart."""
    codes = np.array(terms, dtype=np.str_).view(np.uint32).reshape(len(terms), -1)
    bits = np.where(codes > 0, np.uint32(1) << (codes % np.uint32(32)), np.uint32(0))
    letters: NDArray[np.uint32] = np.bitwise_or.reduce(bits, axis=1)
    return letters
