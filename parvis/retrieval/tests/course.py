"""Small courses written for the tests, cut as real ones are."""

from __future__ import annotations

from parvis.retrieval.cutting import Span, cut
from parvis.retrieval.evaluation import Library
from parvis.retrieval.passage import Passage


def passages(*documents: tuple[str, str]) -> list[Passage]:
    """Of (title, text) pairs; a line that begins with # is a heading."""
    made: list[Passage] = []
    for document_id, (title, text) in enumerate(documents, 1):
        for one in cut(text, _spans(text)):
            made.append(
                Passage(
                    id=len(made) + 1,
                    corpus_id=1,
                    document_id=document_id,
                    unit_number=1,
                    start=one.start,
                    end=one.end,
                    text=text[one.start : one.end],
                    document_title=title,
                    unit_label="1",
                    heading_path=one.heading_path,
                )
            )
    return made


def library(*documents: tuple[str, str]) -> Library:
    return Library(passages(*documents))


def _spans(text: str) -> list[Span]:
    spans: list[Span] = []
    heading: tuple[str, ...] = ()
    at = 0
    for block in text.split("\n\n"):
        start, at = at, at + len(block) + 2
        if block.startswith("#"):
            heading = (block.lstrip("# "),)
        elif block.strip():
            spans.append(Span(start, start + len(block), heading, atomic=" | " in block))
    return spans


CONTRACTS = (
    "Droit des obligations",
    """# La formation du contrat

Le contrat est un accord de volontés entre deux ou plusieurs personnes, destiné à créer, modifier, transmettre ou \
éteindre des obligations. Il se forme par la rencontre d'une offre et d'une acceptation. L'offre comprend les éléments \
essentiels du contrat envisagé et exprime la volonté de son auteur d'être lié en cas d'acceptation. Elle peut être \
rétractée tant qu'elle n'est pas parvenue à son destinataire. L'offre caduque ne peut plus être acceptée.

La capacité est la règle : toute personne physique peut contracter, sauf en cas d'incapacité prévue par la loi. Sont \
incapables de contracter les mineurs non émancipés et les majeurs protégés. Le contrat doit avoir un contenu licite et \
certain. Il ne peut déroger à l'ordre public ni par ses stipulations, ni par son but.

# Les vices du consentement

L'erreur, le dol et la violence vicient le consentement lorsqu'ils sont de telle nature que, sans eux, l'une des parties \
n'aurait pas contracté. Le dol est le fait d'obtenir le consentement de l'autre par des manœuvres ou des mensonges. \
Cette sanction suppose une intention de tromper. Il y a violence lorsqu'une partie s'engage sous la pression d'une \
contrainte qui lui inspire la crainte d'exposer sa personne, sa fortune ou celles de ses proches à un mal considérable.

L'action en nullité se prescrit par cinq ans. Ce délai ne court que du jour où l'erreur ou le dol a été découvert, et, \
en cas de violence, du jour où elle a cessé. La nullité relative ne peut être demandée que par la partie que la loi \
entend protéger. Elle peut être couverte par la confirmation.

# L'exécution du contrat

Les contrats légalement formés tiennent lieu de loi à ceux qui les ont faits. Ils doivent être négociés, formés et \
exécutés de bonne foi. Cette disposition est d'ordre public. La clause pénale fixe d'avance la somme due en cas \
d'inexécution. Le juge peut la modérer si elle est manifestement excessive.

La partie envers laquelle l'engagement n'a pas été exécuté peut :

- refuser d'exécuter ou suspendre l'exécution de sa propre obligation ;

- poursuivre l'exécution forcée en nature de l'obligation ;

- obtenir une réduction du prix ;

- provoquer la résolution du contrat ;

- demander réparation des conséquences de l'inexécution.

# Glossaire

Synallagmatique : se dit d'un contrat dont les parties s'obligent réciproquement l'une envers l'autre.

Unilatéral : se dit d'un contrat par lequel une personne s'oblige envers une autre sans engagement réciproque.

Aléatoire : se dit d'un contrat dont les effets dépendent d'un événement incertain.
""",
)

RULES = (
    "Règlement des études",
    """# Inscription

L'inscription administrative est annuelle et obligatoire. Elle a lieu en juillet ou en septembre, au plus tard le 30 \
septembre 2026. L'inscription pédagogique se fait auprès du secrétariat de la composante dans les quinze jours qui \
suivent le début des cours. Il faut présenter la carte d'étudiant et l'attestation de paiement de la contribution de vie \
étudiante et de campus.

# Examens

Une année de licence compte soixante crédits. Le jury est présidé par Mme Claire Vasseur, professeure de physique. \
La seconde session est organisée au moins quinze jours après la publication des résultats de la première. Les étudiants \
absents à une épreuve doivent justifier leur absence auprès du secrétariat dans un délai de huit jours. Passé ce délai, \
l'absence est injustifiée et l'étudiant est déclaré défaillant.

L'étudiant ajourné conserve le bénéfice des unités d'enseignement acquises. Le redoublement est de droit une fois en \
licence. Une demande de césure se dépose avant le 15 mai auprès de la direction de la composante.

# Barème

Mention | Note minimale

Assez bien | 12

Bien | 14

Très bien | 16
""",
)
