"""Shutting somebody out of one institution, and letting them in again."""

from __future__ import annotations

from datetime import datetime

from parvis.audit.models import record
from parvis.federation.models import Account, DirectoryEntry, Suspension
from parvis.federation.provisioning.actions.giving import end_profiles, end_sessions
from parvis.federation.provisioning.actions.resettling import resettle
from parvis.institutions.models import Profile


def bar(institution_id: int, person_id: int, *, by: str, actor: str, now: datetime) -> None:
    """Inside the caller's transaction. Every profile of theirs in this institution ends, and with it whatever is done in it:
    session, key, token. Twice is once."""
    here = {"institution_id": institution_id, "person_id": person_id}
    if Suspension.unscoped.filter(**here, by=by).exists():
        return
    given = _given(here)
    profiles = list(Profile.objects.filter(**here))
    held = [profile for profile in profiles if profile.ended_at is None]
    kept = [profile.id for profile in held if profile.role not in given]
    Suspension.unscoped.create(**here, by=by, since=now, kept_profiles=kept)
    end_profiles(held, now=now)
    # What they were given, they are given anew once restored; not what somebody here had ended before.
    ended_before = {profile.role for profile in profiles if profile not in held}
    for giver in [*Account.unscoped.filter(**here), *DirectoryEntry.unscoped.filter(**here)]:
        giver.given_roles = [role for role in giver.given_roles if role in ended_before]
        giver.save(update_fields=["given_roles"])
    end_sessions(institution_id, [person_id], actor=actor)
    record(institution_id=institution_id, actor=actor, action="account.suspend", subject=f"person:{person_id}", by=by)


def lift(institution_id: int, person_id: int, *, by: str, actor: str, now: datetime) -> None:
    """Inside the caller's transaction. They come back in once nobody bars them."""
    here = {"institution_id": institution_id, "person_id": person_id}
    lifted = Suspension.unscoped.filter(**here, by=by).first()
    if lifted is None:
        return
    lifted.delete()
    other = Suspension.unscoped.filter(**here).first()
    if other:
        other.kept_profiles += lifted.kept_profiles
        other.save(update_fields=["kept_profiles"])
    else:
        Profile.objects.filter(**here, id__in=lifted.kept_profiles).update(ended_at=None)
        entries = DirectoryEntry.unscoped.filter(**here).select_related("person")
        resettle(institution_id, list(entries), actor=actor, now=now)
    record(institution_id=institution_id, actor=actor, action="account.restore", subject=f"person:{person_id}", by=by)


def _given(here: dict[str, int]) -> set[str]:
    """The roles that somebody's accounts and entries give them."""
    roles: set[str] = set()
    for given in Account.unscoped.filter(**here).order_by().values_list("given_roles", flat=True):
        roles.update(given)
    for given in DirectoryEntry.unscoped.filter(**here).order_by().values_list("given_roles", flat=True):
        roles.update(given)
    return roles
