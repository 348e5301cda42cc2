"""The documents of the dossier, as outlines. They are in French: they are for French public buyers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from parvis.needs.specification import LEVELS, Requirement
from parvis.needs.typography import spaced, typeset
from parvis.needs.workbooks import printable
from parvis.offers.conformity_book import CODE_LABELS, COMPANY_LABELS
from parvis.web.french import MONTHS

from .content import COSIGNATORY, INTERESTED, PILOT, Cosignature, Dossier
from .outline import Block, Bullets, Document, Facts, Figures, Heading, Paragraph, Quotation, Table, blocks_of

LEVEL_NAMES = {
    "P": ("primordiale", "primordiales"),
    "I": ("importante", "importantes"),
    "S": ("souhaitable", "souhaitables"),
}
ENGAGEMENTS = {PILOT: "Pilote", COSIGNATORY: "Co-signataire", INTERESTED: "Intéressé"}


def functional_expression(dossier: Dossier) -> Document:
    return _document("Expression fonctionnelle du besoin", dossier, _functional_expression(dossier), is_edition=True)


def answer_frame(dossier: Dossier) -> Document:
    return _document("Cadre de réponse technique", dossier, _answer_frame(dossier), is_edition=True)


def register(dossier: Dossier) -> Document:
    return _document("Registre d’égalité d’information", dossier, _register(dossier), is_landscape=True)


def note(dossier: Dossier) -> Document:
    """One page for a vice-president, whatever the length of the need."""
    return _document("Note de synthèse", dossier, _note(dossier), is_compact=True)


def french_day(day: date) -> str:
    return f"{'1er' if day.day == 1 else day.day}\u00a0{MONTHS[day.month - 1]}\u00a0{day.year}"


def french_instant(at: datetime) -> str:
    zone = " (UTC)" if at.utcoffset() is not None and not at.utcoffset() else ""
    return f"{french_day(at.date())} à {at.hour}\u00a0h\u00a0{at.minute:02}{zone}"


def number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _document(
    kind: str,
    dossier: Dossier,
    blocks: Iterable[Block],
    *,
    is_edition: bool = False,
    is_landscape: bool = False,
    is_compact: bool = False,
) -> Document:
    said = dossier.specification
    request = f"{dossier.request} · " if dossier.request else ""
    return Document(
        kind,
        typeset(_line(said.title)),
        f"{request}{said.reference} · version\u00a0{said.version} · empreinte\u00a0{said.fingerprint[:16]}…"
        + (f" · édition\u00a0{dossier.edition[:8]}…" if is_edition else ""),
        said.fingerprint,
        tuple(blocks),
        is_landscape,
        is_compact,
    )


def _functional_expression(dossier: Dossier) -> Iterator[Block]:
    said = dossier.specification
    yield _identity(dossier, is_edition=True)
    yield Heading(1, "1. Le besoin")
    yield from _words(said.description, "Ce besoin n’a pas encore de description.")
    yield Heading(1, "2. Le périmètre")
    yield Heading(2, "2.1. Compris")
    yield from _words(said.scope, "Le périmètre est celui que décrit le besoin.")
    yield Heading(2, "2.2. Non compris")
    yield from _words(said.out_of_scope, "Rien n’est exclu expressément.")
    yield Heading(1, "3. Les établissements qui le portent")
    yield from _cosignatures(dossier)
    yield Heading(1, "4. Les exigences")
    yield from _requirements(said.requirements)
    yield Heading(1, "5. D’où vient ce besoin")
    yield from _provenance(dossier)
    yield Heading(1, "6. Égalité d’information")
    yield Paragraph(typeset(_EQUALITY))
    yield Paragraph(typeset(_HASH))


def _answer_frame(dossier: Dossier) -> Iterator[Block]:
    said = dossier.specification
    yield _identity(dossier, is_edition=True)
    yield Paragraph(typeset(_HOW_TO_FILL))
    yield Heading(1, "1. Qui répond")
    yield _form("Identité de la société qui répond", ("Société", "Produit proposé", "Interlocuteur", "Courriel", "Date"))
    yield Heading(1, "2. Comment répondre")
    codes = tuple((code, typeset(_capital(label) + ".")) for code, label in CODE_LABELS.items())
    yield Table("Codes de réponse", ("Code", "Ce qu’il veut dire"), codes, (12, 88))
    yield Heading(1, "3. Réponses aux exigences")
    section = 0
    for level in LEVELS:
        of_level = [one for one in said.requirements if one.level == level]
        if of_level:
            section += 1
            yield Heading(2, f"3.{section}. Exigences {LEVEL_NAMES[level][1]}")
        for requirement in of_level:
            yield from _to_answer(requirement)
    yield Heading(1, "4. Hébergement, données, accessibilité, réversibilité")
    asked = tuple(typeset(label) for name, label in COMPANY_LABELS.items() if name not in ("product", "summary"))
    yield _form("Ce qui vaut pour toute l’offre", asked)
    yield Heading(1, "5. Prix")
    yield Paragraph(typeset(_PRICES))


def _register(dossier: Dossier) -> Iterator[Block]:
    yield _identity(dossier)
    yield Paragraph(typeset(_REGISTER))
    rows = tuple(
        (french_instant(line.at), typeset(_line(line.what)), typeset(_line(line.recipient)), _in_two(line.sha256))
        for line in dossier.register
    )
    if not rows:
        yield Paragraph("Rien n’a encore été transmis.")
        return
    header = ("Instant", "Document ou échange", "Destinataire", "Empreinte SHA-256")
    yield Table("Documents et échanges, dans l’ordre", header, rows, (19, 29, 20, 32), is_code_last=True)


def _note(dossier: Dossier) -> Iterator[Block]:
    said = dossier.specification
    yield Paragraph(typeset(_belonging(dossier)), "lead")
    yield Figures(tuple(_figures(dossier)))
    yield Heading(1, "De quoi s’agit-il")
    yield Paragraph(typeset(_cut(_line(_ITEM.sub("", said.description)), 620)))
    yield Heading(1, "Qui le porte")
    yield Paragraph(typeset(_cut(_supporters(dossier.cosignatures), 420)))
    essential = [one for level in LEVELS for one in said.requirements if one.level == level][:5]
    if essential:
        yield Heading(1, "L’essentiel de ce qui est demandé")
        yield Bullets(tuple(typeset(f"{one.code} : {_cut(_line(one.text), 150)}") for one in essential))
    yield Heading(1, "Ce que cela engage, et ce que cela n’engage pas")
    yield Paragraph(typeset(_FREE))
    if dossier.deadline_at:
        yield Heading(1, "Calendrier")
        are_awaited = "sont attendues" if dossier.issued_on <= dossier.deadline_at.date() else "étaient attendues"
        yield Paragraph(typeset(f"Les réponses des éditeurs {are_awaited} jusqu’au {french_instant(dossier.deadline_at)}."))
    yield Paragraph(
        f"Établi le {french_day(dossier.issued_on)}. Empreinte de la version (SHA-256) : {said.fingerprint}", "small"
    )


def _identity(dossier: Dossier, *, is_edition: bool = False) -> Facts:
    said = dossier.specification
    rows = [
        ("Alliance", typeset(_line(dossier.alliance))),
        ("Besoin harmonisé", f"{said.reference}, version\u00a0{said.version}"),
        ("Groupe de travail", typeset(_line(said.working_group))),
        ("Sondage", dossier.request),
        ("Réponses attendues", f"jusqu’au {french_instant(dossier.deadline_at)}" if dossier.deadline_at else ""),
        ("Établi le", french_day(dossier.issued_on)),
        ("Empreinte de la version", said.fingerprint),
        ("Édition", dossier.edition if is_edition else ""),
    ]
    return Facts(tuple((label, value) for label, value in rows if value))


def _words(text: str, instead: str) -> Iterator[Block]:
    yield from list(blocks_of(text)) or [Paragraph(typeset(instead))]


def _cosignatures(dossier: Dossier) -> Iterator[Block]:
    signed = _in_order(dossier.cosignatures)
    if not signed:
        yield Paragraph(typeset("Aucun établissement n’a encore co-signé cette version."))
        return
    users = sum(one.users or 0 for one in signed)
    counted = _count(len({one.institution for one in signed}), "établissement porte", "établissements portent")
    people = f", pour {_count(users, 'personne concernée', 'personnes concernées')} déclarées" if users > 1 else ""
    yield Paragraph(typeset(f"{counted} cette version du besoin{people}. Chacun choisira seul, et pour lui-même."))
    rows = tuple(
        (typeset(one.institution), ENGAGEMENTS.get(one.level, one.level), number(one.users) if one.users else "non précisé")
        for one in signed
    )
    yield Table("Établissements et engagement", ("Établissement", "Engagement", "Personnes concernées"), rows, (50, 22, 28))


def _requirements(requirements: tuple[Requirement, ...]) -> Iterator[Block]:
    if not requirements:
        yield Paragraph("Aucune exigence n’est encore écrite.")
        return
    by_level = Counter(one.level for one in requirements)
    parts = [_count(by_level[level], *LEVEL_NAMES[level]) for level in LEVELS if by_level[level]]
    total = _count(len(requirements), "exigence", "exigences")
    yield Paragraph(typeset(f"{total} : {_and(parts)}. Leur numéro reste le même dans tous les documents de ce dossier."))
    section = 0
    for level in LEVELS:
        of_level = [one for one in requirements if one.level == level]
        if of_level:
            section += 1
            yield Heading(2, f"4.{section}. Exigences {LEVEL_NAMES[level][1]}")
            yield _table_of(of_level, LEVEL_NAMES[level][1])


def _table_of(requirements: list[Requirement], level: str) -> Table:
    is_partial = any(one.institutions for one in requirements)
    header = ("Exigence", "Énoncé", "Vérification", *(("Concerne",) if is_partial else ()))
    rows = tuple(
        (
            one.code,
            typeset(printable(one.text).strip()),
            typeset(printable(one.verification).strip()) or "non précisée",
            *((", ".join(typeset(name) for name in one.institutions) or "Tous",) if is_partial else ()),
        )
        for one in requirements
    )
    return Table(f"Exigences {level}", header, rows, (14, 42, 24, 20) if is_partial else (14, 56, 30))


def _to_answer(requirement: Requirement) -> Iterator[Block]:
    yield Heading(3, f"{requirement.code}, {LEVEL_NAMES[requirement.level][0]}")
    yield from blocks_of(requirement.text)
    if requirement.verification.strip():
        yield Paragraph(typeset(f"Vérification : {_line(requirement.verification)}"), "small")
    if requirement.institutions:
        yield Paragraph(typeset(f"Établissements : {', '.join(requirement.institutions)}"), "small")
    asked = ("Code (ST, DS, DEV, SP ou HP)", "Réponse", "Preuve", "Disponible le")
    yield _form(f"Réponse à {requirement.code}", asked)


def _provenance(dossier: Dossier) -> Iterator[Block]:
    if not dossier.provenance:
        yield Paragraph(typeset("Aucun extrait n’est joint à cette version."))
        return
    yield Paragraph(typeset(_PROVENANCE))
    for excerpt in dossier.provenance:
        words = spaced(printable(excerpt.text).strip())
        yield Quotation(f"«\u00a0{words}\u00a0»", f"{typeset(excerpt.institution)}, le {french_day(excerpt.written_on)}")


def _form(caption: str, asked: tuple[str, ...]) -> Table:
    return Table(caption, ("Rubrique", "À remplir"), tuple((label, "") for label in asked), (34, 66), is_to_fill=True)


def _belonging(dossier: Dossier) -> str:
    said = dossier.specification
    parts = [
        _line(dossier.alliance),
        _line(said.working_group),
        f"{said.reference}, version\u00a0{said.version}",
        dossier.request,
    ]
    return " · ".join(part for part in parts if part)


def _figures(dossier: Dossier) -> Iterator[tuple[str, str]]:
    requirements = dossier.specification.requirements
    institutions = len({one.institution for one in dossier.cosignatures})
    users = sum(one.users or 0 for one in dossier.cosignatures)
    yield number(institutions), "établissements" if institutions > 1 else "établissement"
    if dossier.students is not None:
        yield number(dossier.students), "étudiants concernés"
    else:
        yield number(users) if users else "–", "personnes concernées"
    if dossier.envelope_euros is not None:
        yield f"{number(dossier.envelope_euros)}\N{NO-BREAK SPACE}€", "d’enveloppe HT"
    yield number(len(requirements)), "exigences" if len(requirements) > 1 else "exigence"
    essential = sum(one.level == "P" for one in requirements)
    yield number(essential), "exigences primordiales" if essential > 1 else "exigence primordiale"


def _supporters(cosignatures: tuple[Cosignature, ...]) -> str:
    if not cosignatures:
        return "Aucun établissement n’a encore co-signé cette version."
    sentences = []
    for level, words in ((PILOT, "Pilote"), (COSIGNATORY, "Co-signataire"), (INTERESTED, "Intéressé")):
        names = [_line(one.institution) for one in _in_order(cosignatures) if one.level == level]
        if names:
            sentences.append(f"{words}{'s' if len(names) > 1 else ''} : {_and(names)}.")
    return " ".join(sentences)


def _in_order(cosignatures: tuple[Cosignature, ...]) -> list[Cosignature]:
    ranks = {PILOT: 0, COSIGNATORY: 1, INTERESTED: 2}
    return sorted(cosignatures, key=lambda one: (ranks.get(one.level, 3), one.institution.casefold()))


def _cut(text: str, limit: int) -> str:
    """At the end of a sentence if one ends in the second half, else between words."""
    if len(text) <= limit:
        return text
    short = text[:limit]
    ends = [match.end() for match in re.finditer(r"[.!?…](?=\s)", short)]
    if ends and ends[-1] > limit // 2:
        return short[: ends[-1]]
    return short.rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _in_two(sha256: str) -> str:
    """A hash on two lines: no line of a table holds it whole."""
    return f"{sha256[:32]}\n{sha256[32:]}" if len(sha256) > 32 else sha256


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def _count(many: int, one: str, several: str) -> str:
    return f"{number(many)} {several if many > 1 else one}"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} et {words[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_ITEM = re.compile(r"^\s*[-–—•*]\s+", re.MULTILINE)
_EQUALITY = (
    "Ce document est remis dans les mêmes termes et au même instant à toute société qui souhaite répondre. Les questions "
    "et leurs réponses sont publiques. Chaque document et chaque échange sont inscrits, avec leur date et leur destinataire, "
    "à un registre d’égalité d’information qui se joint à toute consultation ultérieure (code de la commande publique, "
    "art. L2111-1, R2111-1 et R2111-2)."
)
_HASH = (
    "L’empreinte de la version est le condensat SHA-256 de la référence, des textes et des exigences : deux documents qui la "
    "portent posent le même besoin, mot pour mot. L’édition y ajoute ce qui est joint le jour où le document est établi : "
    "co-signatures, extraits et dates. Deux documents de même nature et de même édition disent exactement la même chose."
)
_HOW_TO_FILL = (
    "Une seule réponse vaut pour tous les établissements. La grille de conformité (classeur joint) reprend les mêmes "
    "exigences sous les mêmes numéros : elle se remplit une fois, ce cadre sert à développer. Une réponse laissée vide est "
    "lue « sans réponse », jamais « conforme »."
)
_PRICES = (
    "Les prix se donnent hors taxes dans la feuille « Barème » du classeur joint : libellé, unité, prix, palier de quantité "
    "et dates de validité."
)
_REGISTER = (
    "Chaque ligne dit quel document ou quel échange a été transmis, à qui et quand. Ce registre se joint à toute consultation "
    "ultérieure, pour que nul n’y dispose d’une information que les autres n’ont pas."
)
_PROVENANCE = "Ce besoin réunit des expressions écrites par les établissements. Leurs mots sont cités tels quels."
_FREE = (
    "Co-signer dit que l’établissement reconnaît son besoin dans ce texte. Cela n’engage ni à acheter, ni à choisir la même "
    "offre que les autres : chaque établissement choisit seul, quand les réponses sont connues. Les personnes concernées et "
    "les enveloppes déclarées sont des intentions, sans valeur contractuelle."
)
