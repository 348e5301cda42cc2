"""What working groups fill in about a harmonised need."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Role, WorkingGroup
from parvis.needs.models import Attachment, HarmonisedNeed, Level


class VersionForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)
    description = forms.CharField(
        label=_("Description"),
        help_text=_("What institutions need, without naming a product."),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    scope = forms.CharField(label=_("Scope"), max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    out_of_scope = forms.CharField(
        label=_("Out of scope"),
        help_text=_("What nobody should expect from it: it spares vendors and institutions a misunderstanding."),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ProposalForm(VersionForm):
    working_group = forms.ModelChoiceField(label=_("Working group"), queryset=WorkingGroup.objects.none())
    field_order = ("working_group",)

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = WorkingGroup.objects.filter(is_active=True)
        if principal.role != Role.COORDINATOR:
            groups = groups.filter(profiles=principal.profile_id)
        cast("forms.ModelChoiceField[WorkingGroup]", self.fields["working_group"]).queryset = groups


class RequirementForm(forms.Form):
    text = forms.CharField(
        label=_("Requirement"),
        help_text=_("One thing that can be verified, in one sentence."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    level = forms.ChoiceField(label=_("Level"), choices=Level.choices, initial=Level.IMPORTANT)
    verification = forms.CharField(
        label=_("How it is verified"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    institutions = forms.ModelMultipleChoiceField(
        label=_("For these institutions only"),
        help_text=_("None chosen: it applies to all."),
        queryset=Institution.objects.filter(nature=Nature.MEMBER, left_date=None),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class _NeedField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    def label_from_instance(self, obj: HarmonisedNeed) -> str:
        return f"{obj.code} · {obj.title}"


class _ExcerptsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Attachment) -> str:
        return f"{obj.institution.short_name} : {obj.excerpt}"


class MergeForm(forms.Form):
    other = _NeedField(label=_("Need that becomes part of this one"), queryset=None)
    reason = forms.CharField(label=_("Reason"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, principal: Principal, need: HarmonisedNeed, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = HarmonisedNeed.objects.editable_by(principal).living().exclude(id=need.id).distinct()
        cast(_NeedField, self.fields["other"]).queryset = others.prefetch_related("versions")


class SplitForm(forms.Form):
    attachments = _ExcerptsField(
        label=_("Excerpts that make the new need"),
        queryset=None,
        widget=forms.CheckboxSelectMultiple,
    )
    title = forms.CharField(label=_("Title of the new need"), max_length=200)
    description = forms.CharField(label=_("Description"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}))
    reason = forms.CharField(label=_("Reason"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, principal: Principal, need: HarmonisedNeed, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Attachment.objects.visible_to(principal).accepted().filter(harmonised=need)
        cast(_ExcerptsField, self.fields["attachments"]).queryset = rows.select_related("institution", "text")
