"""People, groups, lists, and how SCIM is read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.federation.models import ScimSetup, SignInSource
from parvis.federation.provisioning.models import KeyAttribute
from parvis.federation.provisioning.scim import RULE_ATTRIBUTES
from parvis.institutions.models import ROLES_OF, Institution, Nature

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


def role_choices(institution: Institution) -> list[tuple[str, str]]:
    return [(role.value, str(role.label)) for role in ROLES_OF[Nature(institution.nature)]]


class PersonForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    role = forms.ChoiceField(label=_("Role"))
    detail = forms.CharField(label=_("Shown beside the name"), max_length=120, required=False)
    identifier = forms.RegexField(
        label=_("Identifier"),
        regex=r"^[\w.@-]+$",
        max_length=80,
        required=False,
        help_text=_("Letters, digits, dots and hyphens. Made from the name if you leave it empty."),
        widget=forms.TextInput(attrs=_PLAIN),
    )

    def __init__(self, institution: Institution, data: QueryDict | None = None) -> None:
        super().__init__(data)
        cast("forms.ChoiceField", self.fields["role"]).choices = role_choices(institution)


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"))
    detail = forms.CharField(label=_("Shown beside the name"), max_length=120, required=False)

    def __init__(self, institution: Institution, data: QueryDict | None = None) -> None:
        super().__init__(data)
        cast("forms.ChoiceField", self.fields["role"]).choices = role_choices(institution)


class GroupForm(forms.Form):
    name = forms.CharField(label=_("Name of the group"), max_length=120)


class ListForm(forms.Form):
    file = forms.FileField(
        label=_("The list"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={
            "required": _("No file arrived. Choose one, then send again."),
            "empty": _("The file is empty. Check it on your computer, then send it again."),
        },
    )
    list_name = forms.CharField(
        label=_("Name of this list"),
        max_length=80,
        initial=_("People"),
        help_text=_(
            "People who are no longer in the next list of the same name can be ended: give students and staff two names."
        ),
    )
    source: forms.ModelChoiceField[SignInSource] = forms.ModelChoiceField(
        label=_("The identifier is the one by which people are known at"),
        queryset=None,
        required=False,
        empty_label=_("none: they sign in by a link"),
        help_text=_("Whoever signs in there under this identifier is then the person of the list."),
    )

    def __init__(
        self,
        principal: Principal,
        data: QueryDict | None = None,
        files: MultiValueDict[str, UploadedFile[bytes]] | None = None,
    ) -> None:
        sources = SignInSource.objects.visible_to(principal).defer("logo")
        super().__init__(data, files, initial={"source": sources.first()})
        cast("forms.ModelChoiceField[SignInSource]", self.fields["source"]).queryset = sources
        if not sources:
            del self.fields["source"]


class TokenForm(forms.Form):
    name = forms.CharField(label=_("Name of the token"), max_length=80, help_text=_("Which software will hold it."))


class RuleForm(forms.Form):
    """A line without a value is no rule: emptying one removes it."""

    attribute = forms.ChoiceField(label=_("Attribute"), choices=tuple(RULE_ATTRIBUTES.items()))
    value = forms.CharField(label=_("Value"), max_length=200, required=False)
    role = forms.ChoiceField(label=_("Role"))
    detail = forms.CharField(label=_("Shown beside the name"), max_length=120, required=False)

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["role"]).choices = roles


class SetupForm(forms.Form):
    """How an institution's SCIM client is read. What recognises people no longer changes once it has brought some."""

    source: forms.ModelChoiceField[SignInSource] = forms.ModelChoiceField(
        label=_("People sign in by"),
        queryset=None,
        required=False,
        empty_label=_("none: they sign in by a link"),
    )
    key_attribute = forms.ChoiceField(
        label=_("Their identifier there is SCIM’s"),
        choices=KeyAttribute.choices,
        help_text=_("It must be the very value that this source gives: an e-mail address will not do."),
    )
    keeps_mail = forms.BooleanField(
        label=_("Keep the e-mail address"), required=False, help_text=_("For notices by e-mail only.")
    )

    def __init__(
        self, principal: Principal, institution: Institution, setup: ScimSetup, data: QueryDict | None = None
    ) -> None:
        self.setup = setup
        super().__init__(
            data, initial={"source": setup.source, "key_attribute": setup.key_attribute, "keeps_mail": setup.keeps_mail}
        )
        sources = SignInSource.objects.visible_to(principal).defer("logo")
        cast("forms.ModelChoiceField[SignInSource]", self.fields["source"]).queryset = sources
        for name in ("source", "key_attribute"):
            self.fields[name].disabled = bool(setup.source_id)
        factory: Any = forms.formset_factory(RuleForm, extra=2, max_num=100, absolute_max=120)
        initial = [asdict(rule) for rule in setup.role_rules]
        kwargs = {"roles": role_choices(institution)}
        self.rules = factory(data, prefix="rules", initial=initial, form_kwargs=kwargs)

    def is_valid(self) -> bool:
        return bool(super().is_valid() and self.rules.is_valid())

    @property
    def value(self) -> ScimSetup:
        given = self.cleaned_data
        self.setup.source, self.setup.key_attribute = given["source"], given["key_attribute"]
        self.setup.keeps_mail = given["keeps_mail"]
        self.setup.rules = [form.cleaned_data for form in self.rules if form.cleaned_data.get("value")]
        return self.setup
