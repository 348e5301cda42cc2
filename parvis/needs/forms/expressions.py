"""What people fill in about a need."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Role
from parvis.needs.actions.expressions import Words
from parvis.needs.sheets import SHORTEST_TEXT

FACETS = ("domain", "public", "activity", "data_class")


class NeedForm(forms.Form):
    """Two fields are asked for; the others help the people who will look for the same thing."""

    institution = forms.ModelChoiceField(
        label=_("In the name of"),
        help_text=_("The page of the need says that the coordination wrote it; this institution validates it."),
        queryset=Institution.objects.none(),
        empty_label=_("Choose an institution"),
    )
    title = forms.CharField(
        label=_("The need in a few words"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(
        label=_("What should become possible?"),
        help_text=_("In your own words, as you would tell a colleague. They are kept as you write them."),
        min_length=SHORTEST_TEXT,
        max_length=8_000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    audience = forms.CharField(label=_("For whom?"), max_length=300, required=False)
    frequency = forms.CharField(label=_("How often?"), max_length=200, required=False)
    data_used = forms.CharField(label=_("With which data?"), max_length=400, required=False)
    insufficient_tool = forms.CharField(
        label=_("Which tool do you have that is not enough, and why?"),
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    domain = forms.CharField(label=_("Domain"), max_length=60, required=False)
    public = forms.CharField(label=_("Public"), max_length=60, required=False)
    activity = forms.CharField(label=_("Activity"), max_length=60, required=False)
    data_class = forms.CharField(label=_("Sensitivity of the data"), max_length=60, required=False)
    service = forms.CharField(label=_("Your service"), max_length=120, required=False)

    def __init__(self, principal: Principal, *args: Any, on_behalf: bool = True, **kwargs: Any) -> None:
        """With `on_behalf`, the coordination is asked in whose name it writes."""
        super().__init__(*args, **kwargs)
        if on_behalf and principal.role == Role.COORDINATOR:
            institutions = cast("forms.ModelChoiceField[Institution]", self.fields["institution"])
            institutions.queryset = Institution.objects.filter(nature=Nature.MEMBER, left_date=None)
        else:
            del self.fields["institution"]
        for name in FACETS:
            self.fields[name].widget.attrs |= {"list": f"{name}-values", "autocomplete": "off"}

    def words(self) -> Words:
        """Of a valid form."""
        return Words(**{name: self.cleaned_data[name] for name in Words.__dataclass_fields__})
