"""The models that access rules may be about."""

from __future__ import annotations

from functools import cache

from parvis.access.engine import AFFILIATIONS
from parvis.access.tools import Listed, Way
from parvis.inference.actions import chat_models, environment_routes
from parvis.inference.models import Purpose, tool_of
from parvis.institutions.models import Profile


def listed(institution_id: int) -> list[Listed]:
    """Those that write answers. Everybody who asks an assistant reaches them."""

    @cache
    def everyone() -> tuple[Way, ...]:
        rows = Profile.objects.filter(institution=institution_id, ended_at=None, role__in=AFFILIATIONS)
        return (Way(frozenset(rows.values_list("id", flat=True))),)

    found = [Listed(tool_of(model), model.display_name, lambda: list(everyone())) for model in chat_models(institution_id)]
    if route := environment_routes().get(Purpose.CHAT):
        found.append(Listed(route.tool, route.name, lambda: list(everyone())))
    return found
