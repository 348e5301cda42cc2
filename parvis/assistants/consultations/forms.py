from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.evidence.actions import REASON_LENGTH


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you need to read it?"),
        min_length=REASON_LENGTH,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("In a sentence at least: the person concerned reads it, and the log keeps it."),
        error_messages={"min_length": _("Write the reason in a sentence: %(limit_value)d characters at least.")},
    )
