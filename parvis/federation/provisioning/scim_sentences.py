"""What a SCIM client is told, in the language it asks for. What the library says is for the wire only: its codes are kept, its
words are replaced."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy
from pydantic import ValidationError
from scim2_models import Error, SCIMException


class Said(str):
    """Words of ours, already in the language of the client."""

    __slots__ = ()


def said(code: str, **params: str | int) -> Said:
    return Said(str(_OWN[code]) % params)


def detail(error: SCIMException) -> str:
    given = error.detail
    return given if isinstance(given, Said) else str(_TYPES.get(error.scim_type or str(error.status), _OTHER))


def invalid(error: ValidationError) -> tuple[int, str, str]:
    """(status, scimType, sentence) of the first thing that a payload has wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    found = Error.from_validation_error(first)
    kind = found.scim_type or "invalidValue"
    sentence = str(_TYPES.get(kind, _OTHER))
    place = _place(first["loc"])
    return found.status or 400, kind, f"{sentence} ({place})" if place else sentence


def _place(loc: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in loc if "[" not in str(part) and "(" not in str(part))[:120]


_OTHER = gettext_lazy("Parvis does not understand this request.")
_TYPES = {
    "invalidFilter": gettext_lazy("This filter cannot be read, or compares what cannot be compared."),
    "invalidPath": gettext_lazy("This path names no attribute."),
    "invalidSyntax": gettext_lazy("This is not the JSON of a SCIM request."),
    "invalidValue": gettext_lazy("A value is missing, or is not what its attribute holds."),
    "invalidVers": gettext_lazy("Only SCIM 2.0 is spoken here."),
    "mutability": gettext_lazy("This attribute cannot be changed."),
    "noTarget": gettext_lazy("The path of this operation finds nothing to change."),
    "tooMany": gettext_lazy("This asks for too much at once."),
    "uniqueness": gettext_lazy("Another resource already has this value."),
    "404": gettext_lazy("There is nothing here by that identifier."),
    "412": gettext_lazy("It has changed since you read it: read it again."),
}
_OWN = {
    "absent": gettext_lazy("There is nothing here by that identifier."),
    "bad_key": gettext_lazy("%(attribute)s is too long, or holds signs that no identifier has."),
    "changed": gettext_lazy("It has changed since you read it: read it again."),
    "filter_attribute": gettext_lazy("Users and groups cannot be looked for by %(attribute)s."),
    "group_name": gettext_lazy("A group has a name of at most %(limit)s letters."),
    "group_taken": gettext_lazy("Another group already has this name."),
    "key_of_another": gettext_lazy("This identifier already opens the account of somebody else."),
    "media_type": gettext_lazy("Send application/scim+json."),
    "method": gettext_lazy("This address does not take %(method)s."),
    "not_json": gettext_lazy("This is not the JSON of a SCIM request."),
    "sorting": gettext_lazy("Answers are not sorted here: leave out sortBy."),
    "token": gettext_lazy("This token opens nothing: it is missing, mistyped or revoked."),
    "too_large": gettext_lazy("This request is larger than %(limit)s MB: send it in several."),
    "too_long": gettext_lazy("A text is longer than %(limit)s letters."),
    "too_many_members": gettext_lazy("More than %(limit)s members would come or go at once: send them in several requests."),
    "too_many_operations": gettext_lazy("More than %(limit)s operations at once: send them in several requests."),
    "too_many_values": gettext_lazy("An attribute has more than %(limit)s values."),
    "unknown_member": gettext_lazy("No user here has the identifier %(member)s; a group holds users only."),
    "unknown_schema": gettext_lazy("This is not the schema of this resource."),
    "user_name_missing": gettext_lazy("A user has a userName."),
    "user_name_taken": gettext_lazy("Another user already has this userName."),
}
