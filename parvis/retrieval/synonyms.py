"""What students and documents call by different names in French higher education: each line, names for one thing.

A question is also asked with another name, and the better found is kept (`search`): a name that documents use as the
student does changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from parvis.retrieval.analysis import Token, terms

MOST_OTHER_NAMES = 4


def other_names(question: str, tokens: Sequence[Token]) -> list[tuple[str, tuple[str, ...]]]:
    """The question with one thing called otherwise, and the terms this brings, which the documents must have."""
    said = tuple(token.term for token in tokens)
    return [
        (question[: tokens[first].start] + name + question[tokens[after - 1].end :], tuple(terms(name)))
        for first, after, names in _called(said)
        for name in names
    ][:MOST_OTHER_NAMES]


def _called(said: tuple[str, ...]) -> Iterator[tuple[int, int, Sequence[str]]]:
    """Where a known name stands, the longest from each place, with the other names."""
    known = names()
    for first in range(len(said)):
        for after in range(min(len(said), first + LONGEST_NAME), first, -1):
            if others := known.get(said[first:after]):
                yield first, after, others
                break


_SYNONYMS = """
rattrapage | seconde session | deuxième session | session de rattrapage
deuxième | second
partiel | examen terminal | examen
exam | examen
travaux dirigés | TD
travaux pratiques | TP
cours magistral | CM
unité d'enseignement | UE
élément constitutif | EC
crédit | ECTS
contrôle continu | CC
fac | faculté | université
prof | enseignant | professeur
emploi du temps | planning | calendrier
frais d'inscription | droits d'inscription | frais de scolarité | prix de l'inscription | tarif de l'inscription
carte étudiante | carte d'étudiant
mail | courriel | adresse électronique
IA | intelligence artificielle
ChatGPT | intelligence artificielle | IA générative
triche | fraude
tricher | frauder | fraude
arrêt maladie | certificat médical
mot du médecin | certificat médical
tiers temps | temps majoré | aménagement d'examen
passage conditionnel | AJAC
semestre 1 | premier semestre | S1
semestre 2 | second semestre | S2
licence 1 | première année de licence | L1
licence 2 | deuxième année de licence | L2
licence 3 | troisième année de licence | L3
master 1 | première année de master | M1
master 2 | deuxième année de master | M2
espace numérique de travail | ENT | espace numérique
bibliothèque universitaire | BU | bibliothèque
validation des acquis de l'expérience | VAE
diplôme d'université | DU
contribution de vie étudiante | CVEC
régime spécial d'études | RSE
vacances | congés | interruption des cours
rentrée | début des cours
date limite | dernier délai
date butoir | date limite | dernier délai
boulot | emploi | travail
job | emploi
salarié | emploi
relevé de notes | bulletin
annuler | annulation | nullité
casser | rompre | rupture
attestation | certificat
handicap | situation de handicap
année sabbatique | césure
partir à l'étranger | mobilité internationale
erasmus | mobilité internationale | mobilité
ordi | ordinateur
s'inscrire | inscription | réinscription
valable | valide | validité
horaires | heures d'ouverture | ouverture | ouvert
noël | fin d'année
payé | rémunéré | gratification
retirer | rétracter
logiciel antiplagiat | logiciel de comparaison
"""
LONGEST_NAME = 5


@lru_cache(maxsize=1)
def names() -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """The others of each, known by its terms."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in _SYNONYMS.strip().splitlines():
        called = [name.strip() for name in line.split("|")]
        for name in called:
            key = tuple(terms(name))
            others = tuple(other for other in called if tuple(terms(other)) != key)
            found[key] = tuple(dict.fromkeys([*found.get(key, ()), *others]))
    return found
