"""What the database itself refuses, on both databases (decision 0022)."""

from __future__ import annotations

APPEND_ONLY = ("ledger_call", "ledger_transfer", "ledger_expensestatement", "ledger_reconciliation")
REFUSAL = "the ledger is append-only"
FROZEN = "a price book in force is not changed"
# Everything of a call but who made it.
_TOLD = (
    "id",
    "institution_id",
    "epoch",
    "sequence",
    "fingerprint",
    "occurred_at",
    "recorded_at",
    "component",
    "app",
    "model_id",
    "model_name",
    "agreement_id",
    "outcome",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "embedding_tokens",
    "images",
    "milliseconds",
    "is_estimated",
    "price_version",
    "carbon_low_ug",
    "carbon_high_ug",
    "carbon_method",
)


def _forgets(same: str) -> str:
    """Who made a call may be forgotten, and nothing else changes."""
    told = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in _TOLD)
    who = " AND ".join(f"(NEW.{name} IS NULL OR NEW.{name} {same} OLD.{name})" for name in ("person_id", "key_id"))
    return f"{told} AND {who}"


def on_sqlite() -> dict[str, str]:
    """Triggers by name. INSERT OR REPLACE deletes a row without a DELETE trigger's notice: hence those on INSERT."""
    found = {}
    for table in APPEND_ONLY:
        known = f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"  # noqa: S608 - our own names
        if table == "ledger_call":
            known += " OR EXISTS (SELECT 1 FROM ledger_call WHERE epoch = NEW.epoch AND sequence = NEW.sequence)"
        if table == "ledger_transfer":
            known += (
                " OR NEW.kind = 'charge' AND EXISTS (SELECT 1 FROM ledger_transfer WHERE call_id = NEW.call_id"
                " AND kind = 'charge')"
                " OR EXISTS (SELECT 1 FROM ledger_transfer WHERE reverses_id = NEW.reverses_id)"
                " OR EXISTS (SELECT 1 FROM ledger_transfer WHERE replaces_id = NEW.replaces_id)"
            )
        if table == "ledger_expensestatement":
            known += (
                " OR EXISTS (SELECT 1 FROM ledger_expensestatement WHERE institution_id = NEW.institution_id"
                " AND number = NEW.number)"
            )
        conditions = {
            "UPDATE": f"NOT ({_forgets('IS')})" if table == "ledger_call" else "1",
            "DELETE": "1",
            "INSERT": known,
        }
        for verb, condition in conditions.items():
            name = f"{table}_no_{verb.lower()}"
            found[name] = (
                f"CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    for verb in ("UPDATE", "DELETE"):
        name = f"ledger_pricebook_no_{verb.lower()}"
        found[name] = (
            f"CREATE TRIGGER {name} BEFORE {verb} ON ledger_pricebook WHEN OLD.published_at IS NOT NULL"
            f" BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
        )
    for verb, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        name = f"ledger_rate_no_{verb.lower()}_{row.lower()}"
        book = f"SELECT 1 FROM ledger_pricebook WHERE id = {row}.book_id AND published_at IS NOT NULL"  # noqa: S608
        found[name] = (
            f"CREATE TRIGGER {name} BEFORE {verb} ON ledger_rate WHEN EXISTS ({book})"
            f" BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
        )
    return found


def on_postgres() -> list[str]:
    """Functions, then triggers."""
    published = "SELECT 1 FROM ledger_pricebook WHERE published_at IS NOT NULL AND id"
    found = [
        f"""CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$""",
        f"""CREATE FUNCTION ledger_call_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF {_forgets("IS NOT DISTINCT FROM")} THEN RETURN NEW; END IF;
            RAISE EXCEPTION '{REFUSAL}';
        END $$""",
        f"""CREATE FUNCTION ledger_book_frozen() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF OLD.published_at IS NOT NULL THEN RAISE EXCEPTION '{FROZEN}'; END IF;
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END $$""",
        f"""CREATE FUNCTION ledger_rate_frozen() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF TG_OP <> 'INSERT' AND EXISTS ({published} = OLD.book_id) THEN RAISE EXCEPTION '{FROZEN}'; END IF;
            IF TG_OP <> 'DELETE' AND EXISTS ({published} = NEW.book_id) THEN RAISE EXCEPTION '{FROZEN}'; END IF;
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END $$""",
    ]
    for table in APPEND_ONLY:
        change = "ledger_call_change" if table == "ledger_call" else "ledger_append_only"
        found += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {change}()",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()",
        ]
    found += [
        "CREATE TRIGGER ledger_pricebook_frozen BEFORE UPDATE OR DELETE ON ledger_pricebook"
        " FOR EACH ROW EXECUTE FUNCTION ledger_book_frozen()",
        "CREATE TRIGGER ledger_rate_frozen BEFORE INSERT OR UPDATE OR DELETE ON ledger_rate"
        " FOR EACH ROW EXECUTE FUNCTION ledger_rate_frozen()",
    ]
    return found


FUNCTIONS = ("ledger_append_only", "ledger_call_change", "ledger_book_frozen", "ledger_rate_frozen")
