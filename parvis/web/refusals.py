"""What the server could not keep, and the page that says why."""

from __future__ import annotations

import errno

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def refused(request: HttpRequest, reason: str) -> HttpResponse:
    """Nothing of this request was kept, and the reader is told why: "too_much", "too_many_files",
    "too_long", "no_room" or "no_database"."""
    tell = _(
        "What you had already sent is kept, this was not. Try again in a minute, and tell your IT department if it lasts."
    )
    status, title, sentence = {
        "too_much": (
            413,
            _("This is too much at once"),
            _("One sending holds at most %(size)s, and nothing of this one was kept. Send your files in several times.")
            % {"size": filesizeformat(settings.REQUEST_MAX_BYTES)},
        ),
        "too_many_files": (
            413,
            _("This is too much at once"),
            _("One sending holds at most %(count)s files, and nothing of this one was kept. Send your files in several times.")
            % {"count": settings.DATA_UPLOAD_MAX_NUMBER_FILES},
        ),
        "too_long": (
            413,
            _("This form is too long"),
            _("It holds more than is read at once, and nothing of it was kept. Go back, and send it in several times."),
        ),
        "no_room": (507, _("There is no room left on the server"), tell),
        "no_database": (503, _("The database does not answer for now"), tell),
    }[reason]
    return render(request, "refused.html", {"status": status, "title": title, "sentence": sentence}, status=status)


def reason_of(error: BaseException | None) -> str:
    """Why what was asked could not be kept, "" when the fault is elsewhere."""
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent):
        return "too_long"
    if isinstance(error, TooManyFilesSent):
        return "too_many_files"
    if _is_for_want_of_room(error):
        return "no_room"
    return "no_database" if isinstance(error, OperationalError) else ""


def _is_for_want_of_room(error: BaseException | None) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    cause = error.__cause__ if isinstance(error, OperationalError) else None
    sqlite_full, postgres_full = 13, "53100"
    return getattr(cause, "sqlite_errorcode", None) == sqlite_full or getattr(cause, "sqlstate", None) == postgres_full
