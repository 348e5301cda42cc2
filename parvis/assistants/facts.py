"""The facts of a sentence that can be checked against a passage without understanding either: numbers with their
units, dates, hours, proper names and codes. French forms first, English ones where they differ."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction


def check_facts(sentence: str, passage: str, *, context: str = "", figures_only: bool = False) -> list[str]:
    """The numbers, dates and proper names of the sentence that do not occur in the passage, as the sentence writes
    them. `context` (the document's title, the headings) may vouch for a name and for "article 12", never for a
    figure."""
    known, around = _known(passage), _known(context)
    claims = [fact for fact in _claims(sentence) if not (figures_only and isinstance(fact, _Name))]
    missing = [fact for fact in claims if not fact.is_in(known, around)]
    return list(dict.fromkeys(fact.surface for fact in sorted(missing, key=lambda fact: fact.start)))


def figures(text: str) -> list[str]:
    """The numbers, dates and hours of a text, as it writes them, as often as it writes them."""
    return [fact.surface for fact in _claims(text) if not isinstance(fact, _Name)]


_DateParts = tuple[int | None, int | None, int | None]  # day, month, year


@dataclass(slots=True)
class _Known:
    """What a passage says. A number's units: a known one, "" where no word follows it, None where another word does."""

    numbers: dict[Fraction, set[str | None]] = field(default_factory=dict)
    dates: set[_DateParts] = field(default_factory=set)
    hours: set[tuple[int, int]] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    digits: str = ""

    def add_number(self, value: Fraction, unit: str | None) -> None:
        self.numbers.setdefault(value, set()).add(unit)


@dataclass(frozen=True, slots=True)
class _Number:
    surface: str
    start: int
    values: frozenset[Fraction]  # every honest reading of it: "1.200" is 1200 or 1.2
    unit: str | None
    division: bool = False  # the number of an article, a chapter, a page

    def is_in(self, known: _Known, around: _Known) -> bool:
        if self.division and any(value in around.numbers for value in self.values):
            return True
        return any(self._unit_agrees(known.numbers[value]) for value in self.values if value in known.numbers)

    def _unit_agrees(self, units: set[str | None]) -> bool:
        if not self.unit:
            return units != {"%"}
        return self.unit in units or ("" in units and self.unit != "%")


@dataclass(frozen=True, slots=True)
class _Date:
    surface: str
    start: int
    day: int | None
    month: int | None
    year: int | None

    def is_in(self, known: _Known, around: _Known) -> bool:
        return any(_agree(self.parts, date) for date in known.dates)

    @property
    def parts(self) -> _DateParts:
        return self.day, self.month, self.year


@dataclass(frozen=True, slots=True)
class _Hour:
    surface: str
    start: int
    hour: tuple[int, int]

    def is_in(self, known: _Known, around: _Known) -> bool:
        return self.hour in known.hours


@dataclass(frozen=True, slots=True)
class _Name:
    surface: str
    start: int

    def is_in(self, known: _Known, around: _Known) -> bool:
        word = _fold_word(self.surface)
        if word in known.words or word in around.words:
            return True
        roman = _roman(self.surface)
        return roman is not None and (roman in known.numbers or roman in around.numbers)


@dataclass(frozen=True, slots=True)
class _Digits:
    """Digits inside a formula or code: compared as digits, spacing and exponents being lost on a page."""

    surface: str
    start: int

    def is_in(self, known: _Known, around: _Known) -> bool:
        return self.surface in known.digits


_Fact = _Number | _Date | _Hour | _Name | _Digits


def _claims(sentence: str) -> Iterator[_Fact]:
    text = _plain(_MARKER.sub(lambda match: " " * len(match.group()), sentence))
    for literal in _LITERAL.finditer(text):
        for run in _DIGIT_RUN.finditer(_digits(literal.group())):
            yield _Digits(run.group(), literal.start())
    text = _mask(text, _LITERAL)
    yield from (found := list(_dates(text)))
    text = _blank(text, found)
    yield from (hours := list(_hours(text)))
    text = _blank(text, hours)
    yield from _numbers(text)
    yield from _names(text)


def _known(passage: str) -> _Known:
    known = _Known()
    if not passage:
        return known
    text = _plain(passage)
    known.words = {_fold_word(word) for word in _TOKEN.findall(text)}
    known.digits = " ".join(_DIGIT_RUN.findall(_digits(text)))
    dates = list(_dates(text))
    for date in dates:
        known.dates.add(date.parts)
        if date.year is not None:
            known.add_number(Fraction(date.year), "")
    text = _blank(text, dates)
    hours = list(_hours(text))
    known.hours = {hour.hour for hour in hours}
    for hour in hours:
        if not hour.hour[1]:  # "14 heures" is an hour of the day or a number of hours
            known.add_number(Fraction(hour.hour[0]), "heure")
    for number in _numbers(_blank(text, hours), generous=True):
        for value in number.values:
            known.add_number(value, number.unit)
    return known


# Dates and hours


def _dates(text: str) -> Iterator[_Date]:
    taken: list[tuple[int, int]] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            found = match.groupdict()
            day, month, year = _day(found.get("day")), _month(found["month"]), _year(found)
            date = _Date(match.group().strip(), match.start(), day, month, year)
            if date.month is not None and (date.day is None or 1 <= date.day <= 31):
                taken.append(match.span())
                yield date


def _agree(claimed: _DateParts, known: _DateParts) -> bool:
    return all(mine is None or mine == theirs for mine, theirs in zip(claimed, known, strict=True))


def _day(text: str | None) -> int | None:
    return int(_DIGIT_RUN.findall(text)[0]) if text else None


def _month(text: str) -> int | None:
    number = int(text) if text.isdigit() else _MONTHS.get(_strip_accents(text.lower()).rstrip("."))
    return number if number and 1 <= number <= 12 else None


def _year(found: dict[str, str | None]) -> int | None:
    year = found.get("year")
    return int(year) if year else None


def _hours(text: str) -> Iterator[_Hour]:
    for match in _HOUR.finditer(text):
        hour, minute = int(match["hour"]), int(match["minute"] or match["clock"] or 0)
        if hour <= 24 and minute < 60:
            yield _Hour(match.group().strip(), match.start(), (hour, minute))


# Numbers


def _numbers(text: str, *, generous: bool = False) -> list[_Number]:
    """`generous` (for a passage) also lists the two terms of "10/20" and a lone "tiers"."""
    found = [*_fractions(text, generous=generous)]
    text = text if generous else _blank(text, found)
    found += [*_figures(text), *_romans(text), *_worded(text, generous=generous)]
    return _with_shared_units(sorted(found, key=lambda number: number.start), text)


def _fractions(text: str, *, generous: bool) -> Iterator[_Number]:
    for match in _FRACTION.finditer(text):
        above, below = int(match["above"]), int(match["below"])
        if below:
            yield _Number(match.group(), match.start(), frozenset({Fraction(above, below)}), "")
    for match in _WORDED_FRACTION.finditer(text):
        above_word, name = match["above"], match["name"].lower()
        if above_word or generous or name in {"moitié", "half"}:
            count = _word_value(above_word.lower()) if above_word else None
            value = Fraction(count or 1, _PARTS[name])  # "la moitié", "a half"
            yield _Number(match.group(), match.start(), frozenset({value}), "")


def _figures(text: str) -> Iterator[_Number]:
    for match in _FIGURE.finditer(text):
        values = _readings(match["body"])
        if not values:
            continue
        if match["sign"]:
            values = frozenset(-value for value in values)
        rest = text[match.end() :]
        percent = _PERCENT.match(rest)
        surface = match.group() + (percent.group() if percent else "")
        division = _DIVISION.search(text[max(0, match.start() - 24) : match.start()]) is not None
        yield _Number(surface, match.start(), values, _unit(rest), division)


def _readings(body: str) -> frozenset[Fraction]:
    """What a figure may mean to a French or an English reader."""
    compact = body.replace(" ", "")
    readings = set()
    for group, comma in ((".", ","), (",", ".")):
        if re.fullmatch(rf"\d{{1,3}}(?:\{group}\d{{3}})+(?:\{comma}\d+)?", compact) or re.fullmatch(
            rf"\d+(?:\{comma}\d+)?", compact
        ):
            readings.add(Fraction(compact.replace(group, "").replace(comma, ".")))
    return frozenset(readings)


def _unit(rest: str) -> str | None:
    if match := _PERCENT.match(rest):
        return "‰" if "‰" in match.group() or "mille" in match.group() else "%"
    if match := _UNIT.match(rest):
        word = match.group().strip()
        return _UNITS.get(_strip_accents(word.lower())) or _UNITS.get(word)
    return None if _NEXT_WORD.match(rest) else ""


def _romans(text: str) -> Iterator[_Number]:
    for match in _ROMAN_ORDINAL.finditer(text):
        value = _roman(match["roman"])
        if value is not None:
            yield _Number(match.group(), match.start(), frozenset({value}), None)


def _worded(text: str, *, generous: bool) -> Iterator[_Number]:
    for match in _NUMBER_WORDS.finditer(text):
        value = _word_value(match.group().lower())
        if match.group().lower() in {"cent", "mille"} and text[: match.start()].endswith("pour "):
            continue  # a percentage, read with its figure
        if value is None or (value == 1 and _strip_accents(match.group().lower()) in {"un", "une", "one"}):
            continue
        if generous or value:
            yield _Number(match.group(), match.start(), frozenset({Fraction(value)}), _unit(text[match.end() :]))


def _word_value(words: str) -> int | None:
    """French numerals add up, but for 80, hundreds and thousands; English ones the same way."""
    total = current = 0
    for word in re.findall(r"[a-z]+", _strip_accents(words)):
        if word in {"et", "and"}:
            continue
        if word in {"vingt", "vingts"} and current % 100 == 4:
            current += 76
        elif word in _SCALES:
            scale = _SCALES[word]
            if scale == 100:
                current = max(current, 1) * 100
            else:
                total, current = total + max(current, 1) * scale, 0
        elif word in _VALUES:
            current += _VALUES[word]
        else:
            return None
    return total + current


def _with_shared_units(numbers: list[_Number], text: str) -> list[_Number]:
    """In "10 à 12 %" the first number is a percentage too."""
    shared: list[_Number] = []
    for number in reversed(numbers):
        after = shared[-1] if shared else None
        if after is not None and after.unit and not number.unit:
            between = text[number.start + len(number.surface) : after.start]
            if _RANGE.fullmatch(between):
                number = _Number(number.surface, number.start, number.values, after.unit, number.division)
        shared.append(number)
    return shared[::-1]


def _roman(text: str) -> Fraction | None:
    if not _ROMAN.fullmatch(text):
        return None
    values = [_ROMAN_VALUES[letter] for letter in text]
    followed = zip(values, [*values[1:], 0], strict=True)
    return Fraction(sum(-value if value < after else value for value, after in followed))


# Names


def _names(text: str) -> Iterator[_Name]:
    tokens = list(_TOKEN.finditer(text))
    for index, token in enumerate(tokens):
        word = token.group()
        if any(map(str.isdigit, word)):
            if not word.isdigit() and not _ORDINAL_OR_UNIT.fullmatch(word) and any(map(str.isalpha, word)):
                yield _Name(word, token.start())  # a code: L1, UE3, H2O
        elif _ROMAN_ORDINAL.fullmatch(word):
            continue  # a number: see _romans
        elif len(word) > 1 and word.isupper():
            yield _Name(word, token.start())
        elif len(word) > 1 and word[0].isupper() and word not in _NOT_NAMES:
            if not _starts_sentence(text, token.start()) or _is_name_at_start(text, tokens, index):
                yield _Name(word, token.start())


def _starts_sentence(text: str, start: int) -> bool:
    return _SENTENCE_START.search(text[max(0, start - 12) : start]) is not None or not _TOKEN.search(text, 0, start)


def _is_name_at_start(text: str, tokens: list[re.Match[str]], index: int) -> bool:
    """The first word has a capital anyway: it is a name if another capital follows, or a verb without an article."""
    if index + 1 == len(tokens) or tokens[index].group() in _STARTERS:
        return False
    following = tokens[index + 1]
    if text[tokens[index].end() : following.start()] not in {" ", "-"}:
        return False
    return following.group()[0].isupper() or following.group() in _AUXILIARIES


def _fold_word(word: str) -> str:
    folded = _strip_accents(word.casefold().replace("œ", "oe").replace("æ", "ae"))
    return folded.rstrip("sx") if len(folded) > 3 else folded


# Text


def _plain(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text).replace("’", "'").replace("−", "-").replace("–", "-"))


def _strip_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def _digits(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _mask(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda match: " " * len(match.group()), text)


def _blank(text: str, facts: list[_Date] | list[_Hour] | list[_Number]) -> str:
    for fact in facts:
        text = text[: fact.start] + "\u0001" * len(fact.surface) + text[fact.start + len(fact.surface) :]
    return text


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier january janv jan",
            "fevrier february fevr feb",
            "mars march",
            "avril april avr apr",
            "mai may",
            "juin june",
            "juillet july juil jul",
            "aout august aug",
            "septembre september sept sep",
            "octobre october oct",
            "novembre november nov",
            "decembre december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH_NAMES = (
    r"(?:janvier|février|fevrier|mars|avril|mai|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|janv\.|févr\.|avr\.|juil\.|sept\.|oct\.|nov\.|déc\.)"
)
_YEAR = r"(?P<year>[12]\d{3})\b"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?P<day>\d{{1,2}}(?:er|st|nd|rd|th)?) (?:of )?(?P<month>{_MONTH_NAMES})(?:,? {_YEAR}|(?!\w))",
        rf"\b(?P<month>{_MONTH_NAMES}) (?P<day>\d{{1,2}}(?:st|nd|rd|th)?)\b(?:,? {_YEAR})?(?! ?\d)",
        rf"\b(?P<day>\d{{1,2}})[/.-](?P<month>\d{{1,2}})[/.-]{_YEAR}",
        r"\b(?P<year>[12]\d{3})-(?P<month>\d{2})-(?P<day>\d{2})\b",
        r"(?<![\d/])(?P<day>[0-3]\d)/(?P<month>[01]\d)\b(?!/)",
        rf"\b(?P<month>{_MONTH_NAMES}) {_YEAR}",
    )
)
_HOUR = re.compile(
    r"(?<![\w.,])(?P<hour>\d{1,2})(?: ?h(?:eures?(?!\w)|(?![^\W\d_]))(?: ?(?P<minute>[0-5]\d)(?!\w))?"
    r"|:(?P<clock>[0-5]\d)(?!\w))",
    re.IGNORECASE,
)

_VALUES = {
    "zero": 0, "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8,
    "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16,
    "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70,
    "huitante": 80, "nonante": 90, "dizaine": 10, "douzaine": 12, "quinzaine": 15, "vingtaine": 20, "trentaine": 30,
    "quarantaine": 40, "cinquantaine": 50, "soixantaine": 60, "centaine": 100, "premier": 1, "premiere": 1,
    "premiers": 1, "premieres": 1, "second": 2, "seconde": 2, "seconds": 2, "secondes": 2, "deuxieme": 2,
    "troisieme": 3, "quatrieme": 4, "cinquieme": 5, "sixieme": 6, "septieme": 7, "huitieme": 8, "neuvieme": 9,
    "dixieme": 10, "onzieme": 11, "douzieme": 12, "vingtieme": 20, "centieme": 100, "one": 1, "two": 2, "three": 3,
    "four": 4, "five": 5, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
    "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "first": 1,
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
}  # fmt: skip
_SCALES = {
    "cent": 100, "cents": 100, "hundred": 100, "mille": 1000, "millier": 1000, "milliers": 1000, "thousand": 1000,
    "million": 10**6, "millions": 10**6, "milliard": 10**9, "milliards": 10**9, "billion": 10**9,
}  # fmt: skip
_ACCENTED = {"zéro", "première", "premières", *(word.replace("ieme", "ième") for word in _VALUES)}
_NUMBER_WORD = "(?:" + "|".join(sorted({*_VALUES, *_SCALES, *_ACCENTED}, key=len, reverse=True)) + ")"
_SCALE_WORD = "(?:" + "|".join(sorted(_SCALES, key=len, reverse=True)) + ")"
_TEN_WORD = "(?:vingt|trente|quarante|cinquante|soixante|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
_NUMBER_WORDS = re.compile(
    rf"\b{_NUMBER_WORD}(?:(?:-(?:et-)?| et (?=une?\b|onze\b)|(?<=cent) |(?<=cents) |(?<=mille) |(?<=vingt) "
    rf"|(?<=trente) |(?<=quarante) |(?<=cinquante) |(?<=soixante) | (?={_SCALE_WORD}\b)){_NUMBER_WORD})*\b",
    re.IGNORECASE,
)
_PARTS = {
    "tiers": 3, "quart": 4, "quarts": 4, "moitié": 2, "demi": 2, "demie": 2, "demies": 2, "cinquièmes": 5,
    "dixièmes": 10, "half": 2, "thirds": 3, "quarter": 4, "quarters": 4,
}  # fmt: skip
_WORDED_FRACTION = re.compile(
    r"\b(?:(?P<above>une?|one|a|deux|two|trois|three|quatre|four|neuf|nine)[ -])?(?P<name>"
    + "|".join(sorted(_PARTS, key=len, reverse=True))
    + r")\b",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"(?<![\w/.,])(?P<above>\d{1,3})(?: ?/ ?| sur )(?P<below>\d{1,3})(?![\w/]|[.,]\d)")
_FIGURE = re.compile(
    r"(?<![\w.,])(?P<sign>(?<![\w)])-)?(?P<body>\d{1,3}(?: \d{3})+(?!\d)(?:,\d+)?|\d+(?:[.,]\d+)*)"
    r"(?:(?:er|ère|re|ème|e|nde?|st|rd|th)\b)?(?:(?![^\W_])|(?=(?:km|cm|mm|kg|mg|ml|kWh|[kMG]?Hz|kW|min|[mglsh])\b))"
)
_DIGIT_RUN = re.compile(r"\d+")
_PERCENT = re.compile(r" ?(?:%|‰|pour cent\b|p\. ?100\b|pour mille\b|per ?cent\b)", re.IGNORECASE)
_UNITS = {
    "jour": "jour", "jours": "jour", "day": "jour", "days": "jour", "semaine": "semaine", "semaines": "semaine",
    "week": "semaine", "weeks": "semaine", "mois": "mois", "month": "mois", "months": "mois", "an": "an", "ans": "an",
    "annee": "an", "annees": "an", "year": "an", "years": "an", "semestre": "semestre", "semestres": "semestre",
    "semester": "semestre", "semesters": "semestre", "siecle": "siecle", "siecles": "siecle", "century": "siecle",
    "centuries": "siecle", "heure": "heure", "heures": "heure", "hour": "heure", "hours": "heure",
    "minute": "minute", "minutes": "minute", "min": "minute", "seconde": "seconde", "secondes": "seconde",
    "second": "seconde", "seconds": "seconde", "euro": "euro", "euros": "euro", "€": "euro", "dollar": "dollar",
    "dollars": "dollar", "$": "dollar", "credit": "credit", "credits": "credit", "ects": "credit", "point": "point",
    "points": "point", "page": "page", "pages": "page", "km": "km", "m": "m", "cm": "cm", "mm": "mm", "kg": "kg",
    "g": "g", "mg": "mg", "l": "l", "ml": "ml", "hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz", "kw": "kW",
    "mw": "MW", "gw": "GW", "kwh": "kWh", "metre": "m", "metres": "m", "kilometre": "km", "kilometres": "km",
    "degre": "degre", "degres": "degre", "°c": "degre", "°": "degre",
}  # fmt: skip
_UNIT = re.compile(
    r" ?(?:€|\$|°C|°|(?:jours?|days?|semaines?|weeks?|mois|months?|ans?|années?|years?|semestres?|semesters?|siècles?"
    r"|century|centuries|heures?|hours?|minutes?|min|secondes?|seconds?|euros?|dollars?|crédits?|credits?|ECTS|points?"
    r"|pages?|mètres?|kilomètres?|degrés?|km|cm|mm|kg|mg|ml|kWh|kHz|MHz|GHz|Hz|kW|MW|GW|m|g|l)(?!\w))",
    re.IGNORECASE,
)
_NEXT_WORD = re.compile(r" [^\W\d_]")
_RANGE = re.compile(r" ?(?:à|a|et|ou|-|to|and|or) ?")
_DIVISION = re.compile(
    r"\b(?:articles?|art\.|chapitres?|chap\.|sections?|parties?|titres?|annexes?|pages?|p\.|paragraphes?|§|alinéas?"
    r"|figures?|tableaux?|chapters?|parts?|appendix|tables?) ?(?:n° ?)?(?:[LRD]\. ?)?$",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_ORDINAL = re.compile(r"\b(?P<roman>[IVX][IVXLC]*|[LC][IVXLC]+)(?:e|er|ère|ème|ᵉ)\b")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}

_LITERAL = re.compile(
    r"```.*?(?:```|$)|`[^`\n]+`|\$\$.+?\$\$|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)|\\\(.+?\\\)",
    re.DOTALL,
)
_MARKER = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•+]|#{1,6})\s+")
_SPACES = re.compile(r"[^\S\n]|\n")
_TOKEN = re.compile(r"[^\W_]+")
_ORDINAL_OR_UNIT = re.compile(r"\d+(?:er|ère|re|ème|e|nde?|st|rd|th|h\d*|km|cm|mm|m|kg|g|mg|l|ml|min|s)")
_SENTENCE_START = re.compile(r"[.!?…] +[\"«»“” ]*$|[«“\"] ?$|\n\s*$")
_NOT_NAMES = frozenset("Mme Mlle Monsieur Madame Mademoiselle Dr Pr Me Mr Mrs Ms".split())
_STARTERS = frozenset(
    "Le La Les Un Une Des Du De Au Aux Ce Cet Cette Ces Il Elle Ils Elles On Nous Vous Je Tu Cela Ceci Ça Qui Que Quoi "
    "Dont Où Rien Nul Nulle Aucun Aucune Chacun Chacune Tout Toute Tous Toutes Personne Celui Celle Ceux Celles "
    "Quiconque Plusieurs Certains Certaines Beaucoup Peu Seul Seule Seuls Seules En Dans Par Pour Sur Sous Avec Sans "
    "Selon Si Lorsque Quand Comme Mais Et Ou Or Donc Car Ni Ainsi Alors Enfin Aussi Non Oui Ne Y The A An This That "
    "These Those It He She They We You There Here What Who Which Nothing None Nobody Everyone Each All Both Some In "
    "On At By For To From With If When As But And Or So".split()
)
_AUXILIARIES = frozenset(
    "est était fut sera serait a avait eut aura aurait sont étaient furent seront ont avaient eurent auront fait fit "
    "peut doit devient devint naît naquit meurt mourut écrit écrivit publie publia fonde fonda propose proposa "
    "montre montra définit affirme affirma is was has had will can must".split()
)
