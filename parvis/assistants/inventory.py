"""Assistants, as expenses name them."""

from __future__ import annotations

from parvis.assistants.models import Assistant


def apps(institution_id: int) -> dict[str, str]:
    """By how calls name them."""
    rows = Assistant.unscoped.filter(institution=institution_id).values_list("id", "name")
    return {f"assistant:{number}": name for number, name in rows}
