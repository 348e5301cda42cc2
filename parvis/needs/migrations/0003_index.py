"""Needs are searched in tables of the engine’s own: Django only says when to make them."""

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
    create_tables(raw, "needs_search")


class Migration(migrations.Migration):
    dependencies = [("needs", "0002_kept_as_written")]
    operations = [Statements(forward, Statements.noop)]
