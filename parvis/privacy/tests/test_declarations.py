"""Every table says what it knows of people. A new one that does not is told what to write."""

from __future__ import annotations

import pytest
from django.db import connection

from parvis.personal import Erased, Impersonal, Kept, Within
from parvis.privacy.actions.holdings import models_by_table, rows, subjects_of
from parvis.privacy.clocks import BY_CODE
from parvis.privacy.declarations import about_people, expires, fate_of, fates

HOW = (
    "Table {table} says nothing of the personal data it holds. Add it to TABLES in parvis/{package}/personal.py: "
    'Erased(_("what it is"), ("profile",)) when its rows are about a person and go with them (the chain of foreign keys '
    'leads to a Profile or a Person); Kept(_("what it is"), _("why it stays"), ("written_by",)) when they must stay '
    'without the name; Within("the table they hang from"); or '
    'Impersonal("why nothing in it is about a person"). See parvis/personal.py.'
)


def _undeclared(tables: list[str]) -> list[str]:
    return [HOW.format(table=name, package=name.partition("_")[0]) for name in tables if fate_of(name) is None]


def test_every_table_of_the_database_says_what_it_knows_of_people(db: None) -> None:
    tables = connection.introspection.table_names()
    assert len(tables) > 60
    assert _undeclared(tables) == []


def test_a_table_that_says_nothing_is_told_what_to_write() -> None:
    (sentence,) = _undeclared(["needs_confession"])
    assert "needs_confession" in sentence
    assert "parvis/needs/personal.py" in sentence


def test_no_declaration_outlives_its_table(db: None) -> None:
    tables = connection.introspection.table_names()
    tables += ["isolation_key"]  # PostgreSQL's alone
    families = [name[:-1] for name in fates() if name.endswith("*")]
    assert [name for name in fates() if not name.endswith("*") and name not in tables] == []
    assert [begin for begin in families if not any(table.startswith(begin) for table in tables)] == []
    assert [fate.table for fate in fates().values() if isinstance(fate, Within) and fate_of(fate.table) is None] == []


def _reaches_people() -> list[str]:
    """Tables with a foreign key to a person or a profile."""
    targets = {"identity_person", "institutions_profile"}
    return [
        table
        for table, model in models_by_table().items()
        if any(field.related_model and field.related_model._meta.db_table in targets for field in model._meta.concrete_fields)
    ]


@pytest.mark.parametrize("table", _reaches_people())
def test_every_column_that_names_a_person_is_in_the_declaration(table: str) -> None:
    targets = {"identity_person", "institutions_profile"}
    named = {
        field.name
        for field in models_by_table()[table]._meta.concrete_fields
        if field.related_model and field.related_model._meta.db_table in targets
    }
    fate = fate_of(table)
    assert isinstance(fate, Erased | Kept), f"{table} has {sorted(named)}: it is about people"
    declared = {chain.partition("__")[0] for chain in fate.person} | set(fate.cleared)
    assert fate.find or "pk" in declared or named <= declared, f"{table}: {sorted(named - declared)} name people too"


def test_every_declaration_can_be_followed(db: None) -> None:
    from parvis.personal import Subject

    subject = Subject(1, 1, frozenset({1}))
    assert subjects_of(1) == []
    for table, fate in about_people():
        assert list(rows(table, fate, subject)) == [], table


def test_what_says_that_it_is_impersonal_says_why() -> None:
    assert [table for table, fate in fates().items() if isinstance(fate, Impersonal) and len(fate.because) < 6] == []


def test_every_class_of_data_has_a_clock_and_every_clock_removes_something() -> None:
    assert {*expires(), "departed"} == BY_CODE.keys()
