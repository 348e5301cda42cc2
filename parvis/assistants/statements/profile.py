"""Statements of the use of AI, in one's own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection


def own_section(principal: Principal) -> OwnSection | None:
    if not principal.may("assistant:use"):
        return None
    line = _("What I asked of assistants in a course, to hand to a teacher.")
    return OwnSection(_("Statement of the use of AI"), line, reverse("statements:mine"))
