"""Puts the principal on the request, once, from rows read now: what was withdrawn is withdrawn at the next request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from parvis.access.principal import Principal
from parvis.identity.models import Person
from parvis.institutions.models import Profile
from parvis.isolation.scope import everywhere, stranger, within

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
    person = request.user
    if not isinstance(person, Person) or not is_admitted(person):
        return None
    profiles = Profile.objects.filter(person=person, ended_at=None).select_related("person", "institution")
    proven = proven_in(request)
    if proven is not None:
        profiles = profiles.filter(institution__in=proven)
    chosen = request.session.get(PROFILE_KEY)
    return (chosen and profiles.filter(id=chosen).first()) or profiles.first()


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
        group_ids=frozenset(profile.groups.values_list("id", flat=True)),
        rules_key=profile.institution.rules_key,
    )
