"""What the buttons that suspend and restore do, on the page of a person and on that of a source."""

from __future__ import annotations

from django.contrib import messages
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.access.http import SignedInRequest
from parvis.federation.provisioning.actions import people
from parvis.federation.provisioning.sentences import unfit_sentence
from parvis.federation.provisioning.unfit import Unfit
from parvis.identity.models import Person


def suspend_or_restore(request: SignedInRequest, person: Person) -> None:
    """Of somebody of the institution, as `suspended` says; and tells what became of it."""
    name = {"name": person.display_name}
    if request.POST.get("suspended") != "1":
        if people.restore(request.principal, person.id, now=timezone.now()):
            messages.info(request, _("%(name)s may sign in again.") % name)
        else:
            messages.info(request, _("%(name)s stays inactive: your directory says so by SCIM.") % name)
        return
    try:
        people.suspend(request.principal, person.id, now=timezone.now())
    except Unfit as error:
        messages.error(request, unfit_sentence(error))
    else:
        messages.info(request, _("%(name)s is suspended: their session is closed.") % name)
