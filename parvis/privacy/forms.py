"""What people write about personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from parvis.privacy.actions.retention import Kept
from parvis.privacy.models import Processing
from parvis.privacy.register import FIELDS

SHORTEST_REASON = 10

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Processing]  # not subscriptable when it runs
else:
    _ModelForm = forms.ModelForm


class OwnErasureForm(forms.Form):
    """`shares`: there are courses that others use."""

    with_shared = forms.BooleanField(
        label=_("Also erase the courses I share"),
        required=False,
        help_text=_("Those who use them lose them. Without it they stay, without my name."),
    )
    understood = forms.BooleanField(
        label=_("I have read what goes and what stays: this cannot be undone"),
        error_messages={"required": _("Tick this box: nothing brings erased data back.")},
    )

    def __init__(self, *args: Any, shares: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not shares:
            del self.fields["with_shared"]


class ReasonForm(forms.Form):
    """For something done in a person's name: they read why."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=SHORTEST_REASON,
        max_length=300,
        help_text=_("How the request came, and its date. The person reads it in their profile."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ErasureForm(ReasonForm):
    """The reason stays, for there may be nobody left to read it: it names nobody."""

    understood = forms.BooleanField(
        label=_("The person asked for it, and knows what goes and what stays"),
        error_messages={"required": _("Tick this box: nothing brings erased data back.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _(
            "How the request came, and its date, without the person’s name: it is kept as a proof."
        )


class RetentionForm(forms.Form):
    """One number of days for each class of data."""

    def __init__(self, kept: Sequence[Kept], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in kept:
            clock = one.clock
            limits = gettext("Between %(shortest)d and %(longest)d.") % {"shortest": clock.shortest, "longest": clock.longest}
            proposed = ngettext("Parvis proposes %d day.", "Parvis proposes %d days.", clock.days) % clock.days
            self.fields[clock.code] = forms.IntegerField(
                label=gettext("%(data)s: days %(since)s") % {"data": clock.label, "since": clock.since},
                min_value=clock.shortest,
                max_value=clock.longest,
                initial=one.days,
                help_text=f"{proposed} {limits} {clock.basis}",
            )

    @property
    def days(self) -> Mapping[str, int]:
        return {name: self.cleaned_data[name] for name in self.fields}


class ProcessingForm(_ModelForm):
    class Meta:
        model = Processing
        fields = FIELDS
        widgets = {
            "people": forms.Textarea(attrs={"rows": 2}),
            "retention": forms.Textarea(attrs={"rows": 3}),
            "purpose": forms.Textarea(attrs={"rows": 4}),
            "data": forms.Textarea(attrs={"rows": 4}),
            "recipients": forms.Textarea(attrs={"rows": 3}),
            "processors": forms.Textarea(attrs={"rows": 4}),
            "measures": forms.Textarea(attrs={"rows": 4}),
        }
