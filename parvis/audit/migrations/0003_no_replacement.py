"""The two ways round the triggers of migration 0002: replacing a row on SQLite, emptying the table on PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from parvis.audit.migrations import no_replacement_triggers

POSTGRES_TRIGGER = """
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
"""


def forward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in no_replacement_triggers().values() if sqlite else (POSTGRES_TRIGGER,):
        schema_editor.execute(statement)


def backward(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for name in no_replacement_triggers():
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    schema_editor.execute("DROP TRIGGER audit_entry_no_truncate ON audit_entry")


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [migrations.RunPython(forward, backward)]
