"""What is shared, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.needs.envelope import Candidate
from parvis.needs.equal_shares import Completion
from parvis.web.amounts import AmountField

MOST_EUROS = 1_000_000_000
WEIGHTS = {"equal": _("the same for each"), "students": _("by its students concerned")}
COMPLETIONS = {
    Completion.NONE.name: _("stays with those who have it"),
    Completion.MOST_APPROVED.name: _("buys the most approved needs, with the help of the others"),
}


class EnvelopeForm(forms.Form):
    euros = AmountField(label=_("Shared envelope, in euros before tax"), min_value=1, max_value=MOST_EUROS, whole=True)
    weight = forms.ChoiceField(
        label=_("Each institution’s share"),
        choices=list(WEIGHTS.items()),
        initial="equal",
        widget=forms.RadioSelect,
    )
    completion = forms.ChoiceField(
        label=_("What its co-signatories cannot pay"),
        choices=list(COMPLETIONS.items()),
        initial=Completion.NONE.name,
        widget=forms.RadioSelect,
    )

    def __init__(self, needs: Sequence[Candidate], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs = needs
        for need in needs:
            self.fields[f"cost_{need.id}"] = AmountField(
                label=f"{need.code} {need.title}", min_value=0, max_value=MOST_EUROS, required=False, whole=True
            )

    def costs(self) -> dict[int, int]:
        """Of a valid form, in euros; needs left empty or at 0 are not there."""
        typed = {need.id: self.cleaned_data[f"cost_{need.id}"] for need in self.needs}
        return {need: cost for need, cost in typed.items() if cost}
