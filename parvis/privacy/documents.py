"""The register and the impact assessment as documents that a data protection officer signs. In French: they are read by
the institution and, if need be, by the CNIL. The assessment follows the parts of the CNIL's method (context, principles,
risks, validation); what only people can judge is left to fill."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from parvis.needs.typography import typeset
from parvis.needs.workbooks import csv_bytes
from parvis.offers.dossier.outline import Block, Bullets, Document, Facts, Heading, Paragraph, Table
from parvis.privacy.register import FIELDS, Line

LABELS = {
    "name": "Traitement",
    "purpose": "Finalité",
    "legal_base": "Base légale",
    "people": "Personnes concernées",
    "data": "Données",
    "retention": "Durée de conservation",
    "recipients": "Destinataires",
    "processors": "Sous-traitants et lieux de calcul",
    "measures": "Mesures de sécurité",
}
LEGAL_BASES = {
    "public_task": "Mission d’intérêt public (art. 6.1.e)",
    "legal_obligation": "Obligation légale (art. 6.1.c)",
    "contract": "Contrat (art. 6.1.b)",
    "legitimate_interests": "Intérêts légitimes (art. 6.1.f)",
    "consent": "Consentement (art. 6.1.a)",
    "vital_interests": "Sauvegarde des intérêts vitaux (art. 6.1.d)",
}


def register_csv(lines: Iterable[Line]) -> bytes:
    head = [LABELS[name] for name in FIELDS]
    return csv_bytes([head, *([said(line)[name] for name in FIELDS] for line in lines)])


def register(institution: str, lines: Sequence[Line], *, on: date) -> Document:
    blocks: list[Block] = [
        Paragraph(typeset("Registre des activités de traitement au titre de l'article 30 du RGPD, pour Parvis."), "lead")
    ]
    for number, line in enumerate(lines, 1):
        values = said(line)
        blocks.append(Heading(1, f"{number}. {values['name']}"))
        blocks.append(Facts(tuple((LABELS[name], values[name] or "–") for name in FIELDS if name != "name")))
    return _document("Registre des traitements", institution, lines, blocks, on)


def assessment(institution: str, lines: Sequence[Line], *, on: date) -> Document:
    """*Analyse d'impact relative à la protection des données* (article 35), filled with what Parvis knows of itself."""
    return _document("Analyse d’impact (AIPD)", institution, lines, list(_assessment(institution, lines)), on)


def said(line: Line) -> dict[str, str]:
    """The values in words."""
    return line.values() | {"legal_base": LEGAL_BASES.get(line.legal_base, line.legal_base)}


def _document(kind: str, institution: str, lines: Sequence[Line], blocks: Iterable[Block], on: date) -> Document:
    content = json.dumps([said(line) for line in lines], ensure_ascii=False, sort_keys=True)
    fingerprint = hashlib.sha256(content.encode()).hexdigest()
    identity = f"{institution} · établi le {on:%d/%m/%Y} · {fingerprint[:12]}"
    return Document(kind, institution, identity, fingerprint, tuple(blocks))


def _assessment(institution: str, lines: Sequence[Line]) -> Iterator[Block]:
    yield Paragraph(
        typeset(
            "Pré-remplie par Parvis à partir de ce qui est en place dans l'établissement. Ce que seules des personnes peuvent "
            "juger (proportionnalité, gravité, vraisemblance, avis) est laissé à remplir : ces cases sont vides."
        ),
        "lead",
    )
    yield from _context(institution, lines)
    yield from _principles(lines)
    yield from _risks()
    yield from _validation()


def _context(institution: str, lines: Sequence[Line]) -> Iterator[Block]:
    yield Heading(1, "1. Contexte")
    yield Heading(2, "Vue d’ensemble")
    yield Facts(
        (
            ("Responsable du traitement", institution),
            ("Outil", "Parvis, logiciel libre, sur les serveurs de l’établissement ou de son hébergeur"),
            (
                "Pourquoi une analyse d’impact",
                typeset("usage innovant et traitement à grande échelle (critères du G29, WP 248)"),
            ),
        )
    )
    yield Table(
        "Traitements",
        ("Traitement", "Finalité", "Base légale"),
        tuple((said(line)["name"], line.purpose, said(line)["legal_base"]) for line in lines),
        (3, 6, 3),
    )
    yield Heading(2, "Données, durées et destinataires")
    yield Table(
        "Données",
        ("Traitement", "Données et personnes", "Durée", "Destinataires"),
        tuple((line.name, f"{line.data}\n{line.people}", line.retention, line.recipients or "–") for line in lines),
        (3, 5, 3, 3),
    )
    yield Heading(2, "Sous-traitants et lieux de calcul")
    yield Table(
        "Sous-traitants",
        ("Traitement", "Sous-traitants", "Contrat (art. 28) : référence et date"),
        tuple((line.name, line.processors, "") for line in lines if line.processors),
        (3, 6, 3),
        is_to_fill=True,
    )


def _principles(lines: Sequence[Line]) -> Iterator[Block]:
    yield Heading(1, "2. Principes fondamentaux")
    yield Heading(2, "Proportionnalité et nécessité")
    yield Table(
        "Proportionnalité",
        ("Traitement", "Pourquoi ces données sont nécessaires", "Pourquoi rien de moins intrusif ne suffit"),
        tuple((line.name, "", "") for line in lines),
        (3, 5, 5),
        is_to_fill=True,
    )
    yield Heading(2, "Droits des personnes")
    yield Bullets(
        tuple(
            typeset(text)
            for text in (
                "Information : un assistant dit qu'on parle à une IA et d'où viennent ses réponses ; « mon profil » dit à "
                "chacun ce que Parvis sait de lui.",
                "Accès et portabilité : copie complète en formats ouverts (JSON, Markdown, fichiers d'origine), en un geste.",
                "Rectification : nom et rôles viennent de l'établissement ; les textes se corrigent dans leur page.",
                "Effacement : en un geste, conséquences dites avant ; ce qui reste ne porte plus de nom et dit pourquoi.",
                "Opposition et limitation : suspension immédiate d'une personne, règles d'accès par outil.",
                "Décision automatisée : aucune. Notation, admission, niveau, surveillance d'examens : refusés.",
            )
        )
    )


def _risks() -> Iterator[Block]:
    yield Heading(1, "3. Risques")
    yield Table(
        "Mesures en place",
        ("Mesure", "Ce que fait Parvis"),
        tuple((name, typeset(text)) for name, text in _MEASURES),
        (3, 9),
    )
    for risk, threats in _RISKS:
        yield Heading(2, risk)
        yield Paragraph(typeset(f"Menaces considérées : {threats}"))
        yield Table(
            risk,
            ("Appréciation", "Gravité", "Vraisemblance", "Justification"),
            (("Avant mesures", "", "", ""), ("Après mesures", "", "", "")),
            (3, 2, 2, 5),
            is_to_fill=True,
        )


def _validation() -> Iterator[Block]:
    yield Heading(1, "4. Validation")
    yield Table(
        "Plan d’action",
        ("Mesure à prendre", "Responsable", "Échéance"),
        (("", "", ""), ("", "", ""), ("", "", "")),
        (6, 3, 2),
        is_to_fill=True,
    )
    yield Table(
        "Avis",
        ("Qui", "Avis", "Date et signature"),
        (
            ("Délégué à la protection des données", "", ""),
            ("Personnes concernées ou leurs représentants", "", ""),
            ("Responsable du traitement", "", ""),
        ),
        (4, 6, 3),
        is_to_fill=True,
    )


_MEASURES = (
    ("Cloisonnement", "chaque liste part de ce que la personne peut voir ; absent et interdit reçoivent la même réponse."),
    ("Chiffrement", "TLS devant Parvis ; secrets scellés (AES-GCM) et liés à leur établissement, leur table et leur ligne."),
    ("Traçabilité", "journal de preuve sans contenu, en ajout seul."),
    ("Conservation limitée", "horloges par classe de données, appliquées chaque jour, et dont le travail est consigné."),
    ("Effacement", "dans la base, l'index et les fichiers, espace libre compris."),
    ("Modèles", "zone d'hébergement imposée, sans repli plus loin ; réponses vérifiées dans la page citée ; aucune image ni "
     "adresse venue d'un modèle n'est affichée."),
    ("Documents", "lus dans un processus séparé et borné ; rien n'est cherché au dehors."),
    ("Connexion", "attributs inutiles ni demandés ni gardés ; un droit retiré ferme la session."),
)  # fmt: skip
_RISKS = (
    (
        "Accès illégitime aux données",
        "compte détourné, droits trop larges, fuite chez un sous-traitant, vol d'une sauvegarde, question qui nomme un tiers.",
    ),
    (
        "Modification non désirée",
        "document remplacé par un autre, règle d'accès mal écrite, réponse fausse crue, injection dans un document.",
    ),
    (
        "Disparition de données",
        "panne de disque, effacement par erreur, perte du fichier de clés, arrêt d'un sous-traitant.",
    ),
)
