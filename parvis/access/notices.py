"""The page of notices, in one's own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection
from parvis.institutions.models import Mailing, Profile


def own_section(principal: Principal) -> OwnSection:
    profile = Profile.objects.get(id=principal.profile_id)
    count = profile.unread_notices
    unread = ngettext("%(count)d unread notice", "%(count)d unread notices", count) % {"count": count}
    return OwnSection(
        _("Notices and mails"),
        _("What waits for you, by mail or not, and your dates in your calendar."),
        reverse("access:notices"),
        " · ".join([str(Mailing(profile.notices_by_mail).label), *([unread] if count else [])]),
    )
