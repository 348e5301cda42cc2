"""One-time links: how the first administrator gets in before any sign-in source is configured, and back in if one fails."""

from __future__ import annotations

from django.core import signing

from parvis.identity.models import Person

LINK_SECONDS = 15 * 60
_SALT = "parvis.access.sign_in"


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
