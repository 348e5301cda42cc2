"""Why an act was refused, and what is wrong in a workbook: what happened, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from parvis.offers.answer import GridError
from parvis.offers.dossier.content import VendorNamed


def impossible_sentence(code: str, params: Mapping[str, Any]) -> str:
    """The sentence for a code of `refusals.Impossible`, or of a passphrase refused by `sealing`."""
    return _SENTENCES[code](params)


def vendor_named_sentence(refusal: VendorNamed) -> str:
    places = "; ".join(f"{place}\u00a0: «\u00a0{words}\u00a0»" for _vendor, place, words in namings(refusal))
    return _("A vendor is named in what everybody is to read. Nothing was published. Change the words first: %(places)s") % {
        "places": places[:800]
    }


def namings(refusal: VendorNamed) -> list[tuple[str, str, str]]:
    """Which vendor, where, and the words that name it."""
    return [(one.vendor, _place(one.place), one.words) for one in refusal.namings]


def grid_error_sentence(error: GridError) -> str:
    params = {**error.params, "column": error.column}
    return _GRID.get(error.code, _UNKNOWN_ERROR) % params


def workbook_sentence(code: str, params: Mapping[str, str]) -> str:
    """For a code of `workbooks.Refused`: the file as a whole. The draft is as it was."""
    return _WORKBOOKS.get(code, _UNREADABLE) % {**params} + " " + _("Your draft is as it was.")


def instant_words(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y, H:i")


def _place(place: str) -> str:
    names = {
        "request-title": _("title of the request"),
        "request-description": _("introduction for vendors"),
        "title": _("title"),
        "description": _("description"),
        "scope": _("scope"),
        "out_of_scope": _("out of scope"),
        "question": _("question"),
        "answer": _("answer"),
        "reason": _("reason"),
    }
    if place.startswith("excerpt-"):
        return _("excerpt %(number)s") % {"number": place.removeprefix("excerpt-")}
    return names.get(place, place)


def _wrong_passphrase(params: Mapping[str, Any]) -> str:
    left = params["left"]
    words = ngettext("%(count)d try is left before a pause.", "%(count)d tries are left before a pause.", left) % {
        "count": left
    }
    return _("This is not the passphrase: nothing was opened.") + " " + words


def _too_many_tries(params: Mapping[str, Any]) -> str:
    words = ngettext(
        "Too many wrong passphrases: try again in %(count)d minute.",
        "Too many wrong passphrases: try again in %(count)d minutes.",
        params["minutes"],
    )
    return words % {"count": params["minutes"]}


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "already_answered": lambda _params: _("This question is published with its answer: it changes no more."),
    "already_sent": lambda params: (
        _("Revision %(revision)d holds this draft word for word: it is received, and nothing more was sent.") % params
    ),
    "already_published": lambda _params: _("The request is published: vendors received it as it is, and it changes no more."),
    "changed_meanwhile": lambda _params: _("Somebody changed a key meanwhile: nothing was published. Publish again."),
    "dates_past": lambda _params: _("The dates must be in the future, by the clock of this server."),
    "dates_reversed": lambda _params: _("Questions end before answers do. Check the two dates."),
    "date_missing": lambda params: (
        _("Nothing was sent. A specific development (DEV) has a date, and none is written for: %(requirements)s.") % params
    ),
    "draft_exists": lambda _params: _("Your organisation has a draft already. Open it with its passphrase."),
    "given": lambda _params: _("Your share is given already: the others are awaited."),
    "holders_missing": lambda params: _("Key holders who have not chosen a passphrase yet: %(names)s.") % params,
    "holders_not_members": lambda _params: _("Key holders belong to institutions of the alliance."),
    "holders_of_one_institution": lambda _params: _("Two key holders belong to the same institution. Keep one of them."),
    "holders_unfit": lambda params: (
        _("%(needed)d needed out of %(holders)d: choose at least two holders, and need two of them at least.") % params
    ),
    "late": lambda params: (
        _("The deadline was %(deadline)s by the clock of this server: the answer is refused. Your draft is kept.")
        % {"deadline": instant_words(params["deadline"])}
    ),
    "need_not_published": lambda _params: _(
        "The need is not open to the market: it has no published version yet, or it was closed or merged."
    ),
    "newer_version": lambda _params: _("The need has a newer version. Open the preparation and save it to take that one."),
    "no_product": lambda _params: _("Name the product in “The company and its offer”, then send again. Nothing was sent."),
    "no_requirement": lambda _params: _("This version has no requirement: vendors would have nothing to answer."),
    "number_taken": lambda _params: _(
        "Another request was prepared at the same instant. Nothing of yours is lost: it is below; save it again."
    ),
    "not_later": lambda params: (
        _("The deadline is %(deadline)s: it can only become later.") % {"deadline": instant_words(params["deadline"])}
    ),
    "not_running": lambda _params: _("Answers are not received now: only the deadline of a published request is postponed."),
    "not_opened": lambda _params: _("The answers are not opened yet."),
    "not_published": lambda _params: _("This request is not published."),
    "nothing_answered": lambda _params: _("No requirement has an answer yet: there is nothing to send."),
    "opened": lambda _params: _("The answers are opened already."),
    "passphrase_too_weak": lambda params: (
        _("Too easy to guess. Take %(least)d characters at least, not the same few over and over.") % params
    ),
    "questions_closed": lambda params: (
        _("Questions ended on %(until)s. Yours was not kept: copy it if you need it.")
        % {"until": instant_words(params["until"])}
    ),
    "too_early": lambda params: (
        _("Nothing opens before %(deadline)s, by the clock of this server.") % {"deadline": instant_words(params["deadline"])}
    ),
    "too_many_tries": _too_many_tries,
    "wrong_passphrase": _wrong_passphrase,
}
_GRID = {
    "altered_code": gettext_lazy("The number of %(requirement)s was changed to “%(found)s”."),
    "altered_level": gettext_lazy("The level of %(requirement)s was changed: “%(found)s” instead of “%(expected)s”."),
    "altered_text": gettext_lazy("The words of %(requirement)s were changed. Asked: “%(expected)s”. Found: “%(found)s”."),
    "altered_verification": gettext_lazy("How %(requirement)s is verified was changed. Asked: “%(expected)s”."),
    "altered_institutions": gettext_lazy("The institutions of %(requirement)s were changed. Asked: “%(expected)s”."),
    "deleted_row": gettext_lazy("The row of %(requirement)s is missing. Without it, the draft keeps what it had."),
    "deleted_sheet": gettext_lazy("The sheet “%(sheet)s” is missing. Without it, the draft keeps what it had."),
    "deleted_question": gettext_lazy("The question “%(column)s” is missing: the whole sheet was left aside."),
    "duplicated_row": gettext_lazy("%(requirement)s is answered twice; row %(row)s is kept. Remove the other."),
    "unknown_row": gettext_lazy("“%(found)s” is no requirement of this request. Remove the row."),
    "illegal_code": gettext_lazy("“%(found)s” is not a code. Write %(allowed)s, or leave it empty."),
    "missing_code": gettext_lazy("%(requirement)s has a proof or a comment without a code. Choose one."),
    "missing_date": gettext_lazy("%(requirement)s is a specific development without its date. Write when it is available."),
    "formula": gettext_lazy("“%(column)s” holds a formula (%(found)s), which is not computed here. Paste its value."),
    "bad_date": gettext_lazy("“%(found)s” in “%(column)s” is not a date. Write it as 31/12/2026."),
    "too_long": gettext_lazy("“%(column)s” has %(length)s characters; it may have %(limit)s. Shorten it."),
    "bad_price": gettext_lazy("“%(found)s” in “%(column)s” is not a price. Write a number, such as 1234,50."),
    "too_precise": gettext_lazy("“%(found)s” has more than nine decimals."),
    "bad_quantity": gettext_lazy("“%(found)s” in “%(column)s” is not a whole number."),
    "missing": gettext_lazy("“%(column)s” is missing."),
    "dates_reversed": gettext_lazy("The last day is before the first one."),
    "repeated_price": gettext_lazy("The same price as row %(row)s, on the same days. Keep one of the two."),
    "illegal_choice": gettext_lazy("“%(found)s” in “%(column)s” is not a choice. Write one of: %(allowed)s."),
    "missing_attestation": gettext_lazy("“%(column)s” is missing: an attestation has a date and a reference."),
}
_UNKNOWN_ERROR = gettext_lazy("Something is wrong in “%(column)s”.")
_WORKBOOKS = {
    "not_a_grid": gettext_lazy("This is not the workbook of this page, or its sheets were changed. Download it again."),
    "other_request": gettext_lazy("This workbook answers another request (%(found)s). This one is %(expected)s."),
    "other_version": gettext_lazy(
        "This workbook answers version %(found)s of the need. This request asks about version %(expected)s."
    ),
    "altered_mark": gettext_lazy(
        "The hidden mark of this workbook was changed: it no longer says that it answers version %(expected)s. Download it "
        "again, then copy your answers into it."
    ),
    "encrypted": gettext_lazy("The file is protected by a password. Save a copy without the password, then send that copy."),
    "old_format": gettext_lazy("The XLS format of before 2007 is not read. Save the workbook as XLSX, then send it."),
    "too_large": gettext_lazy("The file is too large for an answer."),
    "decompression_bomb": gettext_lazy("Once unpacked the file would be too large for an answer."),
}
_UNREADABLE = gettext_lazy("The file is damaged, or it is not an XLSX workbook.")
