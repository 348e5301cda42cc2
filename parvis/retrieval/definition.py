"""Questions that want something defined, and the sentences that define it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from parvis.retrieval.analysis import fold, terms
from parvis.retrieval.framing import is_framing


def asks_definition(question: str) -> bool:
    return _ASKED.search(fold(question)) is not None


def defined_terms(question: str) -> tuple[str, ...]:
    """The terms of what a question wants defined; also of what it asks the purpose or the content of, or only names, which
    the same sentences tell."""
    folded = fold(question)
    match = _ASKED.search(folded) or _ASKED_PURPOSE.search(folded) or _NAMED_ONLY.fullmatch(folded)
    return tuple(terms(match["what"])) if match else ()


def definition_strength(text: str, defined: tuple[str, ...]) -> float:
    """How much a sentence defines: 1 for one that begins by what is to be defined and goes on as a definition does ("X est
    un", "X : ", "X permet de") or names it ("On appelle X"); half for one that says something else of it ("X est nul")."""
    folded = fold(text)
    if _CALLED.search(folded) and set(defined) <= set(terms(text)):
        return 1.0
    match = _DEFINES.search(folded)
    if match is None:
        return 0.0
    begins, is_glossed = folded[: match.start()], match["gloss"] is not None and _is_glossed(match.start(), folded, defined)
    if _NOT_IN_SUBJECTS.search(begins) or not (is_glossed or _is_subject(begins, defined)):
        return 0.0
    return 0.5 if match["is"] and not match["a"] else 1.0


def opening_strength(text: str, defined: Collection[str]) -> float:
    """The same of the first sentence under a heading that names what is to be defined: it may say "Ce fichier contient", or
    begin at once."""
    folded = fold(text)
    if sends_elsewhere(text):
        return 0.0
    match = _DEFINES.search(folded)
    if match and _REFERS_UP.match(folded[: match.start()]):
        return 1.0
    return 1.0 if set(terms(" ".join(folded.split()[:3]))) & set(defined) else 0.6


def is_heading_of(heading: str, asked: Mapping[str, float], *, least: float = 0.5) -> bool:
    """Whether a heading names what is asked about (terms with their rarity), or the `least` share of it, and nothing else."""
    named = {term for term in terms(heading) if not term[0].isdigit() and not is_framing(term)}
    return named <= asked.keys() and sum(asked[term] for term in named) >= least * sum(asked.values()) > 0


def is_title_of(title: str, defined: Collection[str]) -> bool:
    """The same of a title that opens a paragraph: "140 L'imprévision aujourd'hui (article 1195)."."""
    named = {term for term in terms(_BRACKETS.sub("", title)) if term.isalpha()}
    return bool(defined) and named >= set(defined) and len(named) <= 2 * len(defined)


def sends_elsewhere(text: str) -> bool:
    """As "Voir le chapitre 4." does."""
    return _SENDS_ELSEWHERE.match(fold(text)) is not None


def _is_subject(begins: str, defined: tuple[str, ...]) -> bool:
    """One more word may stand before ("le fichier control"), of which what is to be defined must not be a part ("la fin du
    contrat")."""
    subject = tuple(terms(begins))
    if len(subject) == len(defined) + 1:
        return subject[1:] == defined and not _PART_OF.match(begins)
    return bool(defined) and subject == defined


def _is_glossed(colon: int, text: str, defined: tuple[str, ...]) -> bool:
    """A glossary gives the rest after its colon: "Adiabatique : se dit d'une transformation"."""
    subject = set(terms(text[:colon]))
    return bool(subject) and 2 * len(subject) >= len(defined) and subject < set(defined) <= set(terms(text))


_WHAT = r"(?P<what>(?:[\w'/.+#-]+\s?){1,7}?)\s*[?.!]*\s*$"
_ASKED = re.compile(
    rf"""
    (?: qu'est[ -]ce\squ(?:e\s|')(?:c'est\squ(?:e\s|'))?(?:(?:l')?on\sappelle\s)?
      | \bque\s(?:signifie(?:nt)?|designe(?:nt)?|veut\sdire|veulent\sdire)\s
      | \bqu(?:'entend-?on|e\sfaut-il\sentendre)\spar\s | \bqu'appelle-t-on\s
      | \bcomment\s(?:definir|definit-on|se\sdefinit)\s
      | \bdefinition\s(?:de\s|du\s|des\s|d')
      | \b(?:c'est|c|ces|cest|sait|s'est)\s(?:quoi|koi|kwa)\s
      | ^\s*definis(?:sez)?\s | ^\s*definir\s
    )
    {_WHAT}""",
    re.VERBOSE,
)
_ASKED_PURPOSE = re.compile(
    rf"""
    (?: \ba\squoi\s(?:ca\s)?(?:sert|servent|correspond|correspondent)(?:-(?:il|elle|ils|elles)\b)?\s
      | \b(?:role|but|utilite|fonction|objet|objectif)\s(?:de\s|du\s|des\s|d')
      | \bque\s(?:dit|disent|enonce|enoncent|affirme|prevoit|contient|contiennent|fait|font|permet|permettent)\s
      | \bde\squoi\s(?:parle|parlent|traite|traitent)\s
    )
    {_WHAT}""",
    re.VERBOSE,
)
_NAMED_ONLY = re.compile(r"\s*(?:les? |la |l')?(?P<what>[a-z-]{4,}(?: (?:de |du |des |d')?[a-z-]{4,})?)\s*[?.!]*\s*")
_DEFINES = re.compile(
    r"""
    \s*(?:\([^)]*\)\s*)?
    (?: (?P<gloss>:) | – | — | =
      | ,?\s(?P<is>est|sont)\b
        (?P<a>\s(?:\w+ment\s)?(?:une?|le|la|les|des|du|ce|celui|celle|ceux|celles|tout|toute)\b|\s(?:d'abord\s)?l')?
      | ,?\s(?:designe|signifie|enonce|affirme|represente|contient|permet|fournit|sert|decrit|indique)(?:nt)?\b
      | ,?\s(?:definit|definissent|contiennent|fournissent|servent)\b
      | ,?\s(?:se\sdefinit|se\sdefinissent|consiste|correspond(?:ent)?\sa|s'entend|c'est[ -]a[ -]dire)\b
      | ,?\sa\spour\s(?:but|objet|role|objectif)\b
    )""",
    re.VERBOSE,
)
_CALLED = re.compile(
    r"\bon (?:appelle|entend par|nomme|designe par|definit)\b|\b(?:est|sont) (?:appele|nomme|dit)e?s?\b"
    r"|\bdefinit (?:le|la|les|l')[^.;:]* comme\b"
)
_NOT_IN_SUBJECTS = re.compile(r"[|;=<>]")
_PART_OF = re.compile(
    r"\W*(?:(?:les?|la|une?|des|ces?|cette|l')\W*)?\w+ (?:de|du|des|d'|dans|sur|pour|par|en|avec|sans|a|au|aux)\b"
)
_BRACKETS = re.compile(r"\([^)]*\)")
_REFERS_UP = re.compile(r"\W*(?:il|elle|ils|elles|(?:ce|cet|cette|ces|le|la|les|l')\W?[\w-]+)\W*$")
_SENDS_ELSEWHERE = re.compile(r"\W*(?:voir|cf|se reporter|reportez-vous|consulte[rz])\b")
