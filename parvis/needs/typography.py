"""French typography of texts: the spaces that must not break, guillemets, apostrophes."""

from __future__ import annotations

import re

NARROW, FIXED = "\u202f", "\u00a0"


def typeset(text: str) -> str:
    """For our own sentences and for texts written for publication: guillemets, apostrophes and spaces."""
    text = re.sub(r'"([^"\n]*)"', r"« \1 »", text)
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    return spaced(text.replace("...", "…"))


def spaced(text: str) -> str:
    """For quoted words: not a letter nor a mark changes, only the spaces that were there no longer break."""
    text = re.sub(r" (?=[;!?])", NARROW, text)
    text = re.sub(r" (?=[:»])|(?<=«) ", FIXED, text)
    text = re.sub(r"(?<=\d) (?=\d{3}(?!\d))", NARROW, text)
    text = re.sub(r"(?<=\d) (?=[%€°]|k€|M€|Go\b|h\b|mois\b|ans?\b)", FIXED, text)
    return re.sub(r"\b(n°|art\.|p\.|M\.|Mme|EX-) (?=\S)", rf"\1{FIXED}", text)
