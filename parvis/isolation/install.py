"""Makes the database hold institutions apart, after each migration. It changes nothing the second time."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from parvis.isolation import keys, policies
from parvis.isolation.kinds import KINDS
from parvis.isolation.signing import key_of, padded


def install(connection: Any) -> None:
    if connection.vendor == "sqlite":
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            keys.hold(connection, cursor)
        return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')")
        if not cursor.fetchone()[0]:  # it owns no table: whoever does made all this
            return
        _verifier(cursor)
        present = set(connection.introspection.table_names(cursor))
        for table in sorted(present):
            for statement in policies.statements(table, KINDS.get(table)):
                cursor.execute(statement)
        keys.hold(connection, cursor)
        if role := settings.DATABASE_APPLICATION_ROLE:
            _grant(cursor, role)


def _verifier(cursor: Any) -> None:
    for statement in policies.KEY_TABLE:
        cursor.execute(statement)
    cursor.execute("INSERT INTO isolation.key VALUES (%s, %s)", padded(key_of(settings.CONTEXT_KEY)))
    cursor.execute(policies.FUNCTION)


def _grant(cursor: Any, role: str) -> None:
    """The application's role reads and writes rows, under the policies; it owns nothing, and cannot read the key."""
    cursor.execute("SELECT quote_ident(current_schema()), quote_ident(%s)", [role])
    schema, name = cursor.fetchone()
    cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}")
    cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}")
    cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {name}")
    # A temporary table hides the one of its name from whoever next uses the connection.
    cursor.execute(
        "SELECT quote_ident(datname) FROM pg_database"
        " WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'USAGE')"
    )
    for (database,) in cursor.fetchall():  # none: its owner does it (see `access.isolation`)
        cursor.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {name}")
