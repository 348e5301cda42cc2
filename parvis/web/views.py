"""What belongs to the page shell: the reader's theme and language, health, and the error pages."""

from __future__ import annotations

import sys

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from parvis.web.context import THEMES
from parvis.web.refusals import reason_of, refused

YEAR = 365 * 24 * 3600


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keeps a theme or a language in a cookie: a comfort of this device, not data about a person."""
    response = HttpResponseRedirect(_back(request))
    theme, language = request.POST.get("theme"), request.POST.get("language")
    if theme is not None:
        if theme in THEMES:
            response.set_cookie("parvis_theme", theme, max_age=YEAR, samesite="Lax", httponly=True)
        else:
            response.delete_cookie("parvis_theme", samesite="Lax")
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax", httponly=True)
    return response


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when this process can answer: the database is there and answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    reason = reason_of(exception)
    return refused(request, reason) if reason else render(request, "400.html", status=400)


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Only for what the person sees anyway: the sentence says whose it is to do."""
    return render(request, "403.html", {"sentence": str(exception or "")}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Absent and forbidden answer alike."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while the exception is being handled."""
    reason = reason_of(sys.exc_info()[1])
    return refused(request, reason) if reason else render(request, "500.html", status=500)


def _back(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.headers.get("Referer") or "/"
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}) else "/"
