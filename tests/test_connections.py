"""The server takes no more of PostgreSQL than it uses."""

from __future__ import annotations

from pathlib import Path

from parvis.settings import _database


def test_a_connection_ends_with_its_request() -> None:
    """Kept for a minute, a hundred requests in that minute left none to anybody."""
    assert _database("postgresql://parvis@127.0.0.1/parvis", Path())["CONN_MAX_AGE"] == 0
