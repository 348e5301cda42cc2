"""What a question asks for: the weight of each of its terms, the kind of answer it expects, the names in it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from parvis.retrieval.analysis import Token, fold
from parvis.retrieval.definition import asks_definition
from parvis.retrieval.definition import defined_terms as defined_terms
from parvis.retrieval.framing import is_framing
from parvis.retrieval.index import Stats


class Expected(Enum):
    """The kind of answer that a question's own words announce."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    DEFINITION = "definition"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question's distinct terms, each with what it weighs: more when few passages of the allowed corpora have it,
    most when none has, little when it only frames the question ("nombre", "signifie")."""

    weights: Mapping[str, float]
    total: float

    def coverage(self, found: Collection[str]) -> float:
        """The share of the question's weight that is among the terms `found`, from 0 to 1."""
        return sum(weight for term, weight in self.weights.items() if term in found) / self.total

    def resemblance(self, grams: Collection[str]) -> float:
        """As `coverage`, by runs of four letters: "obligation" is then partly found in "obligatoire"."""
        return sum(weight * _share(grams_of(term), grams) for term, weight in self.weights.items()) / self.total


def weigh(question_terms: Sequence[str], stats: Stats) -> Weighed:
    weights = {term: rarity(stats, term) * _framing(term, stats) for term in question_terms}
    return Weighed(weights, sum(weights.values()) or 1.0)


def rarity(stats: Stats, term: str) -> float:
    """Inverse document frequency; unlike `Stats.weight`, highest for a term that no allowed passage has."""
    frequency = stats.document_frequency.get(term, 0)
    return math.log1p((max(stats.passage_count, frequency, 1) - frequency + 0.5) / (frequency + 0.5))


def expected(question: str) -> Expected:
    """Read from the question's words alone; `ANY` where they announce nothing."""
    if asks_definition(question):
        return Expected.DEFINITION
    folded = fold(question)
    for kind, pattern in _ANNOUNCED:
        if pattern.search(folded):
            return kind
    return Expected.NUMBER if measured(question) else Expected.ANY


def measured(question: str) -> re.Pattern[str] | None:
    """What an amount that answers looks like, in folded text, where the question says what is counted: money, time, or
    credits in "Combien de crédits"."""
    folded = fold(question)
    for asked, told in (*_MEASURES, _AGE):
        if asked.search(folded):
            return told
    counted = _COUNTED.search(folded)
    return re.compile(rf"{_AMOUNT}(?: \w+)?[ \u00a0\u202f]{counted['what']}") if counted else None


def wanted_person(question: str) -> str:
    """The function whose holder is asked for: "doyen" in "Qui est le doyen ?"; "" where it asks something else."""
    match = _PERSON.search(fold(question).strip())
    return match["role"] if match else ""


def is_name(token: Token, question: str) -> bool:
    """A capitalised word, the first one of a sentence left out; none in a question typed in capitals, nor "L2"."""
    if question.isupper() or len(token.surface) < 3:
        return False
    before = question[: token.start].rstrip(" \u00a0«\"'’(")
    return token.surface[:1].isupper() and bool(before) and before[-1] not in ".?!:"


def is_number(token: Token) -> bool:
    return token.surface[:1].isdigit()


@lru_cache(maxsize=1 << 16)
def grams_of(term: str) -> frozenset[str]:
    """Runs of four characters of a term, a space in front marking its beginning."""
    marked = f" {term}"
    return frozenset(marked[i : i + 4] for i in range(max(1, len(marked) - 3)))


def grams(found: Iterable[str]) -> set[str]:
    return {gram for term in found for gram in grams_of(term)}


def _share(wanted: Collection[object], found: Collection[object]) -> float:
    return sum(one in found for one in wanted) / len(wanted) if wanted else 0.0


def _framing(term: str, stats: Stats) -> float:
    if not is_framing(term):
        return 1.0
    return FRAMING_WEIGHT if stats.document_frequency.get(term) else UNKNOWN_FRAMING_WEIGHT


# Words of questions more than of answers: a passage that lacks them may well answer.
FRAMING_WEIGHT = 0.4
UNKNOWN_FRAMING_WEIGHT = 0.15
NUMBER_WORDS = (
    "deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt|trente|quarante"
    "|cinquante|soixante|cents?|mille|millions?|milliards?|tiers|moitie|quarts?|double|triple|aucune?"
)
_AMOUNT = rf"(?:\d|\b(?:{NUMBER_WORDS}|une?)\b)"
_TIME = "secondes?|minutes?|heures?|jours?|jours ouvres|semaines?|mois|trimestres?|semestres?|ans?|annees?|siecles?"
_MONEY = r"\d[ \u00a0\u202f]?(?:€|k€|\$|£|euros?\b|centimes\b|francs?\b|dollars?\b|livres\b)|\bgratuit"
_IS_ASKED = r"\bquel(?:le)?s? (?:est|sont) |\b(?:savoir|connaitre|dire|donner) |\bc'est quoi "
_MEASURES = (
    (  # who is exempted pays nothing, which says no price
        re.compile(
            r"\bcombien payer|\bcombien (?:est-ce que )?(?:je |j'|on |\w+-(?:je|on|il|t-on) )(?:dois |doit |vais |va )?pa[iy]"
        ),
        re.compile(rf"{_MONEY}|\bexoner"),
    ),
    (
        re.compile(
            r"\bcombien (?:(?:ca|cela) )?(?:coute|vaut|valent)|\bcombien (?:d'argent|d'euros)"
            r"|\bquels? (?:prix|tarifs?|frais|couts?) (?:faut|doit|dois|pour)"
            rf"|(?:^|{_IS_ASKED})(?:le |les |la )?(?:prix|tarifs?|cout|frais|montant|droits d'inscription)"
            r" (?:de|du|des|d|pour)\b"
        ),
        re.compile(_MONEY),
    ),
    (
        re.compile(
            r"\bcombien de (?:temps|jours?|mois|semaines?|minutes?)\b|\bcombien d'(?:heures?|ans|annees?)\b"
            r"|(?:^|\bquel(?:le)?s? (?:est |sont |serait )?)(?:la |le |les )?(?:duree|delai)s?\b"
        ),
        re.compile(rf"{_AMOUNT}(?: \w+)?[ \u00a0\u202f](?:{_TIME})\b"),
    ),
)
_AGE = (re.compile(r"\bquel(?:le)? (?:est l'|etait l')?age\b"), re.compile(r"\b\d+ ans\b|\bnee? (?:en|le|a)\b|\bagee?s? de\b"))
_COUNTED = re.compile(r"\bcombien (?:de |d')(?:\w+ (?:de |d'))?(?P<what>\w{4,})")
_PERSON = re.compile(
    r"^(?:(?:bonjour|et|mais|alors|au fait)\W+)*(?:c'est qui|qui (?:est|c'est|etait))\s(?:donc\s|actuellement\s)?"
    r"(?:le\s|la\s|l'|mon\s|ma\s|notre\s|votre\s)(?P<role>(?:(?!\b(?:qui|que|dont)\b)[^?!.])+?)\W*$"
)
_NUMBERED = (
    "nombre|part|pourcentage|proportion|montant|taux|superficie|population|taille|hauteur|longueur|largeur|profondeur|"
    "altitude|poids|masse|age|prix|cout|tarif|distance|duree|delai|quantite|quorum|seuil|plafond|coefficient|volume|"
    "vitesse|temperature|bareme|moyenne|note|maximum|minimum"
)
_DATED = "date|annee|jour|mois|siecle|periode|epoque|moment|heure|decennie"
_NAMED = "ville|pays|lieu|region|endroit|continent|nom|fleuve|capitale|auteur|autrice|article"
_WHICH = r"\bquel(?:le)?s?\s(?:(?:est|sont|etait|etaient|fut|furent|sera)\s)?(?:le\s|la\s|les\s|l')?"
_ANNOUNCED = (
    (Expected.NUMBER, re.compile(rf"\bcombien\b|{_WHICH}(?:{_NUMBERED})\b")),
    (Expected.DATE, re.compile(rf"\bquand\b|^(?:les? |la )?dates?\b|\b(?:en|a) quelle? annee\b|{_WHICH}(?:{_DATED})\b")),
    (
        Expected.NAME,
        re.compile(rf"(?:^|\b(?:par|a|de|avec|pour|chez|contre) )qui\b(?! est-ce)|(?:^|d')ou\b|{_WHICH}(?:{_NAMED})\b"),
    ),
)
