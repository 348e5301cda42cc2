"""Signing in and out, and choosing in which profile to act."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from parvis.access.doors import public, requires
from parvis.access.http import SignedInRequest
from parvis.access.middleware import PROFILE_KEY
from parvis.access.sign_in import person_of
from parvis.audit.models import record
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Nature, Profile


@public
@never_cache
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    institutions = []
    if settings.DEMO:
        personas = Profile.objects.filter(person__source=Source.DEMO).select_related("person", "institution")
        by_institution: dict[Institution, list[Profile]] = {}
        for profile in personas:
            by_institution.setdefault(profile.institution, []).append(profile)
        institutions = list(by_institution.items())
    context = {
        "institutions": institutions,
        "members": Institution.objects.filter(nature=Nature.MEMBER),
        "next": _safe_next(request),
        "refused": "refused" in request.GET,
    }
    return render(request, "access/sign_in.html", context)


@public
@require_POST
def sign_in_as(request: HttpRequest, profile_id: int) -> HttpResponse:
    """A persona card of the demonstration. Outside demonstration mode this address does not exist."""
    profile = Profile.objects.filter(id=profile_id, person__source=Source.DEMO, person__is_active=True).first()
    if not settings.DEMO or profile is None:
        raise Http404
    _open_session(request, profile.person, profile)
    return HttpResponseRedirect(_safe_next(request))


@public
@never_cache
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Asks before it signs in: a mail scanner that opens the address must not use it up."""
    person = person_of(token)
    if person is None:
        return redirect(reverse("access:sign_in") + "?refused")
    if request.method != "POST":
        return render(request, "access/sign_in_link.html", {"person": person, "token": token})
    _open_session(request, person, person.profiles.first())
    return redirect("/")


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("access:sign_in")


@requires("profile:switch")
@require_POST
def switch_profile(request: SignedInRequest) -> HttpResponse:
    given = request.POST.get("profile", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    chosen = Profile.objects.filter(id=number, person_id=request.principal.person_id).first()
    if chosen is None:
        raise Http404
    request.session[PROFILE_KEY] = chosen.id
    return redirect("/")


def _open_session(request: HttpRequest, person: Person, profile: Profile | None) -> None:
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    if profile:
        request.session[PROFILE_KEY] = profile.id
    record(
        institution_id=profile.institution_id if profile else None,
        actor=f"person:{person.id}",
        action="session.open",
        subject=f"person:{person.id}",
        source=person.source,
    )


def _safe_next(request: HttpRequest) -> str:
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or "/"
    allowed = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return target if allowed else "/"
