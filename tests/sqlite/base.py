"""SQLite as Django knows it, able to empty the append-only tables between tests: production has no such way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.sqlite3 import base, operations

from parvis.audit.migrations import append_only_triggers
from parvis.ledger.migrations import on_sqlite as ledger_triggers
from tests.emptying import filled_by_tests


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, style: Any, tables: Iterable[str], **kwargs: Any) -> list[str]:
        triggers = append_only_triggers() | ledger_triggers()
        drop = [f"DROP TRIGGER IF EXISTS {name}" for name in triggers]
        return [*drop, *super().sql_flush(style, filled_by_tests(tables), **kwargs), *triggers.values()]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
