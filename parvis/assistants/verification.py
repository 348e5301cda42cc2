"""Is this quotation on this page, and does this sentence say nothing the passage does not?

The model is never believed: a quotation is proved by finding its words in our own text. Only typography is forgiven
(composition, ligatures, spaces, quotation marks, apostrophes, dashes, soft hyphens); letters, accents, case, digits
and the order of words are not. What is shown afterwards is the page's own words, never the model's copy of them.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from parvis.assistants.facts import check_facts

__all__ = ["check_facts", "find_quotation", "is_long_enough"]

MINIMUM_WORDS = 3
MINIMUM_CHARACTERS = 12
LONGEST_ELISION = 400
LONGEST_QUOTATION = 4_000
MOST_PARTS = 6
MOST_OCCURRENCES = 100  # of the first part, tried as the beginning of an elided quotation


def find_quotation(quotation: str, text: str) -> tuple[int, int] | None:
    """Offsets in `text` of the quotation, or None. Whole words only, and never cut from the negation or the number they
    belong to. "…" and "[…]" stand for skipped words: the parts must follow each other closely in this text, each of at
    least three words, and what is skipped may not hold a negation; the offsets then cover the skipped words too."""
    if len(quotation) > LONGEST_QUOTATION:
        return None
    wanted = _fold(quotation).text
    page = _folded(text)
    whole = _Part.of(wanted)
    if is_long_enough(whole.words) and (found := next(_occurrences(whole, page), None)):
        return page.original(*found)
    parts = [part for piece in _ELLIPSIS.split(wanted) if (part := _Part.of(piece)).words]
    if len(parts) == 1 and is_long_enough(parts[0].words):
        found = next(_occurrences(parts[0], page), None)
        return page.original(*found) if found else None
    if 1 < len(parts) <= MOST_PARTS and all(_word_count(part.words) >= MINIMUM_WORDS for part in parts):
        return _find_parts(parts, page)
    return None


def is_long_enough(quotation: str) -> bool:
    """Whether the quotation is long enough to prove anything: "le" is on every page."""
    return _word_count(quotation) >= MINIMUM_WORDS or sum(map(len, _WORD.findall(quotation))) >= MINIMUM_CHARACTERS


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of quoted words without the marks a writer puts around it; "?" and "!" stay, they change what is said."""

    words: str
    stated: bool  # it ended with a full stop: it may not be the beginning of a question

    @classmethod
    def of(cls, folded: str) -> _Part:
        words = _OUTER_LEFT.sub("", folded)
        bare = words.rstrip(_OUTER_RIGHT)
        return cls(bare, stated="." in words[len(bare) :])


def _find_parts(parts: list[_Part], page: _Folded) -> tuple[int, int] | None:
    for start, end in islice(_occurrences(parts[0], page), MOST_OCCURRENCES):
        reached = end
        for part in parts[1:]:
            following = next(_occurrences(part, page, reached, reached + LONGEST_ELISION + len(part.words)), None)
            if following is None or _NEGATION.search(page.text, reached, following[0]):
                break
            reached = following[1]
        else:
            return page.original(start, reached)
    return None


def _occurrences(part: _Part, page: _Folded, begin: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
    start = page.text.find(part.words, begin, stop)
    while start >= 0:
        end = start + len(part.words)
        if not (_is_cut_before(page, start) or _is_cut_after(page, start, end, stated=part.stated)):
            yield start, end
        start = page.text.find(part.words, start + 1, stop)


def _is_cut_before(page: _Folded, start: int) -> bool:
    """Whether starting here splits a word, a compound or a number, or leaves a negation behind."""
    first, before = page.text[start], page.text[max(0, start - 40) : start]
    if not first.isalnum():
        return bool(first in "'-" and before and before[-1].isalnum())
    if _WORD_GOES_ON_LEFT.search(before):
        return True
    if first.isdigit() and (
        _NUMBER_GOES_ON_LEFT.search(before) or (_GROUP_LEFT.search(before) and _GROUP_RIGHT.match(page.text, start))
    ):
        return True
    negation = _NEGATION_LEFT.search(before)
    return negation is not None and not page.has_break(start - len(before) + negation.start(), start)


def _is_cut_after(page: _Folded, start: int, end: int, *, stated: bool) -> bool:
    last, after = page.text[end - 1], page.text[end : end + 24]
    if stated and after[:1] == "?":
        return True
    if not last.isalnum():
        return bool(last in "'-" and after and after[0].isalnum())
    if _WORD_GOES_ON_RIGHT.match(after):
        return True
    if last.isdigit() and (
        _NUMBER_GOES_ON_RIGHT.match(after)
        or (_GROUP_LEFT.search(page.text[max(start, end - 12) : end] + " ") and _NEXT_GROUP.match(after))
    ):
        return True
    negation = _NEGATION_RIGHT.match(after)
    if negation is None and _HALF_NEGATION.search(page.text, start, end):
        negation = _OTHER_HALF_RIGHT.match(after)
    return negation is not None and not page.has_break(end, end + negation.end())


def _word_count(text: str) -> int:
    """As a reader counts: "l’examen" is one."""
    return sum(_WORD.search(word) is not None for word in text.split())


# Folding: typography only, with the way back to the offsets of the original.


@dataclass(frozen=True, slots=True)
class _Folded:
    text: str
    source: str
    # Runs of `text`, in order: where each begins in it, where in the source, where it ends there, and whether the two
    # are equal character for character (otherwise the run stands for the whole source run).
    begins: list[int]
    runs: list[tuple[int, int, bool]]

    def original(self, start: int, end: int) -> tuple[int, int]:
        return self._source_start(start), self._source_end(end - 1)

    def has_break(self, start: int, end: int) -> bool:
        """A blank line in the source between these two: another paragraph, hence another sentence."""
        return _BLANK_LINE.search(self.source, *self.original(start, end)) is not None

    def _source_start(self, position: int) -> int:
        index = bisect.bisect_right(self.begins, position) - 1
        start, _, same = self.runs[index]
        return start + position - self.begins[index] if same else start

    def _source_end(self, position: int) -> int:
        index = bisect.bisect_right(self.begins, position) - 1
        start, end, same = self.runs[index]
        return start + position - self.begins[index] + 1 if same else end


def _fold(text: str) -> _Folded:
    pieces: list[str] = []
    begins: list[int] = []
    runs: list[tuple[int, int, bool]] = []
    length = reached = 0

    def add(piece: str, start: int, end: int, *, same: bool) -> None:
        nonlocal length
        if piece:
            pieces.append(piece)
            begins.append(length)
            runs.append((start, end, same))
            length += len(piece)

    for match in _TO_FOLD.finditer(text):
        add(text[reached : match.start()], reached, match.start(), same=True)
        add(_typography(match), match.start(), match.end(), same=False)
        reached = match.end()
    add(text[reached:], reached, len(text), same=True)
    return _Folded("".join(pieces), text, begins, runs)


# The same page is asked about for every sentence of an answer.
_folded = lru_cache(maxsize=64)(_fold)


def _typography(match: re.Match[str]) -> str:
    found = match.group()
    if match["space"] is not None:
        follows = match.string[match.end() : match.end() + 1]
        precedes = match.string[max(0, match.start() - 1) : match.start()]
        return "" if follows in _NO_SPACE_BEFORE or precedes in _NO_SPACE_AFTER else " "
    if match["cluster"] is not None:
        return unicodedata.normalize("NFC", found)
    return _REPLACEMENTS[found]


_DOUBLE_QUOTES = '«»“”„‟"'
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_NO_SPACE_BEFORE = frozenset(_DOUBLE_QUOTES) | frozenset(";:!?%‰€°º")
_NO_SPACE_AFTER = frozenset(_DOUBLE_QUOTES) | frozenset("°º")

# œ and æ are letters of a spelling, not of Unicode's compatibility list; no pair of French words differs by them alone.
_REPLACEMENTS = (
    dict.fromkeys(_DOUBLE_QUOTES, '"')
    | dict.fromkeys("’‘ʼ‛′´`", "'")
    | dict.fromkeys("‐‑‒–—−―", "-")
    | dict.fromkeys(_INVISIBLE, "")
    | {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
    | {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "…": "...", "º": "°"}
    | {"\u212b": "\u00c5", "\u2126": "\u03a9", "\u212a": "K"}
)
_COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff"
_BEFORE, _AFTER = re.escape("".join(sorted(_NO_SPACE_BEFORE))), re.escape("".join(sorted(_NO_SPACE_AFTER)))
_TO_FOLD = re.compile(
    # a plain space between two words, which is most of them, is left where it is
    rf"(?P<space>(?:(?<=[{_AFTER}])|(?! [^\s{_INVISIBLE}{_BEFORE}]))[{_INVISIBLE}]*\s[\s{_INVISIBLE}]*)"
    rf"|(?P<cluster>[^\s{_COMBINING}][{_COMBINING}]+)"
    rf"|[{re.escape(''.join(_REPLACEMENTS))}]"
)

_WORD = re.compile(r"[^\W_]+")
_ELLIPSIS = re.compile(r"[\[(]? ?\.{3,} ?[\])]?")
_BLANK_LINE = re.compile(r"\n\s*\n")
_OUTER_LEFT = re.compile(r"^(?:[ \"'*]|[-•▪] )+")
_OUTER_RIGHT = " \"'.,;:*"

_WORD_GOES_ON_LEFT = re.compile(r"[\w]$|\w-$")
_WORD_GOES_ON_RIGHT = re.compile(r"\w|[-']\w")
_NUMBER_GOES_ON_LEFT = re.compile(r"\d[.,/]$|[-+±<>≤≥] ?$")
_NUMBER_GOES_ON_RIGHT = re.compile(r"[.,/]\d| ?[%‰°]")
_GROUP_LEFT = re.compile(r"(?<!\d)\d{1,3}(?: \d{3})* $")
_GROUP_RIGHT = re.compile(r"\d{3}(?!\d)")
_NEXT_GROUP = re.compile(r" \d{3}(?!\d)")

_NEGATION = re.compile(
    r"\b(?:ne|n'|pas|non|sans|jamais|ni|aucune?|null?e?|nul|sauf|hormis|excepté|guère|nullement|interdit\w*"
    r"|not|no|never|without|except|unless|nor|neither|cannot)\b|\bn'|n't\b",
    re.IGNORECASE,
)
_NEGATION_LEFT = re.compile(
    r"\b(?:ne|pas|non|sans|jamais|ni|aucune?|nul|nulle|sauf|hormis|excepté|guère|nullement"
    r"|not|no|never|without|except|unless|nor|neither|cannot)[ \"(]+$"
    r"|\b(?:ne |n')(?:[\w']+ ){0,2}(?:[\w']+')?$",
    re.IGNORECASE,
)
_NEGATION_RIGHT = re.compile(r"[ \"]+(?:pas|jamais|guère|nullement|not|never)\b", re.IGNORECASE)
_HALF_NEGATION = re.compile(r"\b(?:ne\b|n')", re.IGNORECASE)
_OTHER_HALF_RIGHT = re.compile(r"[ \"]+(?:que\b|qu'|plus\b|point\b|aucun|rien\b|personne\b|ni\b)", re.IGNORECASE)
