"""What a working group fills in during a session."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.institutions.models import Role, WorkingGroup
from parvis.needs.models import MinuteKind


class WorkshopForm(forms.Form):
    working_group = forms.ModelChoiceField(label=_("Working group"), queryset=WorkingGroup.objects.none())
    title = forms.CharField(label=_("Title"), max_length=200)

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = WorkingGroup.objects.filter(is_active=True)
        if principal.role != Role.COORDINATOR:
            groups = groups.filter(profiles=principal.profile_id)
        cast("forms.ModelChoiceField[WorkingGroup]", self.fields["working_group"]).queryset = groups


class MinuteForm(forms.Form):
    text = forms.CharField(label=_("What is said"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}))
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in (MinuteKind.NOTE, MinuteKind.DECISION)])
