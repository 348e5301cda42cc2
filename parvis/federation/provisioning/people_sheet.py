"""Lists of people as CSV, and the model to fill. A faulty row never stops the others.

Codes of faults and their parameters: `missing` (column), `too_long` (column, limit), `bad_identifier` (value), `unknown_role`
(value), `repeated` (row), `extra_cells`, `unclosed_quote`. A file refused as a whole raises `Refused`: `empty`, `too_large`
(limit), `too_many_rows` (limit), `no_header` (seen), `ambiguous_column` (columns), `not_a_spreadsheet`, `nul_bytes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from parvis import delimited

MOST_BYTES = 20_000_000
MOST_ROWS = 100_000
LONGEST = {"identifier": 120, "name": 120, "given_name": 60, "family_name": 60, "detail": 120, "groups": 2_000}
LONGEST_GROUP = 120
BETWEEN = "|"  # several roles, several groups, in one cell
HEADINGS = ("identifiant", "prénom", "nom", "rôle", "précision", "groupes")


class Refused(Exception):
    """A file refused as a whole."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass(frozen=True, slots=True)
class Fault:
    row_number: int
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """One person, of one row or of several that give them different roles."""

    row_number: int
    identifier: str
    name: str
    roles: tuple[tuple[str, str], ...]  # (role, detail)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeopleSheet:
    people: tuple[Listed, ...]
    faults: tuple[Fault, ...]  # in the order of the rows
    ignored_columns: tuple[str, ...]


def read(data: bytes) -> PeopleSheet:
    """UTF-8, Windows-1252 and others; semicolons, commas or tabs. Raises Refused."""
    lines = _lines(data)
    delimiter, at, columns = _header(lines)
    spoilt: list[int] = []
    found: dict[str, Listed] = {}
    faults: list[Fault] = []
    for record in delimited.records(lines, delimiter, width=len(columns), spoilt=spoilt):
        if record.number <= at:
            continue
        one = _person(record, columns)
        if isinstance(one, Fault):
            faults.append(one)
        elif isinstance(joined := _joined(found.get(one.identifier), one), Fault):
            faults.append(joined)
        else:
            found[one.identifier] = joined
        if len(found) + len(faults) > MOST_ROWS:
            raise Refused("too_many_rows", limit=str(MOST_ROWS))
    faults += [Fault(number, "unclosed_quote") for number in spoilt]
    ignored = tuple(heading for name, heading in columns if not name and heading)
    return PeopleSheet(tuple(found.values()), tuple(sorted(faults, key=lambda fault: fault.row_number)), ignored)


def template() -> bytes:
    """Headings and two examples, which people replace."""
    return delimited.written(
        [
            HEADINGS,
            ("exemple1", "Prénom", "Nom", "étudiant", "L1 Droit", f"L1 Droit{BETWEEN}Chorale"),
            ("exemple2", "Prénom", "Nom", "enseignant", "Droit des contrats", ""),
        ]
    )


def exported(rows: Iterable[tuple[str, str, str, str, str, str]]) -> bytes:
    """Identifier, name, roles, detail, groups, origin: what `read` reads again."""
    return delimited.written([("identifiant", "nom complet", "rôle", "précision", "groupes", "origine"), *rows])


def role_word(role: str) -> str:
    """As the list in French writes it."""
    return _WORDS[role][0]


def _lines(data: bytes) -> list[str]:
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise Refused("empty")
    if len(data) > MOST_BYTES:
        raise Refused("too_large", limit=str(MOST_BYTES // 1_000_000))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Refused("not_a_spreadsheet")
    try:
        return delimited.decoded(data).splitlines(keepends=True)
    except delimited.NotText as error:
        raise Refused(error.code) from None


def _header(lines: Sequence[str]) -> tuple[str, int, list[tuple[str, str]]]:
    """The delimiter, the number of the row of headings, and (field or "", heading) of each column."""
    best: tuple[int, str, int, list[tuple[str, str]]] = (0, "", 0, [])
    for delimiter in ";,\t":
        for record in delimited.records(lines[:20], delimiter):
            headings = [" ".join(cell.split())[:100] for cell in record.cells]
            fields = [_FIELD_OF.get(delimited.heading_key(heading), "") for heading in headings]
            if "identifier" in fields:
                known = sum(map(bool, fields))
                best = max(best, (known, delimiter, record.number, list(zip(fields, headings, strict=True))), key=_first)
                break
    known, delimiter, at, columns = best
    if not known:
        raise Refused("no_header", seen=" ".join("".join(lines[:1]).split())[:200])
    names = [name for name, _heading in columns if name]
    same = [heading for name, heading in columns if name and names.count(name) > 1]
    if same:
        raise Refused("ambiguous_column", columns=", ".join(same))
    return delimiter, at, columns


def _first(found: tuple[int, str, int, list[tuple[str, str]]]) -> int:
    return found[0]


def _person(record: delimited.Record, columns: Sequence[tuple[str, str]]) -> Listed | Fault:
    number = record.number
    if any(cell.strip() for cell in record.cells[len(columns) :]):
        return Fault(number, "extra_cells")
    headings = {name: heading for name, heading in columns if name}
    values = {name: _text(cell) for (name, _), cell in zip(columns, record.cells, strict=False) if name}
    for name, limit in LONGEST.items():
        if len(values.get(name, "")) > limit:
            return Fault(number, "too_long", {"column": headings[name], "limit": str(limit)})
    identifier = values.get("identifier", "")
    both = " ".join(part for part in (values.get("given_name"), values.get("family_name")) if part)
    name = values.get("name") or both
    if not identifier or not name or not values.get("roles"):
        lacking = "identifier" if not identifier else "roles" if name else "name"
        return Fault(number, "missing", {"column": headings.get(lacking) or _USUAL[lacking]})
    if not identifier.isprintable():
        return Fault(number, "bad_identifier", {"value": identifier})
    roles: dict[str, str] = {}
    for word in _split(values["roles"]):
        role = _ROLE_OF.get(delimited.heading_key(word))
        if role is None:
            return Fault(number, "unknown_role", {"value": word[:60]})
        roles[role] = values.get("detail", "")
    groups = tuple(dict.fromkeys(_split(values.get("groups", ""))))
    if any(len(group) > LONGEST_GROUP for group in groups):
        return Fault(number, "too_long", {"column": headings["groups"], "limit": str(LONGEST_GROUP)})
    return Listed(number, identifier, name, tuple(roles.items()), groups)


def _joined(before: Listed | None, one: Listed) -> Listed | Fault:
    """A second row of somebody gives them another role; the same role again is a fault."""
    if before is None:
        return one
    if dict(before.roles).keys() & dict(one.roles).keys():
        return Fault(one.row_number, "repeated", {"row": str(before.row_number)})
    groups = tuple(dict.fromkeys(before.groups + one.groups))
    return Listed(before.row_number, one.identifier, before.name, before.roles + one.roles, groups)


def _text(cell: str) -> str:
    """One line. The mark before what a spreadsheet would compute, which our own exports write, is no part of it."""
    text = " ".join(delimited.printable(cell).split())
    return text[1:] if text.startswith("'") and text[1:].startswith(delimited.FORMULA_SIGNS) else text


def _split(cell: str) -> list[str]:
    return [part for one in cell.split(BETWEEN) if (part := one.strip())]


# In French first, as our own lists write them.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "student": ("étudiant", "étudiante", "étudiant·e", "étudiants", "student", "apprenant", "apprenante"),
    "teacher": (
        "enseignant",
        "enseignante",
        "enseignant·e",
        "enseignant-chercheur",
        "enseignante-chercheuse",
        "professeur",
        "professeure",
        "teacher",
        "faculty",
    ),
    "staff": ("personnel", "personnels", "agent", "agente", "biatss", "administratif", "administrative", "staff", "employee"),
    "administrator": (
        "administrateur",
        "administratrice",
        "administrateur·rice",
        "administrateur de l’établissement",
        "administrator",
    ),
    "referent": ("référent", "référente", "référent·e", "referent"),
    "signatory": ("signataire", "signatory"),
    "coordinator": ("coordination", "coordinateur", "coordinatrice", "coordinator"),
    "observer": ("observateur", "observatrice", "observer"),
    "vendor": ("éditeur", "éditrice", "vendor"),
}
_ROLE_OF = {delimited.heading_key(word): role for role, words in _WORDS.items() for word in words}
_USUAL = {"identifier": "identifiant", "name": "nom", "roles": "rôle"}
_HEADED = {
    "identifier": """identifiant, id, login, uid, identifiant de connexion, eppn, numero, username, user name, identifier, key,
        cle""",
    "name": "nom complet, nom affiche, nom et prenom, prenom et nom, nom prenom, prenom nom, display name, full name, name",
    "given_name": "prenom, prenoms, given name, first name",
    "family_name": "nom, nom de famille, nom d usage, nom usuel, family name, last name, surname",
    "roles": "role, roles, profil, profils, statut, affiliation, type, categorie",
    "detail": "precision, precisions, detail, affichage, formation, discipline, service, composante",
    "groups": "groupe, groupes, group, groups",
}
_FIELD_OF = {" ".join(word.split()): name for name, words in _HEADED.items() for word in words.split(",")}
