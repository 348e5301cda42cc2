from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.audit.actions import erase
from parvis.audit.models import Entry
from parvis.audit.verifier import ERASURE
from parvis.personal import Impersonal, Kept, Subject, Tables

ENTRIES = 5_000  # emptied at once


def _entries(subject: Subject) -> Any:
    named = Q(actor=subject.actor) | Q(subject=subject.actor)
    return Entry.objects.filter(named, Q(institution_id=subject.institution_id) | Q(institution_id=None))


TABLES: Tables = {
    "audit_entry": Kept(
        _("Evidence of what you did"),
        _("Evidence names you by a number only, and holds no word of yours: it proves that nothing was done in secret."),
        find=_entries,
    ),
    "audit_log": Impersonal("the name of a log"),
    "audit_tile": Impersonal("hashes"),
    "audit_signedhead": Impersonal("hashes, signed"),
    "audit_signingkey": Impersonal("public keys of the installation"),
}


def expire_said(institution_id: int | None, before: datetime, most: int) -> int:
    """What the entries of a log say: their commitments stay, with which every proof still holds. Without an institution, the
    log of the alliance. An entry says which were emptied, so it is done by thousands."""
    said = Entry.objects.filter(institution_id=institution_id, at__lt=before, salt__isnull=False).exclude(action=ERASURE)
    ids = list(said.order_by("id").values_list("id", flat=True)[: max(most, ENTRIES)])
    return erase(ids, institution_id=institution_id, actor="system:retention", reason="retention") if ids else 0


EXPIRE = {"audit": expire_said}
