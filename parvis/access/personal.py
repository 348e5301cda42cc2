from __future__ import annotations

from django.utils.translation import gettext_lazy as _

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
    "access_apikey": Erased(_("API keys"), ("profile", "created_by"), omit=frozenset({"digest"})),
}
EXPIRE = {"sessions": sessions.expire}
