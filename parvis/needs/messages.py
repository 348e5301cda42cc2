"""Why an act on harmonised needs was refused: what it is, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def impossible_sentence(code: str, params: Mapping[str, Any]) -> str:
    """The sentence for a code of `actions.harmonised.Impossible`."""
    return _SENTENCES[code](params)


def _not_voted(params: Mapping[str, Any]) -> str:
    favour = ngettext("%(count)d institution in favour", "%(count)d institutions in favour", params["favour"])
    against = ngettext("%(count)d against", "%(count)d against", params["against"])
    return _("The vote does not carry it yet: %(favour)s, %(against)s. The working group votes first.") % {
        "favour": favour % {"count": params["favour"]},
        "against": against % {"count": params["against"]},
    }


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "already_stable": lambda _params: _("This version is stabilised: its words change no more. Start the next one."),
    "not_of_the_group": lambda params: (
        _("Only members of the working group “%(group)s” vote on its needs. Ask the coordination to join it.") % params
    ),
    "no_draft": lambda _params: _("There is no draft to stabilise: the version in force is the latest."),
    "not_voted": _not_voted,
    "no_such_excerpt": lambda _params: _("This excerpt is not in the text. Choose at least one sentence of it."),
    "not_published": lambda _params: _("Its institution has not published this need: it cannot be attached yet."),
    "already_attached": lambda params: _("This excerpt is already attached to %(need)s, or waits to be.") % params,
    "already_decided": lambda _params: _("Somebody decided on it meanwhile: nothing was changed. Here is how it stands now."),
    "same_need": lambda _params: _("A need is not merged into itself. Choose another one."),
    "nothing_to_split": lambda _params: _("Choose at least one accepted attachment for the new need."),
    "already_undone": lambda _params: _("This was undone already."),
    "later_operation": lambda _params: _("A later merge or split rests on this one: undo that one first."),
    "merged": lambda params: _("%(need)s was merged or taken back: it is read, and changes no more.") % params,
    "not_at_this_stage": lambda params: _("Not at this stage of its life: the need is %(state)s.") % params,
    "already_signed": lambda _params: _("It is signed: the signatory signs another word, or withdraws this one."),
    "not_open_to_cosignature": lambda _params: _("This need is not open to co-signature yet."),
    "nothing_signed": lambda _params: _("Your institution has signed nothing here."),
    "workshop_closed": lambda _params: _("This workshop is closed: its minutes change no more. Open another one."),
    "nothing_chosen": lambda _params: _("Choose at least one need first."),
    "another_institution": lambda _params: _("Only the institution that wrote this need decides on its attachment."),
}
