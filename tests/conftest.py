"""What the tests of the whole executable share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from tests.commands import Commands


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    started = Commands()
    yield started
    started.end()


@pytest.fixture(scope="session")
def tables(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Path:
    """A database of this version, empty: making one takes a command several seconds."""
    path = tmp_path_factory.mktemp("tables") / "parvis.sqlite3"
    source = connection.settings_dict["NAME"]
    if connection.vendor != "sqlite":
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PARVIS_", "DJANGO_"))}
        data = path.parent / "data"
        commands.run(["institution", "list"], kept | {"PARVIS_DATA_DIR": str(data)}, path.parent)
        source = data / path.name
    with closing(sqlite3.connect(source)) as made:  # part of it may be in the log beside it
        made.execute("VACUUM INTO ?", [str(path)])
    return path
