"""Identifiers, mistakes and names made at random, for the tests and for `bench.pseudonyms`. Whoever they may fall upon is not
meant: names are drawn from lists of frequent ones, or made of syllables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from random import Random

from parvis.inference.pseudonyms.spans import (
    BIRTH,
    CARD,
    EMAIL,
    IBAN,
    INE,
    IP,
    NIR,
    PHONE,
    SIREN,
    SIRET,
    STUDENT,
    Span,
)

STUDENT_PATTERN = "p9999999"
_SPACES = (" ", " ", "\u00a0", "\u202f")


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("0123456789", k=count))


def _grouped(value: str, sizes: Sequence[int], separator: str) -> str:
    pieces, place = [], 0
    for size in sizes:
        pieces.append(value[place : place + size])
        place += size
    return separator.join(pieces)


def nir(random: Random) -> str:
    place = random.choice([f"{random.randint(1, 95):02}", "2A", "2B", "97", "98", "99"])
    if place == "20":
        place = "21"
    month = random.choice([*range(1, 13), 20, 31, 42, 62, 99])
    birth = f"{random.choice('1212123478')}{_digits(random, 2)}{month:02}{place}"
    body = f"{birth}{random.randint(1, 990):03}{random.randint(1, 999):03}"
    number = int(body.replace("2A", "19").replace("2B", "18")) if place in ("2A", "2B") else int(body)
    value = f"{body}{97 - number % 97:02}"
    separator = random.choice((*_SPACES, ".", "-"))
    return random.choice(
        [
            value,
            f"{value[:13]} {value[13:]}",
            f"{value[:13]}/{value[13:]}",
            _grouped(value, (1, 2, 2, 2, 3, 3, 2), separator),
            _grouped(value, (1, 2, 2, 2, 3, 3), " ") + f" / {value[13:]}",
            _grouped(value, (3, 3, 3, 3, 3), separator),
            value.lower(),
        ]
    )


def ine(random: Random) -> str:

    def letter() -> str:
        return random.choice("ABCDEFGHJKLMNPRSTUVWXYZ")

    value = random.choice(
        [
            f"{_digits(random, 9)}{letter()}{letter()}",
            f"{_digits(random, 10)}{letter()}",
            f"{_digits(random, 4)}{letter()}{_digits(random, 5)}{letter()}",
        ]
    )
    return value.lower() if random.random() < 0.2 else value


def _luhn_key(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def siren_digits(random: Random) -> str:
    body = _digits(random, 8)
    return body + _luhn_key(body)


def siren(random: Random) -> str:
    value = siren_digits(random)
    separator = random.choice((*_SPACES, ".", "-"))
    vat = f"FR{(12 + 3 * (int(value) % 97)) % 97:02}{value}"
    return random.choice([value, value, _grouped(value, (3, 3, 3), separator), vat, f"{vat[:2]} {vat[2:4]} {vat[4:]}"])


def siret(random: Random) -> str:
    body = siren_digits(random) + _digits(random, 4)
    value = body + _luhn_key(body)
    separator = random.choice((*_SPACES, ".", "-"))
    return random.choice([value, _grouped(value, (3, 3, 3, 5), separator), _grouped(value, (9, 5), " ")])


def card(random: Random) -> str:
    prefix, length = random.choice(
        [
            ("4", 16),
            ("4", 13),
            ("4", 19),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("34", 15),
            ("37", 15),
            ("36", 14),
            ("6011", 16),
            ("3530", 16),
            ("5018", 16),
        ]
    )
    body = prefix + _digits(random, length - len(prefix) - 1)
    value = body + _luhn_key(body)
    if length == 15:
        return random.choice([value, _grouped(value, (4, 6, 5), random.choice((*_SPACES, "-")))])
    if length == 14:
        return random.choice([value, _grouped(value, (4, 6, 4), " ")])
    return random.choice(
        [
            value,
            _grouped(value, (4,) * (length // 4) + ((length % 4,) if length % 4 else ()), random.choice((*_SPACES, "-", "."))),
        ]
    )


def iban(random: Random) -> str:
    country, shape = random.choice(
        [
            ("FR", "9999999999*99999999999"),
            ("FR", "99999999999999999999999"),
            ("DE", "9" * 18),
            ("BE", "9" * 12),
            ("GB", "AAAA" + "9" * 14),
            ("ES", "9" * 20),
            ("MA", "9" * 24),
            ("TN", "9" * 20),
            ("IT", "A" + "9" * 22),
            ("LU", "999" + "*" * 13),
            ("CH", "9" * 5 + "*" * 12),
            ("MC", "9" * 23),
        ]
    )
    if country == "FR" and "*" in shape:
        shape = "9" * 10 + "*" * 11 + "99"
    made = {
        "9": lambda: random.choice("0123456789"),
        "A": lambda: random.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "*": lambda: random.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    }
    body = "".join(made[one]() for one in shape)
    key = 98 - int("".join(str(int(one, 36)) for one in f"{body}{country}00")) % 97
    value = f"{country}{key:02}{body}"
    groups = [value[place : place + 4] for place in range(0, len(value), 4)]
    return random.choice(
        [
            value,
            " ".join(groups),
            random.choice(_SPACES).join(groups),
            "-".join(groups),
            value.lower(),
            " ".join(groups).lower(),
        ]
    )


def phone(random: Random) -> str:
    national = f"0{random.randint(1, 9)}{_digits(random, 8)}"
    pairs = [national[place : place + 2] for place in range(0, 10, 2)]
    rest = national[1:]
    tail = " ".join(rest[place : place + 2] for place in range(1, 9, 2))
    abroad = random.choice(
        [
            f"+32 4{_digits(random, 2)} {_digits(random, 2)} {_digits(random, 2)} {_digits(random, 2)}",
            f"+49 30 {_digits(random, 8)}",
            f"+1 (415) 555-{_digits(random, 4)}",
            f"+44 20 7{_digits(random, 3)} {_digits(random, 4)}",
            f"+2126{_digits(random, 8)}",
            f"+221 77 {_digits(random, 3)} {_digits(random, 2)} {_digits(random, 2)}",
            f"0041 22 {_digits(random, 3)} {_digits(random, 2)} {_digits(random, 2)}",
            f"00216{_digits(random, 8)}",
        ]
    )
    return random.choice(
        [
            national,
            *(separator.join(pairs) for separator in (" ", ".", "-", "\u00a0", "\u202f", "/")),
            f"+33{rest}",
            f"+33 {rest[0]} {tail}",
            f"+33 (0){rest[0]} {tail}",
            f"+33(0){rest}",
            f"0033 {rest[0]} {tail}",
            f"+33.{rest[0]}.{tail.replace(' ', '.')}",
            abroad,
            abroad,
        ]
    )


def _word(random: Random) -> str:
    return "".join(
        random.choice(("ba", "ri", "mo", "lan", "cou", "ter", "vi", "don", "sa", "leu")) for _ in range(random.randint(2, 3))
    )


def email(random: Random) -> str:
    local = random.choice(
        [
            f"{_word(random)}.{_word(random)}",
            f"{_word(random)}{_digits(random, 2)}",
            f"{_word(random)[0]}.{_word(random)}-{_word(random)}",
            f"{_word(random)}+{_word(random)}",
            f"{_word(random)}_{_word(random)}",
            f"{_word(random)}é.o'{_word(random)}",
        ]
    )
    domain = random.choice(
        [
            f"univ-{_word(random)}.fr",
            f"etu.{_word(random)}.fr",
            f"{_word(random)}.co.uk",
            f"{_word(random)}.education",
            f"{_word(random)}-{_word(random)}.eu",
        ]
    )
    value = f"{local}@{domain}"
    return random.choice(
        [value, value, value, value.upper(), f"{local} [at] {domain}", f"{local}(at){domain}", f"{local} arobase {domain}"]
    )


def ip(random: Random) -> str:
    if random.random() < 0.5:
        return str(IPv4Address(random.getrandbits(32)))
    high = random.choice([0x2001, 0x2A01, 0xFD00, 0xFE80, 0x2A02])
    address = IPv6Address((high << 112) | (random.getrandbits(random.choice([16, 64, 112]))))
    return random.choice([str(address), address.exploded, str(address).upper()])


def student(random: Random) -> str:
    return f"{random.choice('pP')}{_digits(random, 7)}"


_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()


def birth(random: Random) -> str:
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(1940, 2010)
    return random.choice(
        [
            f"{day:02}/{month:02}/{year}",
            f"{day}-{month}-{year}",
            f"{day} {_MONTHS[month - 1]} {year}",
            f"{year}-{month:02}-{day:02}",
            f"{day:02}.{month:02}.{year % 100:02}",
            f"1er {_MONTHS[month - 1]} {year}",
            f"{day:02} {month:02} {year}",
        ]
    )


@dataclass(frozen=True)
class Made:
    make: Callable[[Random], str]
    labels: Sequence[str]
    by_itself: bool = True  # recognised without a label


MADE = {
    NIR: Made(
        nir,
        [
            "NIR : ",
            "NIR ",
            "numéro de sécurité sociale : ",
            "Mon numéro de sécu est le ",
            "N° INSEE : ",
            '"nir": "',
            "n° SS (sécu) = ",
            "Numéro de sécurité sociale de mon fils : ",
            "N.I.R. : ",
            "carte Vitale n° ",
        ],
    ),
    INE: Made(
        ine,
        [
            "INE : ",
            "INE ",
            "son INE est ",
            "N° INE : ",
            '"ine": "',
            "Identifiant national étudiant (INE) : ",
            "ine=",
            "numéro INE de l'étudiante : ",
        ],
    ),
    IBAN: Made(iban, ["IBAN : ", "IBAN ", "mon RIB : ", "virement sur l'IBAN suivant : ", '"iban":"', "iban="]),
    SIREN: Made(siren, ["SIREN : ", "n° SIREN ", "numéro de TVA : ", "siren=", "Siren de l'entreprise d'accueil : "]),
    SIRET: Made(siret, ["SIRET : ", "n° Siret ", "siret=", "SIRET de l'organisme : "]),
    CARD: Made(
        card, ["carte bancaire : ", "CB : ", "numéro de carte ", "Visa ", "my card number is ", "ma carte bleue, c'est la "]
    ),
    PHONE: Made(
        phone,
        [
            "tél. : ",
            "Tél : ",
            "téléphone ",
            "portable : ",
            "mon numéro de téléphone est le ",
            "phone: ",
            "joignable sur mon portable au ",
        ],
    ),
    EMAIL: Made(email, ["e-mail : ", "courriel : ", "mail ", "mon adresse mail est ", "Email: ", "mél : "]),
    IP: Made(ip, ["IP : ", "adresse IP ", "IPv4 : ", "depuis l'IP "]),
    STUDENT: Made(
        student,
        [
            "numéro étudiant : ",
            "n° étudiant ",
            "numéro d'étudiante : ",
            "matricule : ",
            "code Apogée ",
            "student number: ",
            "student ID ",
            "N° étu. : ",
        ],
    ),
    BIRTH: Made(
        birth,
        [
            "né le ",
            "née le ",
            "né(e) le ",
            "date de naissance : ",
            "Date de naissance ",
            "DDN : ",
            "date of birth: ",
            "born on ",
            '"date_naissance": "',
        ],
        by_itself=False,
    ),
}

BEFORE = ["", "Bonjour, ", "Voici : ", "(", "« ", "l'étudiante a donné ", "\n", "|", "1. ", "le 12 mars, ", "réf=", "\t"]
AFTER = ["", ".", ", merci", ")", " »", " pour le dossier", "\n", "|", " ; suite", "?", " en 2024"]


def mistyped(random: Random, kind: str, value: str) -> str:
    """One slip of who types: a character wrong, missing, doubled, swapped, a letter for a digit, a space too many."""
    places = [place for place, character in enumerate(value) if character.isdigit()]
    place = random.choice(places) if places else random.randrange(1, len(value) - 1)
    character = value[place]
    slip = random.choice(("wrong", "missing", "doubled", "swapped", "letter", "space"))
    if kind == EMAIL:
        sign = value.find("@")
        if sign < 0:
            return value.replace("[at]", "@").replace("(at)", "@").replace(" arobase ", "@@")
        return random.choice(
            [
                value[:sign] + value[sign + 1 :],
                value.replace("@", "@@"),
                value[:sign] + " @ " + value[sign + 1 :],
                value[: value.rfind(".")],
                value[: value.rfind(".")] + "," + value[value.rfind(".") + 1 :],
                value.replace(".", "..", 1),
            ]
        )
    if kind == IP and ":" in value:
        return random.choice(
            [value[: place or 1] + "g" + value[(place or 1) + 1 :], value + ":12", value.replace(":", ":::", 1)]
        )
    if slip == "wrong":
        return (
            value[:place]
            + (str((int(character) + random.randint(1, 9)) % 10) if character.isdigit() else "x")
            + value[place + 1 :]
        )
    if slip == "missing":
        return value[:place] + value[place + 1 :]
    if slip == "doubled":
        return value[:place] + character + value[place:]
    if slip == "swapped" and place + 1 < len(value) and value[place + 1].isalnum():
        return value[:place] + value[place + 1] + character + value[place + 2 :]
    if slip == "letter":
        return value[:place] + {"0": "O", "1": "l", "5": "S", "8": "B"}.get(character, "O") + value[place + 1 :]
    if slip == "space" and kind not in (IP, STUDENT, BIRTH):
        return value[:place] + " " + value[place:]
    return value[:place] + (str((int(character) + 1) % 10) if character.isdigit() else "x") + value[place + 1 :]


def is_masked(text: str, start: int, end: int, spans: Sequence[Span]) -> bool:
    """Whether no letter and no digit of the value would be read."""
    hidden = {place for span in spans for place in range(span.start, span.end)}
    return all(place in hidden for place in range(start, end) if text[place].isalnum())


_FIRST_NAMES = """
Marie Camille Léa Manon Chloé Emma Inès Jade Louise Alice Julie Sarah Laura Pauline Mathilde Océane Lucie Marine Anaïs
Justine Clara Charlotte Margaux Élise Eva Noémie Juliette Zoé Lola Agathe Anne Catherine Isabelle Nathalie Sylvie Valérie
Sandrine Stéphanie Céline Émilie Aurélie Christine Françoise Monique Jacqueline Martine Hélène Brigitte Véronique Florence
Aïcha Fatima Khadija Samira Yasmine Nadia Aminata Mariam Awa Linh Mei Priya Sofia Ana Elena Olga Ingrid Fanny Gaëlle Maëlle
Solène Yaëlle Jean Pierre Michel André Philippe Alain Bernard Jacques Daniel Patrick Thomas Nicolas Julien Alexandre Antoine
Maxime Quentin Romain Kévin Hugo Lucas Louis Gabriel Arthur Jules Adam Raphaël Paul Victor Léo Nathan Ethan Enzo Mathis Théo
Clément Baptiste Simon Martin Vincent Laurent Olivier Guillaume Sébastien Christophe Frédéric Éric Stéphane David Benoît
François Xavier Yves Luc Marc Mehdi Karim Mohamed Ahmed Yacine Bilal Ousmane Mamadou Ibrahima Cheikh Minh Wei Ravi Carlos
Diego João Luca Ivan Sven Erwan Loïc Gaël Tanguy Ronan Maël Corentin Jean-Pierre Jean-Marc Marie-Claire Anne-Sophie
Jean-Baptiste Pierre-Yves Marie-Laure
""".split()

_FAMILY_NAMES = """
Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand
Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefevre Faure Andre Mercier Blanc Guerin Boyer
Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson
Marchand Duval Denis Dumont Marie Lemaire Noël Meyer Dufour Meunier Brun Blanchard Giraud Joly Rivière Lucas Brunet Gaillard
Barbier Arnaud Martinez Gérard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine Renaud
Dumas Lacroix Olivier Philippe Bourgeois Pierre Benoît Rey Leclerc Payet Rolland Leclercq Guillaume Lecomte Lopez Jean Dupuy
Guillot Hubert Berger Carpentier Sanchez Dupuis Moulin Louis Deschamps Huet Vasseur Perez Boucher Fleury Royer Klein Jacquet
Adam Paris Poirier Marty Aubry Guyot Carré Charles Renault Charpentier Ménard Maillard Baron Bertin Bailly Hervé Schneider
Fernandez Collet Léger Bouvier Julien Prévost Millet Perrot Daniel Cousin Germain Breton Besson Langlois Rémy Pelletier
Lévêque Perrier Leblanc Barré Lebrun Marchal Weber Mallet Hamon Boulanger Jacob Monnier Michaud Rodriguez Guichard Gillet
Étienne Grondin Poulain Tessier Chevallier Collin Chauvin Da-Silva Bouchet Gay Lemaître Bénard Maréchal Humbert Reynaud
Antoine Hoarau Perret Barthélemy Cordier Pichon Lejeune Gilbert Lamy Delaunay Pasquier Carlier Laporte Ba Diallo Traoré
Ndiaye Sow Diop Benali Haddad Mansouri Bouzid Nguyen Tran Pham Li Chen Wang Le-Goff Le-Gall Le-Roux Kermarrec Quéméner
O'Connor D'Ormesson Fouché Ben-Ahmed El-Amrani
""".split()

_HEADS = (
    "Ber Bou Cha Cor Del Des Fau Gar Gui Hau Jou Lan Mar Mon Mou Nar Pel Per Pou Quer Rav Sal Sau Tar Ver Vil Vau Zel".split()
)
_MIDDLES = "a au e ei i o ou an en in on ar er or ai".split()
_TAILS = "bois cart chet court din dier fet gier land let mont nard net rac rel ron sac soul tel tier ton val veau vin".split()


def people(random: Random, count: int) -> list[tuple[str, str]]:
    """First name and family name. A third bears one of the frequent names, the first ones of the list more often."""
    made = []
    for _ in range(count):
        if random.random() < 0.34:
            family = _FAMILY_NAMES[min(int(random.paretovariate(0.6)) - 1, 10**6) % len(_FAMILY_NAMES)]
            family = family.replace("Le-", "Le ").replace("Da-", "Da ").replace("Ben-", "Ben ").replace("El-", "El ")
        else:
            family = random.choice(_HEADS) + random.choice(_MIDDLES) + random.choice(_TAILS)
            if random.random() < 0.06:
                family += random.choice(("-", " ")) + random.choice(_FAMILY_NAMES[:80])
            elif random.random() < 0.03:
                family = random.choice(("de ", "de La ", "d’", "du ")) + family
        made.append((random.choice(_FIRST_NAMES), family))
    return made


def said(random: Random, first: str, family: str) -> str:
    """One way to write whom the directory calls so, that tells them without doubt."""
    plain = str.maketrans("éèêëàâäîïôöùûüçÉÈ", "eeeeaaaiioouuucEE")
    full = random.choice(
        [
            f"{first} {family}",
            f"{first} {family}",
            f"{first} {family.upper()}",
            f"{family.upper()} {first}",
            f"{family} {first}",
            f"{family}, {first}",
            f"{first.upper()} {family.upper()}",
            f"{first[0]}. {family}",
            f"M. {family}",
            f"Mme {family}",
            f"monsieur {family}",
            f"professeur {family}",
            f"{first}\n{family}",
            f"{first}\u00a0{family}",
        ]
    )
    if random.random() < 0.2:
        full = full.translate(plain)
    if random.random() < 0.1:
        full = full.replace("-", " ")
    return full


SENTENCES = [
    "Bonjour, {} m'a dit que l'inscription était close.",
    "Le dossier de {} est incomplet.",
    "Peux-tu écrire à {} pour la soutenance ?",
    "{} a validé le semestre.",
    "Jury : {}, pour l'oral.",
    "- {}",
    "La note de {} (12/20) doit être revue",
    "Selon {}, le cours est annulé.",
    "Réunion avec {} et la scolarité.",
    "convocation\n{}\nsalle B",
]
