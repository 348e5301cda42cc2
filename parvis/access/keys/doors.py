"""Addresses that are opened by a key, and by nothing else: a session does not open them, a key opens no page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from parvis.access.http import SignedInRequest
from parvis.access.keys import tokens
from parvis.access.keys.actions import principal_of_token
from parvis.access.pace import actions as pace
from parvis.isolation.scope import everywhere, within

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

View = TypeVar("View", bound=Callable[..., Any])


def keyed(action: str) -> Callable[[View], View]:
    """A view for programs that come with a key whose scopes allow `action`. No cookie opens it: no forged form reaches it."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if any(tokens.looks_like_one(value) for _name, values in request.GET.lists() for value in values):
                return problem("key_in_address")
            with everywhere("identification"):
                found = principal_of_token(_bearer(request), timezone.now())
            if found is None:
                return problem("unauthorized")
            keyed_request = cast(SignedInRequest, request)
            keyed_request.principal, keyed_request.profile = found
            if not keyed_request.principal.may(action):
                return problem("insufficient_scope")
            try:
                with within(keyed_request.principal.institution_id):
                    pace.take(keyed_request.principal)
                    return cast(HttpResponseBase, view(request, *args, **kwargs))
            except Http404:
                return problem("not_found")
            except pace.TooFastError as error:
                return problem("too_fast", headers={"Retry-After": str(error.seconds)})

        guarded.requires = action  # type: ignore[attr-defined]
        guarded.by_key = True  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def problem(code: str, message: StrOrPromise = "", headers: Mapping[str, str] | None = None) -> JsonResponse:
    """A refusal that a program reads by its code, and a person by its sentence."""
    status, sentence = {
        "unauthorized": (401, _("A valid key is needed: Authorization: Bearer parvis_…")),
        "insufficient_scope": (403, _("This key does not open this: ask for one with another scope.")),
        "not_found": (404, _("There is nothing here for this key.")),
        "key_in_address": (
            400,
            _("A key never goes in an address, which journals keep. Revoke this one, and send the next in a header."),
        ),
        "too_fast": (429, _("That is too many requests: wait as long as Retry-After says, in seconds.")),
        "bad_request": (400, message),
        "refused": (403, message),
        "busy": (409, message),
    }[code]
    error = {"code": code, "message": str(sentence)}
    response = JsonResponse({"error": error}, status=status, json_dumps_params={"ensure_ascii": False}, headers=headers)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="parvis"'
    return response


def _bearer(request: HttpRequest) -> str:
    """What the header holds; "" for any other way of saying who one is."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
