"""The models that access rules may be about."""

from __future__ import annotations

from parvis.access.tools import Listed, everybody
from parvis.inference.actions import chat_models
from parvis.inference.door import environment_routes
from parvis.inference.models import Purpose, tool_of


def listed(institution_id: int) -> list[Listed]:
    """Those that write answers. Everybody who asks an assistant reaches them."""
    ways = everybody(institution_id)
    found = [Listed(tool_of(model), model.display_name, ways) for model in chat_models(institution_id)]
    if route := environment_routes().get(Purpose.CHAT):
        found.append(Listed(route.tool, route.name, ways))
    return found
