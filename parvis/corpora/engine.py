"""The search engine on Django's own connection: what it writes is committed or rolled back with the documents."""

from __future__ import annotations

from typing import Any, cast

from django.db import connection

from parvis.retrieval.index import Index


def index() -> Index:
    """The engine of the database in use; only that one is loaded."""
    connection.ensure_connection()
    raw = cast(Any, connection.connection)  # sqlite3.Connection or psycopg.Connection: Django does not say which
    if connection.vendor == "sqlite":
        from parvis.retrieval.fts5 import Fts5Index

        return Fts5Index(raw)
    from parvis.retrieval.postgres import PostgresIndex

    return PostgresIndex(raw)
