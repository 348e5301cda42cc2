"""The use register that Parvis proposes from what an institution has set up (article 30 of the regulation). In French: it is
a document of the institution, not a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from parvis.needs.typography import typeset

FIELDS = ("name", "purpose", "legal_base", "people", "data", "retention", "recipients", "processors", "measures")


@dataclass(frozen=True, slots=True)
class SourceFact:
    """A server through which people sign in, and what it gives that is used."""

    name: str
    protocol: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelFact:
    name: str
    provider: str
    host: str
    zone: str  # in words


@dataclass(frozen=True, slots=True)
class AssistantFact:
    name: str
    purpose: str  # code
    model: str  # "" when it only quotes, "*" when it takes the institution's default


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is, in one institution, when the register is proposed. `days`: by class of data."""

    institution: str
    purposes: Mapping[str, str]  # code → words
    sources: tuple[SourceFact, ...] = ()
    models: tuple[ModelFact, ...] = ()
    assistants: tuple[AssistantFact, ...] = ()
    embeddings: tuple[ModelFact, ...] = ()
    corpora: int = 0
    needs: int = 0
    mails: bool = False
    days: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One processing, in the words of the register."""

    code: str
    name: str
    purpose: str
    legal_base: str  # privacy.models.LegalBase
    people: str
    data: str
    retention: str
    recipients: str
    processors: str
    measures: str

    def values(self) -> dict[str, str]:
        """By the names of FIELDS."""
        return {name: value for name, value in asdict(self).items() if name in FIELDS}


def proposed(facts: Facts) -> list[Line]:
    """A line for each processing that takes place."""
    lines = [_sign_in(facts), *_assistants(facts)]
    if facts.corpora:
        lines.append(_documents(facts))
    if facts.needs:
        lines.append(_commons(facts))
    lines += [_notices(facts), _evidence(facts), _rights(facts)]
    return [replace(line, **{name: typeset(value) for name, value in line.values().items()}) for line in lines]


def changed(line: Line, snapshot: Mapping[str, str]) -> list[str]:
    """The fields that Parvis proposes otherwise than on the day somebody wrote theirs: what exists has changed since."""
    return [name for name in FIELDS if name in snapshot and line.values()[name] != snapshot[name]]


def _sign_in(facts: Facts) -> Line:
    used = sorted({attribute for source in facts.sources for attribute in source.attributes})
    through = ", ".join(f"{source.name} ({source.protocol})" for source in facts.sources)
    return Line(
        "sign_in",
        "Connexion, comptes et profils",
        "Reconnaître les personnes de l’établissement, leur ouvrir les outils de leur rôle et les leur retirer quand elles "
        "partent.",
        "public_task",
        "Étudiants, enseignants, personnels de l’établissement.",
        _sentences(
            "Identifiant stable, nom affiché, rôle et groupes, date de dernière connexion ; famille de navigateur",
            f"Attributs lus : {', '.join(used)}" if used else "",
            "Aucune adresse IP, aucun numéro INE, aucune date de naissance",
        ),
        _sentences(
            f"Session : {days(facts.days['sessions'])}",
            f"Compte : {days(facts.days['departed'])} après la fin du dernier profil, puis effacement",
        ),
        "La personne elle-même ; l’administration de l’établissement.",
        f"Aucun sous-traitant : {through}, serveurs de l’établissement ou de sa fédération." if through else "Aucun.",
        "Sessions révocables, fermées à la demande suivante quand la personne est suspendue ; secrets des serveurs chiffrés ; "
        "adresse électronique jamais utilisée comme identifiant.",
    )


def _assistants(facts: Facts) -> Iterator[Line]:
    by_purpose: dict[str, list[AssistantFact]] = {}
    for assistant in facts.assistants:
        by_purpose.setdefault(assistant.purpose, []).append(assistant)
    for purpose, rows in by_purpose.items():
        names = [row.name for row in rows]
        shown = ", ".join(f"«\u00a0{name}\u00a0»" for name in names[:8]) + (
            f" et {len(names) - 8} autres" if len(names) > 8 else ""
        )
        writes = any(row.model for row in rows)
        yield Line(
            f"assistants:{purpose}",
            f"Assistants : {facts.purposes.get(purpose, purpose)}",
            f"Répondre, citations à l’appui, aux questions posées à {shown}. Ni notation, ni admission, ni évaluation "
            "du niveau, ni surveillance d’examens : ces finalités sont refusées par construction.",
            "public_task",
            "Personnes qui posent des questions ; personnes nommées dans les documents ou dans les questions.",
            "Questions, réponses, passages cités, date ; échanges que la personne choisit de montrer à "
            "l’enseignant. Aucun score par personne.",
            _sentences(
                f"Conversations : {days(facts.days['conversations'])} après la dernière question, ou plus tôt à sa demande",
                f"Échanges montrés : {days(facts.days['signals'])}",
            ),
            "La personne elle-même. Les responsables d’un assistant ne voient que les échanges qu’on leur a montrés ; une "
            "conversation signalée ne s’ouvre qu’avec un motif écrit, que la personne lit.",
            _processors(facts.models if writes else (), facts.embeddings),
            "Citations retrouvées dans la page ; la réponse d’un modèle ne déclenche aucune requête ; règles d’accès de "
            "l’établissement ; zone d’hébergement imposée, sans repli plus loin.",
        )


def _documents(facts: Facts) -> Line:
    return Line(
        "documents",
        "Dépôt et lecture de documents",
        "Lire, indexer et citer à la page les documents confiés par les enseignants et les services.",
        "public_task",
        "Personnes qui déposent ; auteurs et personnes nommés dans les documents.",
        "Fichiers, texte de leurs pages, index des mots ; qui a déposé quoi, et quand.",
        _sentences(
            "Tant que le responsable les garde",
            f"Fichiers illisibles : {days(facts.days['uploads'])}",
            "Un document retiré ne répond plus à la question suivante, et ses octets sont effacés à la maintenance",
        ),
        "Ceux à qui le responsable les partage : un groupe, ou l’établissement.",
        _processors((), facts.embeddings),
        "Lecture dans un processus séparé et borné ; fichiers nommés par leur empreinte ; documents protégés jamais cités.",
    )


def _commons(facts: Facts) -> Line:
    return Line(
        "commons",
        "Besoins partagés, co-signatures et choix",
        "Exprimer les besoins, les harmoniser avec les autres établissements, signer et choisir au nom de l’établissement.",
        "public_task",
        "Référents, signataires et auteurs de besoins ; interlocuteurs chez les éditeurs.",
        "Nom et rôle de qui écrit, propose, vote et signe ; texte des besoins, sans données personnelles demandées.",
        _sentences(
            f"Brouillons : {days(facts.days['drafts'])}",
            "Actes de l’établissement : conservés, le nom remplacé par « personne effacée » si elle le demande",
        ),
        "Les membres de l’alliance pour ce qui est publié ; l’établissement seul avant cela.",
        "Aucun sous-traitant. Les autres membres de l’alliance lisent ce qui est publié.",
        "Réponses des éditeurs scellées jusqu’à l’ouverture ; textes co-signés que la base de données refuse de changer.",
    )


def _notices(facts: Facts) -> Line:
    return Line(
        "notices",
        "Avis aux personnes",
        "Dire à chacun ce qui l’attend, sur sa page et, s’il le veut, par courriel.",
        "public_task",
        "Personnes de l’établissement.",
        "Objet de l’avis, date de lecture ; adresse électronique si l’établissement la garde.",
        _sentences(days(facts.days["notices"]).capitalize()),
        "La personne elle-même.",
        "Serveur de messagerie de l’établissement." if facts.mails else "Aucun : aucun courriel n’est envoyé.",
        "Les courriels portent des liens, jamais les mots d’un besoin ni d’une conversation.",
    )


def _evidence(facts: Facts) -> Line:
    return Line(
        "evidence",
        "Journal de preuve",
        "Prouver qui a fait quoi, détecter les accès illégitimes, répondre de la sécurité du traitement (article 32).",
        "legal_obligation",
        "Toutes les personnes qui agissent dans Parvis.",
        "Numéro de la personne, action, objet, date. Aucun contenu : ni question, ni réponse, ni texte de document.",
        _sentences(f"Corps des entrées : {days(facts.days['audit'])}", "L’empreinte reste, qui ne dit plus rien de personne"),
        "Administration et délégué à la protection des données de l’établissement.",
        "Aucun.",
        "Ajout seul, garanti par la base de données.",
    )


def _rights(facts: Facts) -> Line:
    return Line(
        "rights",
        "Demandes d’exercice des droits",
        "Donner à chacun copie de ses données ou les effacer, et pouvoir en justifier.",
        "legal_obligation",
        "Personnes qui exercent leurs droits.",
        "Numéro de la personne, nature et date de la demande, motif quand elle est traitée pour elle.",
        _sentences(days(facts.days["requests"]).capitalize()),
        "La personne elle-même ; administration et délégué à la protection des données de l’établissement.",
        "Aucun.",
        "La copie est produite à la demande et n’est gardée nulle part.",
    )


def _processors(models: Iterable[ModelFact], embeddings: Iterable[ModelFact]) -> str:
    said = [f"{one.provider} ({one.host}), {one.zone} : rédaction par {one.name}." for one in models]
    said += [f"{one.provider} ({one.host}), {one.zone} : comparaison de sens par {one.name}." for one in embeddings]
    return "\n".join(said) or "Aucun : les réponses sont des citations, trouvées sur les serveurs de l’établissement."


def days(number: int) -> str:
    """As people say a duration: "1 an", "6 mois", "14 jours"."""
    if number % 365 == 0:
        return f"{number // 365} an{'s' if number > 365 else ''}"
    if number >= 60 and round(number / 30.5) * 30.5 - number < 1:
        return f"{round(number / 30.5)} mois"
    return f"{number} jour{'s' if number > 1 else ''}"


def _sentences(*parts: str) -> str:
    return " ".join(f"{part}." for part in parts if part)
