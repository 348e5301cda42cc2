"""PostgreSQL as Parvis knows it. The test database is made, emptied and dropped by the owner of its tables, and tests work on
it as the application does, under the policies. The owner can empty the append-only tables: production has no such way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from django.conf import settings
from django.db.backends.postgresql import creation, operations

from parvis.audit.migrations import APPEND_ONLY as AUDIT
from parvis.isolation.postgresql import base
from parvis.ledger.migrations import APPEND_ONLY as LEDGER
from tests.emptying import filled_by_tests


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, style: Any, tables: Iterable[str], **kwargs: Any) -> list[str]:
        switches = [f"ALTER TABLE {table} {{}} TRIGGER {table}_no_truncate" for table in (*AUDIT, *LEDGER)]
        off, on = [one.format("DISABLE") for one in switches], [one.format("ENABLE") for one in switches]
        return [*off, *super().sql_flush(style, filled_by_tests(tables), **kwargs), *on]

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        parameters = self.connection.get_connection_params() | _owner()
        with psycopg.connect(**parameters) as owner:
            for statement in sql_list:
                owner.execute(cast(Any, statement))


class DatabaseCreation(creation.DatabaseCreation):
    def create_test_db(self, *args: Any, **kwargs: Any) -> str:
        with self.as_owner():
            return super().create_test_db(*args, **kwargs)

    def _destroy_test_db(self, *args: Any, **kwargs: Any) -> None:
        with self.as_owner():
            cast(Any, super())._destroy_test_db(*args, **kwargs)

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        kept = {key: self.connection.settings_dict[key] for key in ("USER", "PASSWORD")}
        self.connection.settings_dict.update({key: settings.DATABASE_OWNER[key] for key in kept})
        try:
            yield
        finally:
            self.connection.close()
            self.connection.settings_dict.update(kept)


def _owner() -> dict[str, str]:
    return {key.lower(): value for key, value in settings.DATABASE_OWNER.items() if value}


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    creation_class = DatabaseCreation
