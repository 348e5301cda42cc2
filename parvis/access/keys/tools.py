"""The keys that access rules may be about: one tool for each scope, whoever holds it."""

from __future__ import annotations

from functools import cache

from django.utils.translation import gettext as _

from parvis.access.engine import AFFILIATIONS
from parvis.access.keys.models import Scope, key_tool
from parvis.access.tools import Listed, Way
from parvis.institutions.models import Profile


def listed(institution_id: int) -> list[Listed]:
    @cache
    def everyone() -> tuple[Way, ...]:
        rows = Profile.objects.filter(institution=institution_id, ended_at=None, role__in=AFFILIATIONS)
        return (Way(frozenset(rows.values_list("id", flat=True))),)

    names = {Scope.LIST: _("keys that list tools"), Scope.ASK: _("keys that ask assistants")}
    return [Listed(key_tool(scope), names[scope], lambda: list(everyone())) for scope in Scope]
