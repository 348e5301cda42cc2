"""What the operator of an installation counts, across institutions."""

from __future__ import annotations

from django.db.models import Q

from parvis.inference.door import environment_routes
from parvis.inference.models import LanguageModel


def usable_model_count() -> int:
    """Models an institution enabled, and those the environment gives."""
    return LanguageModel.unscoped.filter(enabled=True).count() + len(environment_routes())


def priced(institution_id: int) -> list[tuple[int | None, str]]:
    """Every model that calls of an institution may be of, with its name: its own, the alliance's, the environment's."""
    rows = LanguageModel.unscoped.filter(Q(institution=institution_id) | Q(institution=None)).order_by("display_name", "id")
    found: list[tuple[int | None, str]] = [(row.id, row.display_name) for row in rows]
    return found + [(None, " / ".join(route.name for route in environment_routes().values()))] * bool(environment_routes())
