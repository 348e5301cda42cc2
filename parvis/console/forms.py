from __future__ import annotations

from django import forms


class StopForm(forms.Form):
    """Which answer of /v1 is to end, by the number of its request."""

    stream = forms.RegexField(r"\Areq_[0-9a-f]{24}\Z", strip=False)
