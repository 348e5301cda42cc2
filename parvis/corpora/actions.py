"""What people do to corpora and documents, and how they search them. Reading documents is in `jobs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Substr

from parvis.access.principal import CAMPUS, Principal
from parvis.audit.models import record
from parvis.corpora import storage
from parvis.corpora.engine import index
from parvis.corpora.models import (
    LIVE,
    WAITING,
    Corpus,
    CorpusKind,
    Document,
    DocumentQuerySet,
    DocumentState,
    Page,
    Passage,
)
from parvis.corpora.parsing.archives import display_name
from parvis.institutions.models import DataClass, Group, Profile
from parvis.isolation.ownership import as_owner
from parvis.retrieval.index import InTransaction
from parvis.retrieval.passage import Passage as FoundPassage
from parvis.retrieval.search import Embedder, Found, search


class Readable(Protocol):
    """An open file, an upload."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Added:
    """The document a file became, or the one it already was."""

    document: Document
    is_new: bool


class Gone(Exception):
    """The corpus or the document was removed meanwhile."""

    code = "gone"


def create_corpus(
    principal: Principal,
    *,
    name: str,
    description: str = "",
    kind: str = CorpusKind.COURSE,
    data_class: str = DataClass.INTERNAL,
) -> Corpus:
    with transaction.atomic():
        corpus = Corpus.unscoped.create(
            institution_id=principal.institution_id,
            owner_id=principal.profile_id,
            name=name,
            description=description,
            kind=kind,
            data_class=data_class,
        )
        _record(principal, "corpus.create", corpus)
    return corpus


def titles_of(document_ids: Iterable[int]) -> dict[int, str]:
    """Of documents that somebody could read when they were cited."""
    rows = Document.unscoped.filter(id__in=set(document_ids)).only("id", "title", "name")
    return {document.id: str(document) for document in rows}


def update_corpus(
    principal: Principal, corpus: Corpus, *, name: str, description: str, kind: str, data_class: str = ""
) -> None:
    with transaction.atomic():
        corpus.name, corpus.description, corpus.kind = name, description, kind
        corpus.data_class = data_class or corpus.data_class
        corpus.save(update_fields=["name", "description", "kind", "data_class"])
        _record(principal, "corpus.edit", corpus)


def share_corpus(principal: Principal, corpus: Corpus, *, groups: Iterable[Group], with_institution: bool) -> None:
    """Effective at the next request of those concerned. Groups of another institution are left out."""
    with transaction.atomic():
        chosen = [group for group in groups if group.institution_id == corpus.institution_id]
        corpus.groups.set(chosen)
        corpus.shared_with_institution = with_institution
        corpus.save(update_fields=["shared_with_institution"])
        group_ids = sorted(group.id for group in chosen)
        _record(principal, "corpus.share", corpus, groups=group_ids, institution=with_institution)


def delete_corpus(principal: Principal, corpus: Corpus) -> None:
    """The corpus, its documents and their files. Nobody finds them from now on."""
    with transaction.atomic():
        documents = discard_corpus(corpus.id)
        _record(principal, "corpus.delete", corpus, documents=documents)


def add_upload(corpus: Corpus, principal: Principal, name: str, file: Readable, *, replaces: Document | None = None) -> Added:
    """Keeps a file and queues it for reading; an archive becomes its members when it is read.

    The same file twice is one document; one that had failed is tried again. Raises storage.TooLarge, Gone.
    """
    with storage.receive(chunks(file)) as received:
        return keep_file(
            corpus.id,
            received,
            name=name,
            actor=principal.actor,
            profile_id=principal.profile_id,
            replaces_id=replaces.id if replaces else None,
        )


def replace_document(principal: Principal, document: Document, name: str, file: Readable) -> Added:
    """The new file takes the place of the document once it is indexed; until then, and if it fails, the old one answers."""
    return add_upload(document.corpus, principal, name, file, replaces=document)


def remove_document(principal: Principal, document: Document) -> None:
    """Effective on the next question. The row stays, empty, so that a citation can say that the document went."""
    with transaction.atomic():
        hold(document.corpus_id)
        if withdraw(document.id):
            _record(principal, "document.remove", document)


def protect_document(principal: Principal, document: Document, *, protected: bool) -> None:
    """Effective on the next question and the next page opened."""
    with transaction.atomic():
        if Document.unscoped.filter(id=document.id).exclude(protected=protected).update(protected=protected):
            _record(principal, "document.protect" if protected else "document.unprotect", document)


def retry_document(principal: Principal, document: Document) -> None:
    with transaction.atomic():
        hold(document.corpus_id)
        if _queue_again(Document.unscoped.filter(id=document.id)):
            _record(principal, "document.retry", document)


def all_corpora(institution_id: int) -> list[Corpus]:
    return list(Corpus.unscoped.filter(institution_id=institution_id).select_related("owner"))


class Campus:
    """Those of an institution who may read something at all, read once for many corpora."""

    def __init__(self, institution_id: int) -> None:
        self.profiles = Profile.objects.filter(institution_id=institution_id, ended_at=None, role__in=CAMPUS)

    @cached_property
    def everyone(self) -> frozenset[int]:
        return frozenset(self.profiles.values_list("id", flat=True))

    def readers_of(self, corpus: Corpus) -> frozenset[int]:
        """The profiles that reach a corpus, before any rule: as CorpusQuerySet.before_rules, the other way round, less those
        who read it for a reason they wrote."""
        if corpus.shared_with_institution:
            return self.everyone
        owner = self.profiles.filter(person_id=corpus.owner.person_id)
        members = self.profiles.filter(groups__in=corpus.groups.all())
        return frozenset(owner.values_list("id", flat=True)).union(members.values_list("id", flat=True))


def search_corpora(
    principal: Principal,
    question: str,
    corpora_ids: Iterable[int],
    *,
    limit: int = 10,
    embedder: Embedder | None = None,
) -> Found:
    """The best passages among the corpora of `corpora_ids` that this person may read now."""
    visible = Corpus.objects.visible_to(principal).filter(id__in=list(corpora_ids))
    allowed = frozenset(visible.values_list("id", flat=True))
    return search(question, index=index(), corpora=allowed, fetch=partial(passages, allowed), limit=limit, embedder=embedder)


def passages(allowed: frozenset[int], passage_ids: Sequence[int]) -> list[FoundPassage]:
    """Passages by id, in that order, of corpora in `allowed`: the index is not trusted alone."""
    rows = Passage.unscoped.filter(id__in=passage_ids, corpus_id__in=allowed, document__state=DocumentState.INDEXED)
    found = {row.id: row for row in _as_found(rows)}
    return [found[passage_id] for passage_id in passage_ids if passage_id in found]


def protected_among(document_ids: Iterable[int]) -> frozenset[int]:
    """Those that may guide an answer and not be quoted."""
    return frozenset(Document.unscoped.filter(id__in=set(document_ids), protected=True).values_list("id", flat=True))


def unit_passages(principal: Principal, document_id: int, unit_number: int) -> list[FoundPassage]:
    """All passages of one unit that this person may read now, in order: for `retrieval.cutting.neighbours`."""
    rows = Passage.objects.visible_to(principal).filter(document_id=document_id, page__number=unit_number)
    return sorted(_as_found(rows), key=lambda passage: passage.start)


def _as_found(rows: QuerySet[Passage]) -> Iterator[FoundPassage]:
    """Their text is cut out of the page's by the database: it is stored once."""
    text = Substr("page__text", F("start") + 1, F("end") - F("start"))
    for row in rows.annotate(text=text, unit=F("page__number"), label=F("page__label"), title=F("document__title")):
        yield FoundPassage(
            id=row.id,
            corpus_id=row.corpus_id,
            document_id=row.document_id,
            unit_number=row.unit,
            start=row.start,
            end=row.end,
            text=row.text,
            document_title=row.title,
            unit_label=row.label,
            heading_path=tuple(row.heading_path),
        )


@dataclass(frozen=True, slots=True)
class Erased:
    files: int
    documents: int


def erase() -> Erased:
    """Leaves no byte of what was removed: names, files, and the database's own free space.

    It rewrites the database's files, so nobody else writes meanwhile, and it cannot run inside a transaction.
    """
    if connection.in_atomic_block:
        raise InTransaction
    with transaction.atomic():
        removed = Document.unscoped.filter(state=DocumentState.REMOVED)
        documents = removed.exclude(name="").update(name="", title="", failure_params={})
        record(institution_id=None, actor="system:maintenance", action="corpora.erase", subject="corpora", documents=documents)
    files = sum(_discard_unreferenced(sha256) for sha256 in set(storage.stored()))
    storage.discard_abandoned()
    with as_owner():
        index().maintain(purge=True)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM FULL corpora_document, corpora_page, corpora_passage, corpora_embedding")
    return Erased(files=files, documents=documents)


# What follows is shared with `jobs`: each is called inside a transaction.


def hold(corpus_id: int) -> Corpus:
    """One change at a time in a corpus. Raises Gone."""
    corpus = Corpus.unscoped.select_for_update().filter(id=corpus_id).first()
    if corpus is None:
        raise Gone
    return corpus


def discard_corpus(corpus_id: int) -> int:
    """How many documents went with it."""
    held = hold(corpus_id)
    documents = list(Document.unscoped.filter(corpus=held).values_list("id", "sha256"))
    _forget([document_id for document_id, _ in documents])
    Document.unscoped.filter(corpus=held).delete()
    held.delete()
    for _, sha256 in documents:
        discard_file_later(sha256)
    return len(documents)


def keep_file(
    corpus_id: int,
    received: storage.Received,
    *,
    name: str,
    actor: str,
    profile_id: int | None,
    replaces_id: int | None = None,
    archive_id: int | None = None,
) -> Added:
    """Puts a received file in its place and queues a document for it, unless the corpus has it already."""
    with transaction.atomic():
        corpus = hold(corpus_id)
        same = Document.unscoped.filter(corpus=corpus, sha256=received.sha256)
        if existing := same.filter(state__in=LIVE).first() or _unpacked(same):
            return Added(existing, is_new=False)
        _hold_file(received.sha256)
        received.keep()
        document = same.filter(state=DocumentState.FAILED).first() or Document(
            institution_id=corpus.institution_id, corpus=corpus, sha256=received.sha256, size=received.size
        )
        document.name = document.title = display_name(name)
        document.uploaded_by_id = profile_id
        document.replaces_id = replaces_id if replaces_id != document.id else None
        document.archive_id = archive_id
        document.save()
        if document.replaces_id:
            _give_up_other_replacements(document)
        _queue_again(Document.unscoped.filter(id=document.id))
        document.refresh_from_db()
        action = "document.replace" if replaces_id else "document.add"
        record(
            institution_id=corpus.institution_id,
            actor=actor,
            action=action,
            subject=f"document:{document.id}",
            corpus=corpus.id,
            replaces=replaces_id,
        )
        return Added(document, is_new=True)


def _unpacked(same: DocumentQuerySet) -> Document | None:
    """The same archive, unpacked before, if all that came out of it is still here."""
    gone = Document.unscoped.filter(archive=OuterRef("pk"), state=DocumentState.REMOVED)
    return same.filter(state=DocumentState.EXPANDED).exclude(Exists(gone)).first()


def _give_up_other_replacements(document: Document) -> None:
    """Of two files meant to replace the same document, the later one is meant."""
    for earlier in Document.unscoped.filter(replaces=document.replaces_id, state__in=(*WAITING, DocumentState.FAILED)):
        if earlier.id != document.id:
            withdraw(earlier.id)


def withdraw(document_id: int) -> bool:
    """Takes a document out of every later answer. False when it already was."""
    rows = Document.unscoped.filter(id=document_id).exclude(state=DocumentState.REMOVED)
    document = rows.first()
    if document is None:
        return False
    rows.update(state=DocumentState.REMOVED, lease_token="", lease_until=None)
    _forget([document_id])
    content_changed(document.corpus_id)
    discard_file_later(document.sha256)
    return True


def content_changed(corpus_id: int) -> None:
    """The threshold of the corpus is to be measured again."""
    Corpus.unscoped.filter(id=corpus_id).update(content_version=F("content_version") + 1)


def discard_pages(document_id: int) -> None:
    """What was read of a document so far."""
    Passage.unscoped.filter(document_id=document_id).delete()
    Page.unscoped.filter(document_id=document_id).delete()


def _forget(document_ids: Sequence[int]) -> None:
    index().delete(document_ids)
    for document_id in document_ids:
        discard_pages(document_id)


def _queue_again(rows: DocumentQuerySet) -> int:
    return rows.filter(state__in=(DocumentState.FAILED, DocumentState.QUEUED)).update(
        state=DocumentState.QUEUED,
        failure_code="",
        failure_params={},
        attempts=0,
        pages_done=0,
        pages_total=None,
        pages_without_text=[],
    )


def _hold_file(sha256: str) -> None:
    """Until the end of the transaction nobody else keeps or discards this file. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [sha256])


def discard_file_later(sha256: str) -> None:
    """Once the transaction is committed, and if nothing refers to the file any more."""
    if sha256:
        transaction.on_commit(partial(_discard_unreferenced, sha256))


def _discard_unreferenced(sha256: str) -> bool:
    without_file = (DocumentState.REMOVED, DocumentState.EXPANDED)
    with transaction.atomic():
        _hold_file(sha256)
        if Document.unscoped.filter(sha256=sha256).exclude(state__in=without_file).exists():
            return False
        storage.discard(sha256)
        return True


def chunks(file: Readable) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk


def _record(principal: Principal, action: str, subject: Corpus | Document, **details: object) -> None:
    noun = "corpus" if isinstance(subject, Corpus) else "document"
    record(
        institution_id=subject.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"{noun}:{subject.id}",
        **details,
    )
