from __future__ import annotations

APPEND_ONLY = ("audit_entry", "audit_signedhead")

# What the database lets happen to an entry, once: its number in the tree is given, and what it says is erased.
_SAME = ("id", "at", "institution_id", "commitment")
_SAID = ("actor", "action", "subject", "details", "salt")


def _permitted(same: str, empty_details: str) -> str:
    unchanged = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in _SAME)
    as_said = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in _SAID)
    numbered = f"OLD.number IS NULL AND NEW.number IS NOT NULL AND {as_said}"
    emptied = f"NEW.actor = '' AND NEW.action = '' AND NEW.subject = '' AND NEW.details = {empty_details}"
    erased = f"OLD.number IS NOT NULL AND NEW.number = OLD.number AND OLD.salt IS NOT NULL AND NEW.salt IS NULL AND {emptied}"
    return f"{unchanged} AND (({numbered}) OR ({erased}))"


def append_only_triggers() -> dict[str, str]:
    """SQLite's triggers by name, as migration 0002 makes them. INSERT OR REPLACE deletes a row without a DELETE trigger's
    notice: hence the third."""
    triggers = {}
    for table in APPEND_ONLY:
        entry = table == "audit_entry"
        for verb, condition in {
            "UPDATE": f" WHEN NOT ({_permitted('IS', repr('{}'))})" if entry else "",
            "DELETE": "",
            "INSERT": f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)",  # noqa: S608 - our own names
        }.items():
            name = f"{table}_no_{verb.lower()}"
            triggers[name] = (
                f"CREATE TRIGGER {name} BEFORE {verb} ON {table}{condition}"
                " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
    return triggers


def append_only_on_postgres() -> list[str]:
    """PostgreSQL's functions and triggers."""
    permitted = _permitted("IS NOT DISTINCT FROM", "'{}'::jsonb")
    statements = [
        """
        CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$
        """,
        f"""
        CREATE FUNCTION audit_entry_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF {permitted} THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'audit is append-only';
        END $$
        """,
    ]
    for table in APPEND_ONLY:
        change = "audit_entry_change" if table == "audit_entry" else "audit_append_only"
        statements += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {change}()",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
        ]
    return statements
