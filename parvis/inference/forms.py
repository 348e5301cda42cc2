from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.inference.actions import ModelValues, ProviderValues
from parvis.inference.addresses import is_of_the_machine
from parvis.inference.models import Kind, LanguageModel, Provider, Purpose, Zone

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
        choices=Zone.choices,
        initial=Zone.WORLD,
        required=False,
        help_text=_("Where the computing takes place; it is written under each answer."),
    )
    name = forms.CharField(
        label=_("Name of the model at the provider"), max_length=120, help_text=_("For example mistral-small-latest.")
    )
    display_name = forms.CharField(label=_("Name shown"), max_length=80)
    purpose = forms.ChoiceField(label=_("Used for"), choices=Purpose.choices, initial=Purpose.CHAT)
    is_default = forms.BooleanField(label=_("Used when an assistant names no other"), required=False, initial=True)

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
        return ModelValues(cleaned["name"], cleaned["display_name"], cleaned["purpose"], cleaned["is_default"])

    @property
    def provider_values(self) -> ProviderValues:
        cleaned = self.cleaned_data
        secret: str | None = cleaned["secret"] or None
        if cleaned.get("forget_secret") and not secret:
            secret = ""
        return ProviderValues(cleaned["provider_name"], cleaned["kind"], cleaned["base_url"], cleaned["zone"], secret)

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


def _initial(instance: LanguageModel | None) -> dict[str, Any]:
    if instance is None:
        return {}
    provider = instance.provider
    return {
        "provider_name": provider.name,
        "kind": provider.kind,
        "base_url": provider.base_url,
        "zone": provider.zone,
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
