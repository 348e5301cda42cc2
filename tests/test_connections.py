"""The server takes no more of PostgreSQL than it uses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
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


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")
def test_what_was_said_on_a_connection_ends_with_its_request(db: None) -> None:
    """SQL of somebody's own, sent by a request of one institution, must not lie in wait for another's."""
    options = _database(urlsplit("postgresql://parvis@127.0.0.1/parvis"), Path())["OPTIONS"]
    shared = connection.copy(alias="reused")
    shared.settings_dict["OPTIONS"] = {"pool": {**options["pool"], "max_size": 1}}
    asked = (
        "SELECT pg_backend_pid(), current_setting('TimeZone'), current_setting('search_path'),"
        " current_setting('parvis.taken', true), (SELECT count(*) FROM pg_prepared_statements),"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
        " (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_cursors WHERE is_holdable)"
    )

    def request(*statements: str) -> Any:
        own = shared.copy()
        with own.cursor() as cursor:
            for statement in (*statements, asked):
                cursor.execute(statement)
            found = cursor.fetchone()
        own.close()
        return found

    try:
        before = request()
        left = request(
            "SET search_path = pg_catalog",
            "SET TIME ZONE 'Asia/Tokyo'",
            "SELECT set_config('parvis.taken', 'words', false)",
            "PREPARE later AS SELECT 1",
            "SELECT pg_advisory_lock(1)",
            "LISTEN somebody",
            "DECLARE kept CURSOR WITH HOLD FOR SELECT 1",
        )
        assert left[1:] == ("Asia/Tokyo", "pg_catalog", "words", 1, 1, 1, 1)
        after = request()
        assert after[:3] == before[:3]
        assert (after[3] or "", *after[4:]) == ("", 0, 0, 0, 0)
    finally:
        shared.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
