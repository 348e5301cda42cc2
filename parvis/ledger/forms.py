from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from parvis.ledger.actions.books import BookValues, RateValues
from parvis.ledger.actions.statements import Scope
from parvis.ledger.invoice import InvoiceParty
from parvis.ledger.listed import Priced
from parvis.ledger.models import PriceBook
from parvis.ledger.presentation import app_name, month_name, per_unit, unit_name
from parvis.ledger.pricing import Unit
from parvis.ledger.reconciliation import MOST_BYTES
from parvis.ledger.usage import NANO
from parvis.web.amounts import AmountField

MOST_EUROS = 1_000_000


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **more)


class BookForm(forms.Form):
    """A price book and the prices of each model. A price left empty is no price: calls are then not valued."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("For example “Mistral, public prices, autumn 2026”."))
    agreement = forms.TypedChoiceField(
        label=_("Under which agreement"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_("A call under an agreement has the prices of that agreement and no others."),
    )
    starts_date = _day(_("In force from"), help_text=_("From midnight in Paris. Earlier calls keep the prices they had."))
    ends_date = _day(_("Over from"), required=False)
    source = forms.CharField(
        label=_("Where these prices come from"),
        max_length=300,
        help_text=_("An address, a document, the annex of a contract: whoever checks an invoice starts there."),
    )
    source_date = _day(_("Date of the source"))

    def __init__(
        self,
        *args: Any,
        models: Sequence[Priced],
        agreements: Sequence[Priced],
        instance: PriceBook | None = None,
        **kwargs: Any,
    ) -> None:
        self.models, self.instance = list(models), instance
        rates: dict[str, Decimal] = {}
        if instance:
            initial = {name: getattr(instance, name) for name in ("name", "starts_date", "ends_date", "source", "source_date")}
            initial["agreement"] = instance.agreement_id
            for rate in instance.rates.all():
                if not any(one.id == rate.model_id for one in self.models):  # it is gone: its prices stay
                    self.models.append(Priced(rate.model_id, rate.model_name))
                rates[_field(rate.model_id, rate.unit)] = (Decimal(rate.amount_nano) / NANO).normalize()
            kwargs["initial"] = initial | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        choices = [("", _("none: calls under no agreement")), *((str(one.id), one.name) for one in agreements)]
        self.fields["agreement"].choices = choices  # type: ignore[attr-defined]
        for model in self.models:
            for unit in Unit:
                name = _field(model.id, unit)
                self.fields[name] = AmountField(
                    label=unit_name(unit),
                    help_text=per_unit(unit),
                    required=False,
                    min_value=0,
                    max_value=MOST_EUROS,
                    decimal_places=9,
                    max_digits=16,
                    initial=rates.get(name),
                )

    @property
    def by_model(self) -> Iterator[tuple[str, list[forms.BoundField], bool, bool]]:
        """Each with whether it has a price, and whether it is shown open: those that have one or a fault, else the first."""
        found = [(model.name, [self[_field(model.id, unit)] for unit in Unit]) for model in self.models]
        priced = [any(field.value() not in (None, "") for field in fields) for _name, fields in found]
        for place, (name, fields) in enumerate(found):
            is_open = any(field.errors for field in fields) or (priced[place] if any(priced) else place == 0)
            yield name, fields, priced[place], is_open

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts, ends = cleaned.get("starts_date"), cleaned.get("ends_date")
        if starts and ends and ends <= starts:
            self.add_error("ends_date", _("A book is over after it began."))
        return cleaned

    @property
    def values(self) -> BookValues:
        cleaned = self.cleaned_data
        return BookValues(
            cleaned["name"],
            cleaned["agreement"],
            cleaned["starts_date"],
            cleaned["ends_date"],
            cleaned["source"],
            cleaned["source_date"],
        )

    @property
    def rates(self) -> list[RateValues]:
        return [
            RateValues(model.id, model.name[:120], unit, int(amount * NANO))
            for model in self.models
            for unit in Unit
            if (amount := self.cleaned_data[_field(model.id, unit)]) is not None
        ]


class StatementForm(forms.Form):
    """`scope`: "" for the whole institution, "component:…" or "app:…"."""

    month = forms.ChoiceField(label=_("Month"))
    scope = forms.ChoiceField(
        label=_("Of what"),
        required=False,
        help_text=_("A month is stated in one way: as a whole, by component or by application."),
    )

    def __init__(
        self,
        *args: Any,
        months: Sequence[date],
        components: Sequence[str],
        apps: Sequence[str],
        names: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["month"].choices = month_choices(months)  # type: ignore[attr-defined]
        self.fields["scope"].choices = [  # type: ignore[attr-defined]
            ("", _("the whole institution")),
            *((f"component:{name}", _("component: %(name)s") % {"name": name}) for name in components),
            *((f"app:{name}", _("application: %(name)s") % {"name": app_name(name, names)}) for name in apps),
        ]

    @property
    def month_date(self) -> date:
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")

    @property
    def chosen(self) -> Scope:
        kind, _colon, name = self.cleaned_data["scope"].partition(":")
        return Scope(**{kind: name}) if kind else Scope()


class InvoiceForm(forms.Form):
    month = forms.ChoiceField(label=_("Month that is invoiced"))
    agreement = forms.TypedChoiceField(label=_("Under which agreement"), required=False, coerce=int, empty_value=None)
    file = forms.FileField(
        label=_("The invoice"),
        help_text=_("A table (CSV) with a column “model” and a column “amount” before tax, or a Factur-X invoice (PDF, XML)."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xml,.pdf"}),
        error_messages={
            "required": _("No file arrived. Choose one, then send again."),
            "empty": _("The file is empty. Check it on your computer, then send it again."),
        },
    )

    def __init__(self, *args: Any, months: Sequence[date], agreements: Sequence[Priced], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["month"].choices = month_choices(months)  # type: ignore[attr-defined]
        choices = [("", _("none: calls under no agreement")), *((str(one.id), one.name) for one in agreements)]
        self.fields["agreement"].choices = choices  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("This file is too large for an invoice: 10 MB at most."))
        return file

    @property
    def month_date(self) -> date:
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")


class PartyForm(forms.Form):
    component = forms.CharField(
        label=_("Component"),
        max_length=120,
        required=False,
        help_text=_("As it is written in calls; empty for the institution itself, which invoices."),
    )
    legal_name = forms.CharField(label=_("Legal name"), max_length=160)
    siret = forms.CharField(
        label=_("SIRET"),
        validators=[RegexValidator(r"^\d{14}$", _("A SIRET has fourteen digits."))],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    street = forms.CharField(label=_("Street"), max_length=160)
    postcode = forms.CharField(label=_("Postcode"), max_length=10)
    city = forms.CharField(label=_("Town"), max_length=80)

    @property
    def values(self) -> InvoiceParty:
        cleaned = self.cleaned_data
        names = ("legal_name", "siret", "street", "postcode", "city")
        return InvoiceParty(vat_number="", **{name: cleaned[name] for name in names})


def month_choices(months: Sequence[date]) -> list[tuple[str, str]]:
    return [(f"{month:%Y-%m}", month_name(month)) for month in months]


def _field(model_id: int | None, unit: str) -> str:
    return f"rate-{'environment' if model_id is None else model_id}-{unit}"
