"""What all packages say of personal data, gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import cast

from django.apps import apps
from django.conf import settings

from parvis.personal import Erased, Expire, Fate, GivenFile, Kept, Subject, Tables


@cache
def packages() -> list[ModuleType]:
    """The modules `personal` of packages that have tables, from those that depend on others to those they depend on."""
    own = [name for name in settings.INSTALLED_APPS if name.startswith("parvis.")]
    with_tables = [name for name in own if any(True for _ in apps.get_app_config(name.rpartition(".")[2]).get_models())]
    return [import_module(f"{name}.personal") for name in reversed(with_tables)]


@cache
def fates() -> Tables:
    """Table, or the beginning of the names of several followed by *, → what becomes of its rows; in the order of erasure."""
    return {table: fate for package in packages() for table, fate in cast(Tables, package.TABLES).items()}


def fate_of(table: str) -> Fate | None:
    exact = fates().get(table)
    families = (fate for name, fate in fates().items() if name.endswith("*") and table.startswith(name[:-1]))
    return exact or next(families, None)


def about_people() -> Iterator[tuple[str, Erased | Kept]]:
    """The tables whose rows are somebody's."""
    for table, fate in fates().items():
        if isinstance(fate, Erased | Kept):
            yield table, fate


def forgets() -> list[tuple[frozenset[str], Callable[[Subject], None]]]:
    """For each package its tables, and what it does to forget a person beside deleting their rows."""
    return [(frozenset(package.TABLES), getattr(package, "forget", lambda subject: None)) for package in packages()]


def files_of(subject: Subject) -> Iterator[GivenFile]:
    for package in packages():
        give = cast("Callable[[Subject], Iterable[GivenFile]] | None", getattr(package, "files", None))
        if give is not None:
            yield from give(subject)


def expires() -> dict[str, list[Expire]]:
    """Class of data → what removes the old ones, in each package that holds some."""
    found: dict[str, list[Expire]] = {}
    for package in packages():
        for code, expire in cast("dict[str, Expire]", getattr(package, "EXPIRE", {})).items():
            found.setdefault(code, []).append(expire)
    return found
