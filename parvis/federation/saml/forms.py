from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.federation.failure import SignInError
from parvis.federation.forms import ADDRESS_REFUSALS
from parvis.federation.outbound import check_address
from parvis.federation.saml.actions import FederationValues, entity_address, fetched
from parvis.federation.saml.metadata import LARGEST_ENTITY
from parvis.federation.saml.models import Federation, FederationKind
from parvis.federation.saml.signatures import key_of_pem

_ADDRESS = {"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
MOST_KEYS = 2


class FederationForm(forms.Form):
    name = forms.CharField(label=_("Name of the federation"), max_length=120)
    kind = forms.ChoiceField(label=_("How it publishes"), choices=FederationKind.choices, widget=forms.RadioSelect)
    address = forms.CharField(
        label=_("Address of its metadata"),
        max_length=400,
        help_text=_(
            "Of the aggregate of identity providers; or, by entity, what precedes /entities/. {sha1} or {entity} in it "
            "is replaced by its name: https://metadata.federation.renater.fr/fer/entities/{sha1}.xml."
        ),
        widget=forms.URLInput(attrs=_ADDRESS),
    )
    keys = forms.CharField(
        label=_("Signing key, or two while the federation changes its own"),
        max_length=20_000,
        help_text=_(
            "Certificate or public key (PEM) as the federation publishes it elsewhere than in the metadata. The key counts: "
            "the dates of a certificate do not. Compare the fingerprint shown afterwards."
        ),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None, *, principal: Principal, instance: Federation | None = None) -> None:
        self.principal, self.instance = principal, instance
        initial: dict[str, Any] = {"kind": FederationKind.AGGREGATE}
        if instance:
            initial = {
                "name": instance.name,
                "kind": instance.kind,
                "address": instance.address,
                "keys": "\n".join(instance.keys),
            }
        super().__init__(data, initial=initial)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Federation.objects.editable_by(self.principal).filter(name=name)
        if others.exclude(id=self.instance.id if self.instance else None).exists():
            raise forms.ValidationError(_("Another federation already has this name."))
        return name

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"]).strip()
        _check(entity_address(address, "x") if "{" in address else address)
        return address

    def clean_keys(self) -> list[str]:
        found = [match[0] for match in _PEM.finditer(self.cleaned_data["keys"])]
        try:
            for one in found:
                key_of_pem(one)
        except SignInError:
            found = []
        if not 1 <= len(found) <= MOST_KEYS:
            raise forms.ValidationError(
                _(
                    "One or two keys are expected, each from its -----BEGIN line to its -----END line: RSA of 2048 bits or "
                    "more, or P-256."
                )
            )
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == FederationKind.AGGREGATE and "{" in cleaned.get("address", ""):
            self.add_error("address", _("An aggregate is one file: its address names no entity."))
        return cleaned

    @property
    def values(self) -> FederationValues:
        return FederationValues(**{name: self.cleaned_data[name] for name in ("name", "kind", "address", "keys")})


class ProviderForm(forms.Form):
    """Metadata of one provider: at an address, in a file, or pasted."""

    address = forms.CharField(
        label=_("Address of the metadata"), max_length=400, required=False, widget=forms.URLInput(attrs=_ADDRESS)
    )
    file = forms.FileField(label=_("or a file"), required=False)
    text = forms.CharField(
        label=_("or the XML, pasted"),
        max_length=LARGEST_ENTITY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"]).strip()
        if address:
            _check(address)
        return address

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        given = [name for name in ("address", "file", "text") if cleaned.get(name)]
        if not self.errors and len(given) != 1:
            raise forms.ValidationError(_("Give an address, a file or a text: one of the three."))
        file: UploadedFile[Any] | None = cleaned.get("file")
        if file is not None and (file.size or 0) > LARGEST_ENTITY:
            self.add_error("file", _("The metadata of one provider are smaller than a megabyte."))
        return cleaned

    def body(self) -> bytes:
        """Raises SignInError when the address does not answer."""
        file: UploadedFile[Any] | None = self.cleaned_data.get("file")
        if file is not None:
            return bytes(file.read())
        return fetched(self.cleaned_data["address"]) if self.cleaned_data["address"] else self.cleaned_data["text"].encode()


def _check(address: str) -> None:
    try:
        check_address(address, settings.PRIVATE_HOSTS)
    except SignInError as error:
        raise forms.ValidationError(ADDRESS_REFUSALS.get(error.code, ADDRESS_REFUSALS["address"])) from None
