"""Identifiers that a key or a strict form proves: NIR, INE, SIREN, SIRET, payment cards, IBAN, telephone numbers.

Keys: NIR, 97 less the number modulo 97 (Corsican departments count as 19 and 18); SIREN, SIRET and cards, ISO/IEC 7812
annex B (and the digit sum of La Poste's establishments); IBAN, ISO 13616 and ISO 7064 MOD 97-10. The key of an INE is not
published: its form is what is recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parvis.inference.pseudonyms.spans import CARD, IBAN, INE, NIR, PHONE, SIREN, SIRET, SPACES, Span

GAP = rf"[{SPACES}.\-\u2010\u2011\u2013·/_]{{0,3}}"
_AFTER = r"(?![^\W_])"

# Each is tried where a group of digits begins, and nowhere else.
_DIGITS = re.compile(r"[0-9]+")
_NIR = re.compile(rf"[1-478](?:{GAP}[0-9]){{4}}{GAP}(?:[0-9]{GAP}[0-9]|2{GAP}[ABab])(?:{GAP}[0-9]){{8}}{_AFTER}")
_NIR_WITHOUT_KEY = re.compile(rf"[12][ .]\d\d[ .](?:0[1-9]|1[0-2])[ .](?:\d\d|2[ABab])[ .]\d{{3}}[ .]\d{{3}}{_AFTER}")
_INE = re.compile(rf"(?:[0-9]{{9}}[A-Za-z]{{2}}|[0-9]{{10}}[A-Za-z]|[0-9]{{4}}[A-Za-z][0-9]{{5}}[A-Za-z]){_AFTER}")
_RUN = re.compile(rf"[0-9](?:{GAP}[0-9]){{8,24}}")
_VAT = re.compile(rf"[0-9A-Z]{{2}}(?:[{SPACES}.]?[0-9]){{9}}{_AFTER}", re.IGNORECASE)
_IBAN = re.compile(rf"[A-Za-z]{{2}}[{SPACES}]?[0-9][{SPACES}]?[0-9](?:[{SPACES}.\-\u2011_]{{0,2}}[0-9A-Za-z]){{11,30}}")
_ABROAD = re.compile(rf"(?:\+|00)[{SPACES}.\-]?\(?(?=[1-9])[0-9](?:[{SPACES}.\-\u2010\u2011\u2013/()]{{0,3}}[0-9]){{6,15}}")

# Length of an IBAN by country: the registry of ISO 13616.
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "AO CV GW LY MZ PT ST",
        26: "DZ IR IS TR",
        27: "BI CF CG CM DJ FR GA GQ GR IT KM MC MG MR SM TD",
        28: "AL AZ BF BJ BY CI CY DO GT HN HU LB MA ML NE NI PL SN SV TG",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def found(text: str) -> Iterator[Span]:
    """What is valid in the text. Cost grows with the length of the text, whatever it holds."""
    for group in _DIGITS.finditer(text):
        start = group.start()
        before = text[start - 1] if start else " "
        if not before.isalnum():
            yield from _from(text, start)
            if before in SPACES and text[start - 3 : start - 1].isalpha():
                yield from _after_country(text, start - 3)
        elif before.isalpha() and text[max(0, start - 2) : start].isalpha():
            yield from _after_country(text, start - 2)
    place = text.find("+")
    while place >= 0:
        if not text[max(0, place - 1) : place].isalnum():
            yield from _telephone_abroad(text, place)
        place = text.find("+", place + 1)


def _from(text: str, start: int) -> Iterator[Span]:
    if (nir := _NIR.match(text, start)) and is_nir(nir[0]):
        yield Span(start, nir.end(), NIR)
    elif without_key := _NIR_WITHOUT_KEY.match(text, start):
        yield Span(start, without_key.end(), NIR, certain=False)
    if ine := _INE.match(text, start):
        yield Span(start, ine.end(), INE)
    elif run := _RUN.match(text, start):
        yield from _of_run(text, start, run[0])
    if text.startswith("00", start) and text[max(0, start - 1) : start] not in (".", ","):
        yield from _telephone_abroad(text, start)


def _after_country(text: str, start: int) -> Iterator[Span]:
    """An IBAN, or a French VAT number, which holds a SIREN, whose two letters begin there."""
    if start < 0 or text[max(0, start - 1) : start].isalnum():
        return
    yield from _iban(text, start)
    if text[start : start + 2].upper() == "FR":
        place = start + 2 + text[start + 2 : start + 3].isspace()
        if (vat := _VAT.match(text, place)) and luhn(re.sub(r"\D", "", vat[0])[-9:]):
            yield Span(start, vat.end(), SIREN)


def is_nir(value: str) -> bool:
    """Fifteen characters among others that separate them."""
    number = re.sub(r"[^0-9AB]", "", value.upper())
    month, place = int(number[3:5]), number[5:7]
    if not (1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99):
        return False
    digits = number[:5] + {"2A": "19", "2B": "18"}.get(place, place) + number[7:]
    return digits.isdigit() and int(digits[13:]) == 97 - int(digits[:13]) % 97


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def is_siret(digits: str) -> bool:
    return luhn(digits) or (digits.startswith("356000000") and sum(map(int, digits)) % 5 == 0)


_PHONE_SHAPES = {
    (10,),
    (2,) * 5,
    (4, 2, 2, 2),
    (4, 3, 3),
    (3, 3, 4),
    (2, 4, 4),
    (1, 3, 3, 3),
    (2, 8),
    (3, 3, 2, 2),
    (4, 6),
    (3, 7),
}
_SIREN_SHAPES = {(9,), (3, 3, 3)}
_SIRET_SHAPES = {(14,), (3, 3, 3, 5), (9, 5), (3, 3, 3, 3, 2)}
_CARD_SHAPES = {(6, 13), (8, 8), (4, 6, 5), (4, 6, 4), (4, 4, 5), (4, 4, 4, 4, 3), (6, 6, 6), (4, 6, 6)}
_BEGINNINGS = (
    {shape[:count] for shape in _PHONE_SHAPES | _SIREN_SHAPES | _SIRET_SHAPES | _CARD_SHAPES for count in (1, 2)}
    | {(count,) for count in range(9, 20)}
    | {(4, count) for count in range(1, 5)}
)


def _of_run(text: str, start: int, run: str) -> Iterator[Span]:
    """Identifiers that begin with this run of groups of digits, at each end of a group."""
    sizes: list[int] = []
    gaps: set[str] = set()
    digits, latest = "", 0
    for group in _DIGITS.finditer(run):
        if sizes:
            gap = run[latest : group.start()]
            gaps.add(" " if gap.isspace() else gap)
        latest = group.end()
        sizes.append(latest - group.start())
        digits += group[0]
        if len(digits) > 19 or tuple(sizes[:2]) not in _BEGINNINGS:
            return
        if len(digits) < 9 or (latest == len(run) and text[start + latest : start + latest + 1].isalnum()):
            continue
        if kind := _kind(digits, tuple(sizes), regular=len(gaps) <= 1):
            yield Span(start, start + latest, kind)


def _kind(digits: str, sizes: tuple[int, ...], *, regular: bool) -> str:
    count = len(digits)
    if count == 10:
        return PHONE if regular and sizes in _PHONE_SHAPES and digits[0] == "0" and digits[1] != "0" else ""
    if regular and count == 9 and sizes in _SIREN_SHAPES and luhn(digits):
        return SIREN
    if count == 14 and sizes in _SIRET_SHAPES and is_siret(digits):
        return SIRET
    is_card_shape = len(sizes) == 1 or sizes in _CARD_SHAPES or (set(sizes[:-1]) == {4} and sizes[-1] <= 4)
    return CARD if 13 <= count <= 19 and digits[0] in "23456" and is_card_shape and luhn(digits) else ""


def _iban(text: str, start: int) -> Iterator[Span]:
    length = IBAN_LENGTHS.get(text[start : start + 2].upper())
    match = _IBAN.match(text, start) if length else None
    if match is None:
        return
    places = [place for place, character in enumerate(match[0]) if character.isalnum()][:length]
    end = start + places[-1] + 1
    if len(places) == length and not text[end : end + 1].isalnum() and is_iban("".join(match[0][place] for place in places)):
        yield Span(start, end, IBAN)


def is_iban(compact: str) -> bool:
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _telephone_abroad(text: str, start: int) -> Iterator[Span]:
    """E.164: at most fifteen digits after the prefix. Of France, nine after 33, a 0 in brackets aside."""
    match = _ABROAD.match(text, start)
    if match is None:
        return
    number = match[0]
    places = [place for place, character in enumerate(number) if character.isdigit()][2 if number[0] == "0" else 0 :]
    digits = "".join(number[place] for place in places)
    most = min(len(places), 15)
    if digits.startswith("33"):
        most = 12 if digits[2:3] == "0" else 11
    if not 8 <= most <= len(places):
        return
    end = places[most - 1] + 1
    while number[0] == "+" and text[start + end : start + end + 1].isalnum():  # a digit too many, a letter for one
        end += 1
    if not text[start + end : start + end + 1].isalnum():
        yield Span(start - _opens(text, start, number[:end]), start + end, PHONE)


def _opens(text: str, start: int, number: str) -> bool:
    """The bracket before "+33) 6 12 34 56 78" is the number's own."""
    return text[max(0, start - 1) : start] == "(" and number.find(")") >= 0 > number.find("(")
