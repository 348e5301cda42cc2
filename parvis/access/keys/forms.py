from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from parvis.access.keys.models import Scope
from parvis.access.sensitivity import DATA_CLASSES
from parvis.institutions.models import DataClass, Group

LIFETIMES = (7, 30, 90, 180, 365)


class KeyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What it is for: the program, the computer."))
    scopes = forms.MultipleChoiceField(
        label=_("What it opens"),
        choices=Scope.choices,
        initial=[Scope.LIST, Scope.ASK],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one thing that it opens.")},
    )
    days = forms.TypedChoiceField(label=_("Valid for"), coerce=int, initial=90)
    data_class = forms.ChoiceField(
        label=_("Data that come with it"),
        required=False,
        help_text=_("It says where the models that it reaches may compute; what is more sensitive always counts more."),
    )

    def __init__(self, *args: Any, least: str = DATA_CLASSES[0], **kwargs: Any) -> None:
        """`least` is the class below which this person may not say that data are."""
        super().__init__(*args, **kwargs)
        named = [(value, label) for value, label in DataClass.choices if value in DATA_CLASSES[DATA_CLASSES.index(least) :]]
        self.fields["data_class"].choices = [("", _("as usual in the institution")), *named]  # type: ignore[attr-defined]
        labels = [(days, ngettext_lazy("%(count)d day", "%(count)d days", days) % {"count": days}) for days in LIFETIMES]
        self.fields["days"].choices = labels  # type: ignore[attr-defined]


class AppForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    detail = forms.CharField(label=_("What it does"), max_length=120, required=False)
    groups = forms.ModelMultipleChoiceField(
        label=_("Groups"),
        queryset=Group.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It sees the courses shared with them, and those shared with the whole institution."),
    )

    def __init__(self, *args: Any, institution_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = cast("forms.ModelMultipleChoiceField[Group]", self.fields["groups"])
        groups.queryset = Group.objects.filter(institution=institution_id)
