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
