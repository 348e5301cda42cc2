"""The words of everybody's needs are listed, so that near ones are found without counting all of those allowed."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def forward(apps: Any, schema_editor: Any) -> None:
    raw = schema_editor.connection.connection
    if schema_editor.connection.vendor == "sqlite":
        from parvis.retrieval import fts5

        fts5.create_tables(raw, "needs_search")
        fts5.Fts5Index(raw, "needs_search").list_words()
    else:
        from parvis.retrieval import postgres

        postgres.create_tables(raw, "needs_search")
        postgres.PostgresIndex(raw, "needs_search").list_words()


class Migration(migrations.Migration):
    dependencies = [("needs", "0005_who_decided")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
