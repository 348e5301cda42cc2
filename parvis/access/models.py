"""The tables of access, by capability."""

from __future__ import annotations

from parvis.access.rules.models import CoursePeriod, Entitlement, RuleCheck, RuleSet

__all__ = ["CoursePeriod", "Entitlement", "RuleCheck", "RuleSet"]
