"""Two institutions that have one row of everything, made from the models themselves: a new table is there the day it is born.

Every row has the same identifier in every table: OWN in the first institution, FOREIGN in the second, ABSENT in none. So one
number stands for "something of theirs" wherever a view may read a number, in an address, a form or a header. Every text of a
private row holds its institution's canary: a page that shows the other's has leaked, whatever the route.
"""

from __future__ import annotations

import atexit
import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import models
from django.utils import timezone
from reportlab.pdfgen.canvas import Canvas

from parvis.access.keys import tokens
from parvis.access.middleware import PROFILE_KEY, principal_of
from parvis.access.principal import Principal
from parvis.audit.actions import integrate
from parvis.audit.models import Entry, Log
from parvis.audit.statement import statement
from parvis.audit.verifier import commitment
from parvis.corpora import storage
from parvis.corpora.engine import index
from parvis.federation.provisioning.actions import tokens as scim_tokens
from parvis.identity.models import Person, Source
from parvis.inference.open_streams import OpenFile, OpenStream
from parvis.institutions.models import Institution, Profile, Role
from parvis.ledger.budgets.actions.tree import alliance
from parvis.needs.tests.test_sheets import HEADINGS, list_of_needs
from parvis.needs.workbooks import csv_bytes
from parvis.privacy.actions.register import OWN as OWN_LINE
from parvis.retrieval.index import Entry as Indexed

OWN, FOREIGN, ABSENT = 500_001, 700_001, 900_001
CANARY = {OWN: "Zibeline", FOREIGN: "Quetzal"}
QUESTIONED = {
    OWN: "Ziggourat",
    FOREIGN: "Quolibet",
}  # what a vendor asks: the coordination reads it, to publish it without names
COMMON = "Margelle"  # what the alliance may read

# Everything else is, in the state these rows are in (drafts, answers under seal, choices that are not shared), for its own
# institution alone.
READ_BY_ALL = {"Offer", "ConformityLine", "PriceLine", "UsageReference", "Ballot"}

# People of an institution: who holds its rows, in every role at once, and somebody who holds none.
ROLES = tuple(role for role in Role.values if role != Role.APP)  # an application is nobody: it has no session
HOLDER, COLLEAGUE = "holder", "colleague"


@dataclass(frozen=True)
class World:
    """Session keys by (institution, who, role); keys that open something by themselves, by institution."""

    sessions: dict[tuple[int, str, str], str]
    calendars: dict[int, str]

    def principal(self, side: int, who: str, role: str) -> Principal:
        return principal_of(Profile.objects.select_related("institution").get(id=_profile_id(side, who, role)))


def build() -> World:
    for side in (OWN, FOREIGN):
        name = f"Université {side}"
        Institution.objects.create(id=side, slug=f"univ-{side}", name=name, short_name=name)
        _people(side)
        _evidence(side)
    _answering()
    made: list[models.Model] = []
    for model in _in_order():
        sides = (OWN, FOREIGN) if _is_of_an_institution(model) else (OWN,)
        for side in sides:
            made += _rows(model, side)
    _link(made)
    _fill_index()
    return World(
        sessions={
            (side, who, role): _session(_profile_id(side, who, role))
            for side in (OWN, FOREIGN)
            for who in (HOLDER, COLLEAGUE)
            for role in ROLES
        },
        calendars={side: _calendar_key(side) for side in (OWN, FOREIGN)},
    )


# -- people ------------------------------------------------------------------------------------------------------------


def _people(side: int) -> None:
    for who in (HOLDER, COLLEAGUE):
        person_id = side + (who == COLLEAGUE)
        Person.objects.create(id=person_id, key=f"local:{person_id}", source=Source.LOCAL, display_name=who.title())
        for role in ROLES:
            profile = Profile(id=_profile_id(side, who, role), institution_id=side, person_id=person_id, role=role)
            profile.calendar_key = _calendar_key(side) if role == Role.TEACHER and who == HOLDER else ""
            profile.save(force_insert=True)


def _profile_id(side: int, who: str, role: str) -> int:
    """The teacher's is that of all rows: most are a teacher's."""
    place = (ROLES.index(role) - ROLES.index(Role.TEACHER)) % len(ROLES)
    return side + place + (100 if who == COLLEAGUE else 0)


def _calendar_key(side: int) -> str:
    return hashlib.sha256(str(side).encode()).hexdigest()[:43]


def _session(profile_id: int) -> str:
    profile = Profile.objects.select_related("person").get(id=profile_id)
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(profile.person_id)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = profile.person.get_session_auth_hash()
    store[PROFILE_KEY] = profile_id
    store.create()
    return str(store.session_key)


def _evidence(side: int) -> None:
    at, salt, said = timezone.now(), b"0" * 32, f"{CANARY[side]} {side}"
    entry = Entry(
        id=side,
        institution_id=side,
        at=at,
        actor=f"person:{side}",
        action="corpus.create",
        subject=said,
        details={},
        salt=salt,
    )
    written = statement(
        institution_id=side, at=at, actor=entry.actor, action=entry.action, subject=entry.subject, details=entry.details
    )
    entry.commitment = commitment(salt, written.encode())
    entry.save(force_insert=True)
    Log.objects.create(id=side, institution_id=side, name=f"journal-{side}", origin=f"parvis.example/{side}", size=0)
    integrate(side)


def key(side: int) -> str:
    """Of the API: as `access.keys.tokens` makes them, of a number that is known here."""
    body = tokens._in_digits(side, tokens._BODY_LENGTH)
    return tokens.PREFIX + body + tokens._checksum(body)


def scim_token(side: int) -> str:
    return f"{scim_tokens.PREFIX}{CANARY[side]}{side}"


def _answering() -> None:
    """A worker of /v1 answers something in both: this process."""
    _worker().write(
        [
            OpenStream(f"req_{side:024x}", side, side, side, CANARY[side], "chat/completions", CANARY[side], time.time())
            for side in (OWN, FOREIGN)
        ]
    )


@cache
def _worker() -> OpenFile:
    worker = OpenFile(settings.SNAPSHOTS_DIR)
    atexit.register(worker.close)
    return worker


# -- rows --------------------------------------------------------------------------------------------------------------

# Made otherwise, or not at all: a draft is sealed, and bytes that were made up open with no passphrase.
_BUILT = {
    "AnswerDraft",
    "Log",
    "Tile",
    "SignedHead",
    "SigningKey",
    "Institution",
    "Person",
    "Profile",
    "Session",
    "Permission",
    "ContentType",
    "Entry",
}

PEOPLE = "identifiant;prénom;nom;rôle\nz1;Zoé;Zola;étudiant\n"

# What a model's rows need to be seen, where the first choice of each field is not enough.
_SPECIAL: dict[str, dict[str, Any]] = {
    "Account": {"given_roles": ["teacher"], "suspended_at": None},
    "Agreement": {"activated_at": None, "ended_at": None, "vehicle": "direct"},
    "ApiKey": {
        "digest": lambda side: tokens.digest(key(side), master=settings.SECRET_KEY),
        "scopes": ["list", "ask"],
        "expires_at": timezone.now() + timedelta(days=30),
        "revoked_at": None,
    },
    "DirectoryEntry": {"uid": lambda side: f"uid{side}", "is_active": True, "origin": "scim"},
    "DirectoryGroup": {"uid": lambda side: f"uid{side}"},
    "ScimToken": {"hashed": lambda side: scim_tokens._hashed(scim_token(side)), "revoked_at": None},
    "Assistant": {"model": None, "quotes_only": True},
    "Attachment": {"state": "proposed", "decided_by": None, "decided_at": None, "cancelled_at": None, "start": 0, "end": 5},
    "Attestation": {"zone": "on_prem", "until_date": None, "document": b"%PDF-1.7"},
    "Choice": {"state": "chosen"},
    "Budget": {"limit": 1_000, "ended_at": None},
    "CoSignature": {"state": "to_sign", "signed_by": None, "signed_at": None, "withdrawn_at": None, "operation": None},
    "CoursePeriod": {"ends_date": date(2027, 1, 1)},
    "ExpenseStatement": {"component": "", "app": "", "completes": None},
    "Document": {
        "state": "indexed",
        "media_type": "application/pdf",
        "pages_done": 1,
        "pages_total": 1,
        "protected": False,
        "replaces": None,
        "archive": None,
        "lease_until": None,
        "failure_code": "",
    },
    "HarmonisedNeed": {"merged_into": None, "undone_at": None, "state": "draft", "published_at": None},
    "ImportedFile": {"profile": Role.REFERENT, "content": csv_bytes([HEADINGS, *list_of_needs(2)])},
    "Judgement": {"other_need": None},
    "KeyHolder": {"profile": Role.REFERENT, "tries_again_at": None},
    "Node": {"kind": "component", "parent": lambda _side: alliance().id},
    "LanguageModel": {"enabled": False, "is_default": False, "capabilities": []},
    "NeedVersion": {"stabilised_at": None, "stabilised_by": None},
    "Operation": {"undone_at": None, "undone_by": None},
    "Page": {"number": 1, "kind": "page", "ocr": False},
    "Passage": {"start": 0, "end": 7},
    "PeopleList": {"profile": Role.ADMINISTRATOR, "content": PEOPLE.encode(), "source": None},
    "Processing": {"code": lambda side: f"{OWN_LINE}{side}"},
    "PortfolioFile": {"profile": Role.REFERENT},
    "Provider": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "sealed_secret": ""},
    "Question": {"published_at": None, "answered_by": None, "answer": ""},
    "RoutingMatrix": {"cells": {}},
    "RawNeed": {
        "state": "draft",
        "current": None,
        "archived_at": None,
        "published_at": None,
        "published_by": None,
        "validated_at": None,
        "validated_by": None,
        "published_from": None,
    },
    "PriceBook": {"published_at": None, "ends_date": None},
    "RequestForInformation": {
        "questions_until": timezone.now() + timedelta(days=20),
        "published_at": None,
        "opened_at": None,
        "closed_at": None,
    },
    "RuleSet": {"text": "", "number": 1, "restored": None},
    "Spending": {"limit": 1_000, "ceiling": 1_000, "spent": 900, "ends_at": timezone.now() + timedelta(days=1)},
    "SignInSource": {
        "is_active": False,
        "sealed_secret": "",
        "has_logo": False,
        "settings": {"server": "https://cas.example"},
        "kind": "cas",
        "mapping": {},
    },
    "Signal": {"closed_at": None},
    "Call": {"epoch": lambda side: side, "person_id": lambda side: side, "price_version": ""},
    "Rate": {"unit": "input"},
    "Transfer": {"kind": "charge", "credit": "owed", "reverses": None, "replaces": None},
    "Turn": {"number": 1, "state": "answered", "latest_seq": 1, "usage": {}},
    "TurnEvent": {"seq": 1, "kind": "done", "payload": {}},
    "UsageReference": {"withdrawn_at": None},
    "Workshop": {"closed_at": None},
}


def _rows(model: type[models.Model], side: int) -> list[models.Model]:
    row = model(pk=side, **{field.attname: _value(model, field, side) for field in _fields(model)})
    row.save_base(force_insert=True, raw=True)
    return [row]


def _fields(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    yield from (field for field in model._meta.local_concrete_fields if not field.primary_key)


def _value(model: type[models.Model], field: models.Field[Any, Any], side: int) -> Any:
    special = _SPECIAL.get(model.__name__, {})
    if field.name in special and not (field.name == "profile"):
        return special[field.name](side) if callable(special[field.name]) else special[field.name]
    if isinstance(field, models.ForeignKey):
        return _related(model, field, side)
    return _plain(model, field, side)


def _related(model: type[models.Model], field: models.ForeignKey[Any, Any], side: int) -> int | None:
    target = field.related_model
    if target is model:
        return None
    if target is Profile:
        role = _SPECIAL.get(model.__name__, {}).get("profile", Role.TEACHER) if field.name == "profile" else Role.TEACHER
        return _profile_id(side, HOLDER, role)
    if target in (Institution, Person) or _is_of_an_institution(target):
        return side
    return OWN


def _plain(model: type[models.Model], field: models.Field[Any, Any], side: int) -> Any:
    word = word_of(model, side)
    if field.choices:
        return next(value for value, _ in field.flatchoices)
    if isinstance(field, models.SlugField):
        return f"{word.lower()}-{side}"
    if isinstance(field, models.CharField | models.TextField):
        if field.name == "sha256":
            return _pdf(side)
        return (
            "" if field.blank and field.max_length and field.max_length < 100 else f"{word} {side}"[: field.max_length or 99]
        )
    if isinstance(field, models.DateTimeField):
        return timezone.now() + timedelta(days=30 if field.name.endswith("until") or field.name == "deadline_at" else -1)
    if isinstance(field, models.DateField):
        return date(2026, 9, 1)
    if field.has_default():
        return field.get_default()
    if isinstance(field, models.BinaryField):
        return word.encode()
    if isinstance(field, models.BooleanField):
        return False
    return None if field.null else 1


def word_of(model: type[models.Model], side: int) -> str:
    if model.__name__ in READ_BY_ALL or not _is_of_an_institution(model):
        return COMMON
    return (QUESTIONED if model.__name__ == "Question" else CANARY)[side]


def _is_of_an_institution(model: type[models.Model]) -> bool:
    if model in (Institution, Profile):
        return True
    return any(field.name == "institution" for field in model._meta.local_fields) or model.__name__ in _PARTS


_PARTS = {"Log", "Notice", "ConformityLine", "PriceLine", "AgreementPrice"}


def _in_order() -> list[type[models.Model]]:
    """Each after those that its keys name; a circle (a need and its current text) is cut where it may be empty."""
    waiting = [model for model in apps.get_models() if model.__name__ not in _BUILT and model._meta.app_label != "auth"]
    waiting = [model for model in waiting if model.__module__.startswith("parvis.")]
    ordered: list[type[models.Model]] = []
    while waiting:
        free = [model for model in waiting if not any(needed in waiting for needed in _needed(model))]
        assert free, f"a circle of keys: {waiting}"
        ordered += free
        waiting = [model for model in waiting if model not in free]
    return ordered


def _needed(model: type[models.Model]) -> set[type[models.Model]]:
    special = _SPECIAL.get(model.__name__, {})
    keys = (field for field in model._meta.local_fields if isinstance(field, models.ForeignKey))
    return {
        field.related_model for field in keys if field.related_model is not model and special.get(field.name, 1) is not None
    }


def _link(made: Iterable[models.Model]) -> None:
    """Rows that are tied by tables of their own."""
    for row in made:
        for field in row._meta.local_many_to_many:
            side = OWN if not _is_of_an_institution(type(row)) else row.pk
            target = field.related_model
            other = OWN if not _is_of_an_institution(target) else side
            if target._default_manager.filter(pk=other).exists():
                getattr(row, field.name).add(other)
    for name, column in (("needs.RawNeed", "current_id"),):
        model = apps.get_model(name)
        for side in (OWN, FOREIGN):
            model._default_manager.filter(pk=side).update(**{column: side})


def _fill_index() -> None:
    for side in (OWN, FOREIGN):
        index().upsert([Indexed(side, side, side, (CANARY[side].lower(), str(side)))])


@cache
def _pdf(side: int) -> str:
    """One printed page, kept as documents are; its content names its institution."""
    written = BytesIO()
    canvas = Canvas(written, invariant=True)
    canvas.drawString(72, 700, f"{CANARY[side]} {side}")
    canvas.save()
    content = written.getvalue()
    name = hashlib.sha256(content).hexdigest()
    path = storage.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert settings.FILES_DIR in path.parents
    return name
