"""What an identity provider says of a person, under one name for each attribute whatever the protocol; and what an
institution makes of it: a stable key, a name, roles, groups.

Names: eduPerson and SupAnn as directories write them; SAML carries their OIDs (`urn:oid:…`), OpenID Connect other spellings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parvis.federation.failure import SignInError

LONGEST_KEY = 180
LONGEST_VALUE = 500
LONGEST_MAIL = 254
MOST_VALUES = 200
ANY = "*"

Attributes = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Known:
    """An attribute that Parvis knows. `claims`: its names in OpenID Connect. `is_personal`: nothing here needs it."""

    name: str
    oid: str = ""
    claims: tuple[str, ...] = ()
    is_key: bool = False
    is_caseless: bool = False
    is_personal: bool = False


KNOWN = (
    Known("subject-id", "urn:oasis:names:tc:SAML:attribute:subject-id", ("subject_id",), is_key=True, is_caseless=True),
    Known("pairwise-id", "urn:oasis:names:tc:SAML:attribute:pairwise-id", ("pairwise_id",), is_key=True, is_caseless=True),
    Known(
        "eduPersonPrincipalName",
        "1.3.6.1.4.1.5923.1.1.1.6",
        ("eduperson_principal_name", "eppn"),
        is_key=True,
        is_caseless=True,
    ),
    Known("sub", is_key=True),
    Known("user", is_key=True),
    Known("displayName", "2.16.840.1.113730.3.1.241", ("name", "display_name")),
    Known("givenName", "2.5.4.42", ("given_name", "prenom")),
    Known("sn", "2.5.4.4", ("family_name", "usual_name", "surname", "nom")),
    Known("cn", "2.5.4.3"),
    Known("mail", "0.9.2342.19200300.100.1.3", ("email",)),
    Known("uid", "0.9.2342.19200300.100.1.1"),
    Known("eduPersonAffiliation", "1.3.6.1.4.1.5923.1.1.1.1", ("eduperson_affiliation",)),
    Known("eduPersonPrimaryAffiliation", "1.3.6.1.4.1.5923.1.1.1.5", ("eduperson_primary_affiliation",)),
    Known("eduPersonScopedAffiliation", "1.3.6.1.4.1.5923.1.1.1.9", ("eduperson_scoped_affiliation",)),
    Known("eduPersonEntitlement", "1.3.6.1.4.1.5923.1.1.1.7", ("eduperson_entitlement", "entitlements")),
    Known("eduPersonAssurance", "1.3.6.1.4.1.5923.1.1.1.11", ("eduperson_assurance",)),
    Known("isMemberOf", "1.3.6.1.4.1.5923.1.5.1.1", ("is_member_of", "groups", "memberOf")),
    Known("schacHomeOrganization", "1.3.6.1.4.1.25178.1.2.9", ("schac_home_organization",)),
    Known("supannEtablissement", "1.3.6.1.4.1.7135.1.2.1.14"),
    Known("supannEntiteAffectation", "1.3.6.1.4.1.7135.1.2.1.8"),
    Known("supannEntiteAffectationPrincipale", "1.3.6.1.4.1.7135.1.2.1.13"),
    Known("supannRoleGenerique", "1.3.6.1.4.1.7135.1.2.1.23"),
    Known("supannRoleEntite", "1.3.6.1.4.1.7135.1.2.1.24"),
    Known("supannEtuAnneeInscription", "1.3.6.1.4.1.7135.1.2.1.25"),
    Known("supannEtuCursusAnnee", "1.3.6.1.4.1.7135.1.2.1.26"),
    Known("supannEtuDiplome", "1.3.6.1.4.1.7135.1.2.1.27"),
    Known("supannEtuElementPedagogique", "1.3.6.1.4.1.7135.1.2.1.28"),
    Known("supannEtuEtape", "1.3.6.1.4.1.7135.1.2.1.29"),
    Known("supannEtuInscription", "1.3.6.1.4.1.7135.1.2.1.30"),
    Known("supannEmpCorps", "1.3.6.1.4.1.7135.1.2.1.35"),
    Known("supannTypeEntiteAffectation", "1.3.6.1.4.1.7135.1.2.1.36"),
    Known("supannEmpProfil", "1.3.6.1.4.1.7135.1.2.1.56"),
    Known("siret", claims=("siret",)),
    Known("supannCivilite", "1.3.6.1.4.1.7135.1.2.1.4", is_personal=True),
    Known("supannCodeINE", "1.3.6.1.4.1.7135.1.2.1.9", is_personal=True),
    Known("supannEtuId", "1.3.6.1.4.1.7135.1.2.1.10", is_personal=True),
    Known("supannEmpId", "1.3.6.1.4.1.7135.1.2.1.11", is_personal=True),
    Known("birthdate", claims=("birthdate", "schacDateOfBirth"), is_personal=True),
    Known("phone", claims=("phone_number", "telephoneNumber"), is_personal=True),
    Known("address", claims=("address", "postalAddress"), is_personal=True),
)
BY_NAME = {one.name: one for one in KNOWN}
KEYS = tuple(one.name for one in KNOWN if one.is_key)  # e-mail is not among them: it changes and is given to somebody else
_SPELLINGS = {
    spelling.lower(): one.name
    for one in KNOWN
    for spelling in (one.name, *one.claims, *([one.oid, f"urn:oid:{one.oid}"] if one.oid else []))
}
_COMPONENT = re.compile(r"\[([^=\[\]]+)=([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Who has `value` in `attribute` acts in `role`. `*` is any value; `[etab=…][affil=…]` asks these components of one
    composite SupAnn value, so that a profile at one institution is not mistaken for one at another."""

    attribute: str
    value: str
    role: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Who has `value` in `attribute` belongs to the group `name`; with `*` and no name, each value names a group."""

    attribute: str
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """How one source's attributes are read. `roles` is in order: see `roles_of`."""

    key: str
    roles: tuple[RoleRule, ...] = ()
    groups: tuple[GroupRule, ...] = ()
    keeps_mail: bool = False

    @property
    def needed(self) -> frozenset[str]:
        """The attributes that have a use here. Nothing else is asked for where the protocol lets one ask, nor kept."""
        names = {self.key, "displayName", "givenName", "sn", "cn"} | ({"mail"} if self.keeps_mail else set())
        return frozenset(names | {rule.attribute for rule in self.roles} | {rule.attribute for rule in self.groups})


@dataclass(frozen=True, slots=True)
class Identity:
    """What an institution makes of what arrived."""

    key: str
    display_name: str
    mail: str = ""
    roles: tuple[tuple[str, str], ...] = ()  # (role, detail)
    groups: tuple[str, ...] = field(default=())


def canonical(name: str) -> str:
    """The one name of an attribute; an unknown one keeps its own."""
    return _SPELLINGS.get(name.strip().lower(), name.strip())


def arrived(raw: Iterable[tuple[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Attributes under their one name. Values that are no text, empty or too long are left out."""
    found: dict[str, list[str]] = {}
    for name, value in raw:
        values = value if isinstance(value, list | tuple) else [value]
        texts = [text for one in values if (text := _text(one))]
        if texts and len(name) <= LONGEST_KEY:
            kept = found.setdefault(canonical(name), [])
            kept += [text for text in dict.fromkeys(texts) if text not in kept][: MOST_VALUES - len(kept)]
    return {name: tuple(values) for name, values in found.items()}


def read(attributes: Attributes, mapping: Correspondence) -> Identity:
    """Raises SignInError("no_key" | "many_keys" | "bad_key") when the person cannot be recognised."""
    return Identity(
        key=key_of(attributes, mapping.key),
        display_name=_name(attributes),
        mail=_mail(attributes) if mapping.keeps_mail else "",
        roles=roles_of(attributes, mapping.roles),
        groups=_groups(attributes, mapping.groups),
    )


def key_of(attributes: Attributes, name: str) -> str:
    values = attributes.get(name, ())
    if not values:
        raise SignInError("no_key", name)
    if len(values) > 1:
        raise SignInError("many_keys", name)
    key = values[0].lower() if BY_NAME[name].is_caseless else values[0]
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise SignInError("bad_key", name)
    return key


def roles_of(attributes: Attributes, rules: Sequence[RoleRule]) -> tuple[tuple[str, str], ...]:
    """The first rule that holds among those that give a working role, and the first that makes a student: directories give
    a teacher `faculty`, `employee` and `member` at once, which is one profile; a doctoral student who teaches has two."""
    held = [(rule.role, rule.detail) for rule in rules if _holds(attributes, rule.attribute, rule.value)]
    working = [one for one in held if one[0] != "student"][:1]
    return tuple(working + [one for one in held if one[0] == "student"][:1])


def _groups(attributes: Attributes, rules: Sequence[GroupRule]) -> tuple[str, ...]:
    names: list[str] = []
    for rule in rules:
        if rule.name:
            names += [rule.name] if _holds(attributes, rule.attribute, rule.value) else []
        else:
            names += [value for value in attributes.get(rule.attribute, ()) if rule.value in (ANY, value)]
    return tuple(dict.fromkeys(name[:120] for name in names))


def _holds(attributes: Attributes, name: str, wanted: str) -> bool:
    values = attributes.get(name, ())
    if wanted == ANY:
        return bool(values)
    components = set(_COMPONENT.findall(wanted.lower()))
    if components:
        return any(components <= set(_COMPONENT.findall(value.lower())) for value in values)
    return wanted.lower() in {value.lower() for value in values}


def _name(attributes: Attributes) -> str:
    both = " ".join(part for part in (_first(attributes, "givenName"), _first(attributes, "sn")) if part)
    return (_first(attributes, "displayName") or both or _first(attributes, "cn"))[:120]


def _mail(attributes: Attributes) -> str:
    mail = _first(attributes, "mail")
    return mail if "@" in mail and len(mail) <= LONGEST_MAIL else ""


def _first(attributes: Attributes, name: str) -> str:
    return attributes.get(name, ("",))[0]


def _text(value: Any) -> str:
    if isinstance(value, bool | int):
        value = str(value).lower()
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= LONGEST_VALUE and "\0" not in text else ""
