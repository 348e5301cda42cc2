"""What is filled in about a request: its terms, questions, exchanges, passphrases."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.offers.actions.requests import Terms
from parvis.offers.models import RequestForInformation


class _ProfilesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    def label_from_instance(self, obj: Profile) -> str:
        return f"{obj.institution.short_name} · {obj.person.display_name} · {obj.get_role_display()}"


def _instant(label: Any, help_text: Any = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, help_text=help_text, widget=widget)


class TermsForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)
    introduction = forms.CharField(
        label=_("Introduction for vendors"),
        help_text=_("Who asks, why now, what becomes of the answers. No vendor is named."),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    questions_until = _instant(_("Questions until"))
    deadline_at = _instant(_("Answers until"), _("By the clock of this server. A later answer is refused."))
    holders = _ProfilesField(
        label=_("Key holders"),
        help_text=_("One person in each of several institutions. Without enough of them nobody opens the answers."),
        queryset=Profile.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )
    holders_needed = forms.IntegerField(
        label=_("How many of them open the answers"),
        help_text=_("At least two. Fewer than there are, so that one lost passphrase does not lose the answers."),
        min_value=2,
        max_value=255,
        initial=2,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(_ProfilesField, self.fields["holders"]).queryset = possible_holders()

    def terms(self) -> Terms:
        return Terms(**{**self.cleaned_data, "holders": list(self.cleaned_data["holders"])})


def possible_holders() -> QuerySet[Profile]:
    rows = Profile.objects.filter(
        role__in=(Role.REFERENT, Role.SIGNATORY), institution__nature=Nature.MEMBER, institution__left_date=None
    )
    return rows.select_related("institution", "person").order_by("institution__short_name", "person__display_name")


def initial_of(request: RequestForInformation) -> dict[str, Any]:
    names = ("title", "introduction", "questions_until", "deadline_at", "holders_needed")
    holders = list(request.holders.values_list("profile_id", flat=True))
    return {**{name: getattr(request, name) for name in names}, "holders": holders}


class PassphraseForm(forms.Form):
    """Of somebody's own, typed twice."""

    passphrase = forms.CharField(
        label=_("Passphrase"),
        help_text=_("Sixteen characters at least. Several words are easier to keep than signs."),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same again"), max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("passphrase") and data.get("again") and data["passphrase"] != data["again"]:
            self.add_error("again", _("The two are not the same. Type it again."))
        return data


class UnlockForm(forms.Form):
    passphrase = forms.CharField(
        label=_("Passphrase"), max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class QuestionForm(forms.Form):
    text = forms.CharField(
        label=_("Question"),
        help_text=_("Published to everybody with its answer, reworded without your name if need be."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AnswerForm(forms.Form):
    published_text = forms.CharField(
        label=_("The question as it is published"),
        help_text=_("Without any name: other vendors must not know who asks."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    answer = forms.CharField(label=_("Answer"), max_length=8_000, widget=forms.Textarea(attrs={"rows": 5}))


class PostponementForm(forms.Form):
    deadline_at = _instant(
        _("Answers until"), _("Later than now planned. Sealed answers stay, and may be replaced until then.")
    )
    reason = forms.CharField(
        label=_("Why"),
        help_text=_("Published to everybody with the new date, and written in the register. No vendor is named."),
        max_length=180,
    )


class ExchangeForm(forms.Form):
    subject = forms.CharField(label=_("What was said or handed over, and when"), max_length=300)
    recipient = forms.ModelChoiceField(
        label=_("With"),
        queryset=Institution.objects.filter(nature=Nature.VENDOR),
        required=False,
        empty_label=_("all vendors"),
    )
