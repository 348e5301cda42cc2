"""Puts the principal on the request, once, from rows read now: what was withdrawn is withdrawn at the next request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponseBase

from parvis.access.principal import Principal
from parvis.identity.models import Person
from parvis.institutions.models import Group, Profile
from parvis.isolation.prepared import Prepared
from parvis.isolation.scope import everywhere, stranger, within

_profiles = Prepared(lambda person_id: Profile.objects.filter(person=person_id, ended_at=None).select_related("institution"))
_groups = Prepared(
    lambda profile_id: Group.profiles.through.objects.filter(profile=profile_id).values_list("group", flat=True)
)
PROFILE_KEY = "profile_id"  # in the session: which of their profiles the person acts in
# In the session: the institutions whose profiles it opens. Absent, all of the person's: a link of whoever runs this
# installation opened it.
PROVEN_KEY = "proven"


# Synchronous on purpose: the last middleware decides for those before it, and Django would otherwise change threads twice
# for each of them, at every request.
def principal(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        with everywhere("identification"):
            _attach(request)
        asking = request.principal  # type: ignore[attr-defined]
        with within(asking.institution_id) if asking else stranger():
            return get_response(request)

    return middleware


def _attach(request: HttpRequest) -> None:
    request.profile = profile = _profile(request)  # type: ignore[attr-defined]
    request.principal = _principal(request, profile) if profile else None  # type: ignore[attr-defined]


def _profile(request: HttpRequest) -> Profile | None:
    person = get_user(request)
    if not isinstance(person, Person) or not is_admitted(person):
        return None
    profiles = _profiles(person.id)
    proven = proven_in(request)
    opened = [one for one in profiles if proven is None or one.institution_id in proven]
    if not opened:
        return None
    chosen = request.session.get(PROFILE_KEY)
    profile = next((one for one in opened if one.id == chosen), opened[0])
    profile.person = person
    profile.others = [one for one in profiles if one is not profile]
    return profile


def proven_in(request: HttpRequest) -> frozenset[int] | None:
    found = request.session.get(PROVEN_KEY)
    return None if found is None else frozenset(found)


def _principal(request: HttpRequest, profile: Profile) -> Principal:
    return replace(principal_of(profile), proven=proven_in(request))


def is_admitted(person: Person) -> bool:
    """Whatever they come with: a suspended person has no credential, and invented ones exist in the demonstration only."""
    return person.is_active and (settings.DEMO or not person.is_invented)


def principal_of(profile: Profile) -> Principal:
    return Principal(
        person_id=profile.person_id,
        profile_id=profile.id,
        institution_id=profile.institution_id,
        role=profile.role,
        group_ids=frozenset(_groups(profile.id)),
        rules_key=profile.institution.rules_key,
    )
