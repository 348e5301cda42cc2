from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.audit.models import Entry
from parvis.personal import Impersonal, Kept, Subject, Tables


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
