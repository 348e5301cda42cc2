"""What the tests leave behind: a test that commits empties the tables when it ends. Those that only migrations fill keep what
they hold, hence nothing has to be made anew."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.management import call_command

OF_MIGRATIONS = {"django_content_type", "auth_permission"}


def filled_by_tests(tables: Iterable[str]) -> list[str]:
    return [table for table in tables if table not in OF_MIGRATIONS]


def empty_tables(_test: object) -> None:
    """As Django does after a test that commits, without the work that follows a migration: it took six times as long."""
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True)
