"""The tables themselves keep institutions apart (decision 0017)."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from conftest import House
from parvis.corpora.models import Corpus, Document
from parvis.isolation.install import install
from parvis.isolation.keys import CROSSING, KEY, TRIGGER, keys
from parvis.isolation.kinds import KINDS, UNKNOWN, Reach

# Of the index as SQLite has it, which knows no roles.
APART = re.compile(r"sqlite_.*|(needs_)?search_(range|batch|terms.*)")
# Uniques of an institution's rows that do not name it, nor a row of it: why they tell nobody anything.
GLOBAL_UNIQUES = {
    ("budgets_node", ("kind",)): "the alliance has one place; no institution has another",
    ("access_apikey", ("digest",)): "a hash of 256 random bits: it is what says whose it is",
    ("audit_entry", ("number",)): "of the alliance's own log, whose entries are of no institution",
    ("federation_directoryentry", ("uid",)): "drawn by us, at random",
    ("federation_directorygroup", ("uid",)): "drawn by us, at random",
    ("federation_scimtoken", ("hashed",)): "a hash of 256 random bits: it is what says whose it is",
    ("ledger_call", ("epoch", "sequence")): "numbers that processes draw for themselves, which no form writes",
    ("offers_offer", ("sealed_id",)): "an identifier that the vendor's own row has",
}


def tables() -> set[str]:
    return {name for name in connection.introspection.table_names() if not APART.fullmatch(name)}


def test_every_table_says_what_it_is(db: None) -> None:
    assert [UNKNOWN.format(table=name) for name in sorted(tables() - set(KINDS))] == []


def test_every_kind_that_is_not_the_institutions_says_why() -> None:
    unsaid = [kind.table for kind in KINDS.values() if kind.reach is not Reach.OWN and not kind.why]
    assert unsaid == []


def test_every_row_of_an_institution_says_which() -> None:
    for model in apps.get_models(include_auto_created=True):
        kind = KINDS.get(model._meta.db_table)
        if kind and kind.has_institution:
            column = model._meta.get_field("institution_id" if model.__name__ == "Entry" else "institution")
            # What the alliance spends is of no institution, and read by none: under the escape of budgets alone.
            or_nobody = kind.or_none or model.__name__ in ("Entry", "Spending", "Lease")
            assert column.null in (False, or_nobody), model


def test_every_key_between_institutions_is_held(db: None) -> None:
    held, wanted = set(_held()), {(key.table, key.column) for key in keys()}
    assert wanted
    assert wanted - held == set()
    foreign = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and _has(model) and _has(field.related_model)
    }
    assert foreign - held - set(CROSSING) == set()
    assert set(CROSSING) - foreign == set(), "exceptions of keys that are no more"


def _has(model: type[models.Model]) -> bool:
    return any(field.name == "institution" and field.is_relation for field in model._meta.local_fields)


def _held() -> list[tuple[str, str]]:
    """As the database has them."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT conname FROM pg_constraint UNION SELECT tgname FROM pg_trigger")
        names = {str(name) for (name,) in cursor.fetchall()}
    found = []
    for key in keys():
        trigger = f"{TRIGGER.format(table=key.table)}_{key.column}"
        composite = KEY.format(table=key.table, column=key.column)
        if {f"{trigger}_insert", f"{trigger}_update"} <= names or names & {composite, composite[:63], trigger, trigger[:63]}:
            found.append((key.table, key.column))
    return found


def test_every_unique_is_within_an_institution() -> None:
    named = {(key.table, key.column) for key in keys()}
    for model in apps.get_models():
        if not (kind := KINDS.get(model._meta.db_table)) or not kind.has_institution:
            continue
        table = model._meta.db_table
        for columns in _uniques(model):
            within = "institution_id" in columns or any((table, column) in named for column in columns)
            assert within or (table, columns) in GLOBAL_UNIQUES, f"{table}: {columns} would tell who else has one"


def _uniques(model: type[models.Model]) -> list[tuple[str, ...]]:
    single = [(str(field.column),) for field in model._meta.local_fields if field.unique and not field.primary_key]
    several = [one.fields for one in model._meta.constraints if isinstance(one, models.UniqueConstraint)]
    return [*single, *(tuple(str(cast(Any, model._meta.get_field(name)).column) for name in names) for names in several)]


@pytest.fixture
def corpora(house: House) -> tuple[Corpus, Corpus]:
    return tuple(  # type: ignore[return-value]
        Corpus.unscoped.create(institution_id=owner.institution_id, name="Cours", owner=owner)
        for owner in (house.teacher, house.neighbour_teacher)
    )


def test_a_row_cannot_name_a_row_of_another_institution(house: House, corpora: tuple[Corpus, Corpus]) -> None:
    for corpus, refused in zip(corpora, (False, True), strict=True):
        try:
            with transaction.atomic():
                Document.unscoped.create(institution=house.institution, corpus=corpus, name="cours.md", size=1)
                connection.check_constraints()
        except IntegrityError:
            assert refused
        else:
            assert not refused


def test_nor_can_a_table_that_ties_two(house: House, corpora: tuple[Corpus, Corpus]) -> None:
    corpora[0].groups.add(house.group)
    with pytest.raises(IntegrityError, match="two institutions"), transaction.atomic():
        corpora[1].groups.add(house.group)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only the owner of PostgreSQL's tables installs")
def test_installing_again_changes_nothing(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master ORDER BY name")
        before = cursor.fetchall()
        install(connection)
        cursor.execute("SELECT sql FROM sqlite_master ORDER BY name")
        assert cursor.fetchall() == before
