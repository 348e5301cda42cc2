"""Who can be signed in as: invented people, at real members and at organisations that are invented themselves."""

from __future__ import annotations

from dataclasses import dataclass

from parvis.institutions.models import Nature, Role

HOME = "Université de Rennes"
NEIGHBOUR = "Université de Lorraine"


@dataclass(frozen=True)
class Organisation:
    """Invented, and said so wherever it is named."""

    slug: str
    name: str
    short_name: str
    nature: Nature


COORDINATION = Organisation("coordination", "Coordination de l’alliance", "Coordination", Nature.COORDINATION)
OBSERVATORY = Organisation("observatoire", "Observatoire imaginaire du numérique", "Observatoire", Nature.OBSERVER)
GRIFFON = Organisation("griffon", "Griffon Numérique", "Griffon", Nature.VENDOR)
CHIMERE = Organisation("chimere", "Chimère Logiciels", "Chimère", Nature.VENDOR)
ORGANISATIONS = (COORDINATION, OBSERVATORY, GRIFFON, CHIMERE)


@dataclass(frozen=True)
class Persona:
    """An invented person: nobody of that name and function is meant."""

    key: str
    name: str
    institution: str
    role: Role
    detail: str
    groups: tuple[str, ...] = ()


_DETAIL = {Role.REFERENT: "Besoins numériques", Role.SIGNATORY: "Vice-présidence au numérique"}

# Elsewhere than at home and at the neighbour's: who writes needs, who signs.
_OTHERS = {
    "Université de Haute-Alsace": ("Sabine Muller-Roth", "Didier Haas"),
    "Université de Nîmes": ("Laure Castan", "Olivier Peyre"),
    "Université Paris-Est Créteil": ("Samia Haddad", "Vincent Lacaze"),
    "Université Bordeaux-Montaigne": ("Maïté Etcheverry", "Paul Darrigade"),
    "Université de Montpellier": ("Julie Fabre", "Rémi Soulier"),
    "Université Toulouse-Jean-Jaurès": ("Elsa Cazals", "Hervé Bonnafous"),
    "Université de Picardie Jules-Verne": ("Pauline Delattre", "Marc Lefranc"),
    "Sorbonne Université": ("Agathe Renouard", "Jean-Yves Pellier"),
    "Conservatoire national des arts et métiers": ("Mounir Saïdi", "Catherine Ozanne"),
    "École des Mines de Paris": ("Alix de Brosse", "Étienne Garnault"),
    "Université de Tours": ("Camille Rabier", "Sylvain Chollet"),
    "Université Paris-Saclay": ("Diane Quéméneur", "Laurent Bressac"),
}

# Those who are presented first; the others are there so that every member has its say.
LEADS = (
    Persona("delmas", "Claire Delmas", HOME, Role.TEACHER, "Droit des contrats"),
    Persona("benali", "Karim Benali", HOME, Role.TEACHER, "Thermodynamique"),
    Persona("le-goff", "Maëlle Le Goff", HOME, Role.STAFF, "Scolarité"),
    Persona("martin", "Inès Martin", HOME, Role.STUDENT, "Licence 2, droit", ("Licence 2 Droit",)),
    Persona("tanguy", "Yann Tanguy", HOME, Role.STUDENT, "Licence 2, physique", ("Licence 2 Physique",)),
    Persona("ferrand", "Sophie Ferrand", HOME, Role.ADMINISTRATOR, "Direction du numérique"),
    Persona("guillou", "Anne-Laure Guillou", HOME, Role.DPO, "Protection des données"),
    Persona("weber", "Luc Weber", NEIGHBOUR, Role.TEACHER, "Histoire contemporaine"),
    Persona("schmitt", "Jade Schmitt", NEIGHBOUR, Role.STUDENT, "Licence 1, histoire", ("Licence 1 Histoire",)),
    Persona("morvan", "Gwenaëlle Morvan", HOME, Role.REFERENT, _DETAIL[Role.REFERENT]),
    Persona("kerjean", "Philippe Kerjean", HOME, Role.SIGNATORY, _DETAIL[Role.SIGNATORY]),
    Persona("marchal", "Élodie Marchal", NEIGHBOUR, Role.REFERENT, _DETAIL[Role.REFERENT]),
    Persona("thiriet", "Bernard Thiriet", NEIGHBOUR, Role.SIGNATORY, _DETAIL[Role.SIGNATORY]),
    Persona("roussel", "Nadia Roussel", COORDINATION.name, Role.COORDINATOR, "Groupes de travail"),
    Persona("lemaire", "Hugo Lemaire", OBSERVATORY.name, Role.OBSERVER, "Études"),
    Persona("cottin", "Amandine Cottin", GRIFFON.name, Role.VENDOR, "Enseignement supérieur"),
    Persona("vidal", "Thomas Vidal", CHIMERE.name, Role.VENDOR, "Logiciels libres"),
)
PERSONAS = (
    *LEADS,
    *(
        Persona(name.replace(" ", "-").lower(), name, institution, role, _DETAIL[role])
        for institution, names in _OTHERS.items()
        for name, role in zip(names, (Role.REFERENT, Role.SIGNATORY), strict=True)
    ),
)
