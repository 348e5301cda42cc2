"""The list of needs somebody sends."""

from __future__ import annotations

from typing import cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Role


class ListForm(forms.Form):
    institution = forms.ModelChoiceField(
        label=_("In the name of"),
        help_text=_("Each need says that the coordination imported it; this institution validates them."),
        queryset=Institution.objects.none(),
        empty_label=_("Choose an institution"),
    )
    file = forms.FileField(
        label=_("The list"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx"}),
        error_messages={
            "required": _("No file arrived. Choose one, then send again."),
            "empty": _("The file is empty. Check it on your computer, then send it again."),
        },
    )

    def __init__(
        self,
        principal: Principal,
        data: QueryDict | None = None,
        files: MultiValueDict[str, UploadedFile[bytes]] | None = None,
    ) -> None:
        super().__init__(data, files)
        if principal.role == Role.COORDINATOR:
            institutions = cast("forms.ModelChoiceField[Institution]", self.fields["institution"])
            institutions.queryset = Institution.objects.filter(nature=Nature.MEMBER, left_date=None)
        else:
            del self.fields["institution"]
