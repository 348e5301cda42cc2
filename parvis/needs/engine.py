"""The index of needs, on Django's own connection, in tables of its own beside those of documents.

Its "corpora" are who may read: the texts of the whole alliance, then for each institution those it has validated and not
shared yet, and its drafts, which only who represents it may see all of.
"""

from __future__ import annotations

from typing import Any, cast

from django.db import connection

from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Role
from parvis.needs.models import RawNeed, RawNeedState
from parvis.retrieval.index import Index

PREFIX = "needs_search"
SHARED = 1


def index() -> Index:
    connection.ensure_connection()
    raw = cast(Any, connection.connection)  # sqlite3.Connection or psycopg.Connection: Django does not say which
    if connection.vendor == "sqlite":
        from parvis.retrieval.fts5 import Fts5Index

        return Fts5Index(raw, PREFIX)
    from parvis.retrieval.postgres import PostgresIndex

    return PostgresIndex(raw, PREFIX)


def corpus_of(need: RawNeed) -> int:
    if need.is_shared:
        return SHARED
    return _drafts(need.institution_id) if need.state == RawNeedState.DRAFT else _validated(need.institution_id)


def readable_corpora(principal: Principal) -> frozenset[int]:
    """As RawNeedQuerySet.visible_to, except one's own drafts in an institution one does not represent."""
    if not principal.may("need:view"):
        return frozenset()
    if principal.role == Role.COORDINATOR:
        members = Institution.objects.filter(nature=Nature.MEMBER).values_list("id", flat=True)
        return frozenset({SHARED, *map(_validated, members)})
    here = {SHARED, _validated(principal.institution_id)}
    return frozenset(here | {_drafts(principal.institution_id)} if principal.may("need:validate") else here)


def key_of_text(text_id: int) -> int:
    """Texts of raw needs and of harmonised ones share the index: even keys, and odd ones."""
    return 2 * text_id


def key_of_version(version_id: int) -> int:
    return 2 * version_id + 1


def group_of_need(need_id: int) -> int:
    return 2 * need_id


def group_of_harmonised(harmonised_id: int) -> int:
    return 2 * harmonised_id + 1


def _validated(institution_id: int) -> int:
    return 4 * institution_id + 2


def _drafts(institution_id: int) -> int:
    return 4 * institution_id + 3
