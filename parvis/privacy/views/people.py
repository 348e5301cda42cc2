"""Requests that people make to their institution: a copy of their data, their erasure."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.identity.models import Person, Source
from parvis.institutions.models import Profile
from parvis.privacy.actions.holdings import Holding, holdings, subject_in
from parvis.privacy.actions.people import erase_for, export_for
from parvis.privacy.forms import ErasureForm, ReasonForm
from parvis.privacy.models import RightRequest
from parvis.privacy.presentation import zip_response

SHOWN = 30


@requires("register:view")
@never_cache
@require_GET
def people(request: SignedInRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:100]
    here = Profile.objects.filter(institution=request.principal.institution_id).exclude(person__source=Source.ERASED)
    found = here.filter(person__display_name__icontains=query).order_by("person__display_name", "person_id", "id")
    rows: dict[Person, list[Profile]] = {}
    for profile in found.select_related("person")[: 4 * SHOWN] if query else ():
        rows.setdefault(profile.person, []).append(profile)
    done = RightRequest.objects.visible_to(request.principal).select_related("person", "answered_by__person")
    context = {"query": query, "people": list(rows.items())[:SHOWN], "requests": done[:SHOWN]}
    return render(request, "privacy/people.html", context)


@requires("register:view")
@never_cache
@require_GET
def person(request: SignedInRequest, person_id: int) -> HttpResponse:
    return _page(request, _person(request, person_id), ReasonForm(prefix="copy"), ErasureForm(prefix="erasure"))


@requires("register:edit")
@require_http_methods(["POST"])
def copy(request: SignedInRequest, person_id: int) -> HttpResponseBase:
    found = _person(request, person_id)
    form = ReasonForm(request.POST, prefix="copy")
    if not form.is_valid():
        return _page(request, found, form, ErasureForm(prefix="erasure"), status=422)
    content = export_for(request.principal, found, reason=form.cleaned_data["reason"])
    if content is None:
        raise Http404
    return zip_response(request, content, _("person-%(number)d") % {"number": found.id})


@requires("register:edit")
@require_http_methods(["POST"])
def erasure(request: SignedInRequest, person_id: int) -> HttpResponse:
    found = _person(request, person_id)
    form = ErasureForm(request.POST, prefix="erasure")
    if not form.is_valid():
        return _page(request, found, ReasonForm(prefix="copy"), form, status=422)
    erase_for(request.principal, found, reason=form.cleaned_data["reason"])
    messages.success(request, _("This person is erased from your institution."))
    return redirect("privacy:people")


def _person(request: SignedInRequest, person_id: int) -> Person:
    """One that the institution knows; anybody else does not exist."""
    found = Person.objects.filter(id=person_id).exclude(source=Source.ERASED).first()
    if found is None or subject_in(found.id, request.principal.institution_id) is None:
        raise Http404
    return found


def _page(
    request: SignedInRequest, found: Person, copy_form: ReasonForm, erasure_form: ErasureForm, *, status: int = 200
) -> HttpResponse:
    subject = subject_in(found.id, request.principal.institution_id)
    every: list[Holding] = holdings(subject) if subject else []
    context = {
        "person": found,
        "is_self": found.id == request.principal.person_id,
        "profiles": found.profiles.filter(institution=request.principal.institution_id),
        "going": [one for one in every if not one.why],
        "staying": [one for one in every if one.why],
        "is_last": subject is not None and subject.is_last,
        "copy_form": copy_form,
        "erasure_form": erasure_form,
    }
    return render(request, "privacy/person.html", context, status=status)
