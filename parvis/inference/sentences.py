"""How a model failed, for people: what happened and what to do. The codes are those of `completion.UpstreamError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import localize
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from msgspec.structs import replace

from parvis.inference import refusals
from parvis.inference.models import Calibration
from parvis.inference.routing import Refusal
from parvis.ledger.budgets import presentation as budgets
from parvis.ledger.budgets.messages import Code, Measure, Refused
from parvis.retrieval.dense import FEWEST_QUESTIONS


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """A code from a later version still gets a true sentence."""
    return _SENTENCES.get(code, _unknown)(params)


def refused(refusal: Refusal) -> str:
    """Why nothing was sent, in the reader's language."""
    return refusals.sentence(refusal, get_language() or "fr")


def mending(code: str) -> str:
    """What an administrator can do about it; "" where there is nothing to configure."""
    return {
        "forbidden_address": _("Check its address, and who answers for that name."),
        "unreachable": _("Check its address, and that it runs."),
        "refused_key": _("Type the key again."),
        "unknown_model": _("Check the name of the model."),
        "garbage": _("Check that its address is the one of a compatible interface."),
        "secret_unreadable": _("Type it again."),
    }.get(code, "")


def worth(calibration: Calibration | None) -> str:
    """What embeddings bring to an institution's own documents, and what is made of them."""
    if calibration is not None and calibration.failure_code:
        meanwhile = _("Meanwhile documents are ranked by their words alone.")
        return f"{sentence(calibration.failure_code, {})} {meanwhile}"
    if calibration is None or calibration.measured_at is None:
        return _("Not measured on your documents yet: they are ranked by their words alone.")
    count, weight = calibration.questions, calibration.weight
    if count < FEWEST_QUESTIONS:
        said = ngettext(
            "Your documents give %(count)s question to measure it on and %(needed)s are needed: it does not count.",
            "Your documents give %(count)s questions to measure it on and %(needed)s are needed: it does not count.",
            count,
        )
    elif weight:
        said = _(
            "Measured on %(count)s questions made from your documents: it improves the ranking, with a weight of %(weight)s."
        )
    else:
        said = _(
            "Measured on %(count)s questions made from your documents: it does not improve the ranking, so it does not count."
        )
    return said % {"count": count, "needed": FEWEST_QUESTIONS, "weight": localize(weight)}


def _unreachable(params: Mapping[str, Any]) -> str:
    return _("The model’s server does not answer at its address.")


def _forbidden_address(params: Mapping[str, Any]) -> str:
    return _("The model’s server is at an address where a machine keeps secrets about itself: nothing was sent.")


def _refused_key(params: Mapping[str, Any]) -> str:
    return _("The model’s provider refused the key.")


def _unknown_model(params: Mapping[str, Any]) -> str:
    return _("The provider does not know a model of this name at this address.")


def _refused(params: Mapping[str, Any]) -> str:
    return _("The model’s provider refused the request.")


def _too_long(params: Mapping[str, Any]) -> str:
    return _("The question and its passages are too long for this model.")


def _rate_limited(params: Mapping[str, Any]) -> str:
    seconds = params.get("retry_after")
    if isinstance(seconds, int | float) and seconds >= 1:
        count = round(seconds)
        return ngettext(
            "The provider receives too many requests. It asks to wait %(count)s second.",
            "The provider receives too many requests. It asks to wait %(count)s seconds.",
            count,
        ) % {"count": count}
    return _("The provider receives too many requests. Wait a little.")


def _overloaded(params: Mapping[str, Any]) -> str:
    return _("The model’s server is overloaded or broken for now.")


def _stalled(params: Mapping[str, Any]) -> str:
    return _("The model stopped sending words and was no longer waited for.")


def _cut(params: Mapping[str, Any]) -> str:
    return _("The connection to the model was cut before the end of its answer.")


def _garbage(params: Mapping[str, Any]) -> str:
    return _("What the model’s server sent could not be read.")


def _too_large(params: Mapping[str, Any]) -> str:
    return _("The model sent more than an answer can hold and was stopped.")


def _disabled(params: Mapping[str, Any]) -> str:
    return _("The model of this assistant is no longer available.")


def _unreadable_secret(params: Mapping[str, Any]) -> str:
    return _("The recorded key can no longer be read, because the installation’s own key has changed.")


def _empty(params: Mapping[str, Any]) -> str:
    return _("The model answered nothing.")


def _changed(params: Mapping[str, Any]) -> str:
    return _("The model’s numbers are not comparable with those it gave before; it is measured again.")


def _pseudonyms_unavailable(params: Mapping[str, Any]) -> str:
    return _("Pseudonyms are asked for here and cannot be given now, so nothing was sent to the model.")


def _pseudonyms_unreadable(params: Mapping[str, Any]) -> str:
    return _(
        "Pseudonyms are asked for here, and an image, a sound or a file cannot be given any: nothing was sent to the model."
    )


def _pseudonyms_too_long(params: Mapping[str, Any]) -> str:
    return _("The text is too long to be given pseudonyms, so nothing was sent to the model.")


def _unknown(params: Mapping[str, Any]) -> str:
    return _("The model did not answer as it should.")


def over_budget(params: Mapping[str, Any]) -> str:
    """Which budget refused, and what is done instead: `params` are those of `paying.over_budget`, or none."""
    try:
        refused = Refused(Code(params["why"]), 0, params["left"], params["resets_at"], Measure(params["measure"]))
        refused = replace(refused, **{name: str(params.get(name, "")) for name in ("kind", "name", "period")})
    except (KeyError, ValueError):
        return _("A budget does not allow it: nothing was sent to a model.")
    return budgets.refusal(refused)


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "unreachable": _unreachable,
    "forbidden_address": _forbidden_address,
    "refused_key": _refused_key,
    "unknown_model": _unknown_model,
    "refused": _refused,
    "too_long": _too_long,
    "rate_limited": _rate_limited,
    "overloaded": _overloaded,
    "stalled": _stalled,
    "cut": _cut,
    "garbage": _garbage,
    "too_large": _too_large,
    "model_disabled": _disabled,
    "secret_unreadable": _unreadable_secret,
    "empty": _empty,
    "changed": _changed,
    "pseudonyms_unavailable": _pseudonyms_unavailable,
    "pseudonyms_unreadable": _pseudonyms_unreadable,
    "pseudonyms_too_long": _pseudonyms_too_long,
    "budget_stop": over_budget,
    "budget_extractive": over_budget,
}
