"""Opening a session, whatever recognised the person; and one-time links: how the first administrator gets in before any
sign-in source is configured, and back in if one fails."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from parvis.access.middleware import PROFILE_KEY, PROVEN_KEY, proven_in
from parvis.access.sessions.actions import browser_of
from parvis.access.sessions.store import BROWSER_KEY, OPENED_KEY
from parvis.audit.models import record
from parvis.identity.models import Person
from parvis.institutions.models import Profile

ELSEWHERE_KEY = "elsewhere"  # in the session: [name, address] of the place where signing out goes on


class GoneError(Exception):
    """Whoever was recognised has been erased or suspended since."""


LINK_SECONDS = 15 * 60
_SALT = "parvis.access.sign_in"


@transaction.atomic
def open_session(
    request: HttpRequest,
    person: Person,
    profile: Profile | None,
    *,
    proven: Collection[int] | None = None,
    **details: str | int,
) -> None:
    """`proven`: the institutions that vouch for the person; None: whoever runs this installation does. What the same person
    proved before in the same session still holds. Raises GoneError."""
    held_person = Person.objects.hold(person.id)
    if held_person is None or not held_person.is_active:
        raise GoneError
    is_same = request.user.is_authenticated and request.user.pk == person.pk
    held = proven_in(request) if is_same else frozenset()
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session[OPENED_KEY] = timezone.now().isoformat()
    request.session[BROWSER_KEY] = browser_of(request.headers.get("user-agent", "")[:500])
    if proven is None or held is None:
        request.session.pop(PROVEN_KEY, None)
    else:
        request.session[PROVEN_KEY] = sorted(held | set(proven))
    if profile:
        request.session[PROFILE_KEY] = profile.id
    request.session.save()  # now, so that an erasure that waits finds it
    record(
        institution_id=profile.institution_id if profile else None,
        actor=f"person:{person.id}",
        action="session.open",
        subject=f"person:{person.id}",
        source=person.source,
        **details,
    )


def prove(request: HttpRequest, institution_id: int) -> None:
    """The person who is signed in has just signed in there too."""
    held = proven_in(request)
    if held is not None:
        request.session[PROVEN_KEY] = sorted(held | {institution_id})


def safe_next(request: HttpRequest) -> str:
    """Where to go once signed in: within this site."""
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or "/"
    allowed = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return target if allowed else "/"


def make_token(person: Person) -> str:
    """A token that opens one session, once, within a quarter of an hour."""
    return signing.dumps([person.id, _latest(person)], salt=_SALT)


def person_of(token: str) -> Person | None:
    """Whose token it is, or None when it is forged, too old or already used."""
    try:
        person_id, latest = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    person = Person.objects.filter(id=person_id, is_active=True).first()
    return person if person and _latest(person) == latest else None


def _latest(person: Person) -> str:
    # Signing in changes it: that is what makes the token single-use.
    return person.last_login.isoformat() if person.last_login else ""
