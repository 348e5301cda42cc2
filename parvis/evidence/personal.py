from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from parvis.evidence.models import Consultation
from parvis.personal import Impersonal, Kept, Tables

TABLES: Tables = {
    "evidence_witness": Impersonal("logs of other members"),
    "evidence_consultation": Kept(
        _("Consultations of your contents, and those you made"),
        _("That somebody’s contents were read, and why, may have to be proved: it is kept without your name."),
        ("reader", "person"),
    ),
}


def _consultations(institution_id: int, before: datetime, most: int) -> int:
    rows = Consultation.unscoped.filter(institution=institution_id, until__lt=before).order_by("id")
    return Consultation.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"requests": _consultations}
