"""What people fill in about a course."""

from __future__ import annotations

from typing import cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.corpora.models import CorpusKind
from parvis.institutions.models import DataClass, Group


class CorpusForm(forms.Form):
    name = forms.CharField(label=_("Name of the course"), max_length=160)
    description = forms.CharField(
        label=_("Description"),
        help_text=_("What the course is about and for whom; its students read it."),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=CorpusKind.choices, initial=CorpusKind.COURSE)
    data_class = forms.ChoiceField(
        label=_("Data in the documents"),
        choices=DataClass.choices,
        initial=DataClass.INTERNAL,
        required=False,
        help_text=_("The rules of the institution say which models may read which data."),
    )

    def clean_data_class(self) -> str:
        return self.cleaned_data["data_class"] or self.initial.get("data_class") or DataClass.INTERNAL


class ShareForm(forms.Form):
    """With whom a course is shared, among the groups of one's own institution."""

    groups = forms.ModelMultipleChoiceField(queryset=Group.objects.none(), required=False)
    everyone = forms.BooleanField(required=False)

    def __init__(self, principal: Principal, data: QueryDict) -> None:
        super().__init__(data)
        groups = cast("forms.ModelMultipleChoiceField[Group]", self.fields["groups"])
        groups.queryset = Group.objects.filter(institution_id=principal.institution_id)
