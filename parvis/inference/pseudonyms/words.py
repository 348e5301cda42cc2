"""The words of a text, folded: without case, accents, ligatures, soft hyphens and what takes no place."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = "\u00ad\u200b-\u200d\u2060\ufeff"
# "J.-P." and "N.I.R." are one word. Marks that combine, and what is not seen, are within words.
WORD = re.compile(rf"(?:[^\W\d_]\.[-\u2010\u2011]?){{2,5}}|[^\W\d_]+(?:[\u0300-\u036f{_UNSEEN}]+[^\W\d_]*)*")
_NOT_LETTERS = re.compile(rf"[\u0300-\u036f{_UNSEEN}.\-\u2010\u2011]+")
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def fold(word: str) -> str:
    if word.isascii():
        return word.lower().replace(".", "").replace("-", "") if not word.isalpha() else word.lower()
    plain = unicodedata.normalize("NFKD", word.lower().translate(_LETTERS))
    return _NOT_LETTERS.sub("", plain)
