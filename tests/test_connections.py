"""The server takes no more of PostgreSQL than it uses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from parvis.isolation import scope
from parvis.settings import _database


def test_a_connection_ends_with_its_request() -> None:
    """Kept for a minute, a hundred requests in that minute left none to anybody."""
    assert _database(urlsplit("postgresql://parvis@127.0.0.1/parvis"), Path())["CONN_MAX_AGE"] == 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server to spare")
def test_many_threads_share_few_connections(db: None) -> None:
    options = _database(urlsplit("postgresql://parvis@127.0.0.1/parvis"), Path())["OPTIONS"]
    shared = connection.copy(alias="shared")
    shared.settings_dict["OPTIONS"] = {"pool": {**options["pool"], "max_size": 3}}

    def backend(_number: int) -> int:
        own = shared.copy()
        scope.begin("tests")  # of this thread
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        own.close()
        return int(pid)

    try:
        with ThreadPoolExecutor(12) as threads:
            assert len(set(threads.map(backend, range(60)))) <= 3
    finally:
        shared.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
