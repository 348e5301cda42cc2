"""What each placeholder stands for, for the length of one request, in memory only.

A placeholder is ⟦KIND_nnnnnL⟧: a number for what is named, a letter for how it is written. Both come from a keyed hash:
the same conversation gives the same ones at each request without any of them being kept, and another conversation others.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from parvis.inference.pseudonyms.spans import LITERAL, NAME, TERM
from parvis.inference.pseudonyms.words import WORD, fold

OPENING, CLOSING = "\u27e6", "\u27e7"
_FIRST, _COUNT = 10_000, 90_000
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_BENT = re.compile(r"[\s\\_\-\u2010\u2011*`\u200b-\u200d\u2060]+")
_CODE = re.compile(r"[A-Z]{2,10}([0-9]{5}[A-Z])")


class Vault:
    def __init__(self, key: bytes) -> None:
        self._key = key
        self._placeholders: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}  # by number and letter
        self._numbers: dict[tuple[str, str], int] = {}
        self._taken: dict[int, int] = {}  # letters given to each number

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Vault of {len(self)}>"

    def __reduce__(self) -> str:
        raise TypeError("a vault stays in memory")

    def placeholder(self, kind: str, value: str) -> str:
        known = self._placeholders.get((kind, value))
        if known is None:
            number = self._number(kind, _same(kind, value))
            letter = self._letter(number, kind, value)
            known = self._placeholders[kind, value] = f"{OPENING}{kind}_{number}{letter}{CLOSING}"
            self._values[f"{number}{letter}"] = value
        return known

    def value(self, inside: str) -> str | None:
        """What stands between the brackets of a placeholder, in any case and with spaces; None where it is none of ours.
        The number says all: it is one of 90,000 and a letter, and given once."""
        match = _CODE.fullmatch(_BENT.sub("", inside).upper())
        return self._values.get(match[1]) if match else None

    def _number(self, kind: str, same: str) -> int:
        number = self._numbers.get((kind, same))
        if number is None or self._taken[number] >= len(_LETTERS):
            if len(self._taken) >= _COUNT // 2:
                raise OverflowError
            number = _FIRST + self._hash(kind, same) % _COUNT
            while number in self._taken:
                number = _FIRST + (number - _FIRST + 1) % _COUNT
            self._numbers[kind, same] = number
            self._taken[number] = 0
        return number

    def _letter(self, number: int, kind: str, value: str) -> str:
        place = self._hash(f"{kind} as", value) % len(_LETTERS)
        while f"{number}{_LETTERS[place]}" in self._values:
            place = (place + 1) % len(_LETTERS)
        self._taken[number] += 1
        return _LETTERS[place]

    def _hash(self, kind: str, value: str) -> int:
        return int.from_bytes(hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)[:8])


def _same(kind: str, value: str) -> str:
    """What several ways of writing have in common: a person's words in any order, an identifier's characters."""
    if kind == NAME:
        return " ".join(sorted(fold(match[0]) for match in WORD.finditer(value)))
    if kind in (LITERAL, TERM):
        return value
    return "".join(character for character in value.upper() if character.isalnum()) or value
