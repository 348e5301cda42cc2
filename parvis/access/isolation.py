"""How far this installation keeps institutions apart, in words for who runs it: `parvis doctor` and administration pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from parvis.isolation.scope import everywhere

WHOLE, PARTIAL, BROKEN = "whole", "partial", "broken"


@dataclass(frozen=True)
class Standing:
    """`state` is WHOLE, PARTIAL or BROKEN; `text` says what holds and what does not; `mend` what to do, "" for nothing."""

    state: str
    text: str
    mend: str = ""


def standing() -> Standing:
    if connection.vendor == "sqlite":
        return Standing(
            PARTIAL,
            _(
                "SQLite: Parvis’s own doors and keys keep institutions apart. It does not protect against who reads the file"
                " of the database, nor against a fault that would let somebody send SQL of their own."
            ),
            _("For several institutions on one server, use PostgreSQL with a role that owns nothing (decision 17)."),
        )
    with everywhere("verification"), connection.cursor() as cursor:
        cursor.execute("SELECT to_regproc('isolation_scope') IS NOT NULL")
        installed = cursor.fetchone()[0]
        if installed:
            cursor.execute("SELECT isolation_scope()")
            installed = cursor.fetchone()[0] == 0
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        bypasses = cursor.fetchone()[0]
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_tables WHERE tablename = 'corpora_corpus' AND tableowner = current_user)"
        )
        owns = cursor.fetchone()[0]
        cursor.execute("SELECT current_user, current_database(), has_database_privilege(current_database(), 'TEMPORARY')")
        role, database, hides = cursor.fetchone()
        cursor.execute("SELECT current_setting('track_activities')::boolean")
        overheard = cursor.fetchone()[0]
    if bypasses:
        return Standing(
            BROKEN,
            _("PostgreSQL: the role that serves bypasses row-level security. Nothing but Parvis’s own doors holds."),
            _("Give PARVIS_DATABASE_URL a role that is no superuser, and PARVIS_DATABASE_OWNER_URL the owner of the tables."),
        )
    if not installed:
        return Standing(
            BROKEN,
            _("PostgreSQL does not recognise the institution it is asked for: it shows no row."),
            _("Run: parvis migrate, with the same PARVIS_SECRET_KEY, and check the clocks of both machines."),
        )
    if owns:
        return Standing(
            PARTIAL,
            _(
                "PostgreSQL keeps each institution’s rows apart, but the role that serves owns the tables: a fault that would"
                " let somebody send SQL of their own could undo it."
            ),
            _("Serve with a role that owns nothing: see PARVIS_DATABASE_OWNER_URL."),
        )
    if hides:
        return Standing(
            PARTIAL,
            _(
                "PostgreSQL keeps each institution’s rows apart, but the role that serves may make temporary tables: a fault"
                " that would let somebody send SQL of their own could hide a table from the next request."
            ),
            _("As the owner of the database: %(sql)s") % {"sql": f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC;'},
        )
    if overheard:
        return Standing(
            PARTIAL,
            _(
                "PostgreSQL keeps each institution’s rows apart, but lets each connection read what the others are asking: a"
                " fault that would let somebody send SQL of their own would show them the words of the requests under way."
            ),
            _("As a superuser: %(sql)s") % {"sql": f'ALTER ROLE "{role}" SET track_activities = off;'},
        )
    return Standing(
        WHOLE,
        _("PostgreSQL keeps each institution’s rows apart by itself, whatever is asked of it by the role that serves."),
    )
