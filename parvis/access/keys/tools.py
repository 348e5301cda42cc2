"""The keys that access rules may be about: one tool for each scope, whoever holds it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from parvis.access.keys.models import Scope, key_tool
from parvis.access.tools import Listed, everybody


def listed(institution_id: int) -> list[Listed]:
    names = {
        Scope.LIST: _("keys that list tools"),
        Scope.ASK: _("keys that ask assistants"),
        Scope.MODELS: _("keys that use models"),
    }
    ways = everybody(institution_id)
    return [Listed(key_tool(scope), names[scope], ways) for scope in Scope]
