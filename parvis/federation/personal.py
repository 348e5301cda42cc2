from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from parvis.federation.models import OpenSession
from parvis.personal import Erased, Impersonal, Tables

TABLES: Tables = {
    "federation_signinsource": Impersonal("servers of institutions; their secret is sealed"),
    "federation_account": Erased(_("Linked accounts"), ("person",)),
    "federation_opensession": Erased(
        _("Sessions opened by your accounts"), ("account__person",), omit=frozenset({"session_key", "handle"})
    ),
}


def _sessions(institution_id: int, before: datetime, most: int) -> int:
    rows = OpenSession.unscoped.filter(institution=institution_id, opened_at__lt=before).order_by("id")
    return OpenSession.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"sessions": _sessions}
