"""Both engines, empty. The one on PostgreSQL needs the address of a server in PARVIS_TEST_POSTGRES."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from parvis.retrieval import fts5, postgres
from parvis.retrieval.fts5 import Fts5Index
from parvis.retrieval.index import Index
from parvis.retrieval.postgres import PostgresIndex

POSTGRES = os.environ.get("PARVIS_TEST_POSTGRES_OWNER") or os.environ.get("PARVIS_TEST_POSTGRES", "")


@pytest.fixture
def sqlite() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    fts5.create_tables(connection)
    yield connection
    connection.close()


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """A database file as the product keeps it: write-ahead log, several connections."""
    path = tmp_path / "parvis.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    fts5.create_tables(connection)
    connection.close()
    return path


@pytest.fixture
def postgresql() -> Iterator[psycopg.Connection[Any]]:
    if not POSTGRES:
        pytest.skip("PARVIS_TEST_POSTGRES names no server")  # `make test` is SQLite's turn; `make postgres` starts one
    schema = f"search_{uuid.uuid4().hex}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"SET search_path TO {schema}")
        postgres.create_tables(connection)
        yield connection
        connection.rollback()
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["fts5", "postgres"])
def index(request: pytest.FixtureRequest) -> Index:
    if request.param == "fts5":
        return Fts5Index(request.getfixturevalue("sqlite"))
    return PostgresIndex(request.getfixturevalue("postgresql"))
