"""One's own page: who one is here, where one is signed in, what Parvis knows, and the way out."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from parvis.access.doors import public, requires
from parvis.access.http import SignedInRequest
from parvis.access.profiles import own_sections
from parvis.access.sessions.actions import close_others, sessions_of
from parvis.federation.actions import barred_in
from parvis.privacy.actions.holdings import known_elsewhere
from parvis.privacy.actions.people import erase_own, export_own, requests_of
from parvis.privacy.forms import OwnErasureForm
from parvis.privacy.presentation import known_of, zip_response


@requires("profile:view")
@never_cache
@require_GET
def me(request: SignedInRequest) -> HttpResponse:
    person = request.profile.person
    sessions = sessions_of(person.id, now=timezone.now())
    context = {
        "person": person,
        "profiles": person.profiles.filter(ended_at=None).select_related("institution"),
        "sections": own_sections(request.principal),
        "sessions": [(row, row.session_key == request.session.session_key) for row in sessions],
        "known": known_of(request.principal),
        "elsewhere": known_elsewhere(request.principal),
        "requests": [row for row in requests_of(person.id) if request.principal.stands_before(row.institution_id)],
    }
    return render(request, "privacy/me.html", context)


@requires("profile:view")
@require_POST
def other_sessions(request: SignedInRequest) -> HttpResponse:
    count = close_others(request.principal, request.session.session_key or "")
    words = ngettext("%(count)d other session closed.", "%(count)d other sessions closed.", count)
    messages.success(request, words % {"count": count})
    return redirect("privacy:me")


@requires("profile:view")
@require_POST
def copy(request: SignedInRequest) -> HttpResponseBase:
    """A POST: that it was made is recorded."""
    return zip_response(request, export_own(request.principal), _("my-data"))


@requires("profile:erase")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erasure(request: SignedInRequest) -> HttpResponse:
    barred = barred_in(request.principal.person_id)
    known = [one for one in known_of(request.principal) if one.institution.id not in barred]
    form = OwnErasureForm(request.POST if request.method == "POST" else None, shares=any(one.has_courses for one in known))
    if request.method == "POST" and form.is_valid():
        erase_own(request.principal, with_shared=form.cleaned_data.get("with_shared", False))
        logout(request)
        return redirect("privacy:erased")
    context = {"form": form, "known": known, "elsewhere": known_elsewhere(request.principal)}
    return render(request, "privacy/erasure.html", context, status=422 if form.errors else 200)


@public
@never_cache
@require_safe
def erased(request: HttpRequest) -> HttpResponse:
    return render(request, "privacy/erased.html")
