"""A passphrase is tried a few times, then one waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import F

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.offers.models.requests import Guarded
from parvis.offers.passphrases import MOST_TRIES, WAIT_MINUTES
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import WrongPassphraseError

Opened = TypeVar("Opened")


def tried(principal: Principal, row: Guarded, now: datetime, opening: Callable[[], Opened]) -> Opened:
    """What `opening` gives. Raises Impossible: `wrong_passphrase` (left), `too_many_tries` (minutes).

    Outside any transaction: a wrong try is kept whatever becomes of the rest, and scrypt holds no lock.
    """
    if row.is_blocked_at(now):
        raise Impossible("too_many_tries", minutes=_minutes_left(row, now))
    try:
        opened = opening()
    except WrongPassphraseError as error:
        _remember(principal, row, now)
        if row.is_blocked_at(now):
            raise Impossible("too_many_tries", minutes=WAIT_MINUTES) from error
        raise Impossible("wrong_passphrase", left=MOST_TRIES - row.wrong_tries) from error
    if row.wrong_tries:
        _rows(row).update(wrong_tries=0, tries_again_at=None)
    return opened


def _remember(principal: Principal, row: Guarded, now: datetime) -> None:
    with transaction.atomic():
        _rows(row).update(wrong_tries=F("wrong_tries") + 1)
        row.refresh_from_db(fields=["wrong_tries"])
        if row.wrong_tries >= MOST_TRIES:
            row.tries_again_at = now + timedelta(minutes=WAIT_MINUTES)
            _rows(row).update(wrong_tries=0, tries_again_at=row.tries_again_at)
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="passphrase.wrong",
            subject=f"{type(row).__name__.lower()}:{row.pk}",
        )


def _rows(row: Guarded):  # type: ignore[no-untyped-def]  # a query set of either model
    return type(row)._default_manager.filter(pk=row.pk)  # noqa: SLF001 - Django's documented name


def _minutes_left(row: Guarded, now: datetime) -> int:
    left = (row.tries_again_at or now) - now
    return max(1, -(-int(left.total_seconds()) // 60))
