"""What a database keeps of rows that are gone: free space of its files, journals, dead rows, words of an index."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from parvis.corpora.actions import Erased, erase
from parvis.isolation.ownership import as_owner
from parvis.needs.engine import index as index_of_needs
from parvis.privacy.declarations import about_people
from parvis.privacy.models import RightKind, RightRequest

NIGHT = range(1, 6)  # hours
PATIENCE = timedelta(days=1)


def owed(now: datetime) -> bool:
    """Whether somebody was erased since the files were last written anew; by day only if no night came in between."""
    waiting = RightRequest.unscoped.filter(kind=RightKind.ERASURE, overwritten_at=None)
    is_night = timezone.localtime(now).hour in NIGHT
    return (waiting if is_night else waiting.filter(answered_at__lt=now - PATIENCE)).exists()


def may_overwrite() -> bool:
    """Only the owner of the tables rewrites their files: on PostgreSQL it may be a role that this process was not given, and
    then `parvis corpus maintain`, run where it is, does it."""
    if connection.vendor != "postgresql":
        return True
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT tableowner = current_user FROM pg_tables WHERE tablename = %s", [RightRequest._meta.db_table])  # noqa: SLF001 - Django's documented name
        return bool(cursor.fetchone()[0])


def overwrite(now: datetime) -> Erased:
    """No byte of what was erased is left in the files. It writes them anew: nobody else writes meanwhile, so it is done at
    night. Raises FilesInUse or OperationalError when somebody does, InTransaction inside one."""
    index_of_needs().maintain()  # before the files are written anew
    erased = erase()
    if connection.vendor == "postgresql":
        tables = ", ".join(connection.ops.quote_name(table) for table, _ in about_people())
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"VACUUM FULL {tables}")
            cursor.execute("VACUUM FULL " + ", ".join(_tables_of_indexes()))
    RightRequest.unscoped.filter(kind=RightKind.ERASURE, overwritten_at=None, answered_at__lte=now).update(overwritten_at=now)
    return erased


def _tables_of_indexes() -> list[str]:
    names = connection.introspection.table_names()
    return [connection.ops.quote_name(name) for name in names if name.startswith(("search_", "needs_search_"))]
