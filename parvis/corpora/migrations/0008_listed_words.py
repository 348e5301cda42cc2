"""The words of everybody's passages are listed, so that near ones are found without counting all of those allowed."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def forward(apps: Any, schema_editor: Any) -> None:
    raw = schema_editor.connection.connection
    if schema_editor.connection.vendor == "sqlite":
        from parvis.retrieval import fts5

        fts5.create_tables(raw)
        fts5.Fts5Index(raw).list_words()
    else:
        from parvis.retrieval import postgres

        postgres.create_tables(raw)
        postgres.PostgresIndex(raw).list_words()


class Migration(migrations.Migration):
    dependencies = [("corpora", "0007_index_layout")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
