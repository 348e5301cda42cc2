"""SQLite as Django knows it, able to empty the append-only tables between tests: production has no such way."""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base, operations

from parvis.audit.migrations import append_only_triggers
from parvis.ledger.migrations import on_sqlite as ledger_triggers


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *args: Any, **kwargs: Any) -> list[str]:
        triggers = append_only_triggers() | ledger_triggers()
        drop = [f"DROP TRIGGER IF EXISTS {name}" for name in triggers]
        return [*drop, *super().sql_flush(*args, **kwargs), *triggers.values()]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
