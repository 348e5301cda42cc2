"""What one used, in one's own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection
from parvis.ledger.actions.figures import own_figures
from parvis.ledger.pricing import paris_date


def own_section(principal: Principal) -> OwnSection | None:
    if not principal.may("usage:view"):
        return None
    figures, _days = own_figures(principal, paris_date(timezone.now()).replace(day=1))
    calls = ngettext("%(count)d call this month", "%(count)d calls this month", figures.calls) % {"count": figures.calls}
    return OwnSection(
        _("What I use"),
        _("Calls to models made for me, what they cost and what they emit."),
        reverse("ledger:own"),
        calls if figures.calls else _("nothing this month"),
    )
