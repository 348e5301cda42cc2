"""PostgreSQL as Django knows it, able to empty the append-only tables between tests: production has no such way."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base, operations


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *args: Any, **kwargs: Any) -> list[str]:
        switch = "ALTER TABLE audit_entry {} TRIGGER audit_entry_no_truncate"
        return [switch.format("DISABLE"), *super().sql_flush(*args, **kwargs), switch.format("ENABLE")]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
