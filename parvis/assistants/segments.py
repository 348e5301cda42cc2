"""Cutting a model's stream into sentences, each with the proofs that follow it.

The model is asked to write `Sentence. [2: "words copied from passage 2"]`; small models write it in many ways, and the
ones seen are understood. Decisions never depend on where the stream was cut into chunks: a sentence is given out only
when no further character could change it. Formulas, code and quotations are never split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_SEGMENT = 4_000
LONGEST_CLAIM = 1_500
LONGEST_INLINE = 600
LONGEST_HEAD = 64


@dataclass(frozen=True, slots=True)
class Claim:
    """What the model says proves its sentence. None: it gave a number alone, and the proof is to be looked for in the text."""

    numbers: tuple[int, ...]
    quotation: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, a heading, a row or a block of code, its claims taken out of it. Joined together, the texts are the
    answer: each carries the white space before it."""

    text: str
    claims: tuple[Claim, ...] = ()


class Segmenter:
    def __init__(self) -> None:
        self._thinking = _Thinking()
        self._pending = ""
        self._scan = _Scan(line_start=True)

    def push(self, chunk: str) -> list[Segment]:
        self._pending += self._thinking.keep(chunk)
        return self._segments(final=False)

    def close(self) -> list[Segment]:
        """What is left, the model having ended."""
        self._pending += self._thinking.rest()
        return self._segments(final=True)

    def _segments(self, *, final: bool) -> list[Segment]:
        found = []
        while self._pending:
            window = self._pending[:LONGEST_SEGMENT]
            try:
                end, segment = self._scan.segment(window, final=final and window == self._pending)
            except _More:
                if len(window) < LONGEST_SEGMENT:
                    break
                end, segment = len(window), Segment(window)
            self._pending = self._pending[end:]
            self._scan = _Scan(line_start=False)
            if segment.text.strip() or segment.claims:
                found.append(segment)
        return found


class _More(Exception):
    """Not an error: the next characters decide."""


class _Scan:
    """Reads one segment, step by step. A step that cannot be decided yet raises _More, having changed nothing: it is taken
    again when there is more text."""

    def __init__(self, *, line_start: bool) -> None:
        self.text = ""
        self.final = False
        self.line_start = line_start
        self.one_line = False  # a heading, a row of a table
        self.position = 0
        self.claims: list[Claim] = []
        self.removed: list[tuple[int, int]] = []
        self.step = self._begin
        self.end: int | None = None

    def segment(self, text: str, *, final: bool) -> tuple[int, Segment]:
        """Where the segment ends in the text, which is the former one continued, and the segment."""
        self.text, self.final = text, final
        while self.end is None:
            self.step()
        kept, reached = [], 0
        for start, stop in self.removed:
            kept.append(text[reached:start].rstrip(" \t"))
            reached = stop
        kept.append(text[reached : self.end])
        return self.end, Segment("".join(kept), tuple(self.claims))

    def _begin(self) -> None:
        start = self._past_blank(0)
        if start == len(self.text):
            self.end = self._more_or(start)
        elif not (self.line_start or "\n" in self.text[:start]):
            self.position, self.step = start, self._read
        elif self._begins(start, "```", "~~~"):
            self.position, self.step = self._code(start), self._prove
        else:
            self.position, self.step = self._after_marker(start), self._read
            self.one_line = self.text[start] in "#|"

    def _read(self) -> None:
        """As far as the next sign that may matter, and past it."""
        match = _INTERESTING.search(self.text, self.position)
        self.position = match.start() if match else len(self.text)
        sign = match.group() if match else ""
        if not sign:
            self.end = self._more_or(self.position)
        elif sign == "\n":
            if self.one_line or self._block_follows(self.position):
                self.step = self._prove
            else:
                self.position += 1
        elif sign in '`$\\!«“"' and (after := self._atom(self.position)):
            self.position = after
        elif sign in "[【" and (claimed := self._claim(self.position)):
            ends = self._ends_after_claim(claimed[1])
            self._take(self.position, claimed[0], claimed[1])
            self.step = self._past_claim if ends else self._read
        elif sign in ".!?…" and not self.one_line:
            after = _STOP.match(self.text, self.position).end()  # type: ignore[union-attr]  # it begins there
            self.step = self._prove if self._is_stop(self.position, after) else self._read
            self.position = after
        else:
            self.position += 1

    def _past_claim(self) -> None:
        """A proof given before the full stop."""
        match = _STOP.match(self.text, self.position)
        if match:
            self._at(self._past_blank(match.end()))  # a closing quotation mark may yet follow
            self.position = match.end()
        self.step = self._prove

    def _prove(self) -> None:
        """The proofs that follow a sentence, be it on the next line; a full stop written once more after one is dropped."""
        after = self._past_blank(self.position)
        sign = self._at(after)
        claimed = None
        if sign and sign in "[【":
            claimed = self._claim(after)
        elif sign and sign in '«“"' and not self.claims:
            claimed = self._quoted_claim(after)
        if claimed is None:
            self.end = self.position
        else:
            end = claimed[1] + (self._at(claimed[1]) in {".", ";", ","})
            self._take(self.position, claimed[0], end)

    def _take(self, start: int, claims: tuple[Claim, ...], end: int) -> None:
        self.claims += claims
        self.removed.append((start, end))
        self.position = end

    def _past_blank(self, position: int) -> int:
        match = _NOT_BLANK.search(self.text, position)
        return match.start() if match else len(self.text)

    def _more_or(self, position: int) -> int:
        if not self.final:
            raise _More
        return position

    def _at(self, position: int) -> str:
        """The character there, "" at the very end of the answer."""
        return self.text[position] if position < len(self.text) else self.text[self._more_or(len(self.text)) :]

    def _begins(self, position: int, *marks: str) -> bool:
        for mark in marks:
            here = self.text[position : position + len(mark)]
            if here == mark:
                return True
            if mark.startswith(here) and len(self.text) < position + len(mark):
                self._more_or(position)
        return False

    def _code(self, start: int) -> int:
        fence = self.text[start] * 3
        if closing := re.compile(rf"\n[ \t]*{fence}+[ \t]*(?=\n)").search(self.text, start + 3):
            return closing.end()
        return self._more_or(len(self.text))

    def _after_marker(self, start: int) -> int:
        """Past the mark of a list item or a heading; `start` itself when there is none."""
        if _PART_OF_MARKER.fullmatch(self.text, start):
            self._more_or(start)
        match = _MARKER.match(self.text, start)
        return match.end() if match else start

    # A newline ends a sentence only before a blank line or another block.
    def _block_follows(self, position: int) -> bool:
        after = self._past_blank(position)
        if "\n" in self.text[position + 1 : after]:
            return True
        sign = self._at(after)
        if sign in {"[", "【"}:
            return self._claim(after) is not None
        if sign in {"#", "|", ""} or self._begins(after, "```", "~~~"):
            return True
        return self._after_marker(after) > after

    def _is_stop(self, start: int, end: int) -> bool:
        """Whether the marks from start to end finish a sentence, rather than an abbreviation or a number."""
        following = self._at(end)
        if following == "" or following == "[":
            return True
        if not following.isspace():
            return False
        after = self._past_blank(end)
        begins = self._at(after)
        if "\n" in self.text[end:after]:
            return True
        if self.text[start:end] == "." and _ABBREVIATION.search(self.text, max(0, start - 12), start):
            return False
        return not begins.islower()

    def _ends_after_claim(self, position: int) -> bool:
        after = self._past_blank(position)
        sign = self._at(after)
        if sign in ".!?…" or "\n" in self.text[position:after]:  # "" is in every string
            return True
        return sign.isupper() or sign in "«“-*•"

    def _atom(self, position: int) -> int | None:
        """The end of what must stay whole from here: code, a formula, an image, a quotation. None: an ordinary sign."""
        here = self.text[position : position + 2]
        if len(here) < 2:
            self._more_or(position)
        if here in _PAIRS:
            return self._closed(position, _PAIRS[here], LONGEST_SEGMENT)
        if here[:1] in _PAIRS and not (here[0] == "$" and here[1:].isspace()):
            return self._closed(position, _PAIRS[here[0]], LONGEST_INLINE)
        return None

    def _closed(self, position: int, closing: re.Pattern[str], longest: int) -> int | None:
        limit = min(len(self.text), position + longest)
        blank = _PARAGRAPH.search(self.text, position, limit)
        if match := closing.search(self.text, position + 1, blank.start() if blank else limit):
            if match.end() < len(self.text) or self.final or blank:
                return match.end()
            raise _More  # the next character may belong to the closing mark
        if not blank and limit == len(self.text):
            self._more_or(limit)
        return None

    def _claim(self, position: int) -> tuple[tuple[Claim, ...], int] | None:
        """The proof written in brackets from here and where it ends, or None when these brackets hold something else."""
        beginning = self.text[position : position + LONGEST_HEAD]
        if (head := _CLAIM_HEAD.match(beginning)) is None:
            if len(beginning) < LONGEST_HEAD and not set(beginning) & set("]】") and "\n\n" not in beginning:
                self._more_or(position)
            return None
        limit = min(len(self.text), position + LONGEST_CLAIM)
        if limit == len(self.text) and not self.final and _CLOSING.search(self.text, position) is None:
            raise _More
        blank = _PARAGRAPH.search(self.text, position, limit)
        window = self.text[position : blank.start() if blank else limit]
        complete = bool(blank) or limit < len(self.text) or self.final
        numbers = tuple(map(int, _DIGITS.findall(head["numbers"])))
        if head["close"]:
            end = position + head.end()
            return None if self._at(end) == "(" else ((Claim(numbers),), end)
        if head.end() == len(window) and not complete:
            raise _More
        quoted = window[head.end() : head.end() + 1] in set(_OPENING)
        close = (_QUOTED_CLOSE if quoted else _BARE_CLOSE).search(window, head.end())
        if close is None and not complete:
            raise _More
        if close is None and (close := _BARE_CLOSE.search(window, head.end())) is None:
            return None
        quotations = _BETWEEN_QUOTATIONS.split(window[head.end() : close.start()])
        return tuple(Claim(numbers, quotation.strip(_QUOTES)) for quotation in quotations), position + close.end()

    def _quoted_claim(self, position: int) -> tuple[tuple[Claim, ...], int] | None:
        """`« words » [2]` after a sentence."""
        after = self._atom(position)
        if after is None:
            return None
        bracket = self._past_blank(after)
        sign = self._at(bracket)
        claimed = self._claim(bracket) if sign and sign in "[【" else None
        if claimed is None or any(claim.quotation is not None for claim in claimed[0]):
            return None
        quotation = self.text[position:after].strip(_QUOTES)
        return tuple(Claim(claim.numbers, quotation) for claim in claimed[0]), claimed[1]


class _Thinking:
    """Some models think aloud first, between <think> and </think>: that is no answer."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "before"

    def keep(self, chunk: str) -> str:
        if self._state == "after":
            return chunk
        self._held += chunk
        if self._state == "before":
            opening = self._held.lstrip()
            if opening.startswith(_THINK):
                self._state = "inside"
            elif not _THINK.startswith(opening[: len(_THINK)]):
                return self._all()
            else:
                return ""
        _, closed, rest = self._held.partition(_THOUGHT)
        if closed:
            self._held = rest
            return self._all()
        self._held = self._held[-len(_THOUGHT) :]
        return ""

    def rest(self) -> str:
        return self._all() if self._state == "before" else ""

    def _all(self) -> str:
        self._state, kept, self._held = "after", self._held, ""
        return kept


_THINK, _THOUGHT = "<think>", "</think>"

_NOT_BLANK = re.compile(r"\S")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_INTERESTING = re.compile(r"[\n`$\\!«“\"\[【.?…]")
_STOP = re.compile(r"[ \u00a0\u202f]?[.!?…]+(?:[)”\"'’*_]|[ \u00a0\u202f]?»)*")
_MARKER = re.compile(r"(?:[-*•+]|\d{1,3}[.)]|#{1,6})[ \t]")
_PART_OF_MARKER = re.compile(r"[-*•+]|\d{1,3}[.)]?|#{1,6}")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(«'’])(?:[A-ZÉ]|MM|Dr|Pr|Me|St|Ste|Mr|Mrs|Ms|art|p|pp|cf|ex|etc|n|no|vol|chap|fig|tabl|al|éd|ed|env|max|min"
    r"|tél|ibid|op|cit|i\.e|e\.g|vs|réf|sect|par|ann)$"
)

_OPENING = "«“„\"'‘"
_QUOTES = "«»“”„\"'‘’ \u00a0\u202f\n\t*"
_PAIRS = {
    "`": re.compile(r"`"),
    "$": re.compile(r"(?<![\s\\$])\$(?!\d)"),
    "$$": re.compile(r"(?<=.)\$\$", re.DOTALL),
    "\\(": re.compile(r"\\\)"),
    "\\[": re.compile(r"\\\]"),
    "![": re.compile(r"\]\([^)\n]*\)|\][^(]"),
    "«": re.compile(r"»"),
    "“": re.compile(r"”"),
    '"': re.compile(r'"'),
}
_LABEL = r"(?:(?:extraits?|sources?|passages?|documents?|docs?|excerpts?|r[ée]f\.?)[^\S\n]*)?(?:n[°o][^\S\n]*)?"
_CLAIM_HEAD = re.compile(
    rf"[\[【][^\S\n]*{_LABEL}(?P<numbers>\d{{1,3}}(?:[^\S\n]*(?:,|;|et|and|&)[^\S\n]*\d{{1,3}})*)"
    r"(?:[^\S\n]*(?P<close>[\]】])|[^\S\n]*[:,;|=—–-][^\S\n]*|[^\S\n]+(?=[«“„\"'‘]))",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"[\]】]|\n[ \t]*\n")
_DIGITS = re.compile(r"\d+")
_QUOTED_CLOSE = re.compile(r"(?<=[»”\"'’])[\s.;,]*[\]】]")
_BARE_CLOSE = re.compile(r"(?<!…)(?<!\.\.)[\]】]")
_BETWEEN_QUOTATIONS = re.compile(r"(?<=[»”\"])(?:\s*(?:[,;/]|et\b|and\b)\s*|\s+)(?=[«“\"])")
