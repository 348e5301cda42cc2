"""Who read one's contents, in one's own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection
from parvis.evidence.actions import consultations_of


def own_section(principal: Principal) -> OwnSection:
    count = consultations_of(principal.person_id).count()
    return OwnSection(
        _("Who read my contents"),
        _("Each time somebody opened what I wrote, and the reason they gave."),
        reverse("evidence:consultations"),
        ngettext("%(count)d time", "%(count)d times", count) % {"count": count} if count else _("nobody"),
    )
