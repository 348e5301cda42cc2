"""Giving keys, taking them back, and telling who comes with one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from parvis.access.keys import tokens
from parvis.access.keys.models import ApiKey, Scope, key_tool
from parvis.access.middleware import is_admitted, principal_of
from parvis.access.principal import Principal
from parvis.access.rules.doors import decision, record_refusal
from parvis.audit.models import record
from parvis.identity.models import Person, Source
from parvis.institutions.models import Group, Profile, Role

MOST_DAYS = 365
MOST_KEYS = 20  # active ones, of one holder
USE_NOTED_EVERY = timedelta(minutes=1)
FORMER_TOLD = timedelta(days=90)
MOST_FORMER = 5_000


class KeyRefusedError(Exception):
    """The rules of the institution do not let this holder have such a key."""

    code = "key_refused"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"{self.code}: {', '.join(scopes)}")
        self.scopes = scopes


class TooManyKeysError(Exception):
    """Each is a door: who needs many needs an application."""

    code = "too_many_keys"


class SameNameError(Exception):
    """A form sent twice would make a second key that nobody copied."""

    code = "same_name"


def create_key(
    holder: Profile,
    *,
    name: str,
    scopes: Iterable[str],
    days: int,
    by: Profile | None,
    actor: str,
    data_class: str = "",
) -> tuple[ApiKey, str]:
    """The key and what it says, which is known at this moment only. Raises KeyRefusedError, TooManyKeysError or
    SameNameError."""
    wanted = [scope for scope in Scope.values if scope in set(scopes)]
    days = max(1, min(days, MOST_DAYS))
    _check_rules(principal_of(holder), wanted, days)
    return _create(holder, name=name, scopes=wanted, days=days, by=by, actor=actor, data_class=data_class)


def _check_rules(principal: Principal, scopes: Sequence[str], days: int) -> None:
    """Outside the transaction of the key: a refusal is recorded, and nothing else."""
    found = {scope: decision(principal, key_tool(scope), days=days) for scope in scopes}
    refused = [scope for scope in scopes if not found[scope].allowed]
    for scope in refused:
        record_refusal(principal, key_tool(scope), found[scope])
    if refused:
        raise KeyRefusedError(refused)


@transaction.atomic
def _create(
    holder: Profile, *, name: str, scopes: list[str], days: int, by: Profile | None, actor: str, data_class: str
) -> tuple[ApiKey, str]:
    now = timezone.now()
    Profile.objects.select_for_update().get(id=holder.id)  # two sendings count one after the other
    names = list(ApiKey.unscoped.active(now).filter(profile=holder).values_list("name", flat=True))
    if name in names:
        raise SameNameError
    if len(names) >= MOST_KEYS:
        raise TooManyKeysError
    token = tokens.new_token()
    key = ApiKey.unscoped.create(
        institution_id=holder.institution_id,
        profile=holder,
        name=name,
        hint=tokens.hint(token),
        digest=tokens.digest(token, master=settings.SECRET_KEY),
        scopes=scopes,
        data_class=data_class,
        created_by=by,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    _record(key, actor, "key.create", holder=f"profile:{holder.id}", scopes=scopes, days=days, data_class=data_class)
    return key, token


@transaction.atomic
def revoke_key(key: ApiKey, *, actor: str) -> None:
    """It opens nothing from the next request on."""
    if ApiKey.unscoped.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now()):
        _record(key, actor, "key.revoke")


@transaction.atomic
def create_app(institution_id: int, *, name: str, detail: str, groups: Iterable[Group], actor: str) -> Profile:
    """An application is somebody of the institution who never signs in: it sees what is shared with its groups, obeys the
    same rules, and is suspended like anybody."""
    person = Person.objects.create(key=f"{Source.APP}:{secrets.token_hex(16)}", source=Source.APP, display_name=name)
    app = Profile.objects.create(institution_id=institution_id, person=person, role=Role.APP, detail=detail)
    app.groups.set([group for group in groups if group.institution_id == institution_id])
    record(institution_id=institution_id, actor=actor, action="app.create", subject=f"profile:{app.id}", name=name)
    return app


@transaction.atomic
def edit_app(app: Profile, *, name: str, detail: str, groups: Iterable[Group], actor: str) -> None:
    """It sees what its groups see from the next request on."""
    app.person.display_name, app.detail = name, detail
    app.person.save(update_fields=["display_name"])
    app.save(update_fields=["detail"])
    app.groups.set([group for group in groups if group.institution_id == app.institution_id])
    record(institution_id=app.institution_id, actor=actor, action="app.edit", subject=f"profile:{app.id}", name=name)


@transaction.atomic
def remove_app(app: Profile, *, actor: str) -> None:
    """Its keys open nothing any more; what it did stays."""
    app.ended_at = timezone.now()
    app.save(update_fields=["ended_at"])
    for key in ApiKey.unscoped.filter(profile=app, revoked_at=None):
        revoke_key(key, actor=actor)
    record(institution_id=app.institution_id, actor=actor, action="app.remove", subject=f"profile:{app.id}")


def principal_of_token(token: str, now: datetime) -> tuple[Principal, Profile] | None:
    """Who comes with it, as a session would find them, narrowed to what the key opens and the rules still let it open. None
    for a key that is malformed, unknown, expired or revoked, and for a holder who was suspended or removed."""
    if not tokens.is_well_formed(token):
        return None
    keys = ApiKey.unscoped.active(now).select_related("profile__person", "profile__institution")
    key = keys.filter(digest=tokens.digest(token, master=settings.SECRET_KEY)).first()
    if key is None or key.profile.ended_at or not is_admitted(key.profile.person):
        return None
    _note_use(key, now)
    principal = principal_of(key.profile)
    scopes = frozenset(scope for scope in key.scopes if decision(principal, key_tool(scope), days=key.days).allowed)
    return replace(principal, key_id=key.id, scopes=scopes, data_class=key.data_class), key.profile


def usable_keys(now: datetime) -> QuerySet[ApiKey]:
    """Those that somebody may come with now, with their holders."""
    keys = ApiKey.unscoped.active(now).filter(profile__ended_at=None, profile__person__is_active=True)
    keys = keys if settings.DEMO else keys.exclude(profile__person__source=Source.DEMO)
    return keys.select_related("profile__person").order_by("id")


def former_keys(now: datetime) -> QuerySet[ApiKey]:
    """The latest of those that opened something not long ago, and open nothing any more."""
    since = now - FORMER_TOLD
    recent = ApiKey.unscoped.filter(Q(revoked_at=None) | Q(revoked_at__gt=since), expires_at__gt=since)
    kept = usable_keys(now).order_by().select_related(None).values("id")
    return recent.exclude(id__in=kept).select_related("profile").order_by("-id")[:MOST_FORMER]


def taken_back(key_ids: Iterable[int], now: datetime) -> set[int]:
    """Those of them that nobody may come with any more."""
    kept = usable_keys(now).order_by().select_related(None).values_list("id", flat=True)
    return set(key_ids).difference(kept)


def all_keys(institution: str = "") -> QuerySet[ApiKey]:
    """For who runs the installation."""
    keys = ApiKey.unscoped.select_related("profile__person", "institution")
    return keys.filter(institution__slug=institution) if institution else keys


def _note_use(key: ApiKey, now: datetime) -> None:
    """Not at each request: who looks at it wants the day, and every write waits for the others."""
    unknown = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    ApiKey.unscoped.filter(unknown, id=key.id).update(last_used_at=now)


def _record(key: ApiKey, actor: str, action: str, **details: Any) -> None:
    record(institution_id=key.institution_id, actor=actor, action=action, subject=f"key:{key.id}", **details)
