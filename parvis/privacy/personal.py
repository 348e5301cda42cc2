from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from parvis.personal import Impersonal, Kept, Tables
from parvis.privacy.models import RightRequest

TABLES: Tables = {
    "privacy_rightrequest": Kept(
        _("Exports and erasures"),
        _("That your request was answered, and when, is kept without your name: it may have to be proved."),
        ("person", "answered_by"),
    ),
    "privacy_retention": Impersonal("how long an institution keeps a class of data"),
    "privacy_retentionrun": Impersonal("how many rows a clock removed"),
    "privacy_processing": Kept(
        _("Lines of the use register you wrote"),
        _("The register is the institution’s: its lines stay, written by a nameless person."),
        ("edited_by",),
    ),
    # Django's own.
    "auth_group": Impersonal("not used"),
    "auth_group_permissions": Impersonal("not used"),
    "auth_permission": Impersonal("names of tables"),
    "django_content_type": Impersonal("names of tables"),
    "isolation_key": Impersonal("by which PostgreSQL recognises for which institution it is asked"),
    "django_migrations": Impersonal("names of migrations"),
}


def _requests(institution_id: int, before: datetime, most: int) -> int:
    rows = RightRequest.unscoped.filter(institution=institution_id, answered_at__lt=before).order_by("id")
    return RightRequest.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"requests": _requests}
