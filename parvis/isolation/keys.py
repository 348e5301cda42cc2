"""Keys stay within an institution: a row names no row of another one (decision 0017).

Row-level security does not look at keys: a foreign key may name a row that its author cannot see. So each key between two
tables that have an institution is held to be of the same one, by a composite foreign key on PostgreSQL, and by triggers where
there is none: on SQLite, for the tables that tie two others, and where the row named may be the whole installation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from parvis.isolation.kinds import KINDS

# Keys that name another institution's row, and why. Any other one is held.
CROSSING = {
    ("needs_attachment", "proposed_by_id"): "a referent may propose for a need that another institution published",
    ("needs_attachment", "decided_by_id"): "cancelled by who undoes a merger",
    ("needs_ballot", "profile_id"): "checked with the vote: the alliance's own profiles vote for their institution",
    ("needs_importedfile", "profile_id"): "the coordination imports in the name of an institution",
    ("needs_judgement", "need_id"): "any published need may be judged close to one's own",
    ("needs_judgement", "other_need_id"): "any published need may be judged close to one's own",
    ("needs_rawneed", "author_id"): "the coordination writes in the name of an institution",
    ("needs_rawneedtext", "written_by_id"): "the coordination writes in the name of an institution",
    ("offers_choice", "offer_id"): "an institution chooses a vendor's offer",
    ("offers_usagereference", "offer_id"): "an institution writes of a vendor's offer",
    ("offers_usagereference", "replied_by_id"): "the vendor replies",
    ("offers_question", "answered_by_id"): "the coordination answers",
}

UNIQUE, KEY, TRIGGER = "{table}_of_institution", "{table}_{column}_same", "{table}_same_institution"
REFUSAL = "rows of two institutions cannot be tied"


@dataclass(frozen=True, slots=True)
class Key:
    """`column` of `table` names a row of `parent`. `peer`: the other side, where `table` ties two and has no institution.
    `or_none`: the row named may be of no institution, the whole installation's."""

    table: str
    column: str
    parent: str
    or_none: bool = False
    peer: tuple[str, str] = ("", "")

    @property
    def is_composite(self) -> bool:
        """Whether PostgreSQL holds it by a foreign key."""
        return not self.or_none and not self.peer[0]

    def fault(self) -> str:
        """SQL that is true of a NEW row whose key is not held."""
        if self.peer[0]:
            table, column = self.peer
            same = f"one.id = NEW.{self.column} AND other.id = NEW.{column} AND one.institution_id = other.institution_id"
            return f"NOT EXISTS (SELECT 1 FROM {self.parent} one, {table} other WHERE {same})"  # noqa: S608 - names of tables
        whose = "institution_id = NEW.institution_id" + (" OR institution_id IS NULL" if self.or_none else "")
        found = f"SELECT 1 FROM {self.parent} WHERE id = NEW.{self.column} AND ({whose})"  # noqa: S608 - names of tables
        there = f"EXISTS (SELECT 1 FROM {self.parent} WHERE id = NEW.{self.column})"  # noqa: S608 - what is missing is another's
        return f"(NEW.institution_id IS NOT NULL AND NEW.{self.column} IS NOT NULL AND NOT EXISTS ({found}) AND {there})"


def keys() -> Iterator[Key]:
    """Every key to be held, from the models."""
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        named = [field for field in model._meta.local_fields if isinstance(field, models.ForeignKey)]
        parents = [(field.column, field.related_model) for field in named if _has_institution(field.related_model)]
        if _has_institution(model):
            yield from (
                Key(table, column, parent._meta.db_table, KINDS[parent._meta.db_table].or_none)
                for column, parent in parents
                if (table, column) not in CROSSING
            )
        elif model._meta.auto_created and len(parents) == 2:
            (column, parent), (other_column, other) = parents
            yield Key(table, column, parent._meta.db_table, peer=(other._meta.db_table, other_column))


def _has_institution(model: Any) -> bool:
    return model._meta.db_table in KINDS and any(
        field.name == "institution" and field.is_relation for field in model._meta.local_fields
    )


def hold(connection: Any, cursor: Any) -> None:
    """Makes what is missing."""
    held = list(keys())
    if connection.vendor == "sqlite":
        for key in held:
            _sqlite(cursor, key)
        return
    for parent in sorted({key.parent for key in held if key.is_composite}):
        _add(cursor, parent, UNIQUE.format(table=parent), "UNIQUE (institution_id, id)")
    for key in held:
        if key.is_composite:
            columns = f"FOREIGN KEY (institution_id, {key.column}) REFERENCES {key.parent} (institution_id, id)"
            _add(cursor, key.table, KEY.format(table=key.table, column=key.column), f"{columns} DEFERRABLE INITIALLY DEFERRED")
        else:
            _postgresql(cursor, key)


def _add(cursor: Any, table: str, name: str, definition: str) -> None:
    cursor.execute("SELECT FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass", [name, table])
    if not cursor.rowcount:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _postgresql(cursor: Any, key: Key) -> None:
    name = f"{TRIGGER.format(table=key.table)}_{key.column}"
    cursor.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN IF {key.fault()} THEN "
        f"RAISE integrity_constraint_violation USING MESSAGE = '{REFUSAL}'; END IF; RETURN NULL; END $body$"
    )
    cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {key.table}")
    cursor.execute(f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {key.table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _sqlite(cursor: Any, key: Key) -> None:
    for verb, moment in (("insert", "INSERT"), ("update", "UPDATE")):
        name = f"{TRIGGER.format(table=key.table)}_{key.column}_{verb}"
        cursor.execute(
            f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {moment} ON {key.table} WHEN {key.fault()} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
