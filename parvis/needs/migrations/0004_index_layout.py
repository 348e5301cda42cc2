"""The embedded index of needs keeps one list per term, no longer one per corpus and term."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def forward(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        from parvis.retrieval.conversion import convert_tables

        convert_tables(schema_editor.connection.connection, "needs_search")


class Migration(migrations.Migration):
    dependencies = [("needs", "0003_searched_and_imported")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
