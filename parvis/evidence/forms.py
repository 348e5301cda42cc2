from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.audit.verifier import Key, Unreadable
from parvis.evidence.models import REASON_LENGTH, Witness
from parvis.evidence.sentences import action_names
from parvis.federation.failure import SignInError
from parvis.federation.outbound import check_address


class FilterForm(forms.Form):
    """What of the log is shown. Every field may be left empty."""

    person = forms.CharField(label=_("Person"), required=False, max_length=120)
    action = forms.ChoiceField(label=_("Action"), required=False)
    subject = forms.CharField(label=_("Object"), required=False, max_length=120)
    first = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    latest = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        names = sorted(action_names().items(), key=lambda pair: str(pair[1]).casefold())
        self.fields["action"].choices = [("", _("all")), *names]  # type: ignore[attr-defined]

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """From the first instant of a day to that after another."""
        first, latest = self.cleaned_data.get("first"), self.cleaned_data.get("latest")
        zone = timezone.get_current_timezone()
        begun = datetime.combine(first, time(), zone) if first else None
        return begun, datetime.combine(latest + timedelta(days=1), time(), zone) if latest else None


class WitnessForm(forms.Form):
    name = forms.CharField(label=_("Name of the member"), max_length=120)
    address = forms.CharField(
        label=_("Address of its log"), max_length=300, help_text=_("As that member’s page of witnesses shows it.")
    )
    key = forms.CharField(
        label=_("Its public key"),
        max_length=300,
        help_text=_("Ask for it another way than by the address: by telephone, or on paper."),
    )

    def __init__(self, *args: Any, taken: frozenset[str] = frozenset(), own: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taken, self._own = taken, own

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].strip().rstrip("/") + "/"
        try:
            parts = check_address(address, settings.PRIVATE_HOSTS)
        except SignInError as error:
            raise forms.ValidationError(_ADDRESS.get(error.code, _ADDRESS["address"])) from None
        if parts.query or "/journal/" not in parts.path:
            raise forms.ValidationError(_ADDRESS["address"])
        if address in self._taken:
            raise forms.ValidationError(_("This log is watched already."))
        return address

    def clean_key(self) -> str:
        try:
            key = Key.read(self.cleaned_data["key"])
        except Unreadable:
            raise forms.ValidationError(_("This is not a public key: copy the whole line.")) from None
        if str(key) == self._own:
            raise forms.ValidationError(_("This is the key of your own installation: a witness is another one."))
        return str(key)


_ADDRESS = {
    "address": _("This is not the address of a log. It looks like this: https://parvis.example.fr/journal/0123456789abcdef/"),
    "not_tls": _("This address is not protected: it must begin with https://."),
    "inside": _("This address is inside the network. Who runs the server can allow it (PARVIS_PRIVATE_HOSTS)."),
}


def addresses(witnesses: Any) -> frozenset[str]:
    rows: list[Witness] = list(witnesses)
    return frozenset(one.address for one in rows)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you need to read it?"),
        min_length=REASON_LENGTH,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("In a sentence at least: the person concerned reads it, and the log keeps it."),
        error_messages={"min_length": _("Write the reason in a sentence: %(limit_value)d characters at least.")},
    )
