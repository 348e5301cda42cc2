"""The words of notices, on the page and in mails. They name things by their codes: no words of a need leave by mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import formataddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from parvis.institutions.models import Notice, Profile


def sentence(notice: Notice) -> str:
    return _SENTENCES.get(notice.code, _unknown)(notice.params)


def send_by_mail(profile: Profile, notices: list[Notice]) -> None:
    """One mail, links only. Raises OSError (smtplib's errors are) when the server does not take it."""
    with override(settings.LANGUAGE_CODE):
        subject = ngettext("Parvis: %(count)d notice", "Parvis: %(count)d notices", len(notices)) % {"count": len(notices)}
        lines = [f"- {sentence(notice)}\n  {settings.SITE_URL}{notice.address}" for notice in notices]
        parts = [
            _("Hello %(name)s,") % {"name": profile.person.display_name},
            _("For %(institution)s:") % {"institution": profile.institution.name} + "\n\n" + "\n".join(lines),
            _("To receive fewer mails, or none: %(address)s") % {"address": f"{settings.SITE_URL}/avis/"},
        ]
    to = formataddr((profile.person.display_name, profile.person.email))
    EmailMessage(subject, "\n\n".join(parts), to=[to]).send()


def _instant(written: str) -> str:
    return date_format(timezone.localtime(datetime.fromisoformat(written)), "j F Y, H:i")


def _unknown(_params: Mapping[str, Any]) -> str:
    return _("Something waits for you.")


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "content_consulted": lambda p: _("Contents of yours were opened by somebody else, for a reason you can read."),
    "attachment_proposed": lambda p: _("A need of your institution is proposed as part of %(code)s: is it the same?") % p,
    "attachment_accepted": lambda p: _("%(institution)s accepts that its need is part of %(code)s.") % p,
    "attachment_refused": lambda p: _("%(institution)s says that its need is not part of %(code)s.") % p,
    "attachment_withdrawn": lambda p: _("%(institution)s takes back its word that its need is part of %(code)s.") % p,
    "vote_opened": lambda p: _("%(code)s is in discussion: your institution may vote.") % p,
    "cosignature_open": lambda p: _("%(code)s is open to co-signature.") % p,
    "cosignature_to_sign": lambda p: _("The co-signature of %(code)s is prepared: it waits for your signature.") % p,
    "cosignature_to_confirm": lambda p: (
        _("%(code)s has a new version: your institution’s co-signature is to be confirmed.") % p
    ),
    "workshop_opened": lambda p: _("A workshop of the group “%(group)s” is open.") % p,
    "request_published": lambda p: _("The request for information %(code)s is published.") % p,
    "request_postponed": lambda p: (
        _("Answers to %(code)s are received until %(deadline)s.") % {**p, "deadline": _instant(p["deadline"])}
    ),
    "data_exported": lambda p: _("Your data were copied for a request in your name: see who did it and why in your profile."),
    "budget_reached": lambda p: (
        _("%(place)s: a budget is spent.") % p
        if p["percent"] == 100
        else _("%(place)s: %(percent)s %% of a budget is spent.") % p
    ),
    "own_budget_reached": lambda p: (
        _("Your budget for questions to models is spent.")
        if p["percent"] == 100
        else _("%(percent)s %% of your budget for questions to models is spent.") % p
    ),
    "request_opened": lambda p: _("The answers to the request for information %(code)s are open.") % p,
}
