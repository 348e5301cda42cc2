"""The people of a directory, recognised in a text in one pass whatever the case, accents, hyphens and order of their names.

A family name counts with a first name or initials of somebody who bears it, in either order; after a title or a label; or
alone, with a capital, when it is no common word. One that is a common word (or somebody's first name) counts alone only
where the same request has named its bearer otherwise, and so does a first name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from parvis.inference.pseudonyms.common_words import COMMON
from parvis.inference.pseudonyms.spans import NAME, TERM, Span
from parvis.inference.pseudonyms.words import WORD, fold

FIRST_NAMES_READ = 4  # on each side of a family name


@dataclass(frozen=True, slots=True)
class Directory:
    """`bearers`: for each family name, the first names of those who bear it. `heads`: how many words the
    family names that begin with a word have, most first."""

    bearers: dict[tuple[str, ...], frozenset[str]] = field(repr=False)
    heads: dict[str, tuple[int, ...]] = field(repr=False)
    first_names: frozenset[str] = field(repr=False)
    terms: dict[str, tuple[tuple[str, ...], ...]] = field(repr=False)
    people: int = 0

    @property
    def words(self) -> set[str]:
        return self.heads.keys() | self.first_names | self.terms.keys()

    def is_common(self, family: Sequence[str]) -> bool:
        return len(family) == 1 and (len(family[0]) < 3 or family[0] in COMMON or family[0] in self.first_names)


@dataclass(slots=True)
class Named:
    """Whom a request has named so that no doubt is left."""

    families: set[tuple[str, ...]] = field(default_factory=set, repr=False)
    first_names: set[str] = field(default_factory=set, repr=False)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A common word that is somebody's name, should that person be named elsewhere."""

    span: Span
    family: tuple[str, ...] = ()
    first_name: str = ""


def directory(people: Iterable[str], terms: Iterable[str] = ()) -> Directory:
    """From names as they are shown: "Camille Renaud", "RENAUD Camille", "Jean-Marc de La Tour", "Renaud, Camille"."""
    bearers: dict[tuple[str, ...], set[str]] = {}
    everybody: set[str] = set()
    count = 0
    for person in people:
        count += 1
        for first_names, family in _readings(person):
            bearers.setdefault(family, set()).update(first_names)
            everybody.update(first_names)
    return Directory(
        {family: frozenset(first) for family, first in bearers.items()},
        _lengths(bearers),
        frozenset(everybody),
        _by_first_word(tuple(fold(word[0]) for word in _TERM_WORD.finditer(term)) for term in terms),
        count,
    )


def _lengths(families: Iterable[tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    heads: dict[str, set[int]] = {}
    for family in families:
        heads.setdefault(family[0], set()).add(len(family))
    return {head: tuple(sorted(lengths, reverse=True)) for head, lengths in heads.items()}


def _by_first_word(terms: Iterable[tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    heads: dict[str, set[tuple[str, ...]]] = {}
    for term in terms:
        if term:
            heads.setdefault(term[0], set()).add(term)
    return {head: tuple(sorted(them, key=len, reverse=True)) for head, them in heads.items()}


def _readings(person: str) -> list[tuple[list[str], tuple[str, ...]]]:
    """The ways to tell first names from family name. Capitals or a comma say it; else the first word is a first name, the
    rest the family name, and its last words one too, because several first names may come before."""
    person = re.sub(r"\(.*?\)", " ", person)
    before, comma, after = person.partition(",")
    if comma and after.strip():
        return [(_folded(after), tuple(_folded(before)))] if _folded(before) else []
    parts = [part for part in person.split() if fold(part) not in TITLES]
    capitals = [part for part in parts if part.isupper() and sum(map(str.isalpha, part)) > 1]
    if capitals and len(capitals) < len(parts):
        others = [part for part in parts if part not in capitals]
        particles = [part for part in others if part.islower()]
        family = _folded(" ".join(part for part in parts if part in capitals or part in particles))
        return [(_folded(" ".join(part for part in others if part not in particles)), tuple(family))]
    if len(parts) < 2:
        return [([], tuple(_folded(person)))] if parts else []
    first, rest = _folded(parts[0]), parts[1:]
    readings = [(first, tuple(_folded(" ".join(rest))))]
    latest = len(rest) - 1
    while latest > 0 and fold(rest[latest - 1].rstrip("'’")) in PARTICLES:
        latest -= 1
    if latest > 0:
        readings.append((_folded(" ".join([parts[0], *rest[:latest]])), tuple(_folded(" ".join(rest[latest:])))))
    return [(first_names, family) for first_names, family in readings if family]


def _folded(words: str) -> list[str]:
    return [fold(match[0]) for match in WORD.finditer(words)]


TITLES = frozenset(
    """m mr mme mlle mmes mm monsieur madame mademoiselle messieurs mesdames dr docteur docteure pr prof professeur professeure
    maitre me mrs ms miss mister sir doyen doyenne recteur rectrice directeur directrice president presidente etudiant
    etudiante collegue camarade candidat candidate eleve tuteur tutrice enseignant enseignante cher chere bonjour""".split()
)
_STRONG_TITLES = frozenset(
    "monsieur madame mademoiselle mme mlle messieurs mesdames docteur docteure mrs mr dr pr prof".split()
)
PARTICLES = frozenset(
    "de d du des le la les von van der den dos da di del el al ben bin ibn abou abu mac mc saint sainte o".split()
)
_LABELS = frozenset("nom noms prenom prenoms surname lastname firstname name signe signature auteur author etudiant".split())
_TERM_WORD = re.compile(r"[^\W_]+")

_JOINED = re.compile(r"[ \t\u00a0\u202f]{0,2}\n?[ \t\u00a0\u202f]{0,2}[-\u2010\u2011'’]?[ \t]?")
_APART = re.compile(r",?[ \t\u00a0\u202f]{1,3}\n?|,|\.[ \t\u00a0\u202f]?|\n|[ \t]?[-\u2010\u2011_][ \t]?")
_INITIALS = re.compile(r"[^\W\d_](?:\.?[-\u2010\u2011]?[^\W\d_]\.?)?\.?")
_SAID = re.compile(r"[\s\"'’»]{0,3}[:=|>»\"][\s\"'«<|]{0,4}")


class Reader:
    """Reads the names of one text, whose words were found and folded."""

    def __init__(self, directory: Directory, text: str, words: Sequence[re.Match[str]], folded: dict[str, str]) -> None:
        self._directory = directory
        self._text = text
        self._words = words
        self._raw = [word[0] for word in words]
        self._folded = folded
        self.spans: list[Span] = []
        self.doubtful: list[Doubtful] = []

    def read(self, at: int, named: Named) -> int:
        """What the word `at` begins. Gives the place of the next word to look at."""
        word = self._fold(at)
        for term in self._directory.terms.get(word, ()):
            if end := self._term(at, term):
                self.spans.append(Span(self._words[at].start(), end, TERM))
                break
        for length in self._directory.heads.get(word, ()):
            family = tuple(self._fold(place) for place in range(at, min(at + length, len(self._raw))))
            if family in self._directory.bearers and self._is_joined(at, at + len(family) - 1):
                return self._name(at, at + len(family) - 1, family, named)
        if word in self._directory.first_names:
            self._first_name(at, word, named)
        return at + 1

    def _term(self, at: int, term: tuple[str, ...]) -> int:
        place = self._words[at].start()
        for word in term:
            match = _TERM_WORD.search(self._text, place)
            if match is None or fold(match[0]) != word or match.start() - place > 3:
                return 0
            place = match.end()
        return place

    def _is_joined(self, first: int, latest: int) -> bool:
        return all(
            _JOINED.fullmatch(self._text, self._words[place].end(), self._words[place + 1].start())
            for place in range(first, latest)
        )

    def _name(self, first: int, latest: int, family: tuple[str, ...], named: Named) -> int:
        bearers = self._directory.bearers[family]
        common = self._directory.is_common(family)
        left, is_full = self._before(first, bearers, common=common)
        right, follows = self._after(latest, bearers)
        span = Span(self._words[left].start(), self._end(right), NAME)
        words = range(left, right + 1)
        capitals = all(self._is_capital(place) for place in range(first, latest + 1) if self._fold(place) not in PARTICLES)
        if is_full or follows:
            every = all(self._is_capital(place) for place in words if self._fold(place) not in PARTICLES)
            if every or not common or len(words) > 2 or not self._all_common(words):
                self._keep(span, family, [self._fold(place) for place in words], named)
                return right + 1
        if self._is_titled(first, capital=capitals) or self._is_labelled(first):
            self._keep(Span(self._words[first].start(), self._words[latest].end(), NAME), family, (), named)
        elif capitals and not common:
            self._keep(Span(self._words[first].start(), self._words[latest].end(), NAME), family, (), named)
        elif capitals:
            self.doubtful.append(Doubtful(Span(self._words[first].start(), self._words[latest].end(), NAME), family))
            if len(family) == 1 and family[0] in self._directory.first_names:
                self.doubtful.append(Doubtful(self.doubtful[-1].span, first_name=family[0]))
        return first + 1 if family[0] in PARTICLES else latest + 1  # "de Renaud" may be of Renaud

    def _before(self, at: int, bearers: frozenset[str], *, common: bool) -> tuple[int, bool]:
        """How far to the left first names, initials and what stands between them go."""
        reached, found, passed = at, False, 0
        for place in range(at - 1, max(-1, at - 1 - FIRST_NAMES_READ), -1):
            gap = self._text[self._words[place].end() : self._words[place + 1].start()]
            if not _APART.fullmatch(gap) or gap[:1] == ",":
                break
            word = self._fold(place)
            if word in bearers and (gap[:1] != "."):
                reached, found = place, True
            elif self._are_initials(place, bearers) and (gap[:1] == "." or "." in self._raw[place] or not common):
                reached, found = place, True
            elif gap[:1] != "." and word not in TITLES and (word in PARTICLES or (self._is_capital(place) and not passed)):
                passed += word not in PARTICLES
            else:
                break
        return reached, found

    def _after(self, at: int, bearers: frozenset[str]) -> tuple[int, bool]:
        reached, found = at, False
        for place in range(at + 1, min(len(self._raw), at + 1 + FIRST_NAMES_READ)):
            gap = self._text[self._words[place - 1].end() : self._words[place].start()]
            if not _APART.fullmatch(gap) or gap[:1] == ".":
                break
            if self._fold(place) in bearers and self._is_capital(place) >= self._is_capital(at):
                reached, found = place, True
            elif (
                not found
                and self._are_initials(place, bearers)
                and (self._raw[place][-1:] == "." or (len(self._raw[place]) == 1 and self._dotted(place)))
            ):
                reached, found = place, True
            else:
                break
        return reached, found

    def _first_name(self, at: int, word: str, named: Named) -> None:
        if not self._is_capital(at):
            return
        span = Span(self._words[at].start(), self._words[at].end(), NAME)
        if self._is_labelled(at):
            self._keep(span, (), [word], named)
        else:
            self.doubtful.append(Doubtful(span, first_name=word))

    def _keep(self, span: Span, family: tuple[str, ...], words: Iterable[str], named: Named) -> None:
        self.spans.append(span)
        if family:
            named.families.add(family)
        named.first_names.update(word for word in words if word in self._directory.first_names and len(word) > 2)

    def _are_initials(self, at: int, bearers: frozenset[str]) -> bool:
        raw = self._raw[at]
        if not raw[0].isupper() or not _INITIALS.fullmatch(raw) or (len(raw) > 1 and raw.isalpha() and not raw.isupper()):
            return False
        return any(first_name[0] == self._fold(at)[0] for first_name in bearers if first_name)

    def _is_titled(self, at: int, *, capital: bool) -> bool:
        if not at:
            return False
        gap = self._text[self._words[at - 1].end() : self._words[at].start()]
        title = self._fold(at - 1)
        if len(gap) > 4 or not _APART.fullmatch(gap) or gap[:1] in ",-" or title not in TITLES:
            return False
        return capital or title in _STRONG_TITLES or (gap[:1] == "." and title in {"m", "ms"})

    def _is_labelled(self, at: int) -> bool:
        if not at or not self._labels_before(at):
            return False
        start = self._words[at].start()
        label = next((place for place in (at - 1, at - 2) if place >= 0 and self._fold(place) in _LABELS), None)
        return label is not None and bool(_SAID.fullmatch(self._text, self._words[label].end(), start))

    def _labels_before(self, at: int) -> bool:
        return any(self._fold(place) in _LABELS for place in range(max(0, at - 2), at))

    def _all_common(self, words: Iterable[int]) -> bool:
        return all(self._fold(place) in COMMON or len(self._raw[place]) < 3 for place in words)

    def _is_capital(self, at: int) -> bool:
        return self._raw[at][0].isupper()

    def _dotted(self, at: int) -> bool:
        return self._text[self._words[at].end() : self._words[at].end() + 1] == "."

    def _end(self, at: int) -> int:
        """With the stop of initials that come last."""
        end = self._words[at].end()
        return end + (len(self._raw[at]) == 1 and self._dotted(at))

    def _fold(self, at: int) -> str:
        raw = self._raw[at]
        known = self._folded.get(raw)
        if known is None:
            known = self._folded[raw] = fold(raw)
        return known


def settled(doubtful: Iterable[Doubtful], named: Named) -> list[Span]:
    return [one.span for one in doubtful if one.family in named.families or one.first_name in named.first_names]
