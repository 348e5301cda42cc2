"""Acting as the owner of the tables, for the little that only an owner may do: writing their files anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


@contextmanager
def as_owner() -> Iterator[None]:
    """This thread's connection is the owner's meanwhile, where that is another role. Not inside a transaction."""
    if not settings.DATABASE_OWNER:
        yield
        return
    kept = connection.settings_dict
    connection.close()
    options = {name: value for name, value in kept["OPTIONS"].items() if name != "pool"}
    connection.settings_dict = {**kept, **settings.DATABASE_OWNER, "OPTIONS": options}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = kept
