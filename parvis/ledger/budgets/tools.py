"""What access rules may say of budgets: who sees them, and who sets them."""

from __future__ import annotations

from functools import cache

from django.utils.translation import gettext as _

from parvis.access.engine import AFFILIATIONS
from parvis.access.principal import ROLES_ALLOWED
from parvis.access.rights import SEEING_BUDGETS, SETTING_BUDGETS
from parvis.access.tools import Listed, Way
from parvis.institutions.models import Profile


def listed(institution_id: int) -> list[Listed]:
    @cache
    def overseers() -> frozenset[int]:
        roles = ROLES_ALLOWED["budget:view"].intersection(AFFILIATIONS)
        rows = Profile.objects.filter(institution=institution_id, ended_at=None, role__in=roles)
        return frozenset(rows.values_list("id", flat=True))

    return [
        Listed(SEEING_BUDGETS, _("the page of budgets"), lambda: [Way(overseers())], model=None),
        Listed(SETTING_BUDGETS, _("the setting of budgets"), lambda: [Way(overseers(), by=SEEING_BUDGETS)], model=None),
    ]
