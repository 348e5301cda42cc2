"""What the coordination and administrators fill in about groups and people."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.identity.models import Person
from parvis.institutions.models import Institution, Profile, Role, WorkingGroup
from parvis.needs.actions.alliance import GIVEN

STAYING = (Role.TEACHER, Role.STAFF, Role.ADMINISTRATOR, *GIVEN)  # among whom representatives are chosen


class GroupNameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)


class _PeopleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    def label_from_instance(self, obj: Profile) -> str:
        return f"{obj.institution.short_name} · {obj.person.display_name} ({obj.get_role_display()})"


class GroupForm(GroupNameForm):
    is_active = forms.BooleanField(
        label=_("Active"),
        help_text=_("A group that is no longer active keeps its needs; no new one is proposed in it."),
        required=False,
    )
    profiles = _PeopleField(label=_("Members"), queryset=None, required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, group: WorkingGroup, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Profile.objects.filter(role__in=GIVEN, ended_at=None) | group.profiles.filter(ended_at=None)
        people = people.distinct().select_related("person", "institution").order_by("institution__short_name", "role", "id")
        cast(_PeopleField, self.fields["profiles"]).queryset = people


class RoleForm(forms.Form):
    """Somebody already here, or a new person."""

    role = forms.ChoiceField(label=_("Role"), choices=[(role.value, role.label) for role in GIVEN])
    person = forms.ModelChoiceField(
        label=_("Somebody of the institution"), queryset=Person.objects.none(), required=False, empty_label=_("A new person")
    )
    name = forms.CharField(label=_("Name of the new person"), max_length=120, required=False)
    email = forms.EmailField(label=_("E-mail of the new person"), required=False)

    def __init__(self, institution: Institution, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = Person.objects.filter(profiles__institution=institution, profiles__role__in=STAYING, is_active=True)
        cast("forms.ModelChoiceField[Person]", self.fields["person"]).queryset = here.distinct().order_by("display_name")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("person") and not given.get("name", "").strip() and "person" not in self.errors:
            self.add_error("name", _("Choose somebody, or write the name of a new person."))
        return given
