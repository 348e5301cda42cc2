"""Why an act on a choice, an agreement, an opinion or a threshold was refused: what it is, what was kept, what to do."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.offers.refusals import Impossible


def choice_sentence(refusal: Impossible) -> str:
    return _SENTENCES[refusal.code] % refusal.params


def only_signatory() -> str:
    return _("Only the signatory of your institution decides in its name. A referent prepares the decision.")


def only_represented() -> str:
    return _("Only the referent and the signatory of an institution choose in its name.")


_SENTENCES = {
    "agreement_active": gettext_lazy("This agreement is in force: what was signed stays as it was signed. End it first."),
    "agreement_not_running": gettext_lazy("This agreement is not in force: there is nothing to end."),
    "agreement_over": gettext_lazy("Its last day is past. Correct the dates before it comes into force."),
    "agreement_runs": gettext_lazy("An agreement rests on this choice. End the agreement first, then change the choice."),
    "choice_decided": gettext_lazy(
        "Your institution has decided already: only its signatory changes the decision. Nothing was changed."
    ),
    "choose_an_offer": gettext_lazy("One tries or chooses an offer: decide on one of them."),
    "decline_with_a_reason": gettext_lazy("Say why: a need or an offer is declined with a reason."),
    "need_not_published": gettext_lazy("This need is not published: there is nothing to choose yet."),
    "no_attestation": gettext_lazy(
        "No dated attestation says that data is never used for training. Ask the vendor for it, write its reference and its "
        "date, then put the agreement in force."
    ),
    "no_evidence": gettext_lazy("Say what confirms it: who said so, or which log, and when."),
    "moved_where": gettext_lazy("Say to which other tool its use moved, and since when."),
    "not_an_offer_for_it": gettext_lazy("This offer answers another need."),
    "not_chosen": gettext_lazy("An agreement rests on an offer that the signatory has chosen. This one is not, or no longer."),
    "not_used": gettext_lazy("An opinion is about what one uses: your institution neither tries nor has chosen this offer."),
    "notice_after_end": gettext_lazy("The last day to give notice is after the end. Correct the dates first."),
    "of_the_need_only": gettext_lazy("Not being concerned is said of the need as a whole."),
    "offer_in_use": gettext_lazy(
        "Your institution tries or has chosen an offer for this need: change that decision first. Nothing was changed."
    ),
    "reference_withdrawn": gettext_lazy("This opinion was withdrawn: it is neither changed nor replied to."),
    "reference_known": gettext_lazy("The contract “%(reference)s” is in your portfolio already."),
    "tool_of_agreement": gettext_lazy("This line follows an agreement in force: it changes with the agreement."),
    "threshold_exists": gettext_lazy("A row of this kind begins on or after that day already. Choose a later day."),
    "zone_farther": gettext_lazy(
        "The data would be hosted farther than the offer says. Correct the zone, or have the vendor answer again."
    ),
}
