"""Mails of notices, for installations where no worker runs all the time."""

from __future__ import annotations

import typer

from parvis.cli.terminal import out, start, stop
from parvis.cli.words import gettext as _

app = typer.Typer(no_args_is_help=True)


@app.command("send", help=_("Mail the notices that wait, as each person chose. The worker does it too."))
def send() -> None:
    start()
    from django.conf import settings
    from django.utils import timezone

    from parvis.institutions.actions import send_notices
    from parvis.institutions.notices import send_by_mail

    if not settings.MAILS:
        stop(_("No mail server is named: set PARVIS_SMTP_URL. Notices wait on their page."))
    out.print(_("Mails sent: %d") % send_notices(send_by_mail, now=timezone.now()), markup=False)


@app.callback()
def notices() -> None:
    """One verb for now; the noun stays."""
