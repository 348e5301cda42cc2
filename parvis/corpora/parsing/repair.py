"""Mending the text a PDF gives: accents set as separate marks, ligatures, hyphens at line ends, fonts without a map."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set

# TeX's OT1 fonts set an accent as a glyph of its own, then the letter over it.
COMBINING_OF = {
    "`": "\u0300",
    "´": "\u0301",
    "ˆ": "\u0302",
    "^": "\u0302",
    "˜": "\u0303",
    "¨": "\u0308",
    "¸": "\u0327",
    "˚": "\u030a",
    "ˇ": "\u030c",
}
MARKS = frozenset(COMBINING_OF)
_LIGATURES = re.compile("[\ufb00-\ufb06]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\u200b\u2060\ufffe\uffff\ufffc]")
_BIDI_CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DOTLESS = {"ı": "i", "ȷ": "j"}
# What follows the hyphen in a verb turned round, a demonstrative, a reinforced pronoun: the hyphen is spelled.
_SPELLED_AFTER = frozenset("il ils elle elles on je tu nous vous moi toi ce ci là même mêmes y en t être".split())
_SPELLED_BEFORE = frozenset("peut c'est-à vis-à demi quasi celui celle ceux celles rendez socio quelques soixante".split())


def clean(text: str) -> str:
    """Ligatures opened, controls removed, composed to NFC."""
    if text.isascii() and text.isprintable():
        return text
    text = _UNPRINTABLE.sub("", text)
    text = _BIDI_CONTROLS.sub("", text)
    text = _LIGATURES.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    return unicodedata.normalize("NFC", text)


def compose(mark: str, letter: str) -> str | None:
    """The accented letter, or None when French (or any) typography has no such letter."""
    composed = unicodedata.normalize("NFC", _DOTLESS.get(letter, letter) + COMBINING_OF[mark])
    return composed if len(composed) == 1 else None


def join_hyphenated(before: str, after: str, vocabulary: Set[str]) -> str | None:
    """`before` without its final hyphen joined to `after`, or None when the hyphen belongs to the spelling.

    `vocabulary` holds words met elsewhere in the document, lower-cased: it decides before the rules do.
    """
    if not before or not after or not before[-1].isalpha() or not after[0].islower():
        return None
    head = re.split(r"[\s(«\"“\[]", before)[-1].lower()
    tail = re.split(r"[\s).,;:!?»\"”\]]", after)[0].lower()
    stem = head.replace("’", "'").split("'")[-1]
    if stem + tail in vocabulary:
        return before + after
    if f"{stem}-{tail}" in vocabulary:
        return None
    if re.split(r"['’-]", tail)[0] in _SPELLED_AFTER or head in _SPELLED_BEFORE or stem in _SPELLED_BEFORE:
        return None
    return before + after


def is_garbage(text: str) -> bool:
    """Whether a page's text is soup: glyphs without a Unicode map, or mapped to the wrong letters."""
    visible = len(text) - text.count(" ")
    if visible < 40:
        return False
    if not text.isascii() and sum(map(len, _UNMAPPED.findall(text))) > 0.3 * visible:
        return True
    words = _LATIN_WORD.findall(text[:4000])
    if len(words) < 20:
        return False
    return sum(1 for word in words if not _VOWEL.search(word)) > 0.5 * len(words)


# Private use, controls, what is no character; the letters of old encodings that no French text is made of.
_UNMAPPED = re.compile("[\ue000-\uf8ff\ufff0-\uffff\x00-\x08\x0e-\x1f\x7f-\x9f\U000f0000-\U0010ffff]+")
_LATIN_WORD = re.compile("[A-Za-z\u00c0-\u024f]{4,}")
_VOWEL = re.compile("[aeiouyàâäéèêëîïôöùûüÿœæøı]", re.IGNORECASE)
