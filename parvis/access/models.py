"""The tables of access, by capability."""

from __future__ import annotations

from parvis.access.rules.models import CoursePeriod, Entitlement, RuleCheck, RuleSet
from parvis.access.sessions.models import Session

__all__ = ["CoursePeriod", "Entitlement", "RuleCheck", "RuleSet", "Session"]
