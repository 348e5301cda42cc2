"""The answer that needs no model: the sentences of the passages found that most likely hold it, quoted whole.

A rule, not a model: the share of the question that the sentence, its title and its neighbours cover, the passage's
score, and the kind of answer expected. A trained ranker did no better.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from parvis.retrieval.analysis import fold, folded_and_terms, sentences, terms
from parvis.retrieval.passage import Hit, Passage
from parvis.retrieval.question import Expected, Weighed, defined_terms, expected, grams, weigh

if TYPE_CHECKING:
    from parvis.retrieval.search import Found

PASSAGES_READ = 5
MOST_SENTENCES = 3
WORTH_ADDING = 0.65  # of the best sentence's score


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to quote: `text` is the unit's text from `start` to `end`, in the same offsets as `passage.start`.

    `score` is comparable inside one result only.
    """

    passage: Passage
    start: int
    end: int
    text: str
    score: float


def best_sentences(found: Found, limit: int = 2, *, context: bool = True) -> list[Sentence]:
    """The `limit` sentences that best answer, best passage first, in reading order inside a passage.

    With `context`, a sentence that makes no sense alone ("Ce délai…", an item of a list, a row of a table) comes with
    the one before it or the line that introduces it, within three sentences in all. A line that introduces a list is
    quoted with the list.
    """
    ranked = sorted(_scored(found), key=lambda one: (-one.score, one.rank, one.start))
    chosen = _distinct(ranked, limit)
    if context:
        chosen = _with_context(chosen, most=max(limit, MOST_SENTENCES))
    return [_quoted(piece) for piece in _in_reading_order(chosen)]


@dataclass(frozen=True)
class _Piece:
    """A sentence, an item, a row, a line of a passage; `start` and `end` count in the passage's text."""

    hit: Hit
    rank: int
    position: int  # among the pieces of its passage
    start: int
    end: int
    score: float = 0.0

    @cached_property
    def text(self) -> str:
        return self.hit.passage.text[self.start : self.end]

    @cached_property
    def terms(self) -> list[str]:
        return terms(self.text)

    def overlaps(self, other: _Piece) -> bool:
        return self.rank == other.rank and self.start < other.end and other.start < self.end


def _scored(found: Found) -> Iterator[_Piece]:
    hits = found.hits[:PASSAGES_READ]
    if not hits:
        return
    weighed = weigh(found.terms, found.stats)
    kind = expected(found.question)
    defined = defined_terms(found.question)
    asked_pairs = _pairs(found.question)
    for rank, hit in enumerate(hits):
        passage_score = hit.score / (hits[0].score or 1.0)
        pieces = _with_lists(_pieces(hit, rank))
        title = set(terms(" ".join((hit.passage.document_title, *hit.passage.heading_path))))
        head = next((piece for piece in pieces if _ROW.match(piece.text)), None)
        for piece in pieces:
            above = title.union(head.terms) if head and _ROW.match(piece.text) else title
            around = {term for near in pieces[max(0, piece.position - 1) : piece.position + 2] for term in near.terms}
            score = (
                0.6 * weighed.coverage(above.union(piece.terms))
                + 0.3 * weighed.coverage(above | around)
                + 0.35 * weighed.resemblance(grams(piece.terms))
                + 0.1 * len(asked_pairs & _pairs(piece.text)) / (len(asked_pairs) or 1)
                + 0.8 * passage_score
                + 0.1 * _share_asked(piece, weighed)
                + 0.15 * _is_of_kind(piece.text, kind, found.question)
                + 0.3 * bool(defined and defines(piece.text, defined))
                - 0.3 * _is_cut(piece, pieces)
                - 1.0 * (_is_heading(piece, pieces) or _is_head_of_rows(piece, head, pieces))
                - 0.3 * piece.text.rstrip().endswith((":", "?"))
            )
            yield replace(piece, score=score)


def _pieces(hit: Hit, rank: int) -> list[_Piece]:
    text = hit.passage.text
    spans: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if spans and _is_run_in_title(text, spans[-1], start):
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
    return [_Piece(hit, rank, position, start, end) for position, (start, end) in enumerate(spans)]


_NUMBERED_TITLE = re.compile(r"\d{1,4}[ \u00a0\u202f](?:\|[ \u00a0\u202f])?[^\W\d_].*", re.DOTALL)
_REFERRED_TITLE = re.compile(r"[^:]*\((?:art\.|article|§)[^)]*\)[ \u00a0\u202f]?[.:–—]", re.DOTALL)


def _is_run_in_title(text: str, span: tuple[int, int], next_start: int) -> bool:
    """ "66 Les conditions de validité (article 1128)." opens a paragraph: a title, quoted with what it announces."""
    words = len(text[span[0] : span[1]].split())
    if "\n\n" in text[span[1] : next_start] or _ITEM.match(text, next_start):
        return False
    opens = span[0] == 0 or text[span[0] - 1] == "\n"
    return opens and (
        (words <= 14 and _NUMBERED_TITLE.fullmatch(text, *span) is not None)
        or (words <= 9 and _REFERRED_TITLE.fullmatch(text, *span) is not None)
    )


MOST_WORDS_OF_A_LIST = 90


def _with_lists(pieces: list[_Piece]) -> list[_Piece]:
    """A line that introduces a list goes to the end of that list; the items stay, to be quoted alone."""
    whole = []
    for piece in pieces:
        items = list(takewhile(lambda one: _ITEM.match(one.text), pieces[piece.position + 1 :]))
        if items and piece.text.rstrip().endswith(":") and not _ITEM.match(piece.text):
            listed = replace(piece, end=items[-1].end)
            whole.append(listed if len(listed.text.split()) <= MOST_WORDS_OF_A_LIST else piece)
        else:
            whole.append(piece)
    return whole


def _pairs(text: str) -> set[tuple[str, str]]:
    """Neighbouring words of which one counts for search: "très bien" is not "assez bien"."""
    folded, found = folded_and_terms(text)
    return {pair for pair in pairwise(folded.split(" ")) if any(len(word) > 3 for word in pair)} if found else set()


def _share_asked(piece: _Piece, weighed: Weighed) -> float:
    """Between two rows or items that have the same words of the question, the one that has least else."""
    if not _stands_apart(piece.text):
        return 0.0
    return sum(term in weighed.weights for term in piece.terms) / (len(piece.terms) or 1)


_NUMBER_WORDS = (
    "deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt|trente|quarante"
    "|cinquante|soixante|cents?|mille|millions?|milliards?|tiers|moitie|quarts?|double|triple|aucune?"
)
_NUMBER = re.compile(rf"\d|\b(?:{_NUMBER_WORDS})\b")
_DATE = re.compile(
    r"\b1?\d{3}\b|\b20\d\d\b|\b(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)\b"
    r"|\bsiecle\b|\b(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\b"
    rf"|(?:\d|\b(?:{_NUMBER_WORDS}|un|une)) (?:heures?|jours?|semaines?|mois|semestres?|ans?|annees?)\b"
    r"|\b(?:debut|fin|des la|au plus tard|a compter|a l'issue)\b"
)
_CAPITALISED = re.compile(r"(?<=[^.!?…]\s)[«\"(]?[^\W\d_a-zà-öø-ÿ][\w’'-]+")
_WORD = re.compile(r"\w+")


def _is_of_kind(text: str, kind: Expected, question: str) -> bool:
    """Whether a sentence has what the question expects and does not give itself."""
    if kind is Expected.NAME:
        asked = fold(question)
        return any(fold(match[0].strip('«"(')) not in asked for match in _CAPITALISED.finditer(text))
    if kind in (Expected.NUMBER, Expected.DATE):
        asked_words = set(_WORD.findall(fold(question)))
        told = " ".join(word for word in _WORD.findall(fold(text)) if word not in asked_words)
        return bool((_NUMBER if kind is Expected.NUMBER else _DATE).search(told))
    return False


_DEFINES = re.compile(
    r"\s*(?:\([^)]*\)\s*)?(?::|–|—|=|,? (?:est|sont|designe(?:nt)?|signifie(?:nt)?|se definit|se definissent|consiste|"
    r"correspond(?:ent)? a|s'entend|c'est[ -]a[ -]dire|represente)\b)"
)
_CALLED = re.compile(r"\bon (?:appelle|entend par|nomme|designe par|definit)\b|\b(?:est|sont) (?:appele|nomme|dit)e?s?\b")


def defines(text: str, defined: tuple[str, ...]) -> bool:
    """A sentence that begins by what is to be defined and goes on as a definition does ("X est", "X : "), or names it
    ("On appelle X")."""
    folded = fold(text)
    if _CALLED.search(folded) and set(defined) <= set(terms(text)):
        return True
    match = _DEFINES.search(folded)
    subject = tuple(terms(folded[: match.start()])) if match else ()
    return len(subject) <= len(defined) + 1 and subject[-len(defined) :] == defined


_ENDS_WHOLE = re.compile(r"[.!?…:;][»”\")\]\s\u00a0\u202f\d\[]*$")
_BEGINS_CUT = re.compile(r"^[\"«(\s\u00a0\u202f]*[a-zà-öø-ÿ]")
_ITEM = re.compile(r"\s*(?:[-–—•‣▪●○◦*·]|\d{1,3}[.)°]|[a-zA-Z]\))\s")
_ROW = re.compile(r"(?!\d{1,4}[^\S\n]*\|[^|]*$)[^|\t]*[^\s|][^\S\n]*[|\t][^\S\n]*\S", re.DOTALL)
_GLOSSED = re.compile(r"^[^:.\n]{2,60}?[ \u00a0\u202f]?: \S")


def _is_cut(piece: _Piece, pieces: list[_Piece]) -> bool:
    """A half sentence: cut by the page's border, or by ours where it was too long."""
    if _stands_apart(piece.text):
        return False
    begins_cut = piece.position == 0 and _BEGINS_CUT.match(piece.text) is not None
    ends_cut = piece.position == len(pieces) - 1 and not _ENDS_WHOLE.search(piece.text)
    return begins_cut or ends_cut


def _is_heading(piece: _Piece, pieces: list[_Piece]) -> bool:
    """A short line with no end and no verb of its own, which answers nothing."""
    folded = fold(piece.text)
    if any(folded == fold(heading) for heading in piece.hit.passage.heading_path):
        return True
    follows = piece.hit.passage.text[piece.end : piece.end + 2]
    return (
        len(pieces) > 1
        and not _ENDS_WHOLE.search(piece.text)
        and not _stands_apart(piece.text)
        and len(folded.split()) <= 10
        and (piece.position == len(pieces) - 1 or "\n" in follows)
    )


def _is_head_of_rows(piece: _Piece, head: _Piece | None, pieces: list[_Piece]) -> bool:
    """What the columns of a table are called, which is quoted with a row and not alone."""
    return piece is head and any(_ROW.match(one.text) for one in pieces[piece.position + 1 : piece.position + 2])


def _stands_apart(text: str) -> bool:
    """Items, rows and glossary lines need no full stop to be whole."""
    return bool(_ITEM.match(text) or _ROW.match(text) or _GLOSSED.match(text))


def _distinct(ranked: list[_Piece], limit: int) -> list[_Piece]:
    """The best ones, the same words never twice; no second one for the sake of having two."""
    chosen: list[_Piece] = []
    said: set[str] = set()
    for piece in ranked:
        words = " ".join(fold(piece.text).split())
        worth = not chosen or piece.score >= WORTH_ADDING * chosen[0].score
        if len(chosen) < limit and worth and words not in said and not any(piece.overlaps(one) for one in chosen):
            said.add(words)
            chosen.append(piece)
    return chosen


_IMPERSONAL = r"faut|existe|y a|n'y a|convient|suffit|importe|est (?:interdit|possible|necessaire|recommande|obligatoire)"
_ANAPHOR = re.compile(
    r"(?:(?:mais|or|et|donc|ainsi|toutefois|cependant|en effet|de plus|enfin|par ailleurs|en outre|neanmoins),? )?"
    rf"(?:ils?\b(?! (?:{_IMPERSONAL})\b)|elles?\b|ce(?:t|tte|s)? (?!qui\b|que\b|dont\b|sont\b)\w|cel(?:ui|le|les)-ci\b"
    r"|ceux-ci\b|cela\b|ceci\b|c'est\b|dans ce cas\b|a defaut\b|sinon\b|leurs? \w|s(?:on|a|es) \w|l'un \w)"
)


def _with_context(chosen: list[_Piece], most: int) -> list[_Piece]:
    """What the best sentence needs comes before the second best one."""
    kept: list[_Piece] = []
    for piece in chosen:
        need = _needed(piece)
        if any(piece.overlaps(one) for one in kept) or len(kept) == most:
            continue
        kept.append(piece)
        if need is not None and len(kept) < most and not any(need.overlaps(one) for one in [*kept, *chosen]):
            kept.append(replace(need, score=piece.score))
    return kept


def _needed(piece: _Piece) -> _Piece | None:
    """The piece of the same passage without which this one makes little sense."""
    before = _pieces(piece.hit, piece.rank)[: piece.position]
    if not before:
        return None
    if _ITEM.match(piece.text):
        return next((one for one in reversed(before) if not _ITEM.match(one.text)), None)
    if _ROW.match(piece.text):
        return next((one for one in before if _ROW.match(one.text)), before[-1])
    return before[-1] if _ANAPHOR.match(fold(piece.text)) else None


def _in_reading_order(chosen: list[_Piece]) -> list[_Piece]:
    """Passages in the order of their best sentence, sentences in the order of the page."""
    first_met = {piece.rank: met for met, piece in reversed(list(enumerate(chosen)))}
    return sorted(chosen, key=lambda piece: (first_met[piece.rank], piece.start))


def _quoted(piece: _Piece) -> Sentence:
    passage = piece.hit.passage
    return Sentence(passage, passage.start + piece.start, passage.start + piece.end, piece.text, piece.score)
