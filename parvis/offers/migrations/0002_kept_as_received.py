"""The database refuses to change or delete what was sent to vendors, what they sent, and the register of it, whoever asks."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from parvis.tables import Statements

KEPT = ("offers_requestdocument", "offers_registerentry", "offers_sealedanswer")


def forward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    if not sqlite:
        schema_editor.execute(
            "CREATE FUNCTION offers_kept_as_received() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'kept as received'; END $$"
        )
    for table in KEPT:
        if sqlite:
            for verb in ("UPDATE", "DELETE"):
                schema_editor.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'kept as received'); END"
                )
        else:
            schema_editor.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION offers_kept_as_received()"
            )


def backward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for table in KEPT:
        for name in [f"{table}_no_update", f"{table}_no_delete"] if sqlite else [f"{table}_kept ON {table}"]:
            schema_editor.execute(f"DROP TRIGGER {name}")
    if not sqlite:
        schema_editor.execute("DROP FUNCTION offers_kept_as_received()")


class Migration(migrations.Migration):
    dependencies = [("offers", "0001_initial")]
    operations = [Statements(forward, backward)]
