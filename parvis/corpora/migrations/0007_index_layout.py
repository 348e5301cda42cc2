"""The embedded index keeps one list per term, no longer one per corpus and term."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def forward(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        from parvis.retrieval.conversion import convert_tables

        convert_tables(schema_editor.connection.connection)


class Migration(migrations.Migration):
    dependencies = [("corpora", "0006_served")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
