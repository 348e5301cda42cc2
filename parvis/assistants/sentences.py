"""What an answer has to say about itself: what happened, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from parvis.inference import sentences as model_sentences


@dataclass(frozen=True, slots=True)
class Sentence:
    level: str  # "info", "warning" or "error"
    title: str
    text: str


def notice_sentence(code: str, params: Mapping[str, Any], *, kept: bool = True) -> Sentence:
    """The codes of `answering.Notice`, those of a turn that ended badly, and those of a model that failed. `kept`: a part of
    the answer is there to be read."""
    if code == "cancelled" and not kept:
        return Sentence("info", "", _("You stopped this answer."))
    known = _sentences(params).get(code)
    if known:
        return known
    if kept:
        advice = _("What was received is kept. Try again, or take the documents’ own words.")
    else:
        advice = _("Try again, or take the documents’ own words.")
    return Sentence("error", _("The answer could not be finished"), f"{model_sentences.sentence(code, params)} {advice}")


def _sentences(params: Mapping[str, Any]) -> dict[str, Sentence]:
    return {
        "server_stopped": Sentence(
            "warning",
            _("The answer was interrupted"),
            _("The server stopped while it was being written. What was received is kept. Ask again to have it whole."),
        ),
        "cancelled": Sentence("info", "", _("You stopped this answer. What was written is kept.")),
        "internal": Sentence(
            "error",
            _("The answer could not be finished"),
            _("An error on our side stopped it; it is recorded in the server’s log. Try again."),
        ),
        "no_documents": Sentence(
            "info", "", _("This assistant has no document that you may read now. Ask its teacher to share one.")
        ),
        "model_disabled": Sentence(
            "info", "", _("The model of this assistant is no longer available: the documents are quoted instead.")
        ),
        "secret_unreadable": Sentence(
            "info", "", _("The model of this assistant cannot be reached as configured: the documents are quoted instead.")
        ),
        "nothing_verified": Sentence(
            "info",
            "",
            _("The model wrote an answer, but none of its sentences could be found in the documents. It is not shown."),
        ),
        "protected_withheld": Sentence(
            "info", "", _("A sentence was left out: it repeated a document that your teacher keeps protected.")
        ),
        "empty_answer": Sentence("error", _("The model answered nothing"), _("Try again, or take the documents’ own words.")),
        "length_limit": Sentence(
            "warning",
            "",
            _("The model reached its length limit: the answer stops here. Ask a narrower question for the rest."),
        ),
        "filtered": Sentence("warning", "", _("The model’s provider stopped the answer with its own content filter.")),
    }
