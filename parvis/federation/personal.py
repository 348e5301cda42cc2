from __future__ import annotations

import secrets
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.federation.models import OpenSession, PeopleList, SignInSource
from parvis.identity.models import Person, Source
from parvis.personal import Erased, Impersonal, Subject, Tables, Within

TABLES: Tables = {
    "federation_signinsource": Impersonal("servers of institutions; their secret is sealed"),
    "federation_account": Erased(_("Linked accounts"), ("person",)),
    "federation_opensession": Erased(
        _("Sessions opened by your accounts"), ("account__person",), omit=frozenset({"session_key", "handle"})
    ),
    "federation_directoryentry": Erased(_("What your institution’s directory says of you"), ("person",)),
    "federation_directorygroup": Impersonal("groups that a directory writes"),
    "federation_directorygroup_members": Within("federation_directoryentry"),
    "federation_suspension": Erased(_("Suspensions"), ("person",)),
    "federation_scimsetup": Impersonal("settings of an institution"),
    "federation_scimtoken": Impersonal("tokens of an institution’s directory, hashed"),
    "federation_peoplelist": Erased(_("Lists of people being imported"), ("profile",), omit=frozenset({"content"})),
    "federation_federation": Impersonal("federations that an institution trusts"),
    "federation_entity": Impersonal("identity providers, as their federation describes them"),
    "federation_samlresponse": Impersonal("what a provider said, sealed for the browser that asked, for some minutes"),
    "federation_servicekey": Impersonal("keys of the installation"),
}


def forget(subject: Subject) -> None:
    """The identifier that this institution's source gave goes, even while another institution knows the person; so do lists
    that wait to be imported, which may name them and can be given again."""
    PeopleList.unscoped.filter(institution=subject.institution_id).delete()
    sources = SignInSource.unscoped.filter(institution=subject.institution_id).values_list("id", flat=True)
    given = Q(pk__in=())
    for source_id in sources:
        given |= Q(key__startswith=f"{source_id}:")
    named_here = Person.objects.filter(given, id=subject.person_id, source=Source.FEDERATED)
    named_here.update(key=f"{Source.ERASED}:{secrets.token_hex(16)}")


def _sessions(institution_id: int, before: datetime, most: int) -> int:
    rows = OpenSession.unscoped.filter(institution=institution_id, opened_at__lt=before).order_by("id")
    return OpenSession.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"sessions": _sessions}
