"""What the operator of an installation counts, across institutions: numbers and names, never content."""

from __future__ import annotations

from collections import Counter
from typing import TypedDict

from django.db.models import Count, Q, QuerySet

from parvis.access.middleware import principal_of
from parvis.access.principal import Principal
from parvis.corpora.engine import index
from parvis.corpora.models import WAITING, Corpus, Document, DocumentState, Passage


class Summary(TypedDict):
    id: int
    institution: str
    name: str
    ready: int
    waiting: int
    failed: int
    passages: int


def summaries() -> list[Summary]:
    """One row for each corpus of the installation."""
    ready = Count("documents", Q(documents__state=DocumentState.INDEXED))
    waiting = Count("documents", Q(documents__state__in=WAITING))
    failed = Count("documents", Q(documents__state=DocumentState.FAILED))
    passages = Counter(Passage.unscoped.values_list("corpus_id", flat=True))
    corpora: QuerySet[Corpus] = Corpus.unscoped.select_related("institution").order_by("id")
    rows = corpora.annotate(ready=ready, waiting=waiting, failed=failed)
    return [
        Summary(
            id=row.id,
            institution=row.institution.short_name,
            name=row.name,
            ready=row.ready,
            waiting=row.waiting,
            failed=row.failed,
            passages=passages[row.id],
        )
        for row in rows
    ]


def as_owner(corpus_id: int) -> tuple[Principal, Corpus] | None:
    """A corpus and its owner, for an operator who acts on the owner's behalf. None when there is no such corpus."""
    corpus = Corpus.unscoped.select_related("owner").filter(id=corpus_id).first()
    return (principal_of(corpus.owner), corpus) if corpus else None


def document_counts() -> dict[str, int]:
    """How many documents are in each state, by the state's name."""
    states = Document.unscoped.exclude(state=DocumentState.REMOVED).values_list("state", flat=True)
    return {str(DocumentState(state).label): count for state, count in Counter(states).items()}


def passage_counts() -> tuple[int, int]:
    """Passages of indexed documents, and those that the search index holds: equal in a sound installation."""
    corpora = frozenset(Corpus.unscoped.values_list("id", flat=True))
    stored = Passage.unscoped.filter(document__state=DocumentState.INDEXED).count()
    return stored, index().stats((), corpora).passage_count
