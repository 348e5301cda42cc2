"""The answer that needs no model: the sentences of the passages found that most likely hold it, quoted whole.

A rule, not a model: the share of the question that the sentence, its title and its neighbours cover, the passage's
score, and the kind of answer expected. A trained ranker did no better.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from parvis.retrieval.analysis import fold, folded_and_terms, sentences, terms
from parvis.retrieval.definition import definition_strength, is_heading_of, is_title_of, opening_strength, sends_elsewhere
from parvis.retrieval.framing import is_framing
from parvis.retrieval.listing import is_listing
from parvis.retrieval.passage import Hit, Passage
from parvis.retrieval.question import NUMBER_WORDS, Expected, Weighed, expected, grams, measured, rarity, weigh

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


def best_sentences(found: Found, limit: int = MOST_SENTENCES, *, context: bool = True) -> list[Sentence]:
    """The `limit` sentences that best answer, best passage first, in reading order inside a passage.

    With `context`, a sentence that makes no sense alone ("Ce délai…", an item of a list, a row of a table) comes with
    the one before it or the line that introduces it, and the best one with the next when that completes it ("Ce montant
    est…"), within three sentences in all; sentences that follow each other are quoted as one. A line that introduces a
    list is quoted with the list.
    """
    ranked = sorted(_scored(found), key=lambda one: (-one.score, one.rank, one.start))
    chosen = _distinct(ranked, limit)
    if context:
        chosen = [one for one in chosen if one is chosen[0] or _adds(one, chosen[0], found.question)]
        chosen = _with_context(chosen, most=max(limit, MOST_SENTENCES))
    ordered = _in_reading_order(chosen)
    quoted = _joined(ordered) if context else ordered
    return [_quoted(_without_broken_words(piece, found)) for piece in quoted]


def kind_told(found: Found, kind: Expected) -> float:
    """How much of what is asked the best sentences that have that kind of answer are about, from 0 to 1; 0 without any."""
    best = sorted(_scored(found), key=lambda one: (-one.score, one.rank, one.start))[:MOST_SENTENCES]
    return max((one.covered for one in best if is_of_kind(one.text, kind, found.question)), default=0.0)


def role_told(found: Found, role: str) -> tuple[float, bool]:
    """How much of a function one sentence of the first passages says, with its document's title, and whether one that says
    most of it has a name that the question has not."""
    asked = weigh(terms(role), found.stats)
    most, is_named = 0.0, False
    for passage in (hit.passage for hit in found.hits[:PASSAGES_READ]):
        title = terms(passage.document_title)
        for start, end in sentences(passage.text):
            told = passage.text[start:end]
            share = asked.resemblance(grams([*title, *terms(told)]))
            most = max(most, share)
            is_named = is_named or (share >= MOSTLY and is_of_kind(told, Expected.NAME, found.question))
    return most, is_named


MOSTLY = 0.6


@dataclass(frozen=True)
class _Piece:
    """A sentence, an item, a row, a line of a passage; `start` and `end` count in the passage's text."""

    hit: Hit
    rank: int
    position: int  # among the pieces of its passage
    start: int
    end: int
    title: str = ""  # that opens its paragraph: "66 Les conditions de validité (article 1128)."
    is_title: bool = False
    score: float = 0.0
    covered: float = 0.0  # of what is asked, with its titles
    is_on_subject: bool = False  # it has the rarest word of what is asked, or its titles do
    is_cut: bool = False

    @cached_property
    def text(self) -> str:
        return self.hit.passage.text[self.start : self.end]

    @cached_property
    def terms(self) -> list[str]:
        return terms(self.text)

    def is_followed_by(self, other: _Piece) -> bool:
        """In the same paragraph."""
        between = self.hit.passage.text[self.end : other.start]
        return self.rank == other.rank and self.end <= other.start and not between.strip() and "\n\n" not in between

    def overlaps(self, other: _Piece) -> bool:
        return self.rank == other.rank and self.start < other.end and other.start < self.end


def _scored(found: Found) -> Iterator[_Piece]:
    hits = found.hits[:PASSAGES_READ]
    if not hits:
        return
    weighed = _weighed(found)
    subject = max(weighed.weights, key=lambda term: weighed.weights[term], default="")
    kind = expected(found.question)
    kind_weight = KIND_MEASURED if kind is Expected.NUMBER and measured(found.question) else KIND
    defined = {term: rarity(found.stats, term) for term in found.defined}
    asked_pairs = _pairs(found.question)
    wants_listing = _ASKS_LISTING.search(fold(found.question)) is not None
    wants_formula = _ASKS_FORMULA.search(fold(found.question)) is not None
    for rank, hit in enumerate(hits):
        passage_score = hit.score / (hits[0].score or 1.0)
        pieces = _with_lists(_pieces(hit, rank))
        headings = hit.passage.heading_path
        title = set(terms(" ".join((hit.passage.document_title, *headings))))
        head = _head_of_rows(pieces)
        caption = _caption_of(head, pieces) if head else []
        headed = bool(headings) and is_heading_of(headings[-1], weighed.weights, least=0.8)
        lists_pages = _lists_pages(hit.passage, pieces)
        for piece in pieces:
            is_row = head is not None and _ROW.match(piece.text) is not None
            # Of a table whose title is what is asked, a row that says nothing of it is no answer, unless it has the figure.
            is_captioned = is_row and (not weighed.weights.keys().isdisjoint(piece.terms) or kind in _TABULATED)
            above = title.union(head.terms, caption if is_captioned else ()) if head and is_row else title
            if piece.title:
                above = above.union(terms(piece.title))
            around = {term for near in pieces[max(0, piece.position - 1) : piece.position + 2] for term in near.terms}
            definition = _definition(piece, pieces, defined)
            covered = weighed.coverage(above.union(piece.terms))
            is_cut = _is_cut(piece, pieces)
            score = (
                0.6 * covered
                + 0.3 * weighed.coverage(above | around)
                + 0.35 * weighed.resemblance(grams([*piece.terms, *(caption if is_captioned else ())]))
                + 0.1 * len(asked_pairs & _pairs(piece.text)) / (len(asked_pairs) or 1)
                + 0.8 * passage_score
                + 0.1 * _share_asked(piece, weighed)
                + (0.5 if headed else kind_weight) * is_of_kind(piece.text, kind, found.question)
                + OPENS * (kind in (Expected.NUMBER, Expected.DATE) and _opens_on(piece, weighed))
                + 0.3 * definition
                + 0.3 * (wants_formula and _FORMULA.search(piece.text) is not None)
                - 0.3 * (is_cut and not definition)
                - 1.0 * (piece.is_title or lists_pages or _is_heading(piece, pieces) or _is_head_of_rows(piece, head, pieces))
                - 0.5 * piece.text.rstrip().endswith((":", "?"))
                - 0.3 * sends_elsewhere(piece.text)
                + (0.2 if wants_listing else -0.4) * is_listing(piece.text)
            )
            is_on_subject = subject in above or subject in piece.terms
            yield replace(piece, score=score, covered=covered, is_on_subject=is_on_subject, is_cut=is_cut)


_TABULATED = frozenset({Expected.NUMBER, Expected.DATE})
OPENS = 0.1
KIND, KIND_MEASURED = 0.15, 0.4
CARRIED_WEIGHT = 0.5
MOST_CARRIED = 0.8  # all together, of the weight of what is asked


def _weighed(found: Found) -> Weighed:
    """As everywhere, but what a question says between its last brackets, as one that follows another does of the words it
    carries over, weighs less than what it asks itself, even all together."""
    weighed = weigh(found.terms, found.stats)
    match = _LAST_BRACKETS.search(found.question)
    if match is None:
        return weighed
    corrected = {one.written: one.term for one in found.corrections}
    own = {corrected.get(token.surface, token.term) for token in found.tokens if token.end <= match.start()}
    asked = sum(weight for term, weight in weighed.weights.items() if term in own)
    if not asked:
        return weighed
    share = min(CARRIED_WEIGHT, MOST_CARRIED * asked / (weighed.total - asked or 1.0))
    weights = {term: weight * (1 if term in own else share) for term, weight in weighed.weights.items()}
    return Weighed(weights, sum(weights.values()))


_LAST_BRACKETS = re.compile(r"\([^()]*\)\s*$")
_ASKS_LISTING = re.compile(r"\b(?:commande|option|syntaxe|code|exemple|modele|instruction|ligne|parametre)s?\b")
_ASKS_FORMULA = re.compile(r"\b(?:equation|formule|relation|expression|loi)s?\b")
_FORMULA = re.compile(r"\S\s?[=≈≤≥]\s?\S")
_LISTS_PAGES = re.compile(
    r"(?:table des (?:matieres|figures|tableaux|illustrations)|sommaire|index|table of contents|contents)"
)


def _lists_pages(passage: Passage, pieces: list[_Piece]) -> bool:
    """A table of contents: called so, or lines that all end by a number that never goes down."""
    if any(_LISTS_PAGES.fullmatch(fold(heading)) for heading in passage.heading_path):
        return True
    rows = [piece.text for piece in pieces if _ROW.match(piece.text)]
    pages = [int(match["page"]) for match in map(_PAGED.fullmatch, rows) if match]
    return len(rows) == len(pages) >= 5 and pages == sorted(pages)


_PAGED = re.compile(r"[^|]+\|\s*(?P<page>\d{1,4})\s*")


def _definition(piece: _Piece, pieces: list[_Piece], defined: Mapping[str, float]) -> float:
    """How much it answers a question for a definition, from 0 to 1."""
    if not defined:
        return 0.0
    strength = 0.0 if is_listing(piece.text) else definition_strength(piece.text, tuple(defined))
    if not strength and _is_titled(piece, pieces) and (_names_definition(piece.title) or is_title_of(piece.title, defined)):
        return 0.7
    if not piece.is_title and _opens_section(piece, pieces, defined):
        return max(strength, opening_strength(piece.text, defined))
    return strength


def _opens_section(piece: _Piece, pieces: list[_Piece], defined: Mapping[str, float]) -> bool:
    """The first sentence under a heading that names what is to be defined, and nothing else."""
    headings = piece.hit.passage.heading_path
    return (
        bool(headings) and all(before.is_title for before in pieces[: piece.position]) and is_heading_of(headings[-1], defined)
    )


def _is_titled(piece: _Piece, pieces: list[_Piece]) -> bool:
    return piece.position > 0 and pieces[piece.position - 1].is_title


def _names_definition(title: str) -> bool:
    """ "131 Définition (article 1186)." """
    return _TITLED_DEFINITION.search(fold(title)) is not None


_TITLED_DEFINITION = re.compile(r"\b(?:definitions?|notion)\b")


def _pieces(hit: Hit, rank: int) -> list[_Piece]:
    text = hit.passage.text
    spans = sentences(text)
    pieces: list[_Piece] = []
    for position, (start, end) in enumerate(spans):
        piece = _Piece(hit, rank, position, start, end)
        before = pieces[-1] if pieces and pieces[-1].is_followed_by(piece) else None
        title = " ".join(filter(None, (before.title, before.text if before.is_title else ""))) if before else ""
        follows = position + 1 < len(spans) and piece.is_followed_by(_Piece(hit, rank, position + 1, *spans[position + 1]))
        pieces.append(replace(piece, title=title, is_title=_is_run_in_title(piece, before, followed=follows)))
    return pieces


_NUMBERED_TITLE = re.compile(r"\d{1,4}[ \u00a0\u202f](?:\|[ \u00a0\u202f])?[^\W\d_].*", re.DOTALL)
_REFERRED_TITLE = re.compile(r"[^:]*\((?:art\.|article|§)[^)]*\)[ \u00a0\u202f]?[.:–—]", re.DOTALL)
_LABEL = re.compile(
    r"(?:article|art\.|section|chapitre|titre|paragraphe|§|exemple|exercice|remarque|etape)(?: [\w.-]{1,8})?\."
)
_CAPTION = re.compile(r"(?:figure|fig|tableau|table|encadre|schema|graphique)\.? [\w.-]{1,6}[.:]")
_NOT_IN_TITLES = re.compile(
    r"\b(?:est|sont|a|ont|peut|peuvent|doit|doivent|faut|va|vont|fait|font|etait|etaient|sera|seront|ne|n'|se|s'|il|elle|on"
    r"|ils|elles|nous|vous|oui|non)\b|[?!;]|\b\w+(?<!m)ent\b|\b\w{3,}(?:ait|aient|era|eront)\b"
)


def _is_run_in_title(piece: _Piece, before: _Piece | None, *, followed: bool) -> bool:
    """ "66 Les conditions de validité (article 1128)." or "Article 7. Absences injustifiées." opens a paragraph: it says
    what the next sentences are about and answers nothing itself."""
    if before is not None and not before.is_title:
        return False
    folded, words = fold(piece.text), len(piece.text.split())
    after_caption = before is not None and _CAPTION.fullmatch(fold(before.text)) is not None
    if _CAPTION.match(folded) or after_caption:
        return words <= 16
    if not followed or (_ITEM.match(piece.text) and not _LABEL.fullmatch(folded)):
        return False
    return (
        _LABEL.fullmatch(folded) is not None
        or (words <= 14 and _NUMBERED_TITLE.fullmatch(piece.text) is not None)
        or (words <= 9 and _REFERRED_TITLE.fullmatch(piece.text) is not None)
        or (words <= (8 if before else 4) and folded.endswith(".") and not _NOT_IN_TITLES.search(folded))
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


def _opens_on(piece: _Piece, weighed: Weighed) -> bool:
    """What is asked about is what the sentence is about."""
    return bool(piece.terms) and piece.terms[0] in weighed.weights and not is_framing(piece.terms[0])


_NUMBER = re.compile(rf"\d|\b(?:{NUMBER_WORDS})\b")
_DATE = re.compile(
    r"\b1?\d{3}\b|\b20\d\d\b|\b(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)\b"
    r"|\bsiecle\b|\b(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\b"
    rf"|(?:\d|\b(?:{NUMBER_WORDS}|un|une)) (?:heures?|jours?|semaines?|mois|semestres?|ans?|annees?)\b"
    r"|\b(?:debut|fin|des la|au plus tard|a compter|a l'issue)\b"
)
_CAPITALISED = re.compile(r"(?<=[^.!?…]\s)[«\"(]?[^\W\d_a-zà-öø-ÿ][\w’'-]+")
_WORD = re.compile(r"\w+")


def is_of_kind(text: str, kind: Expected, question: str) -> bool:
    """Whether a sentence has what the question expects and does not give itself."""
    if kind is Expected.NAME:
        asked = fold(question)
        return any(fold(match[0].strip('«"(')) not in asked for match in _CAPITALISED.finditer(text))
    if kind is Expected.NUMBER and (amount := measured(question)):
        return amount.search(fold(text)) is not None
    if kind in (Expected.NUMBER, Expected.DATE):
        asked_words = set(_WORD.findall(fold(question)))
        told = " ".join(word for word in _WORD.findall(fold(text)) if word not in asked_words)
        return bool((_NUMBER if kind is Expected.NUMBER else _DATE).search(told))
    return False


def defines(text: str, defined: tuple[str, ...]) -> bool:
    return definition_strength(text, defined) > 0


_ENDS_WHOLE = re.compile(r"[.!?…:;][»”\")\]\s\u00a0\u202f\d\[]*$")
_BEGINS_CUT = re.compile(r"^[\"«(\s\u00a0\u202f]*[a-zà-öø-ÿ]")
_ITEM = re.compile(r"\s*(?:[-–—•‣▪●○◦*·]|\d{1,3}[.)°]|[a-zA-Z]\))\s")
_ROW = re.compile(r"(?!\d{1,4}[^\S\n]*\|[^|\d]*$)[^|\t]*[^\s|][^\S\n]*[|\t][^\S\n]*\S", re.DOTALL)
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
        and not is_listing(piece.text)
        and len(folded.split()) <= 10
        and (piece.position == len(pieces) - 1 or "\n" in follows)
    )


def _head_of_rows(pieces: list[_Piece]) -> _Piece | None:
    """The first row, where it names columns: a passage may begin inside a table, with a row like the others."""
    first = next((piece for piece in pieces if _ROW.match(piece.text)), None)
    return first if first is not None and not _DIGIT.search(_BRACKETED.sub("", first.text)) else None


def _caption_of(head: _Piece, pieces: list[_Piece]) -> list[str]:
    """The terms of a title just above a table."""
    before = pieces[head.position - 1] if head.position else None
    return before.terms if before is not None and before.is_title else []


_BRACKETED = re.compile(r"\([^()]*\)")


_DIGIT = re.compile(r"\d")


def _is_head_of_rows(piece: _Piece, head: _Piece | None, pieces: list[_Piece]) -> bool:
    """What the columns of a table are called, which is quoted with a row and not alone."""
    return piece is head and any(_ROW.match(one.text) for one in pieces[piece.position + 1 : piece.position + 2])


def _stands_apart(text: str) -> bool:
    """Items, rows, glossary lines and formulas need no full stop to be whole."""
    return bool(_ITEM.match(text) or _ROW.match(text) or _GLOSSED.match(text) or _FORMULA.search(text))


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


def _adds(piece: _Piece, best: _Piece, question: str) -> bool:
    """Whether a second quotation is worth reading after the best one: whole, clear by itself, not said already and, from
    another passage, as much about what is asked, with an answer of the same kind."""
    if piece.is_cut or (_leans_back(piece) and _needed(piece) is None):
        return False
    if piece.rank == best.rank:
        return True
    kind = expected(question)
    told, told_best = is_of_kind(piece.text, kind, question), is_of_kind(best.text, kind, question)
    about = piece.covered >= SHARE_ADDING * best.covered or (told and not told_best)
    if measured(question) and best.is_on_subject and not piece.is_on_subject:  # the price of another thing is no price of it
        return False
    return about and (told or not told_best) and len(set(piece.terms) - set(best.terms)) >= 2


SHARE_ADDING = 0.6


def _leans_back(piece: _Piece) -> bool:
    return not _stands_apart(piece.text) and _ANAPHOR.match(fold(piece.text)) is not None


_IMPERSONAL = r"faut|existe|y a|n'y a|convient|suffit|importe|est (?:interdit|possible|necessaire|recommande|obligatoire)"
_ANAPHOR = re.compile(
    r"(?:(?:mais|or|et|donc|ainsi|toutefois|cependant|en effet|de plus|enfin|par ailleurs|en outre|neanmoins),? )?"
    rf"(?:ils?\b(?! (?:{_IMPERSONAL})\b)|elles?\b|ce(?:t|tte|s)? (?!qui\b|que\b|dont\b|sont\b)\w|cel(?:ui|le|les)-ci\b"
    r"|ceux-ci\b|cela\b|ceci\b|c'est\b|dans ce cas\b|a defaut\b|sinon\b|leurs? \w|s(?:on|a|es) \w|l'un \w)"
)


_COMPLETES = re.compile(r"(?:mais|or|toutefois|cependant|neanmoins|en revanche|par exception|sauf|ainsi)\b")


def _with_context(chosen: list[_Piece], most: int) -> list[_Piece]:
    """What the best sentence needs comes before the second best one."""
    kept: list[_Piece] = []
    for piece in chosen:
        if any(piece.overlaps(one) for one in kept) or len(kept) == most:
            continue
        kept.append(piece)
        for other in (_needed(piece), _completing(piece) if piece is chosen[0] else None):
            room = most + (_ROW.match(piece.text) is not None)  # the head of a table's columns is no sentence
            if other is not None and len(kept) < room and not any(other.overlaps(one) for one in [*kept, *chosen]):
                kept.append(replace(other, score=piece.score))
    return kept


def _completing(piece: _Piece) -> _Piece | None:
    """The next sentence, when it goes on about the same thing or restrains what was said."""
    after = next((one for one in _pieces(piece.hit, piece.rank)[piece.position :] if one.start >= piece.end), None)
    if after is None or not piece.is_followed_by(after) or _stands_apart(after.text):
        return None
    folded = fold(after.text)
    return after if _COMPLETES.match(folded) or _ANAPHOR.match(folded) else None


def _needed(piece: _Piece) -> _Piece | None:
    """The piece of the same passage without which this one makes little sense."""
    before = _pieces(piece.hit, piece.rank)[: piece.position]
    if not before:
        return None
    if _ITEM.match(piece.text):
        return next((one for one in reversed(before) if not _ITEM.match(one.text)), None)
    if _ROW.match(piece.text):
        return _head_of_rows(before) or (None if _ROW.match(before[-1].text) else before[-1])
    return before[-1] if _ANAPHOR.match(fold(piece.text)) else None


def _in_reading_order(chosen: list[_Piece]) -> list[_Piece]:
    """Passages in the order of their best sentence, sentences in the order of the page."""
    first_met = {piece.rank: met for met, piece in reversed(list(enumerate(chosen)))}
    return sorted(chosen, key=lambda piece: (first_met[piece.rank], piece.start))


def _joined(ordered: list[_Piece]) -> list[_Piece]:
    joined: list[_Piece] = []
    for piece in ordered:
        if joined and joined[-1].is_followed_by(piece):
            joined[-1] = replace(joined[-1], end=piece.end, score=max(joined[-1].score, piece.score))
        else:
            joined.append(piece)
    return joined


_BROKEN_WORD = re.compile(r"\s[^\W\d_]+[-\u00ad\u2010](?=\n\n|$)")
_FIRST_WORD = re.compile(r"[^\W\d_]+\s+")


def _breaks_word(passage: Passage) -> bool:
    return _BROKEN_WORD.search(passage.text) is not None


def _without_broken_words(piece: _Piece, found: Found) -> _Piece:
    """The page's border may cut a word: "d'un com-", then "mun accord". Neither half is quoted."""
    start, end = piece.start, piece.end
    unit_before = (piece.hit.passage.document_id, piece.hit.passage.unit_number - 1)
    before = [hit.passage for hit in found.hits if (hit.passage.document_id, hit.passage.unit_number) == unit_before]
    if match := _BROKEN_WORD.search(piece.text):
        end -= len(piece.text) - match.start()
    if any(map(_breaks_word, before)) and start == 0 and piece.text[:1].islower() and (match := _FIRST_WORD.match(piece.text)):
        start += match.end()
    return replace(piece, start=start, end=end) if start < end else piece


def _quoted(piece: _Piece) -> Sentence:
    passage = piece.hit.passage
    return Sentence(passage, passage.start + piece.start, passage.start + piece.end, piece.text, piece.score)
