"""One's keys, in one's own pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.keys.models import ApiKey
from parvis.access.principal import Principal
from parvis.access.profiles import OwnSection


def own_section(principal: Principal) -> OwnSection | None:
    if not principal.may("key:view"):
        return None
    count = ApiKey.objects.visible_to(principal).active(timezone.now()).filter(profile=principal.profile_id).count()
    return OwnSection(
        _("My keys"),
        _("By which my programs ask in my name."),
        reverse("keys:own"),
        ngettext("%(count)s valid key", "%(count)s valid keys", count) % {"count": count} if count else _("no key is valid"),
    )
