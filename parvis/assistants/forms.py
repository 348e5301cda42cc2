from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.assistants.actions import AssistantValues
from parvis.assistants.models import NOT_A_PURPOSE, QUESTION_LENGTH, TITLE_LENGTH, Assistant, AssistantPurpose
from parvis.inference.actions import chat_models_within_rules
from parvis.inference.models import LanguageModel
from parvis.institutions.models import DataClass


class QuestionForm(forms.Form):
    question = forms.CharField(
        max_length=QUESTION_LENGTH,
        error_messages={
            "required": _("Write your question first."),
            "max_length": _("Your question is too long: %(show_value)s characters for a limit of %(limit_value)s."),
            "null_characters_not_allowed": _(
                "Your question holds characters that cannot be read. Remove them, then ask again."
            ),
        },
    )


class ClassForm(forms.Form):
    data_class = forms.ChoiceField(choices=DataClass.choices, required=False)


class TitleForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=TITLE_LENGTH)


class AssistantForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=160)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown to those who may use it."),
    )
    purpose = forms.ChoiceField(
        label=_("What it is for"),
        choices=AssistantPurpose.choices,
        required=False,
        error_messages={"invalid_choice": NOT_A_PURPOSE},
        help_text=_("Never to grade, to admit, to assess a level or to watch an exam: those uses are refused."),
    )
    instructions = forms.CharField(
        label=_("Instructions to the model"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_(
            "Tone, level, what to insist on. They never change which documents are searched, nor what counts as proof."
        ),
    )
    suggestions = forms.CharField(
        label=_("Questions to begin with"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, four at most, shown before the first question."),
    )
    model: forms.ModelChoiceField[LanguageModel] = forms.ModelChoiceField(
        label=_("Model"),
        queryset=None,
        required=False,
        empty_label=_("the institution’s default"),
        help_text=_("Without any model, the answer is made of quotations only."),
    )
    quotes_only = forms.BooleanField(label=_("Only quote the documents, without any model"), required=False)

    def __init__(self, *args: Any, principal: Principal, instance: Assistant, **kwargs: Any) -> None:
        fields = ("name", "description", "purpose", "instructions", "suggestions", "model", "quotes_only")
        kwargs["initial"] = {name: getattr(instance, name) for name in fields}
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = chat_models_within_rules(principal)  # type: ignore[attr-defined]

    @property
    def values(self) -> AssistantValues:
        purpose = self.cleaned_data["purpose"] or self.initial["purpose"]
        return AssistantValues(**{**self.cleaned_data, "purpose": purpose})
