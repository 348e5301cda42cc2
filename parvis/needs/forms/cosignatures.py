"""What an institution fills in when it co-signs."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.needs.actions.cosignatures import Word
from parvis.needs.models import Engagement
from parvis.web.amounts import AmountField

MOST_PEOPLE = 10_000_000
MOST_EUROS = 1_000_000_000


class CoSignatureForm(forms.Form):
    engagement = forms.ChoiceField(
        label=_("Level"), choices=Engagement.choices, initial=Engagement.COSIGNATORY, widget=forms.RadioSelect
    )
    students = forms.IntegerField(label=_("Students concerned"), min_value=0, max_value=MOST_PEOPLE, required=False)
    users = forms.IntegerField(label=_("Users expected"), min_value=0, max_value=MOST_PEOPLE, required=False)
    envelope_euros = AmountField(
        label=_("Envelope, in euros before tax"),
        help_text=_("An order of magnitude: it binds nobody."),
        min_value=0,
        max_value=MOST_EUROS,
        required=False,
        whole=True,
    )
    horizon_date = forms.DateField(
        label=_("Wanted by"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    comment = forms.CharField(label=_("Comment"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def word(self) -> Word:
        """Of a valid form."""
        return Word(**self.cleaned_data)
