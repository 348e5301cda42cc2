"""Actions of pages that the rules of an institution may keep from some of those whose role allows them: each is a tool, known
to the table, the text, the dry run, "why" and "who" like any other."""

from __future__ import annotations

from parvis.access.engine import Tool
from parvis.access.principal import Principal
from parvis.access.rules.doors import decision

SEEING_BUDGETS, SETTING_BUDGETS = Tool("Budget", "view"), Tool("Budget", "set")
# Whoever sets a budget sees it: both must be allowed.
GOVERNED = {
    "budget:view": (SEEING_BUDGETS,),
    "budget:oversee": (SEEING_BUDGETS, SETTING_BUDGETS),
    "budget:edit": (SEEING_BUDGETS, SETTING_BUDGETS),
}


def permits(principal: Principal, action: str) -> bool:
    """Their role and, where rules are about it, their institution's rules."""
    return principal.may(action) and refused_right(principal, action) is None


def refused_right(principal: Principal, action: str) -> Tool | None:
    """The first that rules refuse them among those this action needs."""
    return next((tool for tool in GOVERNED.get(action, ()) if not decision(principal, tool).allowed), None)
