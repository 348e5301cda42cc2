"""After maintenance, nothing of what was removed is left on disk, whoever searches the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from conftest import House
from parvis.corpora import actions, jobs, storage
from parvis.corpora.models import Document
from parvis.corpora.tests.conftest import COURSE, Add
from parvis.retrieval.index import InTransaction
from tests.postgres.base import as_owner

pytestmark = pytest.mark.usefixtures("read_here")
SECRET = "zyxgrosminet"
PRIVATE = f"# Dossier {SECRET}\n\nLe candidat {SECRET} a obtenu la mention bien, le jury le félicite.\n"


def bytes_on_disk() -> Iterator[tuple[str, bytes]]:
    for path in Path(settings.FILES_DIR).rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()
    if connection.vendor == "sqlite":
        base = Path(connection.settings_dict["NAME"])
        for path in base.parent.glob(base.name + "*"):
            yield path.name, path.read_bytes()
    else:
        yield from relations()


def relations() -> Iterator[tuple[str, bytes]]:
    """The files of the tables as PostgreSQL has them on disk, dead rows included."""
    with as_owner(connection), connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT relname, pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE relkind IN ('r', 't', 'i') AND relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)"
        )
        yield from ((name, bytes(content)) for name, content in cursor.fetchall())


def holding(word: str) -> list[str]:
    return [name for name, content in bytes_on_disk() if word.encode() in content]


def test_no_byte_of_a_removed_document_is_left(house: House, committed: None, add: Add) -> None:
    add("cours.md", COURSE)
    document = add(f"{SECRET}.md", PRIVATE).document
    jobs.run_worker(until_idle=True)
    assert holding(SECRET)
    actions.remove_document(house.principal(house.teacher), document)

    with as_owner(connection):
        erased = actions.erase()

    assert holding(SECRET) == []
    assert holding("Montesquieu"), "what is kept is still there"
    assert erased.documents == 1
    assert Document.unscoped.get(id=document.id).name == ""


def test_an_abandoned_file_goes_and_a_used_one_stays(committed: None, add: Add) -> None:
    used = add("cours.md", COURSE).document
    with storage.receive([b"jamais rattach\xc3\xa9"]) as received:
        received.keep()
    with as_owner(connection):
        assert actions.erase().files == 1
    assert list(storage.stored()) == [used.sha256]


def test_erasing_inside_a_transaction_is_refused(house: House) -> None:
    with pytest.raises(InTransaction):
        actions.erase()
