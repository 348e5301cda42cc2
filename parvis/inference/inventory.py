"""What the operator of an installation counts, across institutions."""

from __future__ import annotations

from parvis.inference.door import environment_routes
from parvis.inference.models import LanguageModel


def usable_model_count() -> int:
    """Models an institution enabled, and those the environment gives."""
    return LanguageModel.unscoped.filter(enabled=True).count() + len(environment_routes())
