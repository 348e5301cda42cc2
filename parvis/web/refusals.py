"""What the server could not keep or does not do, and the page that says why."""

from __future__ import annotations

import errno
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

Answering = Callable[[HttpRequest], HttpResponseBase]

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


def wrong_method(get_response: Answering) -> Answering:
    """Middleware: who opens the address of a form as if it were a page reads one. Programs have what they had."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content and _wants_page(request):
            response.content = render_to_string("405.html", {"back": _came_from(request)}, request)
        return response

    return middleware


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


def _wants_page(request: HttpRequest) -> bool:
    return (
        request.method == "GET" and "text/html" in request.headers.get("Accept", "") and "Authorization" not in request.headers
    )


def _came_from(request: HttpRequest) -> str:
    """The page of this site, and not this one, on which a link was followed; "" where the browser does not tell."""
    address = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
    return address if is_ours and address != request.build_absolute_uri() else ""
