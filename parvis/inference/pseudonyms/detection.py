"""What names a person in a text: identifiers, addresses, labelled values, the directory's names, an institution's terms."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from parvis.inference.pseudonyms import addresses, numbers
from parvis.inference.pseudonyms.labels import LABELS, labelled
from parvis.inference.pseudonyms.names import Directory, Doubtful, Named, Reader, directory, settled
from parvis.inference.pseudonyms.spans import KINDS, LITERAL, STUDENT, Span, merged
from parvis.inference.pseudonyms.words import WORD, fold

LONGEST_TEXT = 4_000_000  # characters of one request
MOST_TERMS = 500
OPENING, CLOSING = "\u27e6", "\u27e7"

# What could be read as a placeholder, and was written by somebody: it gets one of its own.
_LITERAL = re.compile(rf"{OPENING}(?:[^{OPENING}{CLOSING}\n]{{0,60}}{CLOSING})?|{CLOSING}")
_BARE = re.compile(rf"(?:{'|'.join(KINDS)})_[0-9]{{5}}[A-Z]", re.IGNORECASE)
_BARE_END = re.compile(r"_[0-9]{5}[A-Za-z](?![^\W_])")


class PatternError(ValueError):
    """A pattern of student numbers that would be found everywhere, or nowhere."""

    code = "student_pattern"


def student_number(pattern: str) -> re.Pattern[str]:
    """`9` a digit, `A` a letter, `*` either, anything else itself: "99999999", "p9999999", "2*-99999". Raises PatternError
    for less than five that vary, three of them digits, or more than thirty characters."""
    pattern = pattern.strip()
    if not pattern or len(pattern) > 30 or sum(map(pattern.count, "9A*")) < 5 or pattern.count("9") < 3:
        raise PatternError(pattern)
    parts = {"9": "[0-9]", "A": "[A-Za-z]", "*": "[0-9A-Za-z]"}
    body = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])", re.IGNORECASE)


def detector_of(names: Iterable[str], *, terms: Iterable[str] = (), student_numbers: Iterable[str] = ()) -> Detector:
    """For an institution: its people as they are shown, and what it adds. Raises PatternError."""
    patterns = [student_number(pattern) for pattern in student_numbers]
    return Detector(directory(names, terms), patterns)


@dataclass(slots=True)
class Reading:
    """What one text holds. Doubtful names are settled once the whole request is read."""

    text: str = field(repr=False)
    spans: list[Span]
    doubtful: list[Doubtful]

    def settled(self, named: Named) -> list[Span]:
        return merged([*self.spans, *settled(self.doubtful, named)])


@dataclass(frozen=True)
class Detector:
    """Made once for an institution, and used by any thread."""

    directory: Directory = field(default_factory=lambda: directory(()), repr=False)
    student_numbers: Sequence[re.Pattern[str]] = ()

    @cached_property
    def _interesting(self) -> frozenset[str]:
        return frozenset(self.directory.words | LABELS.keys())

    def read(self, text: str, named: Named) -> Reading:
        """`named` learns whom the text names."""
        spans = list(_literals(text))
        spans += addresses.found(text)
        spans += numbers.found(text)
        for pattern in self.student_numbers:
            spans += (Span(match.start(), match.end(), STUDENT) for match in pattern.finditer(text))
        names = self._words(text, spans, named)
        return Reading(text, spans + names.spans, names.doubtful)

    def find(self, text: str) -> list[Span]:
        """Of a text alone."""
        named = Named()
        return self.read(text, named).settled(named)

    def _words(self, text: str, spans: list[Span], named: Named) -> Reader:
        """One pass over the words, for labels and names: only those that may be either are looked at."""
        words = [word for word in WORD.finditer(text)]  # by list() other threads would wait to its end
        raw = [word[0] for word in words]
        folded = {word: fold(word) for word in set(raw)}
        interesting = {word for word, plain in folded.items() if plain in self._interesting}
        reader = Reader(self.directory, text, words, folded)
        taken, following = _Taken(spans), 0
        for at, word in enumerate(raw):
            if word not in interesting:
                continue
            if folded[word] in LABELS:
                match = words[at]
                if span := labelled(text, folded[word], match.start(), match.end(), taken):
                    reader.spans.append(span)
            if at >= following:
                following = reader.read(at, named)
        return reader


def _literals(text: str) -> Iterator[Span]:
    yield from (Span(match.start(), match.end(), LITERAL) for match in _LITERAL.finditer(text))
    for match in _BARE_END.finditer(text):
        start = match.start()
        while start and match.start() - start < 9 and text[start - 1].isalpha():
            start -= 1
        if _BARE.fullmatch(text, start, match.end()):
            yield Span(start, match.end(), LITERAL)


class _Taken:
    """The identifier, found by its key or form, that a place is within."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = merged(span for span in spans if span.certain)
        self._starts = [span.start for span in self._spans]

    def __call__(self, place: int) -> Span | None:
        before = bisect_right(self._starts, place) - 1
        return self._spans[before] if before >= 0 and place < self._spans[before].end else None
