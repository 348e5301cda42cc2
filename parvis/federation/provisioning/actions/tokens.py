"""The tokens by which an institution's directory writes here, and how what it says is read."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.federation.models import ScimSetup, ScimToken

PREFIX = "parvis-scim-"  # so that those who look for leaked secrets recognise it
BITS = 256
USE_SHOWN_EVERY = timedelta(minutes=1)


@transaction.atomic
def create_token(principal: Principal, name: str, *, now: datetime) -> tuple[ScimToken, str]:
    """The row, and the token: it is nowhere afterwards. Raises IntegrityError when one that opens something has this name."""
    written = PREFIX + secrets.token_urlsafe(BITS // 8)
    token = ScimToken.unscoped.create(
        institution_id=principal.institution_id, name=name, hashed=_hashed(written), ending=written[-4:], created_at=now
    )
    _record(principal, "scim.token.create", token)
    return token, written


@transaction.atomic
def revoke_token(principal: Principal, token: ScimToken, *, now: datetime) -> None:
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        _record(principal, "scim.token.revoke", token)


def token_of(written: str, *, now: datetime) -> ScimToken | None:
    """Whose it is, while it opens something. That it was used is noted once a minute at most: reading need not wait its turn
    to write."""
    today = timezone.localdate(now)
    present = Q(institution__left_date=None) | Q(institution__left_date__gt=today)
    rows = ScimToken.unscoped.filter(present, hashed=_hashed(written), revoked_at=None)
    token = rows.select_related("institution").first()
    if token and (token.used_at is None or now - token.used_at > USE_SHOWN_EVERY):
        ScimToken.unscoped.filter(id=token.id).update(used_at=now)
    return token


@transaction.atomic
def save_setup(principal: Principal, setup: ScimSetup) -> None:
    setup.institution_id = principal.institution_id
    setup.save()
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="scim.setup",
        subject=f"institution:{principal.institution_id}",
        source=setup.source_id,
        key=setup.key_attribute,
    )


def _hashed(written: str) -> str:
    return salted_hmac("parvis.federation.scim_token", written, algorithm="sha256").hexdigest()


def _record(principal: Principal, action: str, token: ScimToken) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"scim_token:{token.id}",
        name=token.name,
    )
