"""The tables of access, by capability."""

from __future__ import annotations

from parvis.access.keys.models import ApiKey
from parvis.access.pace.models import Pace
from parvis.access.rules.models import CoursePeriod, Entitlement, RuleCheck, RuleSet
from parvis.access.sessions.models import Session

__all__ = ["ApiKey", "CoursePeriod", "Entitlement", "Pace", "RuleCheck", "RuleSet", "Session"]
