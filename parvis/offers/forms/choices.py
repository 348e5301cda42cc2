"""What is filled in about a choice, an agreement, an opinion."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from parvis.offers.actions.agreements import TERMS, Terms
from parvis.offers.actions.choices import OF_A_NEED, OF_AN_OFFER, Decision
from parvis.offers.actions.references import Opinion
from parvis.offers.answer import NANO, Price
from parvis.offers.conformity import HIGHEST_PRICE
from parvis.offers.models import Agreement, Offer, Vehicle, Zone
from parvis.web.amounts import AmountField

MOST_USERS = 10_000_000
MOST_EUROS = 1_000_000_000


def day_field(label: Any, help_text: Any = "", *, required: bool = False) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=help_text, required=required, widget=widget)


class DecisionForm(forms.Form):
    state = forms.ChoiceField(label=_("Where we stand"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Required to decline. It is read in your institution, and elsewhere only if you share the choice."),
        max_length=4_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_shared = forms.BooleanField(
        label=_("Show this choice to the other institutions"),
        help_text=_("With its reason, never with a price. You may take it back at any time."),
        required=False,
    )

    def __init__(self, offer: Offer | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        states = OF_AN_OFFER if offer else OF_A_NEED
        self.fields["state"].choices = [(one.value, str(one.label).capitalize()) for one in states]  # type: ignore[attr-defined]

    def decision(self) -> Decision:
        return Decision(**self.cleaned_data)


class AgreementForm(forms.Form):
    product = forms.CharField(label=_("Product"), max_length=200)
    vehicle = forms.ChoiceField(label=_("Purchasing procedure"), choices=Vehicle.choices)
    reference = forms.CharField(label=_("Contract reference"), max_length=80, required=False)
    start_date = day_field(_("From"), required=True)
    end_date = day_field(_("Until"), required=True)
    notice_date = day_field(_("Last day to give notice"))
    zone = forms.ChoiceField(
        label=_("Hosting zone"), help_text=_("No farther than the offer says."), choices=[("", "—"), *Zone.choices]
    )
    no_training_document = forms.CharField(
        label=_("Attestation that data is never used for training"),
        help_text=_("Its reference or title. Without a dated attestation the agreement cannot come into force."),
        max_length=300,
        required=False,
    )
    no_training_date = day_field(_("Date of this attestation"))
    users_quota = forms.IntegerField(label=_("Users included"), min_value=0, max_value=MOST_USERS, required=False)
    yearly_euros = AmountField(
        label=_("Amount per year, in euros before tax"), min_value=0, max_value=MOST_EUROS, required=False, whole=True
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end, notice = (data.get(name) for name in ("start_date", "end_date", "notice_date"))
        if start and end and end < start:
            self.add_error("end_date", gettext("The last day is before the first one."))
        elif notice and start and end and not start <= notice <= end:
            self.add_error("notice_date", gettext("Notice is given between the first day and the last one."))
        if data.get("no_training_date") and not data.get("no_training_document"):
            self.add_error("no_training_document", gettext("An attestation has a date and a reference."))
        return data

    def terms(self) -> Terms:
        return Terms(**self.cleaned_data)


def terms_of_offer(offer: Offer) -> dict[str, Any]:
    """What an agreement starts from: what the vendor wrote."""
    return {
        "product": offer.product,
        "vehicle": Vehicle.OWN,
        "zone": offer.zone,
        "no_training_document": offer.no_training_document if offer.no_training else "",
        "no_training_date": offer.no_training_date if offer.no_training else None,
    }


def terms_of_agreement(agreement: Agreement) -> dict[str, Any]:
    return {name: getattr(agreement, name) for name in TERMS}


class PriceForm(forms.Form):
    label = forms.CharField(label=_("What is priced"), max_length=200)
    unit = forms.CharField(label=_("Unit"), max_length=60)
    euros = AmountField(label=_("Price (€)"), min_value=0, max_value=HIGHEST_PRICE, decimal_places=9, max_digits=19)
    tier_from = forms.IntegerField(label=_("From quantity"), min_value=0, max_value=10**12, required=False)
    valid_from = day_field(_("Valid from"))
    valid_until = day_field(_("Valid until"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("valid_from"), data.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", gettext("The last day is before the first one."))
        return data

    def price(self) -> Price:
        data = self.cleaned_data
        nano = int(Decimal(data["euros"]) * NANO)
        return Price(
            data["label"], data["unit"], nano, data.get("tier_from") or 0, data.get("valid_from"), data.get("valid_until")
        )


PriceFormSet = forms.formset_factory(PriceForm, extra=1, can_delete=True, max_num=200, validate_max=True)


def prices_of(agreement: Agreement) -> list[dict[str, Any]]:
    names = ("label", "unit", "tier_from", "valid_from", "valid_until")
    return [
        {**{name: getattr(line, name) or None for name in names}, "euros": (Decimal(line.amount_nano) / NANO).normalize()}
        for line in agreement.prices.all()
    ]


class OpinionForm(forms.Form):
    text = forms.CharField(
        label=_("What you say of it"),
        help_text=_("What it is used for, what works, what does not. It is read by the members and by its vendor."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    used_since_date = day_field(_("Used since"))
    users = forms.IntegerField(label=_("Users"), min_value=0, max_value=MOST_USERS, required=False)

    def opinion(self) -> Opinion:
        return Opinion(**self.cleaned_data)


class ReplyForm(forms.Form):
    reply = forms.CharField(
        label=_("Your reply"),
        help_text=_("It is shown under the opinion, which you cannot change."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
