"""Sessions in the database, asked for by their key under a named escape: whose they are is known once they are read."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.db import connection
from django.utils import timezone

from parvis.isolation.scope import everywhere


class SessionStore(db.SessionStore):
    def load(self) -> Any:
        """As Django's, whose statement is composed anew for each request."""
        parameters = [self.session_key, connection.ops.adapt_datetimefield_value(timezone.now())]
        with everywhere("sessions"), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT session_data FROM {self.model._meta.db_table} WHERE session_key = %s AND expire_date > %s",  # noqa: S608, SLF001 - its own table
                parameters,
            )
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])

    def exists(self, session_key: str) -> bool:
        with everywhere("sessions"):
            return super().exists(session_key)

    def save(self, must_create: bool = False) -> None:
        with everywhere("sessions"):
            super().save(must_create)

    def delete(self, session_key: str | None = None) -> None:
        with everywhere("sessions"):
            super().delete(session_key)

    @classmethod
    def clear_expired(cls) -> None:
        with everywhere("sessions"):
            super().clear_expired()
