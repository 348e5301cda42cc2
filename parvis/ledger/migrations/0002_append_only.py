"""The database refuses to change, replace, delete or empty the ledger, and prices in force, whoever asks."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from parvis.ledger.migrations import FUNCTIONS, on_postgres, on_sqlite
from parvis.tables import Statements


def forward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in on_sqlite().values() if sqlite else on_postgres():
        schema_editor.execute(statement)


def backward(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for name in on_sqlite():
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    for name in FUNCTIONS:
        schema_editor.execute(f"DROP FUNCTION {name}() CASCADE")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [Statements(forward, backward)]
