from __future__ import annotations

import secrets

from django.conf import settings
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from parvis.identity.models import Person, Source
from parvis.personal import Kept, Subject, Tables

TABLES: Tables = {
    "identity_person": Kept(
        _("Who you are"),
        _("A number without a name stays in place of you, so that what stays can say “an erased person”."),
        person=("pk",),
        omit=frozenset({"password"}),
    ),
}


def forget(subject: Subject) -> None:
    """While another institution knows the person, their name stays: it is that institution's to erase."""
    if not subject.is_last:
        return
    with override(settings.LANGUAGE_CODE):
        nameless = gettext("Erased person")
    Person.objects.filter(id=subject.person_id).update(
        key=f"{Source.ERASED}:{secrets.token_hex(16)}",
        source=Source.ERASED,
        display_name=nameless,
        email="",
        password="",
        last_login=None,
        is_active=False,
    )
