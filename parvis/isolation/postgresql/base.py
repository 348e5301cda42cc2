"""PostgreSQL as Django knows it, with the signed context of the scope before each statement.

Both go as one message, so as one transaction of their own where there is none: the context ends with it, whatever pool the
connection goes back to, and costs no round trip. What else was said on a connection ends when it goes back: a table, a
setting or a statement left there would lie in wait for the next institution.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.pq import ExecStatus, TransactionStatus

from parvis.isolation import scope
from parvis.isolation.signing import context

if TYPE_CHECKING:  # Django's own says nothing of its types
    from psycopg import ClientCursor

    Cursor = ClientCursor[Any]
else:
    Cursor = base.Cursor

# What PostgreSQL does in no transaction, and what must be the first thing said to one that failed. None of it reads a row of a
# table under a policy.
_ALONE = re.compile(r"\s*(VACUUM|CHECKPOINT|(CREATE|DROP|ALTER)\s+DATABASE|SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE)
# DISCARD ALL would also have every function planned anew, at each request.
_FORGET = (
    "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();"
    " DISCARD TEMP; DISCARD SEQUENCES; SET TIME ZONE '{}'"
)
_SET = "SELECT set_config('parvis.context', '{}', true)"


class ScopedCursor(Cursor):
    """Also what `connection.execute` of psycopg uses: no statement goes without its scope."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> ScopedCursor:
        setting = self._setting()
        text = _text(query, self)
        if not setting or _ALONE.match(text):
            return super().execute(query, params, **options)
        super().execute(f"{setting}; {text}", params, **options)
        self.nextset()
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        """In pipeline mode, where two statements cannot be one: the context comes first, in the same transaction."""
        setting = self._setting()
        if not setting:
            super().executemany(query, params_seq, **options)
            return
        if self.connection.info.transaction_status != TransactionStatus.IDLE:
            super().execute(setting)
            super().executemany(query, params_seq, **options)
            return
        with self.connection.transaction():
            super().execute(setting)
            super().executemany(query, params_seq, **options)

    def _setting(self) -> str:
        current = scope.current()
        if current is None:
            return ""
        pid = self.connection.info.backend_pid
        return _SET.format(context(current.institution_id, backend_pid=pid, master=settings.CONTEXT_KEY))


def _text(query: Any, cursor: ScopedCursor) -> str:
    if isinstance(query, str):
        return query
    return query.decode() if isinstance(query, bytes) else str(query.as_string(cursor))


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if pool := settings_dict["OPTIONS"].get("pool"):
            pool.setdefault("reset", self._forget)  # by a thread of the pool: nobody waits for it
        super().__init__(settings_dict, *args, **kwargs)

    def _forget(self, connection: Any) -> None:
        """Raises psycopg.OperationalError where it cannot: the pool then closes the connection."""
        said = connection.pgconn.exec_(_FORGET.format(self.timezone_name).encode())
        if said.status != ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(said.get_error_message())

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": ScopedCursor}
