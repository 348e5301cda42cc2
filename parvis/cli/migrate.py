"""Bringing the database to this version, by the role that owns its tables."""

from __future__ import annotations

from parvis.cli.terminal import bring_up_to_date, out, start
from parvis.cli.words import gettext as _


def migrate() -> None:
    start()
    bring_up_to_date()
    out.print(_("The database is of this version, and keeps institutions apart."))
