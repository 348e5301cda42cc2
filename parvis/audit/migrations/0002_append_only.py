"""The database refuses to change, replace, delete or empty evidence, whoever asks: two changes apart, each of them once."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from parvis.audit.migrations import APPEND_ONLY, append_only_on_postgres, append_only_triggers
from parvis.tables import Statements


def forward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in append_only_triggers().values() if sqlite else append_only_on_postgres():
        schema_editor.execute(statement)


def backward(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for name in append_only_triggers():
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    for table in APPEND_ONLY:
        for verb in ("update", "delete", "truncate"):
            schema_editor.execute(f"DROP TRIGGER {table}_no_{verb} ON {table}")
    schema_editor.execute("DROP FUNCTION audit_append_only()")
    schema_editor.execute("DROP FUNCTION audit_entry_change()")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [Statements(forward, backward)]
