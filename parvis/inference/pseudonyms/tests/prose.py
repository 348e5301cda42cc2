"""Fifty short texts as people of a university write them, written by hand once the rules were done and before they were tried
on them: 57 of the 61 marked values were masked whole at that first reading. What [[ ]] holds must be.

Nobody of these names is meant, and no number is anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

DIRECTORY = [
    "Maëlle Kerbrat",
    "Jean-Baptiste Lacombe",
    "Sofiane Belkacem",
    "Anne-Laure de Saint-Amour",
    "Thi Hoa Nguyen",
    "Paul Petit",
    "Claire Boulanger",
    "Ève Martin",
    "Amadou N'Diaye",
    "LE GUENNEC Yann",
    "Fatoumata Diarra",
    "Étienne Roche",
    "Inès Ben Youssef",
    "Hugo Lefort",
    "Marguerite d’Aubigny",
    "Pierre-Antoine Blanchet",
    "Zoé Dos Santos",
    "Guillaume Roy",
    "Louise Mercier",
    "Karim El Idrissi",
]
PATTERNS = ["p9999999", "99999999"]

TEXTS = [
    "Bonjour, c'est [[Maelle Kerbrat]] (L2 droit), mon n° étudiant c'est [[22104531]] et je peux pas me connecter",
    "salut c [[sofiane belkacem]] g perdu ma carte, appelez moi au [[0612457898]] svp",
    "De : [[jb.lacombe@etu.univ-exemple.fr]]\nÀ : scolarite@univ-exemple.fr",
    "Objet : absence de Mme [[de Saint-Amour]] le 12/10/2025",
    "[[NGUYEN Thi Hoa]] - Née le [[03/07/2003]] - INE [[1802934567K]]",
    "Monsieur [[Petit]] a rendu un petit mémoire sur le petit commerce.",
    "J'ai croisé [[Boulanger, Claire]] chez le boulanger.",
    "Le jury était composé de Mme [[È. Martin]], de M. [[Roche]] et de [[A. N'Diaye]].",
    "Cc: [[Yann Le Guennec]]; [[F. Diarra]]; secrétariat",
    "Mon numéro de sécu : [[2 03 07 99 352 118]] clé [[42]]",
    "n° SS [[203079935211842]] (attestation jointe)",
    "RIB : [[FR76 1027 8060 4100 0204 1234 567]]",
    "Carte [[4970 1012 3456 7890]] exp 12/27",
    "Entreprise d'accueil : SARL Voltige, SIRET [[552 100 554 00013]]",
    "Merci de rappeler [[+33 7 56 78 90 12]] après 18h",
    "portable [[06.78.90.12.3]] (je crois qu'il manque un chiffre)",
    "connexion depuis [[82.64.12.7]] à 14:32:10, erreur 403",
    "adresse ipv6 [[2a01:e0a:1f3:8b20:d4ff:3c1e:77aa:2]] bloquée",
    "Date de naissance [[14 février 2004]], lieu : Quimper",
    "Le tuteur, [[Pierre Antoine Blanchet]], valide le stage. [[Blanchet]] signera demain.",
    "[[Zoe Dos-Santos]] et [[Guillaume Roy]] forment le binôme 4.",
    "Le roi Louis XIV et Hugo Capet n'ont rien à voir ; Victor Hugo non plus.",
    "Pour Mercier, on note 12 ; la merceresse est au mercier.",
    "Convoquer [[Mercier Louise]] : [[Mercier]] n'a pas répondu.",
    "[[Karim el-Idrissi]] écrit : [[karim.elidrissi+stage@courriel.example]]",
    "[[Inès BEN YOUSSEF]] / [[Ines Ben-Youssef]] / [[I. Ben Youssef]]",
    "Signé : [[Marguerite D'Aubigny]]",
    "Mme [[d'Aubigny]] demande un tiers-temps.",
    "Le théorème de Roche-Martin n'existe pas ; la roche est un grès.",
    "Numéro étudiant : [[p2310987]], mot de passe oublié",
    "matricule [[22-104-532]]",
    "mail : [[hugo.lefort@univ-exemple]]",
    "écrire à [[hugo.lefort (at) univ-exemple (point) fr]]",
    "tel: [[02 99 23 35 35]] / [[02.99.23.35.36]]",
    "En 2023-2024, 1 234 567 890 euros et 18 500 étudiants ; page 12-15 ; ISBN 978-2-247-18934-5",
    "L'article 1240 du code civil, loi n° 2016-1321 du 7 octobre 2016, décret 2021-1104",
    "Version 3.11.7 de Python, port 8080, commit a3f9c21, ratio 16:9, à 10:45",
    "T = 293,15 K ; p = 101 325 Pa ; R = 8,314 462 618 J/(mol·K) ; N = 6,022 140 76e23",
    "le 01/02/2024 de 09:00 à 12:30, salle B-204, UE 5, coef. 2,5",
    "[[LACOMBE Jean-Baptiste]] absent",
    "dr [[kerbrat]] et pr [[belkacem]]",
    "Jean-Baptiste Poquelin, dit Molière",
    "Prénom : [[Fatoumata]] Nom : [[Diarra]]",
    '{"nom": "[[Lefort]]", "prenom": "[[Hugo]]", "ddn": "[[2002-11-05]]", "tel": "[[0033612345678]]"}',
    "Le dossier 2024-00123 de [[H. Lefort]] est clos.",
    "[[Étienne Roche]] (étudiant), né en 2001",
    "SIREN [[552 100 554]] ; TVA [[FR 83 552100554]]",
    "student ID [[20451987]], DOB [[5 March 2002]]",
    "Je suis Camille, en L3, et je cherche un stage à Rennes chez Martin Industries.",
]


def marked() -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Each text without its marks, and where the values were."""
    for marked_text in TEXTS:
        text, places = "", []
        for piece in re.split(r"\[\[(.*?)\]\]", marked_text):
            places.append((len(text), len(text) + len(piece)))
            text += piece
        yield text, places[1::2]
