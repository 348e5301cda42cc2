"""What is answered instead of an answer: OpenAI's shape, a code for programs, a sentence for people in their language.

A problem never repeats a secret, nor what another institution has. What nobody may use and what does not exist are told alike.
"""

from __future__ import annotations

import gettext as catalogues
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from parvis.inference.refusals import CAPABILITIES, CLASSES

LANGUAGES = ("fr", "en")  # the first unless another is asked for
RETRIED_AFTER = 5  # seconds, where nothing says how long


def _(sentence: str) -> str:
    """Marks what the catalogue translates."""
    return sentence


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    type: str
    sentence: str


# What a client of OpenAI's makes of the type: which exception it raises, whether it tries again.
KINDS = {
    "invalid_api_key": Kind(401, "authentication_error", _("A valid key is needed: Authorization: Bearer parvis_…")),
    "key_revoked": Kind(401, "authentication_error", _("This key was taken back while the answer was being written.")),
    "key_in_address": Kind(
        400,
        "invalid_request_error",
        _("A key never goes in an address, which journals keep. Revoke this one, and send the next in a header."),
    ),
    "insufficient_scope": Kind(
        403, "permission_error", _("This key does not open this: ask for one that may use models through /v1.")
    ),
    "not_http": Kind(400, "invalid_request_error", _("This is not a request that HTTP/1.1 knows.")),
    "head_too_large": Kind(431, "invalid_request_error", _("The headers of the request are too long.")),
    "not_found": Kind(404, "invalid_request_error", _("There is nothing at this address. The API is at /v1.")),
    "method_not_allowed": Kind(405, "invalid_request_error", _("This address is asked with %(allowed)s.")),
    "not_json": Kind(400, "invalid_request_error", _("The body is not a JSON object: %(reason)s.")),
    "wrong_field": Kind(400, "invalid_request_error", _("The field “%(field)s” is missing, or is not what it should be.")),
    "integer_above_max_value": Kind(400, "invalid_request_error", _("“%(field)s” is %(bound)s at most.")),
    "integer_below_min_value": Kind(400, "invalid_request_error", _("“%(field)s” is %(bound)s at least.")),
    "unsupported_field": Kind(400, "invalid_request_error", _("The field “%(field)s” is not supported here.")),
    "remote_content": Kind(
        400,
        "invalid_request_error",
        _("Images and files are sent in the request (data:…): an address would make another machine fetch it."),
    ),
    "compressed": Kind(415, "invalid_request_error", _("The body is sent as it is, without compression.")),
    "too_large": Kind(413, "invalid_request_error", _("The body is larger than %(megabytes)s MB.")),
    "too_slow": Kind(408, "invalid_request_error", _("The body did not come in time.")),
    "model_not_found": Kind(
        404, "invalid_request_error", _("The model “%(model)s” does not exist, or this key may not use it.")
    ),
    "unsupported_capability": Kind(400, "invalid_request_error", _("The model “%(model)s” does not do this: %(capability)s.")),
    "class_refused": Kind(
        403,
        "permission_error",
        _("The rules of your institution do not let data that are %(data_class)s go where this model computes."),
    ),
    "not_attested": Kind(
        403, "permission_error", _("The provider of this model gave no valid commitment not to train on what it is sent.")
    ),
    "pseudonyms_unavailable": Kind(
        503, "server_error", _("Your institution asks for pseudonyms here, and they cannot be given now: nothing was sent.")
    ),
    "pseudonyms_unreadable": Kind(
        400,
        "invalid_request_error",
        _("Your institution asks for pseudonyms here, and images, sounds, files and tokens have none: nothing was sent."),
    ),
    "pseudonyms_too_long": Kind(
        413, "invalid_request_error", _("The text is too long to be given the pseudonyms asked for here: nothing was sent.")
    ),
    "context_length_exceeded": Kind(400, "invalid_request_error", _("The request is longer than this model reads.")),
    "upstream_refused": Kind(400, "invalid_request_error", _("The provider refuses the request: %(said)s")),
    "unknown_at_provider": Kind(502, "server_error", _("The provider does not have the model it is asked for.")),
    "assistant_refused": Kind(403, "permission_error", "%(said)s"),
    "model_withdrawn": Kind(403, "permission_error", _("This model was taken back while the answer was being written.")),
    # Not 409, which clients of OpenAI's ask again by themselves.
    "stopped": Kind(403, "permission_error", _("An administrator stopped this answer.")),
    "rate_limited": Kind(429, "rate_limit_error", _("The provider answers too many requests: try again a little later.")),
    "too_many_requests": Kind(
        429, "rate_limit_error", _("More than %(count)s requests a minute with this key or by its holder: try again later.")
    ),
    "insufficient_quota": Kind(
        429,
        "insufficient_quota",
        _(
            "%(budget)s %(state)s: %(left)s %(unit)s left, less than this request may cost.%(advice)s"
            " It begins again on %(begins)s."
        ),
    ),
    "budget_held": Kind(
        429, "rate_limit_error", _("What is left of the budget is held by requests under way: try again in a moment.")
    ),
    "unknown_price": Kind(
        403, "permission_error", _("A budget counts what is not known of this model, price or carbon: nothing was sent.")
    ),
    "no_budget": Kind(403, "permission_error", _("Nothing says which budget pays for this key: nothing was sent.")),
    "budgets_down": Kind(503, "server_error", _("Budgets cannot be read now: nothing was sent. Try again in a minute.")),
    "busy": Kind(503, "server_error", _("Too much is being asked at once: try again in a moment.")),
    "all_out": Kind(503, "server_error", _("No model that may answer this is available now: try again a little later.")),
    "unreachable": Kind(502, "server_error", _("The provider cannot be reached.")),
    "refused_key": Kind(502, "server_error", _("The provider refuses the key that your institution gave it.")),
    "overloaded": Kind(502, "server_error", _("The provider failed, or is overloaded.")),
    "stalled": Kind(504, "server_error", _("The provider stopped answering.")),
    "cut": Kind(502, "server_error", _("The provider hung up before the end of its answer.")),
    "garbage": Kind(502, "server_error", _("The provider answered something that is not an answer.")),
    "answer_too_large": Kind(502, "server_error", _("The provider answered more than can be received.")),
    "forbidden_address": Kind(502, "server_error", _("The address of this provider is not one that may be asked.")),
    "snapshot_too_old": Kind(
        503, "server_error", _("The console has not been heard of for too long: nothing is served until it is back.")
    ),
    "console_away": Kind(503, "server_error", _("Assistants cannot be reached now: try again a little later.")),
    "internal": Kind(500, "server_error", _("Something failed here. Give the request’s number to who runs Parvis.")),
}


@dataclass(eq=False)  # not frozen: an exception is written on by whoever lets it pass
class Problem(Exception):
    """`code` is a key of KINDS. What is said otherwise in each language is, among `params`, a function of the language and of
    the translation of a sentence into it."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    param: str | None = None  # the field of the request it is about
    retry_after: float | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status_given: int = 0
    why: str = ""  # for the evidence: clients are not told

    @property
    def status(self) -> int:
        return self.status_given or KINDS[self.code].status

    def body(self, language: str) -> bytes:
        kind = KINDS[self.code]
        sentence = _catalogue(language).gettext(kind.sentence)
        error: dict[str, Any] = {
            "message": sentence % _written(self.params, language) if self.params else sentence,
            "type": kind.type,
            "param": self.param,
            "code": self.code,
        }
        return msgspec.json.encode({"error": error})


def _written(params: Mapping[str, object], language: str) -> dict[str, object]:
    """As the language writes it: numbers, and the words that programs have for a class, a capability, a fault of JSON."""
    return {name: _WORDS.get(name, _plain)(one, language) for name, one in params.items()}


def _plain(one: object, language: str) -> object:
    if callable(one):
        return one(language, _catalogue(language).gettext)
    if isinstance(one, Decimal):
        return f"{one:f}".replace(".", ",") if language == "fr" else f"{one:f}"
    if isinstance(one, int):
        return f"{one:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if language == "fr" else f"{one:,}"
    return one


def _class(one: object, language: str) -> object:
    return CLASSES[str(one)][language] if one in CLASSES else one


def _capability(one: object, language: str) -> object:
    return CAPABILITIES[str(one)][language] if one in CAPABILITIES else one


def _fault(one: object, language: str) -> object:
    """Of a body, from what the reader of JSON says of it in English."""
    translate, said = _catalogue(language).gettext, str(one)
    if found := re.search(r"in position (\d+)", said):
        return translate(_("it is not UTF-8 from byte %(place)s on")) % {"place": found[1]}
    if found := re.search(r"\(byte (\d+)\)", said):
        return translate(_("it cannot be read from byte %(place)s on")) % {"place": found[1]}
    if "truncated" in said:
        return translate(_("it stops before its end"))
    if found := re.search(r"Expected `object`, got `(\w+)`", said):
        return translate(_("it begins with something else than {"))
    return translate(_("it cannot be read"))


_WORDS: dict[str, Callable[[object, str], object]] = {"data_class": _class, "capability": _capability, "reason": _fault}


def language_of(accepted: str) -> str:
    """The one preferred among ours, by Accept-Language."""
    best, found = 0.0, LANGUAGES[0]
    for one, quality in _ACCEPTED.findall(accepted.lower()[:500]):
        weight = float(quality or 1)
        if one in LANGUAGES and weight > best:
            best, found = weight, one
    return found


_ACCEPTED = re.compile(r"([a-z]{2})(?:-[a-z0-9]+)*(?:\s*;\s*q=([01](?:\.\d{1,3})?))?\s*(?:,|$)")


@cache
def _catalogue(language: str) -> catalogues.NullTranslations:
    folder = Path(__file__).parent.parent / "locale"
    return catalogues.translation("django", folder, languages=[] if language == "en" else [language], fallback=True)
