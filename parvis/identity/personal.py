from __future__ import annotations

import secrets
from typing import Any

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
    if subject.is_last:
        Person.objects.filter(id=subject.person_id).update(email="", last_login=None, **_nobody())


def nameless() -> Person:
    """Takes the place of somebody whom one institution forgets and another knows."""
    return Person.objects.create(**_nobody())


def _nobody() -> dict[str, Any]:
    with override(settings.LANGUAGE_CODE):
        name = gettext("Erased person")
    key = f"{Source.ERASED}:{secrets.token_hex(16)}"
    return {"key": key, "source": Source.ERASED, "display_name": name, "password": "", "is_active": False}
