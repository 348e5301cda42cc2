"""Attempts to reach another institution, generated from the routes, and what each must not do.

An identifier that belongs to the other institution must be answered exactly as one that belongs to nobody; no answer holds
the other institution's canary; nothing of its own rows is changed. Attempts are drawn from a seed: one seed, one sequence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any, cast
from unittest import mock

from asgiref.sync import async_to_sync, sync_to_async
from django import forms
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponseBase, QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter
from django.utils import timezone

from parvis.assistants import jobs
from parvis.identity.models import Person
from parvis.institutions.models import Role
from parvis.isolation.kinds import KINDS
from tests.isolation import world
from tests.isolation.routes import ROUTES, To
from tests.isolation.world import ABSENT, COLLEAGUE, FOREIGN, HOLDER, OWN, World

VERBS = ("get", "head", "post", "put", "patch", "delete", "options")
ANONYMOUS, SUSPENDED = "anonymous", "suspended"
SIDES = {OWN: 0, FOREIGN: 1, ABSENT: 2}
_PLACES = ("number", "revision")  # of a row within its parent: not an identifier


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes: somebody of an institution in a role, or nobody."""

    who: str
    role: str = ""
    side: int = OWN


@dataclass(frozen=True, slots=True)
class Attempt:
    route: str
    verb: str
    visitor: Visitor
    target: int  # OWN, FOREIGN, ABSENT: the identifiers of the address
    body: tuple[tuple[str, str], ...] = ()

    def aimed_at(self, target: int) -> Attempt:
        body = tuple((key, value.replace(str(FOREIGN), str(target))) for key, value in self.body)
        return replace(self, target=target if self.target != OWN else OWN, body=body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    wrote: bool = False

    @property
    def opened(self) -> bool:
        """Neither "not found", nor "not for you", nor "sign in first"."""
        return (self.status < 400 and not self.to_sign_in) or self.status in (400, 415, 422)

    @property
    def to_sign_in(self) -> bool:
        return dict(self.headers).get("Location", "").startswith("/connexion/?")


# -- routes ------------------------------------------------------------------------------------------------------------


@cache
def addresses() -> dict[str, URLPattern]:
    return dict(_walk(get_resolver().url_patterns))


def _walk(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, pattern.namespace or namespace)
        else:
            yield (f"{namespace}:" if namespace else "") + str(pattern.name), pattern


def names_a_row(name: str) -> bool:
    """Whether its address holds something that may be another institution's."""
    route, places = ROUTES[name], addresses()[name].pattern.converters
    numbers = any(isinstance(kind, IntConverter) and key not in _PLACES for key, kind in places.items())
    return numbers or any(len(set(values)) > 1 for values in route.named.values())


def address(name: str, target: int) -> str:
    arguments: dict[str, Any] = {}
    for key in addresses()[name].pattern.converters:
        if key in ROUTES[name].named:
            arguments[key] = ROUTES[name].named[key][SIDES[target]]
        else:
            arguments[key] = 1 if key in _PLACES else target + ROUTES[name].shift
    return reverse(name, kwargs=arguments)


# -- asking ------------------------------------------------------------------------------------------------------------


@dataclass
class Range:
    """Where attempts are made: each is undone before the next."""

    world: World
    made: int = 0
    _kept: dict[str, str] = field(default_factory=dict)

    def ask(self, attempt: Attempt) -> Answer:
        self.made += 1
        with _undone(), _counting() as counted, _unwritten():
            scene = ROUTES[attempt.route].scene
            _SCENES[scene]()
            before = self._theirs(scene)
            counted.writes = 0
            if attempt.visitor.who == SUSPENDED:
                Person.objects.filter(id=OWN).update(is_active=False)
                counted.writes = 0
            response = self._send(attempt)
            answer = _answer(response)
            answer = replace(answer, wrote=counted.writes > 0)
            if answer.wrote and attempt.visitor.side == OWN:
                assert theirs() == before, f"{attempt} changed rows of the other institution"
        return answer

    def _theirs(self, scene: str) -> str:
        """As the scene leaves them."""
        if scene not in self._kept:
            self._kept[scene] = theirs()
        return self._kept[scene]

    def _send(self, attempt: Attempt) -> HttpResponseBase:
        client = Client(raise_request_exception=False, headers=self._credential(attempt))
        if ROUTES[attempt.route].by == "session" and (key := self._session(attempt.visitor)):
            client.cookies[settings.SESSION_COOKIE_NAME] = key
        path, data = address(attempt.route, attempt.target), _query(attempt.body)
        if attempt.verb in ("get", "head"):
            return getattr(client, attempt.verb)(f"{path}?{data}" if data else path)  # type: ignore[no-any-return]
        return client.generic(attempt.verb.upper(), path, data, content_type="application/x-www-form-urlencoded")

    def _credential(self, attempt: Attempt) -> dict[str, str]:
        """That of a program; none for a browser, whose cookie says who comes."""
        by, side = ROUTES[attempt.route].by, attempt.visitor.side
        if by == "session" or attempt.visitor.who == ANONYMOUS:
            return {}
        return {"Authorization": f"Bearer {world.key(side) if by == 'key' else world.scim_token(side)}"}

    def _session(self, visitor: Visitor) -> str:
        if visitor.who == ANONYMOUS:
            return ""
        who = HOLDER if visitor.who == SUSPENDED else visitor.who
        return self.world.sessions[visitor.side, who, visitor.role]


def _query(body: tuple[tuple[str, str], ...]) -> str:
    data = QueryDict(mutable=True)
    for key, value in body:
        data.appendlist(key, value)
    return data.urlencode()


def _answer(response: Any) -> Answer:
    if response.streaming:
        body = async_to_sync(_all)(response.streaming_content) if response.is_async else b"".join(response.streaming_content)
    else:
        body = response.content
    said = {key: "" if key in OF_THE_INSTANT else _plain(value) for key, value in response.headers.items()}
    kept = tuple(sorted(said.items()))
    return Answer(response.status_code, kept, neutral(body))


OF_THE_INSTANT = ("Content-Length", "Expires")  # the length of a token's mask; the second it is


async def _all(parts: Any) -> bytes:
    return b"".join([part async for part in parts])


_TOKENS = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+|("X-CSRFToken": ?")[^"]+')
_IDS = re.compile(rb"[579]0000\d")


def neutral(body: bytes) -> bytes:
    """Without what each request makes anew, nor the identifier asked for."""
    return _IDS.sub(b"000000", _TOKENS.sub(rb"\1\2", body))


def _plain(value: str) -> str:
    return neutral(value.encode()).decode()


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def _unwritten() -> Iterator[None]:
    """No answer is written, and the log of one is read on this connection, inside what will be undone."""

    async def here(_pool: Any, function: Any, *arguments: Any, **named: Any) -> Any:
        return await sync_to_async(function)(*arguments, **named)

    def nothing(*arguments: Any, **named: Any) -> None:
        pass

    with mock.patch.multiple(jobs, start=nothing, wait=nothing, _in_pool=here):
        yield


@dataclass
class _Counted:
    writes: int = 0


@contextmanager
def _counting() -> Iterator[_Counted]:
    counted = _Counted()

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        first = sql.lstrip()[:6].upper()
        counted.writes += first in ("INSERT", "UPDATE", "DELETE") and "django_session" not in sql and "audit_entry" not in sql
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield counted


def theirs() -> str:
    """What the other institution's own rows hold, in one figure."""
    figure = hashlib.sha256()
    with connection.cursor() as cursor:
        for statement, parameters in _their_rows():
            cursor.execute(statement, parameters)
            figure.update(repr(cursor.fetchall()).encode())
    return figure.hexdigest()


@cache
def _their_rows() -> list[tuple[str, tuple[Any, ...]]]:
    """One statement for each table: Django would compose it anew each time."""
    found = []
    for model in apps.get_models():
        kind = KINDS.get(model._meta.db_table)
        if kind and kind.has_institution and hasattr(model, "unscoped"):
            rows = model._default_manager.filter(institution_id=FOREIGN).order_by("pk")
            found.append(rows.values_list().query.sql_with_params())
    return found


# -- scenes ------------------------------------------------------------------------------------------------------------


def _drafted() -> None:
    pass


def _alone() -> None:
    """Nothing hangs from the rows: they may be deleted."""
    for name in ("needs.Attachment", "offers.ConformityLine"):
        apps.get_model(name)._default_manager.all().delete()
    apps.get_model("offers.Tool")._default_manager.update(agreement=None)


def _asked() -> None:
    """The request for information is published and takes answers."""
    _request(published_at=timezone.now() - timedelta(days=2))
    apps.get_model("needs.HarmonisedNeed")._default_manager.update(state="asked", published_at=timezone.now())
    apps.get_model("needs.NeedVersion")._default_manager.update(stabilised_at=timezone.now(), stabilised_by_id=OWN)


def _closing() -> None:
    """Its deadline has passed: those who hold a key come to open it."""
    _asked()
    past = timezone.now() - timedelta(days=1)
    _request(questions_until=past, deadline_at=past)
    apps.get_model("offers.KeyHolder")._default_manager.update(share=b"")


def _opened() -> None:
    _closing()
    _request(opened_at=timezone.now())
    apps.get_model("needs.HarmonisedNeed")._default_manager.update(state="choosing")


def _request(**values: Any) -> None:
    apps.get_model("offers.RequestForInformation")._default_manager.filter(pk=OWN).update(**values)


_SCENES = {"drafted": _drafted, "alone": _alone, "asked": _asked, "closing": _closing, "opened": _opened}


# -- what a view reads of a form ---------------------------------------------------------------------------------------


@contextmanager
def _reading(keys: dict[str, str]) -> Iterator[None]:
    """Notes the keys that are read of a query or a form, each with a value it would take."""

    def noting(original: Any) -> Any:
        def method(self: QueryDict, key: str, *rest: Any) -> Any:
            if isinstance(key, str):
                keys.setdefault(key, str(FOREIGN))
            return original(self, key, *rest)

        return method

    bound = forms.BaseForm.__init__

    def init(form: forms.BaseForm, *arguments: Any, **named: Any) -> None:
        bound(form, *arguments, **named)
        for name, one in form.fields.items():
            keys[form.add_prefix(name)] = _fitting(one)

    with ExitStack() as stack:
        for name in ("__getitem__", "get", "getlist"):
            stack.enter_context(mock.patch.object(QueryDict, name, noting(getattr(QueryDict, name))))
        stack.enter_context(mock.patch.object(forms.BaseForm, "__init__", init))
        yield


def _fitting(one: forms.Field) -> str:
    """A value that the field takes; the other institution's identifier where it names a row, or may."""
    if isinstance(one, forms.ModelChoiceField | forms.IntegerField):
        return str(FOREIGN)
    if isinstance(one, forms.ChoiceField):
        values = [str(value) for value, _ in cast(Any, one).choices if value != "" and not isinstance(value, (list, tuple))]
        return str(FOREIGN) if not values or any(value.isdigit() for value in values) else values[0]
    if isinstance(one, forms.DateTimeField | forms.DateField):
        return date(2026, 12, 1).isoformat()
    if isinstance(one, forms.BooleanField):
        return "on"
    if isinstance(one, forms.URLField):
        return "https://exemple.fr/"
    return f"essai {FOREIGN}"


def read_by(place: Range, name: str) -> dict[str, str]:
    """The keys a route reads, found by asking it."""
    route = ROUTES[name]
    keys: dict[str, str] = {}
    for verb in ("get", "post"):
        with _reading(keys):
            place.ask(Attempt(name, verb, Visitor(HOLDER, route.opens), OWN))
    return {key: value for key, value in keys.items() if key != "csrfmiddlewaretoken"}


# -- generation --------------------------------------------------------------------------------------------------------


def visitors() -> list[Visitor]:
    people = [Visitor(who, role) for role in world.ROLES for who in (HOLDER, COLLEAGUE)]
    return [*people, Visitor(ANONYMOUS), *(Visitor(SUSPENDED, role) for role in world.ROLES)]


def drawn(place: Range, random: Random) -> Iterator[Attempt]:
    """Attempts without end, aimed at the other institution: by the address, by a field, or by all fields at once."""
    names = sorted(name for name in ROUTES if name in addresses())
    read: dict[str, dict[str, str]] = {}
    everybody = visitors()
    while True:
        name = random.choice(names)
        if name not in read:
            read[name] = read_by(place, name)
        keys = read[name]
        by_address = names_a_row(name) and ROUTES[name].to < To.ALLIANCE and random.random() < 0.5
        body: tuple[tuple[str, str], ...] = ()
        if keys and random.random() < 0.7:
            chosen = random.sample(sorted(keys), random.randint(1, len(keys)))
            body = tuple((key, keys[key]) for key in chosen)
        if not by_address and not body:
            continue
        verb = random.choice(("get", "post", random.choice(VERBS)))
        likely = Visitor(random.choice((HOLDER, COLLEAGUE)), ROUTES[name].opens)
        yield Attempt(name, verb, random.choice((likely, random.choice(everybody))), FOREIGN if by_address else OWN, body)


def leaks(place: Range, attempt: Attempt) -> str:
    """What an attempt gave away; "" when nothing."""
    theirs, nobodys = place.ask(attempt), place.ask(attempt.aimed_at(ABSENT))
    if theirs.status >= 500:
        return f"{attempt} answers {theirs.status}"
    if ROUTES[attempt.route].coordinated and attempt.visitor.role == Role.COORDINATOR and attempt.target == FOREIGN:
        return ""
    if word := shown(theirs, attempt.visitor):
        return f"{attempt} shows {word}"
    if ROUTES[attempt.route].known and theirs.status == 403:
        return ""
    named = {key for key, value in attempt.body if str(FOREIGN) in value} & set(ROUTES[attempt.route].others)
    if theirs.status != nobodys.status and not named:
        return f"{attempt} answers {theirs.status}, and {nobodys.status} for what does not exist"
    differ = (theirs.headers, theirs.body) != (nobodys.headers, nobodys.body)
    if differ and not named and _is_steady(place, attempt, theirs):
        return f"{attempt} answers otherwise than for what does not exist"
    return ""


def _is_steady(place: Range, attempt: Attempt, first: Answer) -> bool:
    """Whether the same is answered again: numbers of new rows and proposed passphrases are not."""
    again = place.ask(attempt)
    return (again.headers, again.body) == (first.headers, first.body)


def shown(answer: Answer, visitor: Visitor) -> str:
    """The canary of the other institution, where it is not for this visitor."""
    words = [world.CANARY[FOREIGN if visitor.side == OWN else OWN]]
    if visitor.role != Role.COORDINATOR:
        words.append(world.QUESTIONED[FOREIGN if visitor.side == OWN else OWN])
    return next((word for word in words if word.lower().encode() in answer.body.lower()), "")
