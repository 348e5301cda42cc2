from __future__ import annotations


def append_only_triggers() -> dict[str, str]:
    """SQLite's triggers by name, as migration 0002 makes them."""
    return {
        f"audit_entry_no_{verb.lower()}": (
            f"CREATE TRIGGER audit_entry_no_{verb.lower()} BEFORE {verb} ON audit_entry"
            " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
        for verb in ("UPDATE", "DELETE")
    }


def no_replacement_triggers() -> dict[str, str]:
    """SQLite's trigger by name, as migration 0003 makes it: INSERT OR REPLACE deletes a row without a trigger's notice."""
    return {
        "audit_entry_no_replacement": (
            "CREATE TRIGGER audit_entry_no_replacement BEFORE INSERT ON audit_entry"
            " WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)"
            " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
    }
