"""What is deleted, and what a killed writer leaves."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from parvis.retrieval.fts5 import Fts5Index
from parvis.retrieval.index import Entry, FilesInUse, InTransaction
from parvis.retrieval.postgres import PostgresIndex
from tests.peers import missing

# Letters that occur nowhere else, and long enough for no index to keep it by chance.
SECRET = "zyxwvutsrqponmlk"


def entries() -> list[Entry]:
    return [
        Entry(number, number, 1, ("examen", *((SECRET, f"{SECRET}{number}") if number % 2 else ("note",)), f"mot{number}"))
        for number in range(1, 300)
    ]


def files_with(folder: Path, text: bytes) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file() and text in path.read_bytes()]


def test_erased_words_are_in_no_byte_of_the_files(sqlite_path: Path) -> None:
    connection = sqlite3.connect(sqlite_path, isolation_level=None)
    connection.execute("PRAGMA secure_delete = OFF")  # the worst a build may default to
    connection.execute("PRAGMA synchronous = OFF")
    index = Fts5Index(connection)
    index.upsert(entries())
    assert files_with(sqlite_path.parent, SECRET.encode()), "the search must be able to find it"
    index.delete(range(1, 300, 2))
    index.maintain(purge=True)
    assert files_with(sqlite_path.parent, SECRET[:8].encode()) == []
    assert len(index.candidates(["examen"], frozenset({1}), 1000)) == 149
    connection.close()


def test_a_purge_says_when_a_reader_kept_the_old_bytes(sqlite_path: Path) -> None:
    connection = sqlite3.connect(sqlite_path, isolation_level=None, timeout=0.1)
    connection.execute("PRAGMA synchronous = OFF")
    reader = sqlite3.connect(sqlite_path, isolation_level=None)
    Fts5Index(connection).upsert(entries())
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM search_corpus").fetchone()
    with pytest.raises(FilesInUse):
        Fts5Index(connection).maintain(purge=True)
    reader.rollback()
    Fts5Index(connection).maintain(purge=True)
    reader.close()
    connection.close()


def test_a_purge_inside_a_transaction_is_refused(sqlite: sqlite3.Connection) -> None:
    sqlite.execute("BEGIN")
    Fts5Index(sqlite).upsert(entries())
    with pytest.raises(InTransaction):
        Fts5Index(sqlite).maintain(purge=True)
    assert sqlite.in_transaction
    Fts5Index(sqlite).maintain()
    sqlite.commit()
    Fts5Index(sqlite).maintain(purge=True)


def test_erased_words_are_in_no_byte_of_postgresqls_tables(postgresql: psycopg.Connection[Any]) -> None:
    index = PostgresIndex(postgresql)
    index.upsert(entries())
    assert _tables_with(postgresql, SECRET.encode()), "the search must be able to find it"
    index.delete(range(1, 300, 2))
    index.maintain(purge=True)
    assert _tables_with(postgresql, SECRET[:8].encode()) == []
    assert len(index.candidates(["examen"], frozenset({1}), 1000)) == 149


def _tables_with(connection: psycopg.Connection[Any], text: bytes) -> list[str]:
    """Among the files of tables and indexes; pages reach them at a checkpoint."""
    connection.execute("CHECKPOINT")
    folder = Path(connection.execute("SHOW data_directory").fetchall()[0][0])
    relations = connection.execute(
        "SELECT oid::regclass::text, pg_relation_filepath(oid) FROM pg_class "
        "WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 't') AND relfilenode <> 0"
    ).fetchall()
    try:
        return [name for name, path in relations if text in (folder / path).read_bytes()]
    except OSError:  # a server elsewhere, named in PARVIS_TEST_POSTGRES; the one that `make postgres` starts is read
        missing("the server's files cannot be read from here")


def test_a_purge_says_when_an_older_reader_keeps_the_old_rows(
    postgresql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgresql.info.dsn) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        index = PostgresIndex(postgresql)
        index.upsert(entries())
        reader.execute("SELECT 1")  # its snapshot lasts from here on
        index.delete([1])
        with monkeypatch.context() as hurried:
            hurried.setattr("parvis.retrieval.postgres.PATIENCE_SECONDS", 0.1)
            with pytest.raises(FilesInUse):
                index.maintain(purge=True)
        reader.rollback()
        index.maintain(purge=True)


def test_a_purge_waits_for_an_older_writer_of_another_database(
    postgresql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgresql.info.dsn, dbname="template1") as writer:
        writer.execute("SELECT pg_current_xact_id()")
        with monkeypatch.context() as hurried:
            hurried.setattr("parvis.retrieval.postgres.PATIENCE_SECONDS", 0.1)
            with pytest.raises(FilesInUse):
                PostgresIndex(postgresql).maintain(purge=True)
        writer.rollback()
        PostgresIndex(postgresql).maintain(purge=True)


def test_a_purge_inside_a_transaction_is_refused_on_postgresql(postgresql: psycopg.Connection[Any]) -> None:
    with postgresql.transaction(), pytest.raises(InTransaction):
        PostgresIndex(postgresql).maintain(purge=True)


WRITER = """
import sqlite3, sys
from parvis.retrieval.fts5 import Fts5Index
from parvis.retrieval.index import Entry
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA synchronous = NORMAL")
index = Fts5Index(connection)
for document in range(1, 1_000_000):
    connection.execute("BEGIN IMMEDIATE")
    index.delete([document - 3])
    words = ("examen", 4 * chr(97 + document % 26))
    index.upsert(Entry(document * 100 + n, document, 1, (*words, f"rang{n}")) for n in range(20))
    connection.commit()
    print(document, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 5, 9])
def test_a_killed_writer_loses_nothing_acknowledged_and_leaves_no_half_document(sqlite_path: Path, acknowledged: int) -> None:
    latest = 0
    with subprocess.Popen([sys.executable, "-c", WRITER, sqlite_path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        while latest < acknowledged:
            latest = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        latest = max([latest, *map(int, writer.stdout.read().split())])
    connection = sqlite3.connect(sqlite_path, isolation_level=None)
    index = Fts5Index(connection)
    found = [passage_id // 100 for passage_id, _ in index.candidates(["examen"], frozenset({1}), 10_000)]
    documents = sorted(set(found))
    assert documents in ([d for d in range(top - 2, top + 1) if d > 0] for top in (latest, latest + 1))
    assert all(found.count(document) == 20 for document in documents)
    assert index.stats(["examen"], frozenset({1})).document_frequency == {"examen": len(found)}
    assert {4 * chr(97 + document % 26) for document in documents} <= set(index.words([""]))
    index.upsert([Entry(1, 1_000_001, 1, ("suite",))])
    connection.execute("INSERT INTO search_terms (search_terms) VALUES ('integrity-check')")
    connection.close()
