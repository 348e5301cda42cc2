"""PostgreSQL as Django knows it, able to empty the append-only tables between tests: production has no such way."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base, operations

from parvis.audit.migrations import APPEND_ONLY


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *args: Any, **kwargs: Any) -> list[str]:
        switches = [f"ALTER TABLE {table} {{}} TRIGGER {table}_no_truncate" for table in APPEND_ONLY]
        off, on = [one.format("DISABLE") for one in switches], [one.format("ENABLE") for one in switches]
        return [*off, *super().sql_flush(*args, **kwargs), *on]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
