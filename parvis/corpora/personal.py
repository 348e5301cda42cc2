from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from parvis.audit.models import record
from parvis.corpora import storage
from parvis.corpora.actions import discard_corpus, hold, withdraw
from parvis.corpora.models import Corpus, Document, DocumentState
from parvis.personal import GivenFile, Kept, Subject, Tables, Within

TABLES: Tables = {
    "corpora_corpus": Kept(
        _("Courses"),
        _(
            "Courses shared with a group or with the institution stay for those who use them, without your name, unless you "
            "ask otherwise; those shared with nobody are erased with their documents."
        ),
        ("owner",),
    ),
    "corpora_corpus_groups": Within("corpora_corpus"),
    "corpora_document": Kept(
        _("Documents you gave"),
        _("Documents stay with the course they are in; who gave them is forgotten."),
        find=lambda subject: Document.unscoped.filter(
            Q(uploaded_by__in=subject.profile_ids) | Q(corpus__owner__in=subject.profile_ids)
        ),
        omit=frozenset({"lease_token", "lease_until", "attempts", "analysis_version"}),
        cleared=("uploaded_by",),
    ),
    "corpora_page": Within("corpora_document"),
    "corpora_passage": Within("corpora_document"),
    "corpora_embedding": Within("corpora_document"),
    "corpora_courserule": Kept(
        _("AI rules of courses you wrote"), _("A course keeps its rule, without your name."), ("author",)
    ),
    "search_*": Within("corpora_document"),  # the index
}


def going(subject: Subject) -> QuerySet[Corpus]:
    """Courses that are erased with the person: their own, shared with nobody, or all of them if they ask so."""
    own = Corpus.unscoped.filter(owner__in=subject.profile_ids)
    return own if subject.with_shared else own.filter(shared_with_institution=False, groups=None)


def forget(subject: Subject) -> None:
    for corpus in going(subject).order_by("id"):
        documents = discard_corpus(corpus.id)
        record(
            institution_id=subject.institution_id,
            actor="system:erasure",
            action="corpus.delete",
            subject=f"corpus:{corpus.id}",
            documents=documents,
        )


def files(subject: Subject) -> Iterator[GivenFile]:
    """The originals of the documents given to one's own courses."""
    rows = Document.unscoped.filter(corpus__owner__in=subject.profile_ids).exclude(sha256="")
    without_file = (DocumentState.REMOVED, DocumentState.EXPANDED)
    for document in rows.exclude(state__in=without_file).select_related("corpus").order_by("id"):
        path = storage.path_of(document.sha256)
        if path.exists():
            yield GivenFile(f"documents/{document.corpus.name}/{document.name}", path)


def _uploads(institution_id: int, before: datetime, most: int) -> int:
    """Files that could not be read: nobody asked to try them again since. What a removed document was called goes too."""
    failed = Document.unscoped.filter(institution=institution_id, state=DocumentState.FAILED, created_at__lt=before)
    ended = list(failed.order_by("id").values_list("id", "corpus_id")[:most])
    for document_id, corpus_id in ended:
        with transaction.atomic():
            hold(corpus_id)
            withdraw(document_id)
    removed = Document.unscoped.filter(institution=institution_id, state=DocumentState.REMOVED, created_at__lt=before)
    nameless = list(removed.exclude(name="").order_by("id").values_list("id", flat=True)[:most])
    Document.unscoped.filter(id__in=nameless).update(name="", title="", failure_params={})
    return len({document_id for document_id, _ in ended} | set(nameless))


EXPIRE = {"uploads": _uploads}
