from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.corpora.ai_rule.models import Use

SAYING = {
    Use.ALLOWED: _("Students ask freely. They may export what they asked."),
    Use.TRACED: _("Students ask, are told that each question is kept, and join the statement to their work."),
    Use.FORBIDDEN: _("Students cannot ask an assistant in this course. You still can."),
}


class RuleForm(forms.Form):
    use = forms.ChoiceField(label=_("Use of AI"), choices=Use.choices, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("In your words"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Shown to students beside the rule: what for, until when, what you expect of them."),
    )

    def saying(self) -> list[tuple[forms.boundfield.BoundWidget, str]]:
        return [(choice, str(SAYING[Use(choice.data["value"])])) for choice in self["use"]]
