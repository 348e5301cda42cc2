"""Signing in and out, and choosing in which profile to act."""

from __future__ import annotations

from dataclasses import dataclass

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
from parvis.access.principal import REPRESENTING
from parvis.access.sign_in import person_of
from parvis.audit.models import record
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Nature, Profile


@public
@never_cache
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    context = {
        "doors": _demonstration_doors() if settings.DEMO else [],
        "members": Institution.objects.filter(nature=Nature.MEMBER),
        "next": _safe_next(request),
        "refused": "refused" in request.GET,
    }
    return render(request, "access/sign_in.html", context)


@public
@require_POST
def sign_in_as(request: HttpRequest, profile_id: int) -> HttpResponse:
    """A persona card of the demonstration. Outside demonstration mode this address does not exist."""
    profile = Profile.objects.filter(id=profile_id, person__source=Source.DEMO, person__is_active=True, ended_at=None).first()
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
    _open_session(request, person, person.profiles.filter(ended_at=None).first())
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
    chosen = Profile.objects.filter(id=number, person_id=request.principal.person_id, ended_at=None).first()
    if chosen is None:
        raise Http404
    request.session[PROFILE_KEY] = chosen.id
    return redirect("/")


@dataclass(frozen=True)
class Room:
    """The personas of one organisation."""

    institution: Institution
    profiles: list[Profile]


@dataclass(frozen=True)
class DoorGroup:
    code: str
    rooms: list[Room]
    is_folded: bool = False


def _demonstration_doors() -> list[DoorGroup]:
    """Who asks courses, who works on common needs, and, folded, the same two roles of every other member."""
    rows = Profile.objects.filter(person__source=Source.DEMO).select_related("person", "institution").order_by("id")
    by_institution: dict[Institution, list[Profile]] = {}
    for profile in rows:
        by_institution.setdefault(profile.institution, []).append(profile)
    groups: dict[str, list[Room]] = {"courses": [], "needs": [], "alliance": [], "vendors": [], "others": []}
    for institution, profiles in by_institution.items():
        representing = [one for one in profiles if one.role in REPRESENTING]
        campus = [one for one in profiles if one.role not in REPRESENTING]
        if institution.nature == Nature.VENDOR:
            groups["vendors"].append(Room(institution, profiles))
        elif institution.nature != Nature.MEMBER:
            groups["alliance"].append(Room(institution, profiles))
        elif not campus:
            groups["others"].append(Room(institution, profiles))
        else:
            groups["courses"].append(Room(institution, campus))
            if representing:
                groups["needs"].append(Room(institution, representing))
    return [DoorGroup(code, rooms, code == "others") for code, rooms in groups.items() if rooms]


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
