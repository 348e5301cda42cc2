"""What a package says of the personal data that it keeps, beside its tables, in a module named `personal`:

    TABLES   for each of its tables, what the table knows of people and what becomes of it when one of them is erased
    forget   erases what is about one person, as far as deleting rows of `Erased` tables is not enough
    files    the files that a person gave or reads, for their export
    EXPIRE   for each class of `parvis.privacy.clocks` it holds: removes what is older than an instant

A table that no package speaks of fails a test: what nobody declared can neither be exported nor erased.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Subject:
    """One person, as one institution knows them. Nobody's data of another institution is reached from here."""

    person_id: int
    institution_id: int
    profile_ids: frozenset[int]
    is_last: bool = False  # no other institution knows them any more: who they are goes too
    with_shared: bool = False  # what they gave to others goes too: courses shared with a group or the institution

    @property
    def actor(self) -> str:
        return f"person:{self.person_id}"


# The rows of a table about a person, where no chain of foreign keys says it.
Find: TypeAlias = Callable[[Subject], Any]


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows about a person: they are in the export, and go with the person. `person`: the chains of foreign keys from a row to
    a profile or a person. `omit`: columns that are the machine's own. `cleared`: columns by rows of others name them,
    which are emptied."""

    label: StrOrPromise
    person: tuple[str, ...] = ()
    omit: frozenset[str] = frozenset()
    find: Find | None = None
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that stay, where a nameless number takes the person's place; `why` is told before anything is erased."""

    label: StrOrPromise
    why: StrOrPromise
    person: tuple[str, ...] = ()
    omit: frozenset[str] = frozenset()
    find: Find | None = None
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Within:
    """Rows that come and go with those of another table, and say nothing of a person that those do not."""

    table: str


@dataclass(frozen=True, slots=True)
class Impersonal:
    """Nothing about a person. `because` is for who reads the declaration."""

    because: str


Fate: TypeAlias = Erased | Kept | Within | Impersonal
Tables: TypeAlias = dict[str, Fate]


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file for the export: its name there, and where it is, or what it says."""

    name: str
    path: Path | None = None
    text: str = ""


# Removes at most so many of what is older than the instant, for one institution; how many went.
Expire: TypeAlias = Callable[[int, datetime, int], int]
