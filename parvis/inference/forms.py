from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.access.sensitivity import DATA_CLASSES, ZONES
from parvis.inference.actions import LARGEST_DOCUMENT, AttestationValues, ModelValues, ProviderValues
from parvis.inference.addresses import is_of_the_machine
from parvis.inference.models import Capability, Kind, LanguageModel, Provider, Purpose, Zone
from parvis.inference.routing import Clearance, Matrix, faults, matrix_up_to
from parvis.institutions.models import DataClass
from parvis.ledger.listed import agreements_of

_PROVIDER_FIELDS = ("provider_name", "kind", "base_url", "zone")


class ModelForm(forms.Form):
    """A model and its provider on one page. The secret is written, never shown."""

    provider: forms.ModelChoiceField[Provider] = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label=_("Provider"),
        empty_label=_("a new provider, described below"),
        help_text=_("A provider already recorded keeps its address and its key."),
    )
    provider_name = forms.CharField(label=_("Name of the provider"), max_length=80, required=False)
    kind = forms.ChoiceField(label=_("Dialect"), choices=Kind.choices, initial=Kind.OPENAI, required=False)
    base_url = forms.CharField(
        label=_("Address"),
        max_length=300,
        required=False,
        help_text=_("Up to the version, for example http://127.0.0.1:11434/v1 or https://api.mistral.ai/v1."),
        widget=forms.URLInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    secret = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=500,
        strip=True,
        help_text=_("Kept encrypted and never shown again. Leave it empty to keep the one already recorded, if any."),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )
    forget_secret = forms.BooleanField(label=_("Erase the recorded key"), required=False)
    zone = forms.ChoiceField(
        label=_("Hosting zone"),
        choices=[("", _("choose where it computes")), *Zone.choices],
        required=False,
        help_text=_("Where the computing takes place: it decides which data may go there, and is written under each answer."),
    )
    processor = forms.CharField(
        label=_("Processor"),
        max_length=160,
        required=False,
        help_text=_("Who computes for the institution, as the contract names them. Nobody on your own servers."),
    )
    agreement = forms.TypedChoiceField(
        label=_("Under which agreement"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_("A call under an agreement has the prices of that agreement and no others."),
    )
    declares = forms.BooleanField(
        label=_("On our own servers: nothing of what is sent there trains a model, and nobody else receives it"),
        required=False,
        help_text=_("It is recorded with your name and the date. Of any other provider the attestation is asked for next."),
    )
    name = forms.CharField(
        label=_("Name of the model at the provider"), max_length=120, help_text=_("For example mistral-small-latest.")
    )
    display_name = forms.CharField(label=_("Name shown"), max_length=80)
    purpose = forms.ChoiceField(label=_("Used for"), choices=Purpose.choices, initial=Purpose.CHAT)
    alias = forms.CharField(
        label=_("Name for programs"),
        max_length=80,
        required=False,
        help_text=_("Small letters, digits, points and dashes. Models of one name stand in for each other, nearest first."),
        widget=forms.TextInput(attrs={"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"}),
    )
    capabilities = forms.MultipleChoiceField(
        label=_("What it can do besides writing"),
        choices=Capability.choices,
        initial=[Capability.STREAM],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    context_tokens = forms.IntegerField(
        label=_("Longest request, in tokens"), required=False, min_value=1, max_value=100_000_000
    )
    max_output_tokens = forms.IntegerField(
        label=_("Longest answer, in tokens"), required=False, min_value=1, max_value=10_000_000
    )
    concurrency = forms.IntegerField(label=_("Requests at the same time"), required=False, min_value=1, max_value=100_000)
    requests_per_minute = forms.IntegerField(label=_("Requests a minute"), required=False, min_value=1, max_value=10_000_000)
    rank = forms.IntegerField(
        label=_("Rank among those of the same name"),
        required=False,
        min_value=0,
        max_value=1_000,
        help_text=_("0 is asked first; of the same rank, the nearest."),
    )
    hedge_seconds = forms.FloatField(
        label=_("Ask another beside it after so many seconds of silence"),
        required=False,
        min_value=0.1,
        max_value=600,
        help_text=_("Another of the same name. Both may be charged. Empty: never."),
    )
    counts_as_it_goes = forms.BooleanField(
        label=_("Counts tokens as its words come"),
        required=False,
        help_text=_("A trial sees it. An answer that is cut is then charged exactly; otherwise what it cost is estimated."),
    )
    is_default = forms.BooleanField(
        label=_("Used when an assistant names no other"),
        required=False,
        help_text=_(
            "Nothing is sent to it before its provider’s attestation is recorded: tick this once it has answered a trial."
        ),
    )

    def __init__(self, *args: Any, principal: Principal, instance: LanguageModel | None = None, **kwargs: Any) -> None:
        self.instance = instance
        self.principal = principal
        kwargs["initial"] = _initial(instance) | kwargs.pop("initial", {})
        super().__init__(*args, **kwargs)
        providers = Provider.objects.editable_by(principal)
        if instance or not providers.exists():
            del self.fields["provider"]
        else:
            self.fields["provider"].queryset = providers  # type: ignore[attr-defined]
        if not (instance and instance.provider.sealed_secret):
            del self.fields["forget_secret"]
        choices: list[tuple[str, Any]] = [("", _("none: calls under no agreement"))]
        choices += [(str(one.id), one.name) for one in agreements_of(principal.institution_id)]
        self.fields["agreement"].choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            del self.fields["agreement"]

    def clean_base_url(self) -> str:
        address = str(self.cleaned_data["base_url"]).rstrip("/")
        if address and not _is_address(address):
            raise forms.ValidationError(
                _("An address begins with http:// or https:// and holds neither a user name nor a question mark.")
            )
        if address and is_of_the_machine(urlsplit(address).hostname or ""):
            raise forms.ValidationError(
                _("This address is one where a machine keeps secrets about itself. Give that of the model’s server.")
            )
        return address

    def clean_alias(self) -> str:
        alias = str(self.cleaned_data["alias"])
        if alias and not _ALIAS.fullmatch(alias):
            raise forms.ValidationError(
                _("Begin with a small letter; then small letters, digits, points, dashes and underscores.")
            )
        return alias

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("provider"):
            for field in _PROVIDER_FIELDS:
                if not cleaned.get(field) and field not in self.errors:
                    self.add_error(field, forms.ValidationError(self.fields["name"].error_messages["required"]))
            self._clean_provider_name(cleaned)
            self._clean_secret(cleaned)
        self._clean_model_name(cleaned)
        return cleaned

    @property
    def model_values(self) -> ModelValues:
        cleaned = self.cleaned_data
        return ModelValues(
            cleaned["name"],
            cleaned["display_name"],
            cleaned["purpose"],
            cleaned["is_default"],
            alias=cleaned["alias"] or slugify(cleaned["display_name"])[:80],
            capabilities=tuple(cleaned["capabilities"]),
            rank=cleaned["rank"] or 0,
            context_tokens=cleaned["context_tokens"],
            max_output_tokens=cleaned["max_output_tokens"],
            concurrency=cleaned["concurrency"],
            requests_per_minute=cleaned["requests_per_minute"],
            hedge_seconds=cleaned["hedge_seconds"],
            counts_as_it_goes=cleaned["counts_as_it_goes"],
        )

    @property
    def declared(self) -> bool:
        """Of one's own servers, said now."""
        return bool(self.cleaned_data["declares"]) and not self.cleaned_data.get("provider")

    @property
    def provider_values(self) -> ProviderValues:
        cleaned = self.cleaned_data
        secret: str | None = cleaned["secret"] or None
        if cleaned.get("forget_secret") and not secret:
            secret = ""
        values = (cleaned["provider_name"], cleaned["kind"], cleaned["base_url"], cleaned["zone"], secret)
        return ProviderValues(*values, processor=cleaned["processor"], agreement_id=cleaned.get("agreement"))

    def _clean_provider_name(self, cleaned: dict[str, Any]) -> None:
        others = Provider.objects.editable_by(self.principal).filter(name=cleaned.get("provider_name"))
        if self.instance:
            others = others.exclude(id=self.instance.provider_id)
        if others.exists():
            self.add_error("provider_name", _("Another provider already has this name."))

    def _clean_secret(self, cleaned: dict[str, Any]) -> None:
        """A key recorded for one server is never sent to another: a new address asks for the key again."""
        stored = self.instance.provider if self.instance and self.instance.provider.sealed_secret else None
        moved = stored and cleaned.get("base_url") and _origin(cleaned["base_url"]) != _origin(stored.base_url)
        if moved and not cleaned.get("secret") and not cleaned.get("forget_secret"):
            self.add_error("secret", _("The address has changed: type the key again, or erase the recorded one."))

    def _clean_model_name(self, cleaned: dict[str, Any]) -> None:
        provider = self.instance.provider if self.instance else cleaned.get("provider")
        if provider is None:
            return
        others = LanguageModel.objects.editable_by(self.principal).filter(
            provider=provider, name=cleaned.get("name"), purpose=cleaned.get("purpose")
        )
        if others.exclude(id=self.instance.id if self.instance else None).exists():
            self.add_error("name", _("This model is already recorded for this provider."))


class AttestationForm(forms.Form):
    """What a provider promised in writing. On the institution's own servers there is no document to ask for."""

    attested_date = forms.DateField(label=_("Dated"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until_date = forms.DateField(
        label=_("Holds until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Its last day. From the next one on, nothing is sent any more."),
    )
    document = forms.FileField(
        label=_("Document"),
        help_text=_("The clause of the contract, or the letter, by which it commits itself. 10 MB at most."),
        max_length=200,
    )

    def __init__(self, *args: Any, provider: Provider, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document"].required = provider.zone != Zone.ON_PREM

    def clean_attested_date(self) -> date:
        dated: date = self.cleaned_data["attested_date"]
        if dated > timezone.localdate():
            raise forms.ValidationError(_("An attestation is dated of today at the latest."))
        return dated

    def clean_document(self) -> UploadedFile[bytes] | None:
        document: UploadedFile[bytes] | None = self.cleaned_data["document"]
        if document and (document.size or 0) > LARGEST_DOCUMENT:
            raise forms.ValidationError(_("This file is larger than 10 MB."))
        return document

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        dated, until = cleaned.get("attested_date"), cleaned.get("until_date")
        if dated and until and until < dated:
            self.add_error("until_date", _("It ends before it begins."))
        return cleaned

    @property
    def values(self) -> AttestationValues:
        document: UploadedFile[bytes] | None = self.cleaned_data["document"]
        return AttestationValues(
            self.cleaned_data["attested_date"],
            self.cleaned_data["until_date"],
            document_name=document.name or "document" if document else "",
            document=document.read() if document else None,
        )


class RoutingForm(forms.Form):
    """How far data of each class may go: as far as a zone, and nearer. `number` is the version it was read from."""

    public = forms.ChoiceField(label=_("Public data"), required=False)
    internal = forms.ChoiceField(label=_("Internal data"), required=False)
    personal = forms.ChoiceField(label=_("Personal data"), required=False)
    sensitive = forms.ChoiceField(label=_("Sensitive data"), required=False)
    default_class = forms.ChoiceField(
        label=_("What says nothing of itself is"),
        choices=DataClass.choices,
        help_text=_("Questions and conversations, among others, unless who writes them says that they are more sensitive."),
    )
    number = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for data_class in DATA_CLASSES:
            self.fields[data_class].choices = [("", _("nowhere: no model reads them")), *_REACHES]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and any(faults(self.matrix)):
            raise forms.ValidationError(_("Data that are more sensitive cannot go further than data that are less."))
        return cleaned

    @property
    def matrix(self) -> dict[tuple[str, str], Clearance]:
        return matrix_up_to({data_class: self.cleaned_data[data_class] for data_class in DATA_CLASSES})

    def edits(self, held: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """What differs from what is held now: the line, what it says, and what it said, in words."""
        found = []
        for name in (*DATA_CLASSES, "default_class"):
            field = self.fields[name]
            words = dict(field.choices)  # type: ignore[attr-defined]
            if self.cleaned_data[name] != held[name]:
                found.append((str(field.label), str(words[self.cleaned_data[name]]), str(words[held[name]])))
        return found


class RoutingSavingForm(RoutingForm):
    """The same, once what it changes was read."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("It stays in the evidence, with your name and what changes.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in (*DATA_CLASSES, "default_class"):
            self.fields[name].widget = forms.HiddenInput()


def routing_initial(matrix: Matrix, default_class: str, number: int) -> dict[str, Any]:
    """The farthest zone that each class may go to, where all nearer ones are open too."""

    def reach(data_class: str) -> str:
        opened = list(takewhile(lambda zone: matrix.get((data_class, zone)) == Clearance.ALLOWED, ZONES))
        return opened[-1] if opened else ""

    return {**{one: reach(one) for one in DATA_CLASSES}, "default_class": default_class, "number": number}


_REACHES = [
    (Zone.ON_PREM, _("the institution’s own servers only")),
    (Zone.FR, _("as far as France")),
    (Zone.EU, _("as far as the European Union")),
    (Zone.WORLD, _("everywhere, outside the European Union too")),
]
_ALIAS = re.compile(r"[a-z][a-z0-9._-]*")


def _initial(instance: LanguageModel | None) -> dict[str, Any]:
    if instance is None:
        return {}
    provider = instance.provider
    return {
        "provider_name": provider.name,
        "kind": provider.kind,
        "base_url": provider.base_url,
        "zone": provider.zone,
        "processor": provider.processor,
        "agreement": provider.agreement_id,
        "alias": instance.alias,
        "capabilities": instance.capabilities,
        "context_tokens": instance.context_tokens,
        "max_output_tokens": instance.max_output_tokens,
        "concurrency": instance.concurrency,
        "requests_per_minute": instance.requests_per_minute,
        "rank": instance.rank,
        "hedge_seconds": instance.hedge_seconds,
        "counts_as_it_goes": instance.counts_as_it_goes,
        "name": instance.name,
        "display_name": instance.display_name,
        "purpose": instance.purpose,
        "is_default": instance.is_default,
    }


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(
            parts.scheme in {"http", "https"}
            and parts.hostname
            and not parts.username
            and not parts.query
            and not parts.fragment
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
