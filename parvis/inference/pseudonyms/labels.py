"""Values that only their label tells: mistyped identifiers, dates of birth, numbers of students.

A value is masked whole, whatever is wrong with it: a key, a digit too many, a letter O for a zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from parvis.inference.pseudonyms.numbers import IBAN_LENGTHS
from parvis.inference.pseudonyms.spans import (
    BIRTH,
    CARD,
    EMAIL,
    IBAN,
    INE,
    IP,
    NIR,
    PHONE,
    SIREN,
    SIRET,
    SPACES,
    STUDENT,
    Span,
)

REACH = 48  # characters between a label and its value
LONGEST = 64

_SEP = rf"(?:[{SPACES}.\-\u2010\u2011\u2013·/_()]{{1,4}}|,)"
_HELD = r"[A-Za-z]{0,4}[0-9][0-9A-Za-z]{0,33}"  # a group that holds a digit
_TAKEN_FOR_DIGITS = r"[OoIlSB]{1,5}"
_CODE = re.compile(
    rf"(?<![^\W_])\+?\(?(?:[A-Z]{{2}}[{SPACES}]{{1,2}}|{_TAKEN_FOR_DIGITS}{_SEP}(?=[0-9]))?{_HELD}"
    rf"(?:{_SEP}(?:{_HELD}|[A-Z]{{1,4}}(?![^\W_])|{_TAKEN_FOR_DIGITS}(?={_SEP}[0-9])))*"
)
_BANK = re.compile(rf"(?<![^\W_])(?:[A-Za-z]{{1,3}}[{SPACES}]?)?{_HELD}(?:{_SEP}(?:{_HELD}|[A-Za-z]{{1,4}}(?![^\W_])))*")
_KEY = re.compile(r"[\s,;(]{1,3}cl[ée]\s?:?\s?[0-9]{1,3}(?![^\W_])", re.IGNORECASE)  # of a social security number
_GROUP = re.compile(r"[^\W_]+")
_STOP = re.compile(r"[!?;]|\.(?=\s+[A-ZÀ-Ý])|\n[^\n]*\n")


_YEARS = re.compile(r"(?:(?:19|20)[0-9]{2}[^0-9]{0,3}){1,6}")


Taken = Callable[[int], Span | None]


@dataclass(frozen=True, slots=True)
class Label:
    """`fewest` digits make a value; beyond `most` characters the next group is another's. `before` must end what precedes
    the label, and `after` begin what follows it, where the word alone says too little."""

    kind: str
    fewest: int
    most: int
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None


_NUMBERED = re.compile(
    r"(?:num(?:[ée]ro)?s?|n[°ºo.]?|code|identifiant|id|carte)[\s_\-:.]*(?:d['’e]?|de l['’]|of|the|,|une?)?[\s_\-]*\Z",
    re.IGNORECASE,
)
_ENGLISH = re.compile(r"[\s_\-]*(?:card\s)?(?:id|numbers?|num|no|nr|n°|#)(?![^\W\d_])", re.IGNORECASE)
_NIR, _INE = Label(NIR, 10, 16), Label(INE, 6, 13)
_BANK_LABEL, _CARD = Label(IBAN, 5, 34), Label(CARD, 11, 19)
_PHONE, _STUDENT = Label(PHONE, 8, 13), Label(STUDENT, 4, 12)
LABELS: dict[str, Label] = {
    **dict.fromkeys(("nir", "nia", "nss", "insee", "secu", "securite", "vitale"), _NIR),
    **dict.fromkeys(("ine", "ines", "bea"), _INE),
    **dict.fromkeys(("iban", "rib", "bban"), _BANK_LABEL),
    "ss": Label(NIR, 10, 16, _NUMBERED),
    "siren": Label(SIREN, 7, 11),
    "tva": Label(SIREN, 8, 13),
    "siret": Label(SIRET, 10, 16),
    **dict.fromkeys(("cb", "carte", "visa", "mastercard", "amex", "card", "pan"), _CARD),
    **dict.fromkeys(("tel", "telephone", "portable", "mobile", "phone", "gsm", "fax", "whatsapp"), _PHONE),
    **dict.fromkeys(("mail", "email", "courriel", "mel", "adel"), Label(EMAIL, 0, 80)),
    **dict.fromkeys(("ip", "ipv"), Label(IP, 3, 45)),
    **dict.fromkeys(("matricule", "apogee", "numetu", "codetu"), _STUDENT),
    **dict.fromkeys(("etudiant", "etudiante", "etu"), Label(STUDENT, 4, 12, _NUMBERED)),
    "student": Label(STUDENT, 4, 12, after=_ENGLISH),
    **dict.fromkeys(("naissance", "birth", "birthdate", "birthday", "dob", "ddn"), Label(BIRTH, 2, 24)),
    **dict.fromkeys(("ne", "nee", "nes", "nees", "born"), Label(BIRTH, 3, 24)),
    **dict.fromkeys(("datenaissance", "naiss"), Label(BIRTH, 2, 24)),
}


def labelled(text: str, word: str, start: int, end: int, taken: Taken) -> Span | None:
    """The value of the label `word`, folded, at [start, end). `taken` gives what a key or a form proves at a place."""
    label = LABELS[word]
    if label.before and not label.before.search(text, max(0, start - 24), start):
        return None
    if label.after and not label.after.match(text, end):
        return None
    if label.kind == BIRTH:
        return _birth(text, word, start, end)
    stop = _STOP.search(text, end, end + REACH)
    limit = stop.start() if stop else end + REACH
    if label.kind == EMAIL:
        return _email(text, end, limit, taken)
    if label.kind == IP:
        return _ip(text, end, limit, taken)
    return _code(text, label, end, limit, taken)


def _code(text: str, label: Label, end: int, limit: int, taken: Taken) -> Span | None:
    shape = _BANK if label.kind == IBAN else _CODE
    for match in shape.finditer(text, end, end + REACH + LONGEST):
        if match.start() > limit:
            return None
        cut = _before_aside(text, match, _within(match[0], label), label)
        if _digits(match[0][:cut]) >= label.fewest and not _YEARS.fullmatch(match[0]):
            start, stop = match.start(), match.start() + cut
            if text[start] == "(" and ")" not in text[start:stop]:  # the sentence's, not the number's
                start += 1
            if label.kind == NIR and (key := _KEY.match(text, stop)):
                stop = key.end()
            return _unless_known(text, Span(start, stop, label.kind, certain=False), taken)
    return None


def _before_aside(text: str, match: re.Match[str], cut: int, label: Label) -> int:
    """Of "22104567 (L2)", what precedes the brackets, where that is a value by itself."""
    opened = match[0].rfind("(", 1, cut)
    if opened < 0 or ")" in match[0][opened:cut] or text[match.start() + cut : match.start() + cut + 1] != ")":
        return cut
    before = len(match[0][:opened].rstrip())
    return before if _digits(match[0][:before]) >= label.fewest else cut


def _digits(value: str) -> int:
    return sum(character.isdigit() for character in value)


def _unless_known(text: str, span: Span, taken: Taken) -> Span | None:
    """Nothing, where an identifier of this kind, whose length does not vary, begins there: what follows is no part of it.
    One of another kind may be within a mistyped value by chance."""
    known = taken(span.start)
    if known is None or known.kind != span.kind or known.start != span.start:
        return span
    is_of_any_length = span.kind == CARD or (span.kind == PHONE and text.startswith(("+", "00"), span.start))
    return span if is_of_any_length else None


def _within(value: str, label: Label) -> int:
    """Where the value ends: at the end of a group, once there are enough characters for one identifier."""
    most = IBAN_LENGTHS.get(value[:2].upper(), 27) + 1 if label.kind == IBAN else label.most + 1
    count = cut = 0
    for group in _GROUP.finditer(value):
        if count >= most:
            break
        count += group.end() - group.start()
        if label.kind in (INE, IBAN, NIR) or any(character.isdigit() for character in group[0]):
            cut = group.end()
    return cut


_NOT_OF_EMAIL = r"\s<>()\[\]\"“”«»|;"
_WITH_SIGN = re.compile(
    rf"[^{_NOT_OF_EMAIL}:]*\s{{0,2}}(?:@|\uff20)+\s{{0,2}}[^{_NOT_OF_EMAIL}]+(?:\s?\.\s?[a-z]{{2,3}}\b|\s(?:fr|com|org|net|eu|edu)\b)?"
)
_WITHOUT_SIGN = re.compile(rf"[^{_NOT_OF_EMAIL}:@]*[^{_NOT_OF_EMAIL}:@.,][.,][^{_NOT_OF_EMAIL}:@.,][^{_NOT_OF_EMAIL}:@]*")


def _email(text: str, end: int, limit: int, taken: Taken) -> Span | None:
    """An address around its sign, or without one: then a word with a stop in it."""
    match = _WITH_SIGN.search(text, end, limit + 100) or _WITHOUT_SIGN.search(text, end, limit + LONGEST)
    if match is None or match.start() > limit:
        return None
    start = match.start() + len(match[0]) - len(match[0].lstrip(" \t\n.,'’="))
    span = Span(start, match.start() + len(match[0].rstrip(".,!?'’…")), EMAIL, certain=False)
    return span if span.start < span.end else None


_MISTYPED_IP = re.compile(
    r"(?<![^\W_])(?:[0-9A-Fa-fOolgSx]{1,6}|(?=::))(?:(?:[.,:;]{1,3}[0-9A-Fa-fOolgGSx]{1,6}){2,9}|:{2,5}[0-9A-Fa-fgG]{1,5}(?::{1,5}[0-9A-Fa-fgG]{1,5}){0,7})(?:::)?(?![^\W_])",
    re.ASCII,
)


def _ip(text: str, end: int, limit: int, taken: Taken) -> Span | None:
    for match in _MISTYPED_IP.finditer(text, end, end + REACH + LONGEST):
        if match.start() > limit:
            return None
        if any(character.isdigit() for character in match[0]):
            return Span(match.start(), match.end(), IP, certain=False)
    return None


_BETWEEN = rf"[{SPACES}./\-\u2010\u2011\u2013,]{{1,3}}"
_DIGIT = "[0-9OoIlSB]"
_DATE = re.compile(
    rf"""(?<![^\W_])(?:
    {_DIGIT}{{1,5}}{_BETWEEN}{_DIGIT}{{1,4}}{_BETWEEN}{_DIGIT}{{1,5}}                        # 12/03/2001, 2001-03-12
    |[0-9OIlSB][^\W_]{{0,4}}{_BETWEEN}(?:of\s)?[^\W\d_]{{3,10}}{_BETWEEN}{_DIGIT}{{2,5}}       # 1er mars 2001
    |(?:[^\W_]{{1,4}}{_BETWEEN})?(?:janv|f[ée]v|mars|avr|mai|juin|juil|ao[uû]|sept|oct|nov|d[ée]c)[a-zé]*{_BETWEEN}{_DIGIT}{{2,5}}
    |(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s[0-9]{{2,5}}
    |[0-9]{{6,9}}
    |{_DIGIT}{{1,6}}[./\-]{{1,3}}{_DIGIT}{{1,6}}
    )(?![^\W_])""",
    re.VERBOSE,
)
_SAID_BORN = re.compile(r"(?:\s?[(·.\-]\s?e\s?[)·.]?)?(?:s)?\s+(?:le|on|:)?\s*", re.IGNORECASE)
_DATE_OF = re.compile(r"(?:date|jour|ddn|date[\s_\-]of|of)[\s_\-]*(?:de|d['’])?[\s_\-]*\Z", re.IGNORECASE)


def _birth(text: str, word: str, start: int, end: int) -> Span | None:
    if word in {"ne", "nee", "nes", "nees", "born"}:  # "ne" is mostly a negation
        said = _SAID_BORN.match(text, end)
        match = _DATE.match(text, said.end()) if said else None
    else:
        is_certain = word not in {"naissance", "birth"} or _DATE_OF.search(text, max(0, start - 16), start)
        reach = REACH if is_certain else 12
        stop = _STOP.search(text, end, end + reach)
        match = _DATE.search(text, end, end + reach + 32)
        if match and match.start() > (stop.start() if stop else end + reach):
            match = None
    return Span(match.start(), match.end(), BIRTH, certain=False) if match else None
