"""The connection of a request to the database."""

from __future__ import annotations

from django.db import connection


def release_connection() -> None:
    """Gives it back before something that lasts; the next query takes another. Not inside a transaction."""
    if not connection.in_atomic_block:
        connection.close()
