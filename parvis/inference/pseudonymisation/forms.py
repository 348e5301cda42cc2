from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.sensitivity import DATA_CLASSES
from parvis.inference.models import Zone
from parvis.inference.pseudonymisation.actions import lines
from parvis.inference.pseudonyms.detection import MOST_TERMS, PatternError, student_number

_LABELS = {
    "public": _("Public data"),
    "internal": _("Internal data"),
    "personal": _("Personal data"),
    "sensitive": _("Sensitive data"),
}
MOST_PATTERNS = 10
LONGEST_TRIED = 20_000


class PseudonymisationForm(forms.Form):
    """One field for each class of data, whose choices are the zones."""

    student_numbers = forms.CharField(
        label=_("What a student’s number looks like here"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_(
            "One form a line: 9 for a digit, A for a letter, * for either, anything else as it is. For instance p9999999."
        ),
    )
    terms = forms.CharField(
        label=_("Other words to hide"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, beginning with a letter: a project, a building, a person who is not in the directory."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = forms.MultipleChoiceField
        for name in DATA_CLASSES:
            self.fields[name] = zones(
                label=_LABELS[name], choices=Zone.choices, required=False, widget=forms.CheckboxSelectMultiple
            )
        self.order_fields([*DATA_CLASSES, "student_numbers", "terms"])

    @property
    def class_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in DATA_CLASSES]

    @property
    def cases(self) -> list[str]:
        return [f"{name}:{zone}" for name in DATA_CLASSES for zone in self.cleaned_data[name]]

    def clean_student_numbers(self) -> str:
        patterns = lines(self.cleaned_data["student_numbers"])
        for pattern in patterns:
            try:
                student_number(pattern)
            except PatternError:
                sentence = _(
                    "“%(pattern)s” would be found everywhere: give at least five places that vary, three of them digits."
                )
                raise forms.ValidationError(sentence, params={"pattern": pattern}) from None
        if len(patterns) > MOST_PATTERNS:
            raise forms.ValidationError(_("Give ten forms at most."))
        return "\n".join(patterns)

    def clean_terms(self) -> str:
        terms = lines(self.cleaned_data["terms"])
        for term in terms:
            if len(term) < 3 or not term[0].isalpha():
                sentence = _("“%(term)s” is too short, or does not begin with a letter.")
                raise forms.ValidationError(sentence, params={"term": term})
        if len(terms) > MOST_TERMS:
            raise forms.ValidationError(_("Give five hundred at most."))
        return "\n".join(terms)


class TrialForm(forms.Form):
    text = forms.CharField(
        label=_("A text to try"),
        max_length=LONGEST_TRIED,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("It is neither sent nor kept."),
    )


def initial_of(cases: list[str]) -> dict[str, list[str]]:
    return {name: [case.partition(":")[2] for case in cases if case.startswith(f"{name}:")] for name in DATA_CLASSES}
