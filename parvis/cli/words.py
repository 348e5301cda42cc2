"""The command line's own language: that of the terminal, French unless it says English. Read without starting Django."""

from __future__ import annotations

import gettext as catalogues
import os
from pathlib import Path


def language() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "en" if value.lower().startswith("en") else "fr"
    return "fr"


_catalogue = catalogues.translation(
    "django", Path(__file__).parent.parent / "locale", languages=[language()] if language() != "en" else [], fallback=True
)
gettext = _catalogue.gettext
ngettext = _catalogue.ngettext
