"""The doors: the only ways to reach a row that belongs to an institution.

A tenant model declares two attributes:

    unscoped = CorpusQuerySet.as_manager()     every row: for the owning package's actions and jobs only
    objects = Door()                           what a person may reach: visible_to(principal), editable_by(principal)

where the query set defines `visible_to` and, if rows can be changed, `editable_by`. A test reads the code and refuses
`unscoped` outside the owning package.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponseBase

from parvis.access.principal import Principal

Row = TypeVar("Row", bound=models.Model)
View = TypeVar("View", bound=Callable[..., Any])


class Door:
    """Gives a model's query set through `visible_to` and `editable_by`, and nothing else."""

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> _Doors:
        return _Doors(owner)


class _Doors:
    def __init__(self, model: type[models.Model]) -> None:
        self._all = model._default_manager.get_queryset()  # noqa: SLF001 - Django's documented name

    def visible_to(self, principal: Principal) -> Any:
        """The rows this person may read now. `Any`: the query set class is the model's own."""
        return self._all.visible_to(principal)  # type: ignore[attr-defined]

    def listed_to(self, principal: Principal) -> Any:
        """The rows whose existence this person may know of now, for who manages what they may not read."""
        return self._all.listed_to(principal)  # type: ignore[attr-defined]

    def editable_by(self, principal: Principal) -> Any:
        """The rows this person may change now."""
        return self._all.editable_by(principal)  # type: ignore[attr-defined]


def get_or_404(principal: Principal, action: str, model: type[Row], **keys: Any) -> Row:
    """One row, if `principal` may do `action` to it; otherwise Http404, the same as for a row that does not exist.

    `<noun>:view` and `<noun>:use` open what is visible; any other verb what is editable.
    """
    row = find(principal, action, model, **keys)
    if row is None:
        raise Http404
    return row


def find(principal: Principal, action: str, model: type[Row], **keys: Any) -> Row | None:
    """The same, None where there is nothing for them. What the institution's rules refuse, and nothing else, is recorded."""
    doors = cast(Any, model).objects
    reading = action.rpartition(":")[2] in {"view", "use"}
    rows = doors.visible_to(principal) if reading else doors.editable_by(principal)
    row = rows.filter(**keys).first() if principal.may(action) else None
    if row is None and reading and principal.rules_key and principal.may(action):
        from parvis.access.rules.doors import record_refusals  # its tables have doors: they are read after this module

        record_refusals(principal, model, **keys)
    return cast(Row | None, row)


class Refused(PermissionDenied):
    """For a row that the person sees, when what they ask of it is another's to do. The sentence is shown to them."""


def get_or_403(principal: Principal, action: str, model: type[Row], sentence: str, **keys: Any) -> Row:
    """One row the person sees, if they may do `action` to it; Refused with the sentence if not; Http404 for any other row."""
    rows = cast(Any, model).objects
    row = rows.visible_to(principal).filter(**keys).first()
    if row is None:
        raise Http404
    if not principal.may(action) or not rows.editable_by(principal).filter(pk=row.pk).exists():
        raise Refused(sentence)
    return cast(Row, row)


def requires(action: str) -> Callable[[View], View]:
    """A view for people whose role allows `action`. A stranger is sent to sign in; anybody else reads "not found"."""

    def decorate(view: View) -> View:
        def refusal(request: HttpRequest) -> HttpResponseBase | None:
            principal = getattr(request, "principal", None)
            if principal is None:
                return redirect_to_login(request.get_full_path())
            if not principal.may(action) or _is_refused(principal, action):
                raise Http404
            return None

        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                return refusal(request) or await view(request, *args, **kwargs)
        else:

            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                return refusal(request) or view(request, *args, **kwargs)

        guarded.requires = action  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def _is_refused(principal: Principal, action: str) -> bool:
    """By the rules of their institution, which record it."""
    if not principal.rules_key:
        return False
    from parvis.access.rights import refused_right
    from parvis.access.rules.doors import decision, record_refusal  # its tables have doors: they are read after this module

    refused = refused_right(principal, action)
    if refused is not None:
        record_refusal(principal, refused, decision(principal, refused))
    return refused is not None


def public(view: View) -> View:
    """A view for anybody, signed in or not."""
    view.public = True  # type: ignore[attr-defined]
    return view
