"""What the worker does about personal data while no document waits: once a day, the clocks of each institution."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.utils import timezone

from parvis.privacy.actions.leftovers import may_overwrite, overwrite, owed
from parvis.privacy.actions.retention import apply_retention, due_institutions, expire_alliance
from parvis.retrieval.index import FilesInUse

log = logging.getLogger("parvis.retention")


def keep_clocks(_leave: Callable[[], bool]) -> bool:
    """Says what was removed, and overwrites what the files of the database keep of it."""
    now = timezone.now()
    for institution_id in due_institutions(now):
        removed = apply_retention(institution_id, now=now)
        if removed:
            said = ", ".join(f"{code}: {count}" for code, count in removed.items())
            log.info("Institution %s, removed by the clocks: %s", institution_id, said)
    expire_alliance(now)
    if owed(now) and may_overwrite():
        try:
            overwrite(now)
        except (FilesInUse, OperationalError):
            log.info("Others use the database: its free space is overwritten another time")
    return False
