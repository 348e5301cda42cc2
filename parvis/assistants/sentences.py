"""What an answer has to say about itself: what happened, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from parvis.assistants.courtesies import GREETING, THANKS
from parvis.assistants.models import STOPPED_BY_ADMINISTRATION
from parvis.inference import sentences as model_sentences
from parvis.inference.sentences import over_budget
from parvis.ledger.budgets import presentation as budgets
from parvis.ledger.budgets.descent import Step

# Faults that trying again does not mend, and that the person who asks cannot mend either.
CONFIGURED_WRONG = frozenset({"refused_key", "unknown_model", "refused", "garbage"})


class Kept(Enum):
    """What there is to be read of an answer that was not finished."""

    ANSWER = "answer"
    DRAFT = "draft"  # what a model wrote, and nothing proves
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Sentence:
    level: str  # "info", "warning" or "error"
    title: str
    text: str


def notice_sentence(code: str, params: Mapping[str, Any], *, kept: Kept = Kept.ANSWER) -> Sentence:
    """The codes of `answering.Notice`, those of a turn that ended badly, and those of a model that failed."""
    known = _sentences(params, kept).get(code)
    if known:
        return known
    if code in CONFIGURED_WRONG:
        advice = _("The documents’ own words remain. If this lasts, tell the teacher of this course.")
        return Sentence("error", _("The answer could not be finished"), f"{model_sentences.sentence(code, params)} {advice}")
    advice = {
        Kept.ANSWER: _("What was received is kept. Try again, or take the documents’ own words."),
        Kept.DRAFT: _("Nothing that was received could be proved. Try again, or take the documents’ own words."),
        Kept.NOTHING: _("Try again, or take the documents’ own words."),
    }[kept]
    return Sentence("error", _("The answer could not be finished"), f"{model_sentences.sentence(code, params)} {advice}")


def problem_words(code: str, value: str = "") -> str:
    """Why a sentence is not verified, in a few words: the codes of `answering.Problem`."""
    words = {
        "quotation_not_found": _("quotation not found in the documents"),
        "fact_not_in_passage": _("“%(value)s” is not in the passage cited"),
        "fact_not_in_quotation": _("“%(value)s” is not in the quotation"),
        "negation": _("the quotation does not say so: one of the two denies"),
        "unrelated": _("the quotation speaks of something else"),
        "protected": _("it relies on a protected document"),
    }
    return words.get(code, _("unsourced")) % {"value": value}


def _quoted_instead() -> str:
    return _("The documents are quoted instead, which costs nothing.")


def _unattested() -> str:
    return _("Nothing is sent to this model: its provider has no attestation in force. The documents are quoted instead.")


def _sentences(params: Mapping[str, Any], kept: Kept) -> dict[str, Sentence]:
    return {
        "server_stopped": Sentence("warning", _("The answer was interrupted"), _server_stopped(kept)),
        "cancelled": Sentence("info", "", _cancelled(kept)),
        STOPPED_BY_ADMINISTRATION: Sentence("warning", "", _stopped(kept)),
        "internal": Sentence(
            "error",
            _("The answer could not be finished"),
            _("An error on our side stopped it; it is recorded in the server’s log. Try again."),
        ),
        "no_documents": Sentence(
            "info", "", _("This assistant has no document that you may read now. Ask its teacher to share one.")
        ),
        "model_refused": Sentence(
            "info",
            "",
            _("The rules of your institution do not let you use this model here. The answer quotes the documents instead."),
        ),
        "class_refused": Sentence(
            "info",
            "",
            _("Your institution does not let such data go where this model computes: the documents are quoted instead."),
        ),
        "all_out": Sentence(
            "info",
            "",
            _("No model that may read such data answers for now, and nothing was sent elsewhere: the documents are quoted."),
        ),
        "not_attested": Sentence("info", "", _unattested()),
        "attestation_over": Sentence("info", "", _unattested()),
        "model_disabled": Sentence(
            "info", "", _("The model of this assistant is no longer available: the documents are quoted instead.")
        ),
        "secret_unreadable": Sentence(
            "info", "", _("The model of this assistant cannot be reached as configured: the documents are quoted instead.")
        ),
        "pseudonyms_unavailable": Sentence(
            "info",
            "",
            _(
                _("Your institution asks for pseudonyms and they cannot be given now: the documents are quoted instead."),
            ),
        ),
        "budget_smaller": Sentence("info", "", budgets.descent(Step.SMALLER)),
        "budget_queue": Sentence("info", "", budgets.descent(Step.QUEUE)),
        "budget_extractive": Sentence("info", "", f"{over_budget(params)} {_quoted_instead()}"),
        "budget_stop": Sentence("warning", _("No answer was written"), over_budget(params)),
        "nothing_verified": Sentence(
            "info",
            "",
            _("The model wrote an answer, but none of its sentences could be found in the documents. It is not shown."),
        ),
        "protected_withheld": Sentence(
            "info", "", _("A sentence was left out: it repeated a document that your teacher keeps protected.")
        ),
        GREETING: Sentence(
            "info",
            "",
            _("Hello. Ask a question about the documents of this assistant: the answer quotes them, with the place of each."),
        ),
        THANKS: Sentence("info", "", _("You are welcome. Ask another question whenever you like.")),
        "empty_answer": Sentence("error", _("The model answered nothing"), _("Try again, or take the documents’ own words.")),
        "length_limit": Sentence(
            "warning",
            "",
            _("The model reached its length limit: the answer stops here. Ask a narrower question for the rest."),
        ),
        "filtered": Sentence("warning", "", _("The model’s provider stopped the answer with its own content filter.")),
    }


def _server_stopped(kept: Kept) -> str:
    if kept is Kept.ANSWER:
        return _("The server stopped while it was being written. What was received is kept. Ask again to have it whole.")
    if kept is Kept.DRAFT:
        return _("The server stopped before anything that was received could be proved. Ask again.")
    return _("The server stopped before anything was written. Ask again.")


def _stopped(kept: Kept) -> str:
    if kept is Kept.ANSWER:
        return _("An administrator of your institution stopped this answer. What was written is kept.")
    return _("An administrator of your institution stopped this answer. Nothing of it can be shown.")


def _cancelled(kept: Kept) -> str:
    if kept is Kept.ANSWER:
        return _("You stopped this answer. What was written is kept.")
    if kept is Kept.DRAFT:
        return _("You stopped this answer before anything that was received could be proved.")
    return _("You stopped this answer before a sentence of it was written.")
