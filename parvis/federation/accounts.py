"""One's accounts, in one's own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection
from parvis.federation.actions import accounts_of


def own_section(principal: Principal) -> OwnSection:
    names = [account.source.name for account in accounts_of(principal.person_id)]
    return OwnSection(
        _("My accounts"),
        _("By which accounts of your institutions Parvis recognises you."),
        reverse("federation:accounts"),
        ", ".join(names) or _("none: you came by a sign-in link"),
    )
