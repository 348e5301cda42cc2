"""What is filled in about a portfolio: a tool, what it covers, files, a threshold."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, cast, get_args

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.needs.models import HarmonisedNeed
from parvis.offers.actions.portfolio import Cover, Facts, Measures
from parvis.offers.actions.thresholds import NewThreshold
from parvis.offers.forms.choices import MOST_EUROS, day_field
from parvis.offers.models import Tool
from parvis.offers.portfolio_presentation import THRESHOLD_WORDS
from parvis.offers.presentation import CODE_WORDS
from parvis.offers.thresholds import Code
from parvis.web.amounts import AmountField


def _euros(label: Any, help_text: Any = "", *, required: bool = False) -> AmountField:
    return AmountField(
        label=label,
        help_text=help_text,
        required=required,
        min_value=0,
        max_value=MOST_EUROS,
        decimal_places=2,
        max_digits=13,
    )


class ToolForm(forms.Form):
    name = forms.CharField(label=_("Tool"), max_length=200)
    vendor_name = forms.CharField(label=_("Vendor"), max_length=200, required=False)
    service = forms.CharField(label=_("Service that pays"), max_length=120, required=False)
    yearly_euros = _euros(_("Cost per year, in euros before tax"), _("Left empty, it is unknown, which is not zero."))
    start_date = day_field(_("Since"))
    end_date = day_field(_("Until"))
    notice_date = day_field(_("Last day to give notice"))
    reference = forms.CharField(
        label=_("Contract reference"), help_text=_("The same reference is entered once."), max_length=120, required=False
    )
    cpv = forms.CharField(label=_("CPV code"), max_length=20, required=False)
    innovative = forms.BooleanField(label=_("Bought as an innovative purchase"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (start := data.get("start_date")) and (end := data.get("end_date")) and end < start:
            self.add_error("end_date", gettext("The last day is before the first one."))
        return data

    def facts(self) -> Facts:
        data = dict(self.cleaned_data)
        yearly = data.pop("yearly_euros")
        data["reference"] = data["reference"] or None
        return Facts(**data, yearly_cents=None if yearly is None else int(yearly * 100))


def facts_of_tool(tool: Tool) -> dict[str, Any]:
    names = ("name", "vendor_name", "service", "start_date", "end_date", "notice_date", "reference", "cpv")
    cents = tool.yearly_cents
    return {
        **{name: getattr(tool, name) for name in names},
        "yearly_euros": None if cents is None else Decimal(cents) / 100,
        "innovative": bool(tool.details.get("innovative")),
    }


class _NeedField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    def label_from_instance(self, obj: HarmonisedNeed) -> str:
        return f"{obj.code} {obj.title}"


class CoverageForm(forms.Form):
    need = _NeedField(label=_("Harmonised need"), queryset=None)
    level = forms.ChoiceField(
        label=_("How it covers the need"), choices=[(code, words) for code, words in CODE_WORDS.items() if code]
    )
    is_used = forms.BooleanField(
        label=_("Confirmed: it is used for this need"),
        help_text=_("By somebody of the institution, or by its logs."),
        required=False,
    )
    evidence = forms.CharField(
        label=_("What confirms it"), help_text=_("Who said so or which log, and when."), max_length=400, required=False
    )
    moved_to: Any = forms.ModelChoiceField(
        label=_("Its use has moved to"),
        help_text=_("Another tool of your portfolio, where people now do this."),
        queryset=None,
        required=False,
    )
    moved_date = day_field(_("Since"))

    def __init__(self, principal: Principal, tool: Tool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        needs = HarmonisedNeed.objects.visible_to(principal).published().prefetch_related("versions")
        cast(forms.ModelChoiceField, self.fields["need"]).queryset = needs  # type: ignore[type-arg]
        others = Tool.objects.visible_to(principal).exclude(id=tool.id)
        cast(forms.ModelChoiceField, self.fields["moved_to"]).queryset = others  # type: ignore[type-arg]

    def cover(self) -> Cover:
        data = self.cleaned_data
        moved = data["moved_to"]
        return Cover(data["level"], data["is_used"], data["evidence"], moved.id if moved else None, data["moved_date"])


class MeasuresForm(forms.Form):
    quantity = forms.IntegerField(label=_("Quantity per year"), min_value=0, max_value=10**12, required=False)
    is_quantity_counted = forms.BooleanField(
        label=_("Counted"), help_text=_("By a meter or an invoice. Otherwise it is a guess."), required=False
    )
    spared_hours = forms.IntegerField(
        label=_("Hours of procedure spared"),
        help_text=_("Work that buying it alone would have taken: sourcing, specification, comparison. Hours, never euros."),
        min_value=0,
        max_value=100_000,
        required=False,
    )
    are_hours_counted = forms.BooleanField(
        label=_("Hours counted"), help_text=_("On a comparable procedure. Otherwise they are a guess."), required=False
    )

    def __init__(self, unit: str, *args: Any, **kwargs: Any) -> None:
        """`unit` is what the price book prices by tiers; "" where no quantity would be of anything."""
        super().__init__(*args, **kwargs)
        if unit:
            self.fields["quantity"].help_text = gettext("What you buy in a year of: %(unit)s.") % {"unit": unit}
        else:
            del self.fields["quantity"], self.fields["is_quantity_counted"]

    def measures(self) -> Measures:
        return Measures(**self.cleaned_data)


class SheetForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX, 10 MB at most."),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.txt"}),
    )


class PublicContractsForm(forms.Form):
    file = forms.FileField(
        label=_("File of open data"),
        help_text=_("JSON, as published for public contracts (DECP), 60 MB at most."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    buyers = forms.CharField(
        label=_("SIREN or SIRET of your institution"),
        help_text=_("Nine or fourteen digits; several are separated by commas. Contracts of other buyers are left out."),
        max_length=300,
    )

    def clean_buyers(self) -> tuple[str, ...]:
        numbers = tuple(
            re.sub(r"[\s.]", "", part) for part in re.split(r"[,;\n]", self.cleaned_data["buyers"]) if part.strip()
        )
        wrong = [number for number in numbers if not re.fullmatch(r"\d{9}|\d{14}", number)]
        if wrong or not numbers:
            raise forms.ValidationError(
                gettext("“%(number)s” has neither nine nor fourteen digits."), params={"number": wrong[0] if wrong else ""}
            )
        return numbers


class ThresholdForm(forms.Form):
    code = forms.ChoiceField(label=_("Kind"), choices=[(code, THRESHOLD_WORDS[code]) for code in get_args(Code)])
    amount_euros = _euros(_("Amount, in euros before tax"), required=True)
    valid_from = day_field(_("From"), _("The row in force until then ends the day before."), required=True)
    valid_until = day_field(_("Until"))
    legal_reference = forms.CharField(label=_("Legal reference"), max_length=300)
    note = forms.CharField(label=_("Note"), max_length=400, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (first := data.get("valid_from")) and (last := data.get("valid_until")) and last < first:
            self.add_error("valid_until", gettext("The last day is before the first one."))
        return data

    def threshold(self) -> NewThreshold:
        data = dict(self.cleaned_data)
        return NewThreshold(amount_cents=int(data.pop("amount_euros") * 100), **data)
