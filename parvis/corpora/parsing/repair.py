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
    visible = [char for char in text if not char.isspace()]
    if len(visible) < 40:
        return False
    odd = sum(1 for char in visible if unicodedata.category(char) in ("Co", "Cn", "Cc", "Cs") or char == "\ufffd")
    if odd > 0.3 * len(visible):
        return True
    latin_words = [word for word in re.findall(r"[^\W\d_]{4,}", text) if ord(word[0]) < 0x250]
    if len(latin_words) < 20:
        return False
    unsayable = sum(1 for word in latin_words if not _VOWEL.search(unicodedata.normalize("NFD", word)))
    return unsayable > 0.5 * len(latin_words)


_VOWEL = re.compile("[aeiouyœæøı]", re.IGNORECASE)
