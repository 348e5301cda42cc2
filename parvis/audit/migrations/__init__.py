from __future__ import annotations


def append_only_triggers() -> dict[str, str]:
    """SQLite's triggers by name, as migration 0002 makes them. INSERT OR REPLACE deletes a row without a DELETE trigger's
    notice: hence the third."""
    conditions = {"UPDATE": "", "DELETE": "", "INSERT": " WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)"}
    return {
        f"audit_entry_no_{verb.lower()}": (
            f"CREATE TRIGGER audit_entry_no_{verb.lower()} BEFORE {verb} ON audit_entry{condition}"
            " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
        for verb, condition in conditions.items()
    }
