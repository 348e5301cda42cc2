"""Sessions in the database, asked for by their key under a named escape: whose they are is known once they are read."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db

from parvis.isolation.scope import everywhere


class SessionStore(db.SessionStore):
    def load(self) -> Any:
        with everywhere("sessions"):
            return super().load()

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
