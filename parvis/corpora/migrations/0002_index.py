"""The tables of the search engine, which are its own: Django only says when to make them."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from parvis.tables import Statements


def forward(apps: Any, schema_editor: Any) -> None:
    raw = schema_editor.connection.connection
    if schema_editor.connection.vendor == "sqlite":
        from parvis.retrieval.fts5 import create_tables
    else:
        from parvis.retrieval.postgres import create_tables
    create_tables(raw)


class Migration(migrations.Migration):
    dependencies = [("corpora", "0001_initial")]
    operations = [Statements(forward, Statements.noop)]
