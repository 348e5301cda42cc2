from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from parvis.assistants.statements.actions import MOST_BYTES
from parvis.assistants.statements.files import WRITERS

FORMATS = {"odt": _("document to read and print (ODT)"), "md": "Markdown", "json": _("for programs (JSON)")}
DAY = forms.DateInput({"type": "date"}, "%Y-%m-%d")


class StatementForm(forms.Form):
    course = forms.TypedChoiceField(label=_("Course"), coerce=int)
    first_date = forms.DateField(label=_("From"), widget=DAY)
    last_date = forms.DateField(label=_("To, included"), widget=DAY)
    format = forms.ChoiceField(label=_("File"), choices=[(name, FORMATS[name]) for name in WRITERS], initial="odt")
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, initial="fr")

    def __init__(self, *args: Any, courses: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["course"].choices = courses  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if values.get("first_date") and values.get("last_date") and values["first_date"] > values["last_date"]:
            raise forms.ValidationError(_("The last day comes before the first."))
        return values


class CheckForm(forms.Form):
    """A file, or what is printed at the foot of a paper."""

    file = forms.FileField(label=_("File you were given"), required=False)
    number = forms.CharField(label=_("Number of the statement"), max_length=14, required=False)
    fingerprint = forms.CharField(label=_("Fingerprint"), max_length=120, required=False)

    def clean_file(self) -> UploadedFile[bytes] | None:
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file and (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_("This file is too large to be a statement."))
        return file

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if "file" in values and not values["file"] and not (values.get("number") and values.get("fingerprint")):
            raise forms.ValidationError(_("Choose the file, or copy both the number and the fingerprint from the paper."))
        return values
