from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.institutions.models import Notice, Profile
from parvis.personal import Erased, Impersonal, Kept, Subject, Tables

TABLES: Tables = {
    "institutions_institution": Impersonal("the members of the alliance"),
    "institutions_workinggroup": Impersonal("names of groups"),
    "institutions_workinggroup_profiles": Erased(_("Working groups"), ("profile",)),
    "institutions_profile": Kept(
        _("Profiles"),
        _("Your roles stay as ended, without a name: they say in which capacity an act of your institution was done."),
        ("pk",),
        omit=frozenset({"calendar_key"}),
    ),
    "institutions_group": Impersonal("names of groups"),
    "institutions_group_profiles": Erased(_("Groups"), ("profile",)),
    "institutions_notice": Erased(_("Notices"), ("profile",)),
}


def forget(subject: Subject) -> None:
    rows = Profile.objects.filter(id__in=subject.profile_ids)
    rows.filter(ended_at=None).update(ended_at=timezone.now())
    rows.update(detail="", calendar_key="", notices_by_mail="none")


def _notices(institution_id: int, before: datetime, most: int) -> int:
    rows = Notice.objects.filter(profile__institution=institution_id, sent_at__lt=before).order_by("id")
    return Notice.objects.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"notices": _notices}
