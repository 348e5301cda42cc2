"""What a French text is made of for search: words folded and stemmed, sentences.

Fold, then stem: stemming first would give "eleve" and "élève" two terms, and people type without accents.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

# Raise it when the same text gives other terms: stored entries are then indexed again.
ANALYSIS_VERSION = 1

LONGEST_TERM = 40


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text that counts for search: `surface` is `text[start:end]`, `term` what the index knows."""

    term: str
    surface: str
    start: int
    end: int


def analyse(text: str) -> list[Token]:
    """The words of `text` with their places; stop words and elided articles are left out."""
    tokens = []
    for match in _WORD.finditer(text):
        term = _read(match[0])[1]
        if term:
            surface = match[0].rstrip(_APOSTROPHES)
            tokens.append(Token(term, surface, match.start(), match.start() + len(surface)))
    return tokens


def terms(text: str) -> list[str]:
    """As `analyse`, terms only."""
    return [term for _, term in map(_read, _WORD.findall(text)) if term]


def folded_and_terms(text: str) -> tuple[str, list[str]]:
    """The words of `text` folded, stop words included, one space between them; and its terms."""
    read = [_read(word) for word in _WORD.findall(text)]
    return " ".join([folded for folded, _ in read]), [term for _, term in read if term]


def folded_words(text: str) -> list[tuple[str, int]]:
    """Every word of `text` folded, stop words included, with where it begins."""
    return [(_read(match[0])[0], match.start()) for match in _WORD.finditer(text)]


def fold(text: str) -> str:
    """Lower case, no accents, ligatures opened, compatibility forms made plain. The length may change."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _MARKS.sub("", text).translate(_OPENED)


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of `text`, in order, without the white space around them.

    A blank line or the start of a list item always ends one; a point ends one only before what can begin another,
    and not after an abbreviation, an initial or the number of a list item.
    """
    borders = [0]
    for match in _BORDER.finditer(text):
        if match["end"] is None or _ends_sentence(text, match):
            borders.append(match.end())
    borders.append(len(text))
    spans = (_trimmed(text, start, end) for start, end in pairwise(borders))
    return [(start, end) for start, end in spans if start < end]


_APOSTROPHES = "'’ʼ"
# A mark that combines with the letter before it belongs to the word: questions often arrive decomposed.
# An apostrophe tells an elided word (l', qu') from a letter; C++ and C# are names.
_WORD = re.compile(rf"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*(?:[{_APOSTROPHES}]|\+\+|\#)?")
_MARKS = re.compile(r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u20d0-\u20ff\ufe00-\ufe0f]+")
_OPENED = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "’": "'", "ʼ": "'"})
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_ELIDED = frozenset("c' d' j' jusqu' l' lorsqu' m' n' presqu' puisqu' qu' quelqu' quoiqu' s' t'".split())
_NAMES = {"c++": "cplusplus", "c#": "csharp", "aujourd'": "aujourdhui"}

_STOP_WORDS = frozenset(
    """
    a afin ai ainsi alors apres as au aucun aucune aussi autre autres aux avaient avait avant avec avez avoir avons
    ayant c ca car ce ceci cela celle celles celui cependant ces cet cette ceux chaque chez ci comme comment d dans
    de depuis des desquelles desquels donc dont du duquel elle elles en entre es est et etaient etait etant etc etes
    etre eu eut eux faire fait faut furent fut hui il ils j je jusqu l la laquelle le lequel les lesquelles lesquels
    leur leurs lors lorsqu lorsque lui m ma mais me meme memes mes moi mon n ne ni non nos notre nous on ont or ou
    par parce pas peu peut peuvent plus pour pourquoi pourrait presqu puis puisqu puisque qu quand que quel quelle
    quelles quelqu quels qui quoi quoiqu quoique s sa sans se sera serait seront ses si soi soit sommes son sont
    sous sur t ta te tel telle telles tels tes toi ton tous tout toute toutes tres tu un une vers voici voila vos
    votre vous y
    """.split()
)

_stemmer = snowballstemmer.stemmer("french")
_stemmer_lock = threading.Lock()


@lru_cache(maxsize=1 << 17)
def _read(word: str) -> tuple[str, str]:
    """One word folded, and its term: "" for a word that does not count."""
    folded = fold(word)
    plain = _NOT_ALPHANUMERIC.sub("", folded)[:LONGEST_TERM]
    if folded in _NAMES:
        return plain, _NAMES[folded]
    if folded in _ELIDED or plain in _STOP_WORDS:
        return plain, ""
    return plain, _stem(plain)


def _stem(word: str) -> str:
    if not word.isascii() or not word.isalpha():
        return word
    with _stemmer_lock:  # the stemmer keeps the word in itself: two threads would mix theirs
        return str(_stemmer.stemWord(word))


_BORDER = re.compile(
    r"""
    \n[^\S\n]*\n\s*                                                      # a blank line
  | \n[^\S\n]*(?=(?:[-–—•‣▪●○◦*·]|\d{1,3}[.)°]|[a-zA-Z]\))\s)              # a list item
  | (?P<end>[.!?…]+)[)\]"”’]*(?:[\s\u00a0\u202f]?[»”])?(?:\[\d+\])*       # an end, its closing quotes and note marks
    (?![^\S\n]*\n[^\S\n]*(?:\n|(?:[-–—•‣▪●○◦*·]|\d{1,3}[.)°]|[a-zA-Z]\))\s))  # the two above end it whatever follows
    [\s\u00a0\u202f]+
    (?=[«“"‘'(\[–—•\-]*[\s\u00a0\u202f]*(?P<next>[^\W_]))
    """,
    re.VERBOSE,
)
# Only those met before a capital or a figure matter: before a small letter no point ends a sentence.
_ABBREVIATIONS = frozenset(
    """
    al ann apr art av bd bull cf chap coll comm conf del dir dr ed eq ex fig figs hab ibid id le loc mgr ms mss no nos
    num obs op par para pp pr pref prof prop ref rem req sect spec sq st ste suiv tab tel th trad vol vs
    """.split()
)
_LATEST_WORD = re.compile(r"(?P<word>[^\W\d_]+(?:\.-?[^\W\d_]+)*)$")
_ITEM_NUMBER = re.compile(r"(?:^|\n)[^\S\n]*(?:[IVXLC]{1,5}|\d{1,3})(?:\.\d{1,3})*$")


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    following = match["next"]
    if following.islower():
        return False
    if match["end"] != ".":
        return True
    before = text[max(0, match.start() - 24) : match.start()]
    if _ITEM_NUMBER.search(before if match.start() > 24 else "\n" + before):
        return False
    latest = _LATEST_WORD.search(before)
    if latest is None:
        return True
    word = latest["word"]
    if before[: latest.start()].endswith("°"):  # 100 °C
        return True
    if len(word) == 1 or (len(word) <= 4 and "." in word):  # J. Dupont, J.-C., e.g.
        return word.islower() and word not in ("n", "p", "s", "t", "v") and not following.isdigit()
    folded = fold(word)
    return folded not in _ABBREVIATIONS and not (folded in ("me", "mm") and following.isupper())


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, start + len(piece.strip())
