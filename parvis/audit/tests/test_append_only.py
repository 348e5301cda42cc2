"""Evidence is appended, never changed: the database itself refuses."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from parvis.audit.models import Entry, record


@pytest.fixture
def entry(db: None) -> Entry:
    record(institution_id=1, actor="person:1", action="corpus.create", subject="corpus:1")
    return Entry.objects.get()


def test_an_entry_cannot_be_changed(entry: Entry) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Entry.objects.update(actor="someone else")
    assert Entry.objects.get().actor == "person:1"


def test_an_entry_cannot_be_deleted(entry: Entry) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Entry.objects.all().delete()
    assert Entry.objects.count() == 1


def test_an_entry_cannot_be_replaced_nor_all_of_them_emptied(entry: Entry) -> None:
    sqlite = connection.vendor == "sqlite"
    refusal = "append-only" if sqlite else "permission denied"
    columns = "action, subject, details, salt, commitment, number"
    around = f"REPLACE INTO audit_entry SELECT id, at, 2, 'someone', {columns} FROM audit_entry"
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(around if sqlite else "TRUNCATE audit_entry")
    assert Entry.objects.get().actor == "person:1"


def test_what_is_rolled_back_was_not_done(entry: Entry) -> None:
    with transaction.atomic():
        record(institution_id=1, actor="person:1", action="corpus.delete", subject="corpus:1")
        transaction.set_rollback(True)
    assert Entry.objects.count() == 1
