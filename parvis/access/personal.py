from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.access.keys.models import ApiKey
from parvis.access.sessions import actions as sessions
from parvis.personal import Erased, Impersonal, Kept, Tables

TABLES: Tables = {
    "access_session": Erased(_("Open sessions"), ("person",), omit=frozenset({"session_key", "session_data"})),
    "access_ruleset": Kept(
        _("Versions of the access rules you saved"),
        _("The rules of the institution are its own: each version stays, saved by a nameless person."),
        ("author",),
    ),
    "access_entitlement": Impersonal("what rules give to kinds of people; a profile that they name is a number"),
    "access_rulecheck": Impersonal("what must hold for kinds of people"),
    "access_courseperiod": Impersonal("semesters"),
    "access_pace": Erased(_("Pace of your requests: one number"), ("profile",)),
    "access_apikey": Erased(_("API keys"), ("profile",), omit=frozenset({"digest"}), cleared=("created_by",)),
}


def _keys(institution_id: int, before: datetime, most: int) -> int:
    """Revoked or expired before that instant: they open nothing since."""
    ended = Q(revoked_at__lt=before) | Q(expires_at__lt=before)
    rows = ApiKey.unscoped.filter(ended, institution=institution_id).order_by("id")
    return ApiKey.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"sessions": sessions.expire, "keys": _keys}
