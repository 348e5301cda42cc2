from __future__ import annotations

import io
import warnings
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from PIL import Image

from parvis.access.principal import Principal
from parvis.federation.actions import SourceValues
from parvis.federation.attributes import BY_NAME, KEYS, Correspondence, GroupRule, RoleRule, canonical
from parvis.federation.failure import SignInError
from parvis.federation.models import USUAL_KEY, Kind, SignInSource
from parvis.federation.outbound import check_address
from parvis.federation.saml.actions import logo_bytes
from parvis.federation.saml.metadata import is_scope
from parvis.federation.saml.models import Entity
from parvis.institutions.models import ROLES_OF, Institution, Nature, Role

LARGEST_LOGO = 2_000_000
LOGO_SIDE = 256
_ADDRESS = {"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
USUAL_ROLES = (
    RoleRule("eduPersonAffiliation", "faculty", Role.TEACHER),
    RoleRule("eduPersonAffiliation", "teacher", Role.TEACHER),
    RoleRule("eduPersonAffiliation", "researcher", Role.TEACHER),
    RoleRule("eduPersonAffiliation", "employee", Role.STAFF),
    RoleRule("eduPersonAffiliation", "staff", Role.STAFF),
    RoleRule("eduPersonAffiliation", "student", Role.STUDENT),
)


class SourceForm(forms.Form):
    """A source of one kind. The secret is written, never shown."""

    name = forms.CharField(label=_("Name shown to people"), max_length=120)
    server = forms.CharField(
        label=_("Address of the CAS server"),
        max_length=300,
        help_text=_("Up to what precedes /login, for example https://cas.univ-exemple.fr/cas."),
        widget=forms.URLInput(attrs=_ADDRESS),
    )
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("To the letter as the provider writes it: what precedes /.well-known/openid-configuration."),
        widget=forms.URLInput(attrs=_ADDRESS),
    )
    client_id = forms.CharField(label=_("Client identifier"), max_length=200)
    secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        max_length=500,
        help_text=_("The secret is kept encrypted and never shown again. Left empty, the one already recorded stays, if any."),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )
    scopes = forms.CharField(
        label=_("Scopes beside openid"),
        max_length=300,
        required=False,
        initial="profile",
        help_text=_("Only those whose attributes serve below. ProConnect: given_name usual_name siret."),
    )
    domains = forms.CharField(
        label=_("Domains it may speak for"),
        max_length=500,
        required=False,
        help_text=_(
            "Separated by spaces: univ-exemple.fr. An identifier of another domain is refused. In a federation it is the "
            "metadata that say so (shibmd:Scope), and nobody else."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    key = forms.ChoiceField(
        label=_("Attribute by which people are recognised"),
        help_text=_("It never changes and is never given to somebody else: an e-mail address will not do."),
    )
    keeps_mail = forms.BooleanField(
        label=_("Keep the e-mail address"), required=False, help_text=_("For notices by e-mail only.")
    )
    logo = forms.FileField(label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP."))
    forget_logo = forms.BooleanField(label=_("Remove the logo"), required=False)

    def __init__(
        self,
        data: QueryDict | None,
        files: MultiValueDict[str, UploadedFile[Any]] | None,
        *,
        principal: Principal,
        institution: Institution,
        kind: str,
        instance: SignInSource | None = None,
        entity: Entity | None = None,
    ) -> None:
        """`entity`: the provider of a new source, where it is SAML that it speaks."""
        self.principal, self.kind, self.instance, self.entity = principal, kind, instance, entity
        initial = _initial(instance) if instance else {"name": institution.name, "key": USUAL_KEY[Kind(kind)]}
        if entity:
            initial |= {"name": entity.name[:120], "domains": " ".join(entity.scopes)}
        super().__init__(data, files, initial=initial)
        is_vouched_for = bool((entity and entity.federation_id) or (instance and instance.settings.get("federation")))
        for name in {name for names in _CONNECTION.values() for name in names} - set(_CONNECTION[Kind(kind)]):
            del self.fields[name]
        if kind == Kind.SAML and is_vouched_for:
            del self.fields["domains"]
        if not (instance and instance.has_logo):
            del self.fields["forget_logo"]
        own = USUAL_KEY[Kind(kind)]
        keys = [own, *(key for key in KEYS if key not in {own, "user", "sub"})]  # those two are of one protocol each
        self.fields["key"].choices = [(key, key) for key in keys]  # type: ignore[attr-defined]
        # Another attribute would make a stranger of everybody known so far.
        self.fields["key"].disabled = bool(instance and instance.accounts.exists())
        self.rules = _formset(RoleForm, "roles", self, _roles(instance), roles=ROLES_OF[Nature(institution.nature)])
        self.group_rules = _formset(GroupForm, "groups", self, _groups(instance))

    @property
    def connection_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in _CONNECTION[Kind(self.kind)] if name in self.fields]

    def is_valid(self) -> bool:
        parts = [super().is_valid(), self.rules.is_valid(), self.group_rules.is_valid()]
        return all(parts)

    def clean_server(self) -> str:
        return self._clean_address("server").rstrip("/").removesuffix("/login")

    def clean_issuer(self) -> str:
        return self._clean_address("issuer").removesuffix("/.well-known/openid-configuration")

    def clean_domains(self) -> str:
        domains = self.cleaned_data["domains"].lower().replace(",", " ").split()
        if not all(is_scope(domain) for domain in domains):
            raise forms.ValidationError(_("A domain is written like univ-exemple.fr, without @."))
        return " ".join(domains)

    def clean_name(self) -> str:
        others = SignInSource.objects.editable_by(self.principal).filter(name=self.cleaned_data["name"])
        if others.exclude(id=self.instance.id if self.instance else None).exists():
            raise forms.ValidationError(_("Another source already has this name."))
        return str(self.cleaned_data["name"])

    def clean_logo(self) -> bytes | None:
        given: UploadedFile[Any] | None = self.cleaned_data["logo"]
        return _png(given) if given else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        moved = self.instance and self.kind == Kind.OIDC and cleaned.get("issuer") != self.instance.settings.get("issuer")
        if moved and self.instance and self.instance.sealed_secret and not cleaned.get("secret"):
            self.add_error("secret", _("The issuer has changed: type the secret again."))
        return cleaned

    @property
    def values(self) -> SourceValues:
        given = self.cleaned_data
        return SourceValues(
            kind=self.kind,
            name=given["name"],
            settings=self._settings(),
            correspondence=Correspondence(
                key=given["key"],
                roles=tuple(RoleRule(**row) for row in _rows(self.rules)),
                groups=tuple(GroupRule(**row) for row in _rows(self.group_rules)),
                keeps_mail=given["keeps_mail"],
            ),
            secret=given.get("secret") or None,
            logo=b"" if given.get("forget_logo") else given["logo"] or self._shown_logo(),
        )

    def _settings(self) -> dict[str, Any]:
        kept = {name: self.cleaned_data[name] for name in _CONNECTION[Kind(self.kind)] if name in self.cleaned_data}
        kept.pop("secret", None)
        if self.entity:
            return {"entity_id": self.entity.entity_id, "federation": self.entity.federation_id, **kept}
        if self.kind == Kind.SAML and self.instance:
            return {**self.instance.settings, **kept}
        return kept

    def _shown_logo(self) -> bytes | None:
        """The provider's own, for a new source without another: fetched here, once, so that no browser asks for it there."""
        shown = logo_bytes(self.entity.provider) if self.entity else b""
        try:
            return _png(SimpleUploadedFile("logo", shown)) if shown else None
        except forms.ValidationError:
            return None

    def _clean_address(self, name: str) -> str:
        address = str(self.cleaned_data[name]).strip()
        try:
            parts = check_address(address, settings.PRIVATE_HOSTS)
        except SignInError as error:
            raise forms.ValidationError(ADDRESS_REFUSALS.get(error.code, ADDRESS_REFUSALS["address"])) from None
        if parts.query:
            raise forms.ValidationError(ADDRESS_REFUSALS["address"])
        return address


# What is asked of each kind, in the order of the page.
_CONNECTION = {
    Kind.CAS: ("server",),
    Kind.OIDC: ("issuer", "client_id", "secret", "scopes"),
    Kind.SAML: ("domains",),
}


class RuleForm(forms.Form):
    """A line without attribute nor value is no rule: emptying one removes it."""

    attribute = forms.CharField(
        label=_("Attribute"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"list": "attributes", "autocomplete": "off", "spellcheck": "false"}),
    )
    value = forms.CharField(label=_("Value"), max_length=200, required=False)
    needed: tuple[str, ...] = ("attribute", "value")

    def clean_attribute(self) -> str:
        name = canonical(self.cleaned_data["attribute"])
        if name in BY_NAME and BY_NAME[name].is_personal:
            raise forms.ValidationError(_("This attribute is personal, and nothing here needs it."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("attribute") or cleaned.get("value"):
            for name in self.needed:
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, forms.Field.default_error_messages["required"])
        return cleaned


class RoleForm(RuleForm):
    role = forms.ChoiceField(label=_("Role"), required=False)
    detail = forms.CharField(label=_("Shown beside the name"), max_length=120, required=False)
    needed = (*RuleForm.needed, "role")

    def __init__(self, *args: Any, roles: tuple[Role, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *((role.value, role.label) for role in roles)]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]


class GroupForm(RuleForm):
    name = forms.CharField(label=_("Group"), max_length=120, required=False)


ADDRESS_REFUSALS = {
    "address": _("This is no address that a server answers at."),
    "not_tls": _("The address begins with https://: what it says of people must not be read or changed on the way."),
    "inside": _("This address is inside the network: whoever runs this installation must allow it (PARVIS_PRIVATE_HOSTS)."),
}


def _formset(form: type[RuleForm], prefix: str, of: SourceForm, initial: list[dict[str, Any]], **kwargs: Any) -> Any:
    """`Any`: what the factory makes has no type of its own."""
    factory = forms.formset_factory(form, extra=2, max_num=100, absolute_max=120)
    return factory(of.data if of.is_bound else None, prefix=prefix, initial=initial, form_kwargs=kwargs)


def _rows(formset: Any) -> list[dict[str, Any]]:
    return [form.cleaned_data for form in formset if form.cleaned_data and form.cleaned_data.get("attribute")]


def _roles(instance: SignInSource | None) -> list[dict[str, Any]]:
    rules = instance.correspondence.roles if instance else USUAL_ROLES
    return [{"attribute": r.attribute, "value": r.value, "role": r.role, "detail": r.detail} for r in rules]


def _groups(instance: SignInSource | None) -> list[dict[str, Any]]:
    rules = instance.correspondence.groups if instance else ()
    return [{"attribute": r.attribute, "value": r.value, "name": r.name} for r in rules]


def _initial(instance: SignInSource) -> dict[str, Any]:
    mapping = instance.correspondence
    return {"name": instance.name, "key": mapping.key, "keeps_mail": mapping.keeps_mail, **instance.settings}


def _png(given: UploadedFile[Any]) -> bytes:
    """Made anew, so that what is served is an image and nothing else."""
    refusal = forms.ValidationError(_("This is no PNG, JPEG or WebP image of less than two megabytes."))
    if (given.size or 0) > LARGEST_LOGO:
        raise refusal
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(given, formats=["PNG", "JPEG", "WEBP"])
            image.thumbnail((LOGO_SIDE, LOGO_SIDE))
            made = io.BytesIO()
            image.convert("RGBA").save(made, "PNG", optimize=True)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise refusal from None
    return made.getvalue()
