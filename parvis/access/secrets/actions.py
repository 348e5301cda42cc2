"""Rotation of the master key, and a look at all that is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import QuerySet

from parvis.access.sealing import Keyring
from parvis.access.secrets import SecretUnreadableError, is_current, seal, unseal
from parvis.access.secrets.keyring import alone, keyring, with_new_key, write
from parvis.access.secrets.models import HoldsSecret, hold_keys
from parvis.audit.models import record


@dataclass(frozen=True, slots=True)
class Rotated:
    """`unreadable`: places whose secret no key here opened; they are left as they were, and must be typed again."""

    sealed_again: int
    unreadable: tuple[str, ...]
    was_interrupted: bool  # an earlier rotation was ended, under the key that it had brought


@dataclass(frozen=True, slots=True)
class Inspected:
    sealed: int
    unreadable: tuple[str, ...]


def rotate(on_sealed: Callable[[], None] = lambda: None) -> Rotated:
    """A new master key, under which every secret is sealed again; the former then opens nothing. Pages are served meanwhile.

    Interrupted at any instant, all secrets still open, and doing it again ends it. Raises RotatingError, KeyringError.
    """
    with alone():
        was_interrupted = len(keyring().keys) > 1
        if not was_interrupted:
            with transaction.atomic():
                hold_keys(alone=True)
                _record("secrets.rotate")
                write(with_new_key(keyring()))
        count, unreadable = 0, []
        for row in _sealed():
            try:
                if _seal_again(row):
                    count += 1
                    on_sealed()
            except SecretUnreadableError:
                unreadable.append(row.secret_place)
        write(Keyring((keyring().current,)))
        _record("secrets.rotated", sealed=count, unreadable=len(unreadable))
    return Rotated(count, tuple(unreadable), was_interrupted)


def inspect() -> Inspected:
    rows = list(_sealed())
    return Inspected(len(rows), tuple(row.secret_place for row in rows if not _opens(row)))


def _opens(row: HoldsSecret) -> bool:
    try:
        return bool(row.secret)
    except SecretUnreadableError:
        return False


def _sealed() -> Iterator[HoldsSecret]:
    for model in apps.get_models():
        if issubclass(model, HoldsSecret):
            yield from rows_of(model).exclude(sealed_secret="").order_by("pk")


def rows_of(model: type[HoldsSecret]) -> QuerySet[Any]:
    return model._default_manager.all()  # noqa: SLF001 - Django's documented name


def _seal_again(row: HoldsSecret) -> bool:
    """False where it is under the current key already, or was changed meanwhile: then it is too."""
    if is_current(row.sealed_secret):
        return False
    sealed = seal(unseal(row.sealed_secret, place=row.secret_place), place=row.secret_place)
    same = rows_of(type(row)).filter(pk=row.pk, sealed_secret=row.sealed_secret)
    return bool(same.update(sealed_secret=sealed))


def _record(action: str, **details: int) -> None:
    record(institution_id=None, actor="system:maintenance", action=action, subject="secrets", **details)
