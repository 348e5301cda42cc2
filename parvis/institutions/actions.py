"""Telling people that something waits for them: on their page, in the same transaction as the act; by mail, later."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from parvis.institutions.models import Group, Mailing, Notice, Profile

log = logging.getLogger("parvis.notices")
DIGEST_EVERY = timedelta(days=1)
MOST_IN_A_MAIL = 100

# Sends one mail about these notices, oldest first, to that profile's person. Raises OSError when it could not.
Send = Callable[[Profile, list[Notice]], None]


def notify(profiles: Iterable[Profile], kind: str, address: str, /, *, but: int = 0, **params: str | int) -> None:
    """Inside the caller's transaction. `address` is within this site; `params` are those of the sentence of `kind`, and never
    words of a need; `but` is the profile of who acted."""
    Notice.objects.bulk_create(
        Notice(profile=profile, code=kind, address=address, params=params)
        for profile in profiles
        if profile.id != but and profile.ended_at is None
    )


def representatives(institution_ids: Iterable[int], *roles: str) -> list[Profile]:
    """The people who act in these roles for these institutions."""
    return list(Profile.objects.filter(institution__in=institution_ids, role__in=roles, ended_at=None))


def group_ids_of(profile_ids: Iterable[int]) -> dict[int, list[int]]:
    """By profile."""
    found: dict[int, list[int]] = {}
    rows = Group.profiles.through.objects.filter(profile__in=list(profile_ids))
    for profile_id, group_id in rows.values_list("profile_id", "group_id"):
        found.setdefault(profile_id, []).append(group_id)
    return found


def mark_read(profile_id: int, notice_id: int | None, *, now: datetime) -> None:
    """One of their notices, or all of them."""
    rows = Notice.objects.filter(profile_id=profile_id, read_at=None)
    (rows if notice_id is None else rows.filter(id=notice_id)).update(read_at=now)


def choose_mailing(profile: Profile, mailing: str) -> None:
    Profile.objects.filter(id=profile.id).update(notices_by_mail=Mailing(mailing))


def set_calendar_key(profile: Profile, key: str) -> None:
    """Another key revokes the address given before; "" leaves none."""
    Profile.objects.filter(id=profile.id).update(calendar_key=key)


def send_notices(send: Send, *, now: datetime) -> int:
    """Mails what is unread and was not mailed, as each person chose; how many mails.

    Notices are claimed first, so that two workers send none twice, and given back when the server refuses them; after a crash
    in between they are only on the page.
    """
    sent = 0
    for profile_id in _waiting(now):
        notices = _claim(profile_id, now)
        if not notices:
            continue  # another worker was first
        try:
            send(notices[0].profile, notices)
        except OSError:
            log.exception("The mail server took no notice")
            Notice.objects.filter(id__in=[notice.id for notice in notices]).update(mailed_at=None)
            return sent
        sent += 1
    return sent


def _waiting(now: datetime) -> list[int]:
    rows = Profile.objects.filter(notices__mailed_at=None, notices__read_at=None, notices__isnull=False, ended_at=None)
    rows = rows.exclude(person__email="").filter(person__is_active=True)
    today = Profile.objects.filter(notices__mailed_at__gt=now - DIGEST_EVERY)
    chosen = Q(notices_by_mail=Mailing.EACH) | Q(notices_by_mail=Mailing.DAILY) & ~Q(id__in=today.values("id"))
    return list(rows.filter(chosen).order_by("id").values_list("id", flat=True).distinct())


def _claim(profile_id: int, now: datetime) -> list[Notice]:
    with transaction.atomic():
        rows = Notice.objects.select_for_update(of=("self",)).filter(profile=profile_id, mailed_at=None, read_at=None)
        notices = list(rows.select_related("profile__person", "profile__institution").order_by("id")[:MOST_IN_A_MAIL])
        Notice.objects.filter(id__in=[notice.id for notice in notices]).update(mailed_at=now)
    return notices
