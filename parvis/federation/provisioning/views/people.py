"""The people of an institution and its groups, for its administrator."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.access.sign_in import make_token
from parvis.federation.models import DirectoryEntry, DirectoryGroup, SignInSource
from parvis.federation.provisioning import people_sheet
from parvis.federation.provisioning.actions import groups as group_actions
from parvis.federation.provisioning.actions import people as actions
from parvis.federation.provisioning.forms import GroupForm, PersonForm, RoleForm, role_choices
from parvis.federation.provisioning.models import Origin
from parvis.federation.provisioning.presentation import Shown, Wanted, found_ids, shown
from parvis.federation.provisioning.sentences import unfit_sentence
from parvis.federation.provisioning.suspension import suspend_or_restore
from parvis.federation.provisioning.unfit import Unfit
from parvis.identity.models import Person
from parvis.institutions.models import Group, Profile

PEOPLE_A_PAGE = 50
OFFERED = 20  # people to add to a group
EXPORTED_AT_ONCE = 500
_LINK = "people_link"  # in the session: [name, link] of who was just added, shown once


@requires("person:view")
@require_GET
def people(request: SignedInRequest) -> HttpResponse:
    wanted = _wanted(request)
    page = Paginator(found_ids(request.principal, wanted), PEOPLE_A_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in request.GET.dict().items() if name != "page" and value}
    institution = request.profile.institution
    context = {
        "people": shown(request.principal, list(page.object_list)),
        "page": page,
        "count": page.paginator.count,
        "wanted": wanted,
        "is_narrowed": wanted != Wanted(),
        "kept_query": urlencode(kept) + "&" if kept else "",
        "roles": role_choices(institution),
        "groups": Group.objects.filter(institution=institution),
        "origins": _origins(request),
    }
    return render(request, "provisioning/people.html", context)


@requires("person:view")
@require_GET
def export(request: SignedInRequest) -> HttpResponse:
    """All of them, in the columns that an import reads."""
    ids = found_ids(request.principal, _wanted(request))
    rows: list[tuple[str, str, str, str, str, str]] = []
    for start in range(0, len(ids), EXPORTED_AT_ONCE):
        for one in shown(request.principal, ids[start : start + EXPORTED_AT_ONCE]):
            rows += _exported(one)
    record_export(request.principal, f"institution:{request.principal.institution_id}", what="people", kind="csv")
    return _download(people_sheet.exported(rows), "personnes.csv")


@requires("person:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SignedInRequest) -> HttpResponse:
    form = PersonForm(request.profile.institution, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            profile = actions.add_person(request.principal, **form.cleaned_data)
        except Unfit as error:
            form.add_error("identifier", unfit_sentence(error))
        else:
            link = request.build_absolute_uri(reverse("access:sign_in_link", args=[make_token(profile.person)]))
            request.session[_LINK] = [profile.person_id, link]
            return redirect("provisioning:person", profile.person_id)
    return render(
        request, "provisioning/person_form.html", {"form": form, "section": "people"}, status=422 if form.is_bound else 200
    )


@requires("person:view")
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: SignedInRequest, person_id: int) -> HttpResponse:
    """POST gives a role."""
    one = _shown(request, person_id)
    form = RoleForm(request.profile.institution, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.give_profile(request.principal, one.person, form.cleaned_data["role"], detail=form.cleaned_data["detail"])
        except Unfit as error:
            form.add_error(None, unfit_sentence(error))
        else:
            return redirect("provisioning:person", person_id)
    link = request.session.pop(_LINK, None) if request.method == "GET" else None
    context = {
        "shown": one,
        "form": form,
        "link": link[1] if link and link[0] == person_id else "",
        "is_self": person_id == request.principal.person_id,
        "own_profile": request.principal.profile_id,
        "section": "people",
    }
    return render(request, "provisioning/person.html", context, status=422 if form.is_bound else 200)


@requires("person:edit")
@require_POST
def profile_state(request: SignedInRequest, person_id: int, profile_id: int) -> HttpResponse:
    """`state`: "ended" or "open"."""
    one = _shown(request, person_id)
    profile = next((profile for profile in one.profiles if profile.id == profile_id), None)
    if profile is None:
        raise Http404
    try:
        if request.POST.get("state") == "ended":
            actions.end_profile(request.principal, profile, now=timezone.now())
        else:
            actions.give_profile(request.principal, one.person, profile.role, detail=profile.detail)
    except Unfit as error:
        messages.error(request, unfit_sentence(error))
    return redirect("provisioning:person", person_id)


@requires("person:edit")
@require_POST
def suspension(request: SignedInRequest, person_id: int) -> HttpResponse:
    suspend_or_restore(request, _shown(request, person_id).person)
    return redirect("provisioning:person", person_id)


@requires("person:view")
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: SignedInRequest) -> HttpResponse:
    """POST makes one."""
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = group_actions.create_group(request.principal, form.cleaned_data["name"])
        except Unfit as error:
            form.add_error("name", unfit_sentence(error))
        else:
            return redirect("provisioning:group", made.id)
    rows = Group.objects.filter(institution=request.principal.institution_id)
    kept = DirectoryGroup.objects.visible_to(request.principal)
    context = {
        "page": Paginator(_counted(rows), PEOPLE_A_PAGE).get_page(request.GET.get("page")),
        "of_scim": set(kept.values_list("group_id", flat=True)),
        "form": form,
    }
    return render(request, "provisioning/groups.html", context, status=422 if form.is_bound else 200)


@requires("person:view")
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: SignedInRequest, group_id: int) -> HttpResponse:
    """POST renames it."""
    row = _group(request, group_id)
    form = GroupForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        try:
            group_actions.rename_group(request.principal, row, form.cleaned_data["name"])
        except Unfit as error:
            form.add_error("name", unfit_sentence(error))
        else:
            return redirect("provisioning:group", group_id)
    query = request.GET.get("q", "").strip()[:100]
    inside = row.profiles.select_related("person").order_by("person__display_name", "id")
    held = set(inside.values_list("id", flat=True)) if query else set()
    found = shown(request.principal, found_ids(request.principal, Wanted(query=query))[:OFFERED]) if query else []
    context = {
        "group": row,
        "form": form,
        "page": Paginator(inside, PEOPLE_A_PAGE).get_page(request.GET.get("page")),
        "is_of_scim": group_actions.is_kept_by_scim(row),
        "is_ruled": group_actions.is_named_by_rules(row),
        "query": query,
        "offered": [profile for one in found for profile in one.at_work if profile.id not in held],
    }
    return render(request, "provisioning/group.html", context, status=422 if form.is_bound else 200)


@requires("person:edit")
@require_POST
def membership(request: SignedInRequest, group_id: int) -> HttpResponse:
    """`add` or `remove`: a profile's number."""
    row = _group(request, group_id)
    if (added := request.POST.get("add", "")).isdecimal():
        group_actions.add_to_group(request.principal, row, [_profile(request, int(added), ended_at=None)])
    elif (removed := request.POST.get("remove", "")).isdecimal():
        group_actions.remove_from_group(request.principal, row, _profile(request, int(removed)))
    else:
        raise Http404
    return redirect("provisioning:group", row.id)


@requires("person:edit")
@require_POST
def group_deletion(request: SignedInRequest, group_id: int) -> HttpResponse:
    row = _group(request, group_id)
    try:
        group_actions.delete_group(request.principal, row)
    except Unfit as error:
        messages.error(request, unfit_sentence(error))
        return redirect("provisioning:group", group_id)
    messages.info(request, _("“%(name)s” is deleted; its people stay.") % {"name": row.name})
    return redirect("provisioning:groups")


def _wanted(request: HttpRequest) -> Wanted:
    given = {name: value.replace("\0", "").strip() for name, value in request.GET.dict().items()}
    group_id = given.get("group", "")
    return Wanted(
        query=given.get("q", "")[:100],
        role=given.get("role", ""),
        group_id=int(group_id) if group_id.isdecimal() and len(group_id) < 18 else 0,
        origin=given.get("origin", "")[:120],
        state=given.get("state", ""),
    )


def _origins(request: SignedInRequest) -> list[tuple[str, str]]:
    sources = SignInSource.objects.visible_to(request.principal).values_list("id", "name")
    entries = DirectoryEntry.objects.visible_to(request.principal).order_by("origin", "list_name")
    kinds = entries.values_list("origin", "list_name").distinct()
    return [
        *((f"source:{one}", name) for one, name in sources),
        *((f"{kind}:{name}", _("SCIM") if kind == Origin.SCIM else name) for kind, name in kinds),
        ("here", _("here")),
    ]


def _exported(one: Shown) -> list[tuple[str, str, str, str, str, str]]:
    identifiers = [entry.user_name for entry in one.entries] + [account.key for account in one.accounts]
    identifier = identifiers[0] if identifiers else one.person.key.rpartition(":")[2] if not one.others_profiles else ""
    groups = people_sheet.BETWEEN.join(group.name for group in one.groups.values())
    origin = ", ".join(one.origins)
    name = one.person.display_name
    return [
        (identifier, name, people_sheet.role_word(profile.role), profile.detail, groups, origin) for profile in one.at_work
    ]


def _shown(request: SignedInRequest, person_id: int) -> Shown:
    found: Person | None = actions.people_of(request.principal).filter(id=person_id).first()
    if found is None:
        raise Http404
    return shown(request.principal, [found.id])[0]


def _group(request: SignedInRequest, group_id: int) -> Group:
    found = Group.objects.filter(institution=request.principal.institution_id, id=group_id).first()
    if found is None:
        raise Http404
    return found


def _profile(request: SignedInRequest, profile_id: int, **state: Any) -> Profile:
    rows = Profile.objects.filter(institution=request.principal.institution_id, id=profile_id, **state)
    found = rows.select_related("person").first() if profile_id < 2**62 else None
    if found is None:
        raise Http404
    return found


def _counted(rows: Any) -> Any:
    return rows.annotate(people=Count("profiles__person", distinct=True, filter=Q(profiles__ended_at=None))).order_by("name")


def _download(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
