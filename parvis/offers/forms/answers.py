"""A vendor's answer, part by part."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from parvis.needs.models import Level
from parvis.needs.specification import Requirement
from parvis.needs.workbooks import printable
from parvis.offers.answer import NANO, Company, Grid, Line, Price
from parvis.offers.conformity import HIGHEST_PRICE, LONGEST, LONGEST_OF_COMPANY
from parvis.offers.models import Zone

CODES = [
    ("", _("no answer")),
    ("ST", _("ST · standard: the offer does it as it is")),
    ("DS", _("DS · adaptation: by settings, without development")),
    ("DEV", _("DEV · specific development")),
    ("SP", _("SP · not covered")),
    ("HP", _("HP · out of scope or not feasible")),
]


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


def _words(label: Any, limit: int, rows: int = 0, help_text: Any = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(label=label, max_length=limit, required=False, widget=widget, help_text=help_text)


class LineForm(forms.Form):
    """The answer to one requirement."""

    code = forms.ChoiceField(label=_("Answer"), choices=CODES, required=False)
    proof = _words(_("Proof (words or an address)"), LONGEST["proof"])
    available_date = _day(_("Available on"))
    comment = _words(_("Comment"), LONGEST["comment"], rows=2)

    def __init__(self, requirement: Requirement, line: Line, data: QueryDict | None = None) -> None:
        initial = {name: getattr(line, name) or "" for name in ("code", "proof", "available_date", "comment")}
        super().__init__(data, prefix=requirement.code, initial=initial)
        self.requirement = requirement
        self.level = Level(requirement.level).label

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("code") and any(data.get(name) for name in ("proof", "available_date", "comment")):
            self.add_error("code", _("Choose a code: a proof or a comment alone would be read as no answer."))
        if data.get("code") == "DEV" and not data.get("available_date") and "available_date" not in self.errors:
            self.add_error("available_date", _("A specific development has a date: when is it available?"))
        return data

    def line(self) -> Line:
        data = self.cleaned_data
        words = {name: printable(data[name]).strip() for name in ("proof", "comment")}
        return Line(self.requirement.code, data["code"] or None, available_date=data["available_date"], **words)


class _Euros(forms.DecimalField):
    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # the stubs have it from IntegerField
        """As the French write it too: "1 234,50 €"."""
        return super().to_python(re.sub(r"[\s€]", "", value) if isinstance(value, str) else value)


class PriceForm(forms.Form):
    label = _words(_("What is priced"), LONGEST["label"])
    unit = _words(_("Unit"), LONGEST["unit"])
    amount = _Euros(
        label=_("Price before tax, in euros"),
        min_value=0,
        max_value=HIGHEST_PRICE,
        max_digits=19,
        decimal_places=9,
        localize=True,
        required=False,
    )
    tier_from = forms.IntegerField(label=_("From quantity"), min_value=0, max_value=10**12, required=False)
    valid_from = _day(_("Valid from"))
    valid_until = _day(_("until"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors or not any(data.get(name) not in (None, "") for name in self.fields):
            return data
        for name in ("label", "unit", "amount"):
            if data.get(name) in (None, ""):
                self.add_error(name, _("Missing: a price has words, a unit and an amount."))
        if data.get("valid_from") and data.get("valid_until") and data["valid_until"] < data["valid_from"]:
            self.add_error("valid_until", _("Before the first day."))
        return data

    def price(self) -> Price | None:
        """None for a line left empty."""
        data = self.cleaned_data
        if data.get("amount") is None:
            return None
        return Price(
            label=printable(data["label"]).strip(),
            unit=printable(data["unit"]).strip(),
            amount_nano=int(data["amount"] * NANO),
            tier_from=data["tier_from"] or 0,
            valid_from=data["valid_from"],
            valid_until=data["valid_until"],
        )


SPARE_PRICES = 4
Prices = forms.formset_factory(PriceForm, extra=SPARE_PRICES, max_num=100, absolute_max=104)


def prices_initial(grid: Grid) -> list[dict[str, Any]]:
    names = ("label", "unit", "tier_from", "valid_from", "valid_until")
    return [
        {**{name: getattr(price, name) or None for name in names}, "amount": _plain(Decimal(price.amount_nano) / NANO)}
        for price in grid.prices
    ]


class CompanyForm(forms.Form):
    product = _words(_("Product"), LONGEST_OF_COMPANY["product"], help_text=_("Without it the answer cannot be sent."))
    summary = _words(_("In a few lines"), LONGEST_OF_COMPANY["summary"], rows=4)
    zone = forms.ChoiceField(
        label=_("Hosting zone"),
        help_text=_("The farthest of those where data is kept or processed."),
        choices=[("", _("no answer")), *Zone.choices],
        required=False,
    )
    processor = _words(_("Who processes the data, subcontractors included"), LONGEST_OF_COMPANY["processor"])
    no_training = forms.ChoiceField(
        label=_("Data never used for training"),
        choices=[("", _("no answer")), ("yes", _("yes, as the document below attests")), ("no", _("no"))],
        required=False,
    )
    no_training_date = _day(_("Date of the attestation"))
    no_training_document = _words(_("Reference of the attestation"), LONGEST_OF_COMPANY["no_training_document"])
    accessibility = _words(_("Accessibility statement"), LONGEST_OF_COMPANY["accessibility"], rows=3)
    reversibility = _words(_("Reversibility"), LONGEST_OF_COMPANY["reversibility"], rows=3)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("no_training_date", "no_training_document"):
            if data.get("no_training") == "yes" and not data.get(name) and name not in self.errors:
                self.add_error(name, _("An attestation has a date and a reference."))
        return data

    def company(self) -> Company:
        data = {
            name: printable(value).strip() if isinstance(value, str) else value for name, value in self.cleaned_data.items()
        }
        said: dict[str, Any] = {
            "zone": data["zone"] or None,
            "no_training": {"yes": True, "no": False}.get(data["no_training"]),
        }
        return Company(**{**data, **said})


def company_initial(grid: Grid) -> dict[str, Any]:
    initial = {name: getattr(grid.company, name) for name in CompanyForm.base_fields}
    initial["no_training"] = {True: "yes", False: "no", None: ""}[grid.company.no_training]
    return initial


class WorkbookForm(forms.Form):
    file = forms.FileField(
        label=_("The workbook, filled in"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
        error_messages={
            "required": _("No file arrived, or it is larger than 1 MB. Choose the workbook of this page, then send again."),
            "empty": _("The file is empty. Check it on your computer, then send it again."),
        },
    )


def _plain(amount: Decimal) -> Decimal:
    """12.5 rather than 12.500000000, 100 rather than 1E+2."""
    short = amount.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short
