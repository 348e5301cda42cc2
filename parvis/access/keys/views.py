"""One's own keys, and those of the institution."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.access.keys import actions
from parvis.access.keys.forms import AppForm, KeyForm
from parvis.access.keys.models import ApiKey, KeyState, Scope
from parvis.institutions.models import DataClass, Profile, Role

PER_PAGE = 50

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("key:view")
@never_cache
@editing
def own(request: SignedInRequest) -> HttpResponse:
    """Posting makes a key, and the answer is the only page that ever shows it."""
    return _keys_of(request, request.profile, "access/keys/own.html")


@requires("key:edit")
@require_POST
def revocation(request: SignedInRequest, key_id: int) -> HttpResponse:
    key = get_or_404(request.principal, "key:edit", ApiKey, id=key_id)
    actions.revoke_key(key, actor=request.principal.actor)
    messages.info(request, _("“%(name)s” opens nothing any more.") % {"name": key.name})
    if "institution" in request.POST and request.principal.may("key:oversee"):
        return redirect("keys:institution")
    return redirect("keys:app", key.profile_id) if key.profile.role == Role.APP else redirect("keys:own")


@requires("key:oversee")
@require_GET
def institution(request: SignedInRequest) -> HttpResponse:
    keys = ApiKey.objects.visible_to(request.principal).select_related("profile__person")
    page = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    context = {
        "apps": _apps(request).order_by("person__display_name"),
        "keys": [(key, key.state_at(now)) for key in page],
        "page": page,
        "active_count": keys.active(now).count(),
        "now": now,
    }
    return render(request, "access/keys/institution.html", context)


@requires("key:oversee")
@editing
def app_new(request: SignedInRequest) -> HttpResponse:
    form = AppForm(request.POST or None, institution_id=request.principal.institution_id)
    if request.method == "POST" and form.is_valid():
        app = actions.create_app(request.principal.institution_id, actor=request.principal.actor, **form.cleaned_data)
        return redirect("keys:app", app.id)
    return render(request, "access/keys/app_form.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("key:oversee")
@editing
def app_edit(request: SignedInRequest, profile_id: int) -> HttpResponse:
    app = _app(request, profile_id)
    initial = {"name": app.person.display_name, "detail": app.detail, "groups": app.groups.all()}
    form = AppForm(request.POST or None, institution_id=request.principal.institution_id, initial=initial)
    if request.method == "POST" and form.is_valid():
        actions.edit_app(app, actor=request.principal.actor, **form.cleaned_data)
        return redirect("keys:app", app.id)
    context = {"form": form, "app": app}
    return render(request, "access/keys/app_form.html", context, status=422 if form.is_bound else 200)


@requires("key:oversee")
@never_cache
@editing
def app(request: SignedInRequest, profile_id: int) -> HttpResponse:
    """An application and its keys."""
    return _keys_of(request, _app(request, profile_id), "access/keys/app.html")


@requires("key:oversee")
@require_POST
def app_removal(request: SignedInRequest, profile_id: int) -> HttpResponse:
    app = _app(request, profile_id)
    actions.remove_app(app, actor=request.principal.actor)
    messages.info(request, _("“%(name)s” is removed, and its keys open nothing any more.") % {"name": app.person})
    return redirect("keys:institution")


def _keys_of(request: SignedInRequest, holder: Profile, template: str) -> HttpResponse:
    overseen = request.principal.may("key:oversee")
    least = DataClass.PUBLIC if overseen else DataClass(holder.institution.data_class)
    form = KeyForm(request.POST or None, least=least)
    made, token = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            by, actor = request.profile, request.principal.actor
            made, token = actions.create_key(holder, by=by, actor=actor, **form.cleaned_data)
        except actions.KeyRefusedError as refused:
            names = " ; ".join(str(Scope(scope).label) for scope in refused.scopes)
            form.add_error(None, _("The rules of your institution do not allow such a key, or not for so long: %s.") % names)
        except actions.SameNameError:
            form.add_error("name", _("An active key has this name already: revoke it first, or name this one otherwise."))
        except actions.TooManyKeysError:
            form.add_error(None, _("There are %d active keys already: revoke one first.") % actions.MOST_KEYS)
        else:
            form = KeyForm(least=least)
    now = timezone.now()
    keys = [(key, key.state_at(now)) for key in ApiKey.objects.visible_to(request.principal).filter(profile=holder)]
    context = {
        "form": form,
        "holder": holder,
        "active": [key for key, state in keys if state == KeyState.ACTIVE],
        "ended": [(key, state) for key, state in keys if state != KeyState.ACTIVE],
        "made": made,
        "token": token,
    }
    return render(request, template, context, status=422 if form.errors else 200)


def _app(request: SignedInRequest, profile_id: int) -> Profile:
    found = _apps(request).filter(id=profile_id).first()
    if found is None:
        raise Http404
    return found


def _apps(request: SignedInRequest) -> QuerySet[Profile]:
    rows = Profile.objects.filter(institution=request.principal.institution_id, role=Role.APP, ended_at=None)
    return rows.select_related("person").prefetch_related("groups")
