"""How an institution's directory writes here: its tokens, and how what it says is read."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.federation.models import DirectoryEntry, DirectoryGroup, ScimSetup, ScimToken
from parvis.federation.provisioning.actions import directory, tokens
from parvis.federation.provisioning.forms import SetupForm, TokenForm
from parvis.federation.provisioning.models import Origin


@requires("provisioning:view")
@require_GET
def connection(request: SignedInRequest) -> HttpResponse:
    return _page(request, TokenForm(), _setup_form(request))


@requires("provisioning:edit")
@never_cache
@require_POST
def add_token(request: SignedInRequest) -> HttpResponse:
    """Shows the token in the answer itself, so that it is stored nowhere, not even in the session. Sending the form again
    is refused."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, _setup_form(request), status=422)
    try:
        token, written = tokens.create_token(request.principal, form.cleaned_data["name"], now=timezone.now())
    except IntegrityError:
        form.add_error("name", _("A token of this name opens already: revoke it first, or name this one otherwise."))
        return _page(request, form, _setup_form(request), status=422)
    return render(request, "provisioning/token.html", {"token": token, "written": written, "address": _address(request)})


@requires("provisioning:edit")
@require_POST
def revoke_token(request: SignedInRequest, token_id: int) -> HttpResponse:
    token = get_or_404(request.principal, "provisioning:edit", ScimToken, id=token_id)
    tokens.revoke_token(request.principal, token, now=timezone.now())
    messages.info(request, _("“%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect("provisioning:connection")


@requires("provisioning:edit")
@require_http_methods(["POST"])
def setup(request: SignedInRequest) -> HttpResponse:
    form = _setup_form(request, is_sent=True)
    if not form.is_valid():
        return _page(request, TokenForm(), form, status=422)
    directory.change_setup(request.principal, form.value, now=timezone.now())
    messages.info(request, _("Saved. Everybody whom SCIM brought was read anew."))
    return redirect("provisioning:connection")


def _page(request: SignedInRequest, token_form: TokenForm, setup_form: SetupForm, *, status: int = 200) -> HttpResponse:
    entries = DirectoryEntry.objects.visible_to(request.principal).filter(origin=Origin.SCIM)
    context = {
        "tokens": ScimToken.objects.visible_to(request.principal),
        "token_form": token_form,
        "setup_form": setup_form,
        "address": _address(request),
        "users": entries.count(),
        "groups": DirectoryGroup.objects.visible_to(request.principal).count(),
    }
    return render(request, "provisioning/connection.html", context, status=status)


def _setup_form(request: SignedInRequest, *, is_sent: bool = False) -> SetupForm:
    found = ScimSetup.objects.visible_to(request.principal).select_related("source").first()
    institution = request.profile.institution
    setup = found or ScimSetup(institution=institution)
    return SetupForm(request.principal, institution, setup, request.POST if is_sent else None)


def _address(request: SignedInRequest) -> str:
    return request.build_absolute_uri(reverse("provisioning:scim")).rstrip("/")
