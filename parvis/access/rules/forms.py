from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.matrix import CONDITIONS, Cell
from parvis.access.rules.models import CoursePeriod
from parvis.access.rules.presentation import data_class_names

STATES = [("", _("no rule")), ("allowed", _("allowed")), ("refused", _("refused"))]


class CellForm(forms.Form):
    """One row of a column: the prefix is the row."""

    state = forms.ChoiceField(label=_("Rule"), choices=STATES, required=False)
    period = forms.ChoiceField(label=_("Until the end of"), required=False)
    until = forms.DateField(label=_("Until this day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    on_prem = forms.BooleanField(label=_("only on our own servers"), required=False)
    course = forms.BooleanField(label=_("only for courses"), required=False)
    up_to = forms.ChoiceField(label=_("Only data up to"), required=False)
    days = forms.IntegerField(label=_("For so many days at most"), required=False, min_value=1, max_value=3_650)

    def __init__(
        self, *args: Any, label: str, kind: str, cell: Cell | None, periods: list[CoursePeriod], **kwargs: Any
    ) -> None:
        conditions = CONDITIONS[kind]
        initial: dict[str, Any] = {"state": ""}
        if cell:
            initial = {"state": "allowed" if cell.allowed else "refused", "until": cell.until}
            initial |= {name: getattr(cell, name) for name in conditions}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        for names in CONDITIONS.values():
            for name in set(names) - set(conditions):
                self.fields.pop(name, None)
        if "up_to" in conditions:
            self.fields["up_to"].choices = [("", "—"), *data_class_names().items()]  # type: ignore[attr-defined]
        self.conditions = conditions
        self.row_label = label
        self.is_used = cell is not None
        self._ends = {str(period.id): period.ends_date for period in periods}
        choices = [("", "—"), *((str(period.id), period.name) for period in periods)]
        self.fields["period"].choices = choices  # type: ignore[attr-defined]
        self.has_periods = bool(periods)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if values.get("state") == "refused" and any(values.get(name) for name in self.conditions):
            raise forms.ValidationError(_("“Only” goes with what is allowed: choose “allowed”, or take the condition away."))
        return values

    @property
    def cell(self) -> Cell | None:
        values = self.cleaned_data
        if not values["state"]:
            return None
        until: date | None = self._ends.get(values["period"]) or values["until"]
        return Cell(values["state"] == "allowed", until=until, **{name: values[name] for name in self.conditions})


class EditorForm(forms.Form):
    text = forms.CharField(
        label=_("Rules"),
        max_length=200_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}),
    )


class SavingForm(forms.Form):
    """What the dry run showed, sent back as it was."""

    text = forms.CharField(max_length=200_000, strip=False, widget=forms.HiddenInput)
    matrix = forms.JSONField(required=False, widget=forms.HiddenInput)
    number = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why"),
        max_length=300,
        help_text=_("One sentence, kept with the version: a decision, a ticket, a request."),
        error_messages={"required": _("Say why in one sentence: it is kept with the version.")},
    )


class CheckForm(forms.Form):
    affiliation = forms.ChoiceField(label=_("Who"))
    group = forms.ChoiceField(label=_("Of which group"), required=False)
    tool = forms.ChoiceField(label=_("Tool"))
    allowed = forms.TypedChoiceField(
        label=_("Expected"),
        choices=[("0", _("does not use it")), ("1", _("uses it"))],
        coerce=lambda value: value == "1",
    )

    def __init__(self, *args: Any, affiliations: Any, groups: Any, tools: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["affiliation"].choices = affiliations  # type: ignore[attr-defined]
        self.fields["group"].choices = [("", _("any")), *groups]  # type: ignore[attr-defined]
        self.fields["tool"].choices = tools  # type: ignore[attr-defined]


class PeriodForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    starts_date = forms.DateField(label=_("First day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    ends_date = forms.DateField(label=_("Last day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if values.get("starts_date") and values.get("ends_date") and values["starts_date"] > values["ends_date"]:
            raise forms.ValidationError(_("The last day comes before the first."))
        return values
