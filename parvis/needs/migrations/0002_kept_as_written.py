"""The database refuses to change the words of a raw need, and those of a version once it is stabilised, whoever asks."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from parvis.tables import Statements

# table → when a row may no longer be changed
KEPT = {
    "needs_rawneedtext": "TRUE",
    "needs_needversion": "OLD.stabilised_at IS NOT NULL",
    "needs_requirementtext": (
        "EXISTS (SELECT 1 FROM needs_needversion WHERE id = OLD.version_id AND stabilised_at IS NOT NULL)"
    ),
}


def forward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    if not sqlite:
        schema_editor.execute(
            "CREATE FUNCTION needs_kept_as_written() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'kept as written'; END $$"
        )
    for table, kept in KEPT.items():
        # Deleting a draft's row, or a whole institution's, is another act, decided elsewhere.
        if sqlite:
            body = "BEGIN SELECT RAISE(ABORT, 'kept as written'); END"
            schema_editor.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} WHEN {kept} {body}")
        elif "SELECT" in kept:  # a condition of PostgreSQL's triggers may not look elsewhere
            schema_editor.execute(
                f"CREATE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF {kept} THEN RAISE EXCEPTION 'kept as written'; END IF; RETURN NEW; END $$"
            )
            schema_editor.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_kept()"
            )
        else:
            schema_editor.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({kept}) "
                "EXECUTE FUNCTION needs_kept_as_written()"
            )


def backward(apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for table, kept in KEPT.items():
        schema_editor.execute(f"DROP TRIGGER {table}_kept" + ("" if sqlite else f" ON {table}"))
        if not sqlite and "SELECT" in kept:
            schema_editor.execute(f"DROP FUNCTION {table}_kept()")
    if not sqlite:
        schema_editor.execute("DROP FUNCTION needs_kept_as_written()")


class Migration(migrations.Migration):
    dependencies = [("needs", "0001_initial")]
    operations = [Statements(forward, backward)]
