"""The alliance: its members, its working groups, who represents each institution."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, requires
from parvis.access.http import SignedInRequest
from parvis.access.sign_in import make_token
from parvis.identity.models import Source
from parvis.institutions.models import Institution, Nature, Profile, Role, WorkingGroup
from parvis.needs.actions import alliance as actions
from parvis.needs.actions.alliance import GIVEN, NameTaken
from parvis.needs.forms.alliance import GroupForm, GroupNameForm, RoleForm


@requires("alliance:view")
@require_GET
def alliance(request: SignedInRequest) -> HttpResponse:
    return _alliance(request, GroupNameForm())


@requires("alliance:view")
@require_POST
def groups(request: SignedInRequest) -> HttpResponse:
    """A new working group."""
    _must_coordinate(request)
    form = GroupNameForm(request.POST)
    if form.is_valid():
        try:
            group = actions.create_group(request.principal, form.cleaned_data["name"].strip())
        except NameTaken:
            form.add_error("name", _("There is already a group of this name."))
        else:
            messages.success(request, _("Created. Choose its members."))
            return redirect("needs:group", group.slug)
    return _alliance(request, form)


@requires("alliance:view")
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: SignedInRequest, slug: str) -> HttpResponse:
    _must_coordinate(request)
    row = WorkingGroup.objects.filter(slug=slug).first()
    if row is None:
        raise Http404
    initial = {"name": row.name, "is_active": row.is_active, "profiles": row.profiles.all()}
    form = GroupForm(row, request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            actions.change_group(request.principal, row, **form.cleaned_data)
        except NameTaken:
            form.add_error("name", _("There is already a group of this name."))
        else:
            messages.success(request, _("Saved."))
            return redirect("needs:alliance")
    context = {"form": form, "title": row.name, "cancel_url": reverse("needs:alliance")}
    return render(request, "needs/alliance_form.html", context, status=422 if form.is_bound else 200)


@requires("alliance:view")
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: SignedInRequest, slug: str) -> HttpResponse:
    """Who represents an institution; giving a role is a POST."""
    institution = _institution(request, slug)
    form = RoleForm(institution, request.POST if request.method == "POST" else None)
    link = ""
    if form.is_valid():
        profile = actions.give_role(request.principal, institution, **form.cleaned_data)
        messages.success(request, _("Given: they may act from their next page on."))
        if form.cleaned_data["person"] is not None or profile.person.source != Source.LOCAL:
            return redirect("needs:people", slug)
        link = request.build_absolute_uri(reverse("access:sign_in_link", args=[make_token(profile.person)]))
        form = RoleForm(institution)
    roles = (*GIVEN, Role.ADMINISTRATOR)
    profiles = Profile.objects.filter(institution=institution, role__in=roles).select_related("person")
    context = {
        "institution": institution,
        "profiles": profiles.order_by("role", "id").filter(ended_at=None),
        "ended": profiles.order_by("-ended_at").exclude(ended_at=None),
        "given": GIVEN,
        "form": form,
        "link": link,
    }
    return render(request, "needs/people.html", context, status=422 if form.is_bound else 200)


@requires("alliance:view")
@require_POST
def role_end(request: SignedInRequest, slug: str, profile_id: int) -> HttpResponse:
    institution = _institution(request, slug)
    profile = Profile.objects.filter(institution=institution, id=profile_id, role__in=GIVEN, ended_at=None).first()
    if profile is None:
        raise Http404
    actions.end_role(request.principal, profile)
    messages.success(request, _("Ended: nobody acts in this role any more. What was signed in it stays signed."))
    return redirect("needs:people", slug)


def _alliance(request: SignedInRequest, form: GroupNameForm) -> HttpResponse:
    principal = request.principal
    at_work = Q(profiles__ended_at=None)
    members = Institution.objects.filter(nature=Nature.MEMBER, left_date=None).annotate(
        referents=Count("profiles", filter=at_work & Q(profiles__role=Role.REFERENT)),
        signatories=Count("profiles", filter=at_work & Q(profiles__role=Role.SIGNATORY)),
    )
    people_of_groups = (
        Profile.objects.filter(ended_at=None).select_related("person", "institution").order_by("institution__name")
    )
    rows = WorkingGroup.objects.prefetch_related(Prefetch("profiles", people_of_groups)).annotate(
        needs_count=Count("needs", filter=Q(needs__merged_into=None, needs__undone_at=None))
    )
    context = {
        "members": members.order_by("name"),
        "groups": rows.order_by("-is_active", "id"),
        "form": form,
        "inside": principal.may("need:view"),
        "may_edit": principal.may("alliance:edit"),
        "own_institution": principal.institution_id if principal.may("people:edit") else 0,
    }
    return render(request, "needs/alliance.html", context, status=422 if form.is_bound else 200)


def _must_coordinate(request: SignedInRequest) -> None:
    if not request.principal.may("alliance:edit"):
        raise Refused(_("Only the coordination changes working groups."))


def _institution(request: SignedInRequest, slug: str) -> Institution:
    """A member whose people this person may name: any for the coordination, one's own for its administrators."""
    found = Institution.objects.filter(slug=slug, nature=Nature.MEMBER).first()
    if found is None:
        raise Http404
    principal = request.principal
    own = principal.institution_id == found.id
    if not principal.may("people:edit") or not (own or principal.may("alliance:edit")):
        raise Refused(_("Only the coordination and the administrators of an institution say who represents it."))
    return found
