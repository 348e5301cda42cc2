"""Signing in and out, and choosing in which profile to act."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from parvis.access.agenda import agenda
from parvis.access.calendars import calendar
from parvis.access.doors import public, requires
from parvis.access.http import SignedInRequest
from parvis.access.middleware import PROFILE_KEY, is_admitted, principal_of
from parvis.access.principal import REPRESENTING
from parvis.access.sign_in import ELSEWHERE_KEY, GoneError, open_session, person_of, safe_next
from parvis.identity.models import Source
from parvis.institutions import actions
from parvis.institutions.models import Institution, Mailing, Nature, Profile
from parvis.institutions.notices import sentence
from parvis.isolation.scope import everywhere

NOTICES_A_PAGE = 40


@public
@everywhere("sign-in")
@never_cache
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    choice = import_string(settings.SIGN_IN_CHOICE)()
    target = safe_next(request)
    if choice and target != "/":
        choice += "?" + urlencode({REDIRECT_FIELD_NAME: target})
    if choice and not settings.DEMO and "refused" not in request.GET:
        return redirect(choice)
    context = {
        "choice": choice,
        "doors": _demonstration_doors() if settings.DEMO else [],
        "members": Institution.objects.filter(nature=Nature.MEMBER),
        "next": target,
        "refused": "refused" in request.GET,
    }
    return render(request, "access/sign_in.html", context)


@public
@everywhere("sign-in")
@require_POST
def sign_in_as(request: HttpRequest, profile_id: int) -> HttpResponse:
    """A persona card of the demonstration. Outside demonstration mode this address does not exist."""
    profile = Profile.objects.filter(id=profile_id, person__source=Source.DEMO, person__is_active=True, ended_at=None).first()
    if not settings.DEMO or profile is None:
        raise Http404
    try:
        open_session(request, profile.person, profile)
    except GoneError:
        raise Http404 from None
    return HttpResponseRedirect(safe_next(request))


@public
@everywhere("sign-in")
@never_cache
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Asks before it signs in: a mail scanner that opens the address must not use it up."""
    person = person_of(token)
    if person is None:
        return redirect(reverse("access:sign_in") + "?refused")
    if request.method != "POST":
        return render(request, "access/sign_in_link.html", {"person": person, "token": token})
    try:
        open_session(request, person, person.profiles.filter(ended_at=None).first())
    except GoneError:
        return redirect(reverse("access:sign_in") + "?refused")
    return redirect("/")


@public
@everywhere("sign-in")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    elsewhere = request.session.get(ELSEWHERE_KEY)
    logout(request)
    if elsewhere is None:
        return redirect("access:sign_in")
    request.session[ELSEWHERE_KEY] = elsewhere
    return redirect("access:signed_out")


@public
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """The session of the institution's account is still open, which the next person at a shared computer would find. A link,
    not a redirect: the page's policy lets no form lead outside."""
    name, address = request.session.get(ELSEWHERE_KEY) or ("", "")
    return render(request, "access/signed_out.html", {"name": name, "address": address})


@requires("profile:switch")
@require_POST
def switch_profile(request: SignedInRequest) -> HttpResponse:
    given = request.POST.get("profile", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    chosen = Profile.objects.filter(id=number, person_id=request.principal.person_id, ended_at=None).first()
    if chosen is None:
        raise Http404
    if not request.principal.stands_before(chosen.institution_id):
        return _sign_in_there(request, chosen.institution)
    request.session[PROFILE_KEY] = chosen.id
    return redirect("/")


@everywhere("sign-in")
def _sign_in_there(request: HttpRequest, institution: Institution) -> HttpResponse:
    """An institution's sign-in opens its own profiles: who administers it answers for nobody elsewhere."""
    messages.info(request, _("This profile opens when you sign in at %(name)s.") % {"name": institution.name})
    choice = import_string(settings.SIGN_IN_CHOICE)() or reverse("access:sign_in")
    return redirect(f"{choice}?{urlencode({'q': institution.name})}")


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
    """Who asks courses, who works on common needs, and, folded, the same two roles of every other member. Those without an
    address are there to be counted, and have no door."""
    rows = Profile.objects.filter(person__source=Source.DEMO).exclude(person__email="")
    rows = rows.select_related("person", "institution").order_by("id")
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


@requires("notice:view")
@require_safe
def notices(request: SignedInRequest) -> HttpResponse:
    rows = request.profile.notices.all()
    page = Paginator(rows, NOTICES_A_PAGE).get_page(request.GET.get("page"))
    profile = request.profile
    context = {
        "notices": [(row, sentence(row)) for row in page],
        "page": page,
        "unread": profile.unread_notices,
        "mailings": [(value, label, value == profile.notices_by_mail) for value, label in Mailing.choices],
        "email": profile.person.email,
        "mails": settings.MAILS,
        "calendar": request.build_absolute_uri(reverse("access:calendar", args=[profile.calendar_key]))
        if profile.calendar_key
        else "",
    }
    return render(request, "access/notices.html", context)


@requires("notice:view")
@require_POST
def notice(request: SignedInRequest, notice_id: int) -> HttpResponse:
    """Opens what a notice is about: it is read from then on."""
    row = request.profile.notices.filter(id=notice_id).first()
    if row is None:
        raise Http404
    actions.mark_read(request.profile.id, row.id, now=timezone.now())
    return HttpResponseRedirect(row.address)


@requires("notice:view")
@require_POST
def notices_read(request: SignedInRequest) -> HttpResponse:
    actions.mark_read(request.profile.id, None, now=timezone.now())
    return redirect("access:notices")


@requires("notice:view")
@require_POST
def mailing(request: SignedInRequest) -> HttpResponse:
    chosen = request.POST.get("mailing", "")
    if chosen not in Mailing.values:
        raise Http404
    actions.choose_mailing(request.profile, chosen)
    messages.success(request, _("Saved."))
    return redirect("access:notices")


@requires("notice:view")
@require_POST
def calendar_key(request: SignedInRequest) -> HttpResponse:
    """A new secret address, which revokes the one before; or none any more."""
    actions.set_calendar_key(request.profile, "" if "revoke" in request.POST else secrets.token_urlsafe(32))
    return redirect(reverse("access:notices") + "#calendar-title")


@public
@everywhere("calendar")
@never_cache
@require_safe
def calendar_file(request: HttpRequest, key: str) -> HttpResponse:
    """Who knows the address reads the dates, as calendar programs do: it opens nothing else."""
    profile = Profile.objects.filter(calendar_key=key, ended_at=None).exclude(calendar_key="").first()
    if profile is None or not is_admitted(profile.person):
        raise Http404
    with override(settings.LANGUAGE_CODE):
        dated = [one for one in agenda(principal_of(profile)) if one.due]
        name = f"Parvis · {profile.institution.short_name}"
        content = calendar(name, dated, site=request.build_absolute_uri("/").rstrip("/"), now=timezone.now())
    return HttpResponse(content, content_type="text/calendar; charset=utf-8")
