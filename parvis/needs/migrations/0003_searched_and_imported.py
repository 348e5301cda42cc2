"""Needs are searched, in tables of the engine's own; and imported from lists, kept between preview and confirmation."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


def make_tables(apps: Any, schema_editor: Any) -> None:
    raw = schema_editor.connection.connection
    if schema_editor.connection.vendor == "sqlite":
        from parvis.retrieval.fts5 import create_tables
    else:
        from parvis.retrieval.postgres import create_tables
    create_tables(raw, "needs_search")


class Migration(migrations.Migration):
    dependencies = [("needs", "0002_kept_as_written")]
    operations = [
        migrations.AddField(
            model_name="rawneed",
            name="published_from",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="ImportedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("content", models.BinaryField()),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={"ordering": ["id"]},
            managers=[("unscoped", django.db.models.manager.Manager())],
        ),
        migrations.RunPython(make_tables, migrations.RunPython.noop),
    ]
