from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.matrix import Cell
from parvis.access.rules.models import CoursePeriod

STATES = [("", _("no rule")), ("allowed", _("allowed")), ("refused", _("refused"))]


class CellForm(forms.Form):
    """One row of a column: the prefix is the row."""

    state = forms.ChoiceField(label=_("Rule"), choices=STATES, required=False)
    period = forms.ChoiceField(label=_("Until the end of"), required=False)
    until = forms.DateField(label=_("Until this day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    on_prem = forms.BooleanField(label=_("only on our own servers"), required=False)
    course = forms.BooleanField(label=_("only for courses"), required=False)

    def __init__(self, *args: Any, label: str, cell: Cell | None, periods: list[CoursePeriod], **kwargs: Any) -> None:
        initial: dict[str, Any] = {"state": ""}
        if cell:
            initial = {"state": "allowed" if cell.allowed else "refused", "until": cell.until}
            initial |= {"on_prem": cell.on_prem, "course": cell.course}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        self.row_label = label
        self.is_used = cell is not None
        self._ends = {str(period.id): period.ends_date for period in periods}
        choices = [("", "—"), *((str(period.id), period.name) for period in periods)]
        self.fields["period"].choices = choices  # type: ignore[attr-defined]
        self.has_periods = bool(periods)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if values.get("state") == "refused" and (values.get("on_prem") or values.get("course")):
            raise forms.ValidationError(_("“Only” goes with what is allowed: choose “allowed”, or untick the box."))
        return values

    @property
    def cell(self) -> Cell | None:
        values = self.cleaned_data
        if not values["state"]:
            return None
        until: date | None = self._ends.get(values["period"]) or values["until"]
        return Cell(values["state"] == "allowed", until=until, on_prem=values["on_prem"], course=values["course"])


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
