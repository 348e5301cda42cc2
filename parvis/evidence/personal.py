from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from parvis.personal import Impersonal, Kept, Tables

TABLES: Tables = {
    "evidence_witness": Impersonal("logs of other members"),
    "evidence_consultation": Kept(
        _("Consultations of your contents, and those you made"),
        _("That somebody’s contents were read, and why, may have to be proved: it is kept without your name."),
        ("reader", "person"),
    ),
}
