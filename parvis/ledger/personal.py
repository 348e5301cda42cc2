from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.access.models import ApiKey
from parvis.ledger.models import Call
from parvis.personal import Impersonal, Kept, Subject, Tables


def _calls(subject: Subject) -> Any:
    return Call.unscoped.filter(institution=subject.institution_id, person_id=subject.person_id)


TABLES: Tables = {
    "ledger_call": Kept(
        _("Calls to models made for you"),
        _("What was spent stays in the accounts of the institution; nothing says any more that it was for you."),
        find=_calls,
        omit=frozenset({"fingerprint"}),
    ),
    "ledger_transfer": Impersonal("amounts between accounts of components and apps"),
    "ledger_pricebook": Impersonal("prices and their source"),
    "ledger_rate": Impersonal("prices"),
    "ledger_expensestatement": Impersonal("sums of a month"),
    "ledger_reconciliation": Impersonal("sums of an invoice"),
    "ledger_party": Impersonal("legal names and addresses of services"),
}


def forget(subject: Subject) -> None:
    keys = ApiKey.unscoped.filter(profile__in=subject.profile_ids).values("id")
    rows = Call.unscoped.filter(institution=subject.institution_id)
    rows.filter(Q(person_id=subject.person_id) | Q(key_id__in=list(keys.values_list("id", flat=True)))).update(
        person_id=None, key_id=None
    )


def expire_people(institution_id: int | None, before: datetime, most: int) -> int:
    """Who made calls: what they cost stays."""
    old = Call.unscoped.filter(institution=institution_id, occurred_at__lt=before)
    ids = old.exclude(person_id=None, key_id=None).order_by("id").values_list("id", flat=True)[:most]
    return Call.unscoped.filter(id__in=list(ids)).update(person_id=None, key_id=None)


EXPIRE = {"usage": expire_people}
