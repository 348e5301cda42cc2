"""Questions that want something defined, and the sentences that define it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from parvis.retrieval.analysis import fold, terms
from parvis.retrieval.framing import is_framing


def asks_definition(question: str) -> bool:
    return _ASKED.search(fold(question)) is not None


def defined_terms(question: str) -> tuple[str, ...]:
    """The terms of what a question wants defined; also of what it asks the purpose or the content of, which the same
    sentences tell."""
    folded = fold(question)
    match = _ASKED.search(folded) or _ASKED_PURPOSE.search(folded)
    return tuple(terms(match["what"])) if match else ()


def definition_strength(text: str, defined: tuple[str, ...]) -> float:
    """How much a sentence defines: 1 for one that begins by what is to be defined and goes on as a definition does ("X est
    un", "X : ", "X permet de") or names it ("On appelle X"); half for one that says something else of it ("X est nul")."""
    folded = fold(text)
    if _CALLED.search(folded) and set(defined) <= set(terms(text)):
        return 1.0
    match = _DEFINES.search(folded)
    if match is None or not _is_subject(folded[: match.start()], defined):
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


def is_heading_of(heading: str, defined: Mapping[str, float]) -> bool:
    """Whether a heading names what is to be defined (terms with their rarity), or the rarest part of it, and nothing else."""
    named = {term for term in terms(heading) if not term[0].isdigit() and not is_framing(term)}
    return named <= defined.keys() and 2 * sum(defined[term] for term in named) >= sum(defined.values()) > 0


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


_WHAT = r"(?P<what>(?:[\w'/.+#-]+\s?){1,7}?)\s*[?.!]*\s*$"
_ASKED = re.compile(
    rf"""
    (?: qu'est[ -]ce\squ(?:e\s|')(?:c'est\squ(?:e\s|'))?(?:(?:l')?on\sappelle\s)?
      | \bque\s(?:signifie(?:nt)?|designe(?:nt)?|veut\sdire|veulent\sdire)\s
      | \bqu(?:'entend-?on|e\sfaut-il\sentendre)\spar\s | \bqu'appelle-t-on\s
      | \bcomment\s(?:definir|definit-on|se\sdefinit)\s
      | \bdefinition\s(?:de\s|du\s|des\s|d')
      | \bc'est\squoi\s
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
_DEFINES = re.compile(
    r"""
    \s*(?:\([^)]*\)\s*)?
    (?: : | – | — | =
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
_PART_OF = re.compile(
    r"\W*(?:(?:les?|la|une?|des|ces?|cette|l')\W*)?\w+ (?:de|du|des|d'|dans|sur|pour|par|en|avec|sans|a|au|aux)\b"
)
_REFERS_UP = re.compile(r"\W*(?:il|elle|ils|elles|(?:ce|cet|cette|ces|le|la|les|l')\W?[\w-]+)\W*$")
_SENDS_ELSEWHERE = re.compile(r"\W*(?:voir|cf|se reporter|reportez-vous|consulte[rz])\b")
