"""What is left to a person, in their own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection
from parvis.institutions.models import Profile
from parvis.ledger.budgets.actions.overview import remaining
from parvis.ledger.budgets.presentation import THIS, left


def own_section(principal: Principal) -> OwnSection | None:
    """Only where a budget is their own."""
    if not principal.may("budget:own"):
        return None
    found = remaining(Profile.objects.get(id=principal.profile_id), timezone.now())
    if not found:
        return None
    state = " · ".join(f"{left(budget, spent)} {THIS[budget.period]}" for budget, spent in found)
    return OwnSection(_("My budget"), _("What my questions to models may still cost."), reverse("budgets:own"), state)
