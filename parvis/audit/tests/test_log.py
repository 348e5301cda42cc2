"""Entries of a database: numbered in a tree, signed, exported, proved, erased."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parvis.audit import actions, verifier
from parvis.audit.models import Entry, Log, SignedHead, SigningKey, record
from parvis.audit.verifier import Finding, Key, Note, Result, verify

HERE = 1


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def entries(db: None) -> list[Entry]:
    for number in range(5):
        record(institution_id=HERE, actor=f"person:{number}", action="corpus.create", subject=f"corpus:{number}", pages=number)
    return list(Entry.objects.all())


def exported(institution_id: int | None = HERE) -> bytes:
    actions.integrate(institution_id)
    return "".join(actions.export(actions.log_of(institution_id))).encode()


def verified(content: bytes) -> Result:
    return verify(io.BytesIO(content), Key.read(SigningKey.objects.order_by("-id")[0].key))


def tamper(statement: str) -> None:
    """As somebody who owns the database could."""
    from parvis.audit.migrations import append_only_triggers

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in append_only_triggers():
                cursor.execute(f"DROP TRIGGER {name}")
        else:
            cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute(statement)


def test_what_is_done_is_an_entry_at_once_and_soon_in_a_signed_head(entries: list[Entry]) -> None:
    assert [entry.number for entry in entries] == [None] * 5
    assert actions.integrate_all() == 5
    assert list(Entry.objects.values_list("number", flat=True)) == [0, 1, 2, 3, 4]
    head = SignedHead.objects.get()
    assert head.size == 5
    assert Note.read(head.note).is_signed_by(actions.current_key())
    assert actions.integrate_all() == 0
    assert SignedHead.objects.count() == 1


def test_each_institution_has_its_log_and_the_alliance_too(entries: list[Entry]) -> None:
    record(institution_id=None, actor="system:maintenance", action="corpora.erase", subject="corpora")
    record(institution_id=2, actor="person:9", action="corpus.create", subject="corpus:9")
    assert actions.integrate_all() == 7
    assert sorted(Log.objects.values_list("size", flat=True)) == [1, 1, 5]
    for institution_id, count in ((HERE, 5), (2, 1), (None, 1)):
        result = verified(exported(institution_id))
        assert result.holds
        assert result.entries == count
    assert b"corpus:9" not in exported(HERE)


def test_what_is_rolled_back_leaves_no_gap(entries: list[Entry]) -> None:
    with transaction.atomic():
        record(institution_id=HERE, actor="person:1", action="corpus.delete", subject="corpus:1")
        transaction.set_rollback(True)
    record(institution_id=HERE, actor="person:1", action="corpus.edit", subject="corpus:1")
    assert verified(exported()).entries == 6


def test_a_row_that_somebody_changed_in_the_database_is_named(entries: list[Entry]) -> None:
    actions.integrate(HERE)
    tamper("UPDATE audit_entry SET actor = 'person:66' WHERE number = 3")
    assert verified(exported()).findings == [Finding("altered", 3, 3)]
    assert [entry.holds for entry in Entry.objects.all()] == [True, True, True, False, True]


def test_a_row_that_somebody_deleted_from_the_database_is_named(entries: list[Entry]) -> None:
    actions.integrate(HERE)
    tamper("DELETE FROM audit_entry WHERE number = 2")
    assert verified(exported()).findings == [Finding("missing", 2, 2)]


def test_entries_are_erased_and_every_proof_still_holds(entries: list[Entry]) -> None:
    before = exported()
    proof = actions.proof(Entry.objects.get(number=2))
    assert actions.erase([entries[1].id, entries[2].id], institution_id=HERE, actor="person:7", reason="retention") == 2
    gone = Entry.objects.get(number=2)
    assert (gone.actor, gone.subject, gone.details, gone.salt) == ("", "", {}, None)
    result = verified(exported())
    assert result.holds
    assert (result.entries, result.erased) == (6, 2)
    assert verified(before).holds
    assert verified(json.dumps(proof).encode()).holds
    now = actions.proof(gone)
    assert now
    assert verified(json.dumps(now).encode()).erased == 1
    [said] = Entry.objects.filter(action="evidence.erase")
    assert said.details == {"entries": [[1, 2]], "reason": "retention"}


def test_an_erasure_is_of_one_log_and_never_of_what_tells_erasures(entries: list[Entry]) -> None:
    assert actions.erase([entries[0].id], institution_id=2, actor="person:7", reason="retention") == 0
    actions.erase([entries[0].id], institution_id=HERE, actor="person:7", reason="retention")
    told = Entry.objects.get(action="evidence.erase")
    assert actions.erase([told.id], institution_id=HERE, actor="person:7", reason="retention") == 0


def test_what_is_emptied_without_an_entry_that_says_so_is_named(entries: list[Entry]) -> None:
    actions.integrate(HERE)
    Entry.objects.filter(number=4).update(salt=None, actor="", action="", subject="", details={})
    assert verified(exported()).findings == [Finding("erased_without_trace", 4, 4)]


@pytest.mark.parametrize(
    "change",
    [
        {"number": 7},
        {"salt": None},
        {"actor": ""},
        {"salt": None, "actor": "", "action": "", "subject": "", "details": {"a": 1}},
        {"salt": None, "actor": "", "action": "", "subject": "", "details": {}, "commitment": b"1"},
        {"salt": None, "actor": "", "action": "", "subject": "", "details": {}, "number": 9},
        {"salt": None, "actor": "", "action": "", "subject": "", "details": {}, "institution_id": 2},
    ],
)
def test_only_the_number_and_a_whole_erasure_may_be_written(entries: list[Entry], change: dict[str, Any]) -> None:
    actions.integrate(HERE)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Entry.objects.filter(number=1).update(**change)
    assert Entry.objects.get(number=1).holds


def test_heads_are_append_only_too(entries: list[Entry]) -> None:
    actions.integrate(HERE)
    for change in (lambda: SignedHead.objects.update(size=4), lambda: SignedHead.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_the_key_is_a_file_of_the_data_folder_that_nobody_else_reads(entries: list[Entry], folder: Path) -> None:
    actions.integrate(HERE)
    [path] = (folder / "evidence").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_key_signs_once_the_former_named_it(entries: list[Entry]) -> None:
    actions.integrate(HERE)
    first = actions.current_key()
    second = actions.rotate_key()
    record(institution_id=HERE, actor="person:1", action="corpus.edit", subject="corpus:1")
    content = exported()
    assert second != first
    result = verify(io.BytesIO(content), first)
    assert result.holds
    assert result.key == str(second)
    assert verified(exported(None)).holds  # the alliance's log tells the change
    SigningKey.objects.filter(key=str(second)).update(endorsed="")
    with pytest.raises(verifier.Unreadable):
        verify(io.BytesIO(exported()), first)


def test_without_its_key_an_installation_signs_nothing_and_loses_nothing(entries: list[Entry], folder: Path) -> None:
    actions.integrate(HERE)
    [path] = (folder / "evidence").iterdir()
    away = path.rename(folder / "away")
    record(institution_id=HERE, actor="person:1", action="corpus.edit", subject="corpus:1")
    actions.integrate(HERE)
    assert Entry.objects.filter(number=None).count() == 0
    assert SignedHead.objects.count() == 1
    with pytest.raises(actions.KeyMissingError):
        actions.current_key()
    away.rename(path)
    actions.integrate(HERE)
    assert verified(exported()).entries == 6


def test_consistency_is_proved_between_any_two_sizes(entries: list[Entry]) -> None:
    actions.integrate(HERE)
    row = actions.log_of(HERE)
    for size in range(6):
        path = actions.consistency(row, size, 5)
        assert verifier.consistent(size, actions.root_at(row, size), 5, actions.root_at(row, 5), path)
    with pytest.raises(ValueError, match="no trees"):
        actions.consistency(row, 3, 6)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcé’", max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values)
def test_whatever_a_database_makes_of_details_the_row_still_holds(db: None, value: Any) -> None:
    with transaction.atomic():
        record(institution_id=HERE, actor="person:1", action="corpus.edit", subject="corpus:1", value=value)
        assert Entry.objects.latest("id").holds
        transaction.set_rollback(True)
