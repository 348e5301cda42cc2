"""Reading documents, outside the serving process.

A document is its own job (docs/decisions/0006): a worker takes one by a conditional update that leaves a token and a time
limit on the row, renews it while it reads, and writes only where its token still stands. Whatever is killed, and when,
the time limit passes, another worker discards what was read so far and starts again; after three times it is a failure,
and after two when it is the document that makes its reader crash.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import cast

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from parvis.audit.models import record
from parvis.corpora import storage
from parvis.corpora.actions import (
    Gone,
    chunks,
    content_changed,
    discard_file_later,
    discard_pages,
    hold,
    keep_file,
    passages,
    withdraw,
)
from parvis.corpora.embeddings.jobs import embed_next
from parvis.corpora.engine import index
from parvis.corpora.models import WAITING, Corpus, Document, DocumentQuerySet, DocumentState, Page, Passage
from parvis.corpora.parsing.archives import members
from parvis.corpora.parsing.document import BlockKind, DocumentHead, DocumentTail, Unit
from parvis.corpora.parsing.limits import Limits
from parvis.corpora.parsing.locate import pack_words
from parvis.corpora.parsing.reading import read_bounded
from parvis.corpora.parsing.refusals import Unreadable
from parvis.isolation.scope import within
from parvis.retrieval.abstention import calibrate
from parvis.retrieval.analysis import ANALYSIS_VERSION, terms
from parvis.retrieval.cutting import Span, cut
from parvis.retrieval.index import Entry

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
MOST_ATTEMPTS = 3
MOST_CRASHES = 2  # a document that makes its reader crash will do it again
IDLE_SECONDS = 0.5
BATCH_UNITS = 20
SAMPLED_PASSAGES = 300
BATCH_SECONDS = 1.0
ACTOR = "system:ingestion"

# Not the document's fault for certain: the machine may have been short of memory, somebody may have killed the process.
TRIED_AGAIN = frozenset({"parser_crashed", "too_much_memory"})

OnProgress = Callable[[Document, int, int | None], None]


def run_worker(
    *,
    until_idle: bool = False,
    stop: threading.Event | None = None,
    on_progress: OnProgress | None = None,
    lease: timedelta = LEASE,
    embeddings: bool = True,
    meanwhile: Callable[[Callable[[], bool]], bool] = lambda _leave: False,
) -> None:
    """Reads documents and measures thresholds, as long as there are some; then waits for more, unless `until_idle`.
    Embeddings, then what is done `meanwhile`, come last, and are left as soon as a document comes: nobody waits for them.

    Any number of workers may run at once. When `stop` is set the document being read goes back to the queue.
    """
    stop = stop or threading.Event()

    def leave() -> bool:
        return stop.is_set() or _any_waiting()

    while not stop.is_set():
        try:
            # First thresholds: a corpus has its own as soon as its documents are read, whoever's others wait.
            busy = calibrate_next() or read_next(stop=stop, on_progress=on_progress, lease=lease) or reindex_next()
            busy = busy or (embeddings and embed_next(leave)) or meanwhile(leave)
        except Error:
            # The database was away or kept busy for too long. What was being read comes back when its lease ends.
            log.exception("The database did not answer; waiting")
            connection.close()
            busy = bool(stop.wait(2))
        if not busy and until_idle:
            return
        if not busy:
            stop.wait(IDLE_SECONDS)


def read_next(*, stop: threading.Event | None = None, on_progress: OnProgress | None = None, lease: timedelta = LEASE) -> bool:
    """Reads one waiting document to its end. False when none waits."""
    document = claim(lease)
    if document is None:
        return False
    with _Lease(document, lease, stop or threading.Event()) as held, suppress(LeaseLost, Gone):
        try:
            _read_or_unpack(document, held, on_progress)
        except Unreadable as refusal:
            _refuse(document, refusal.code, refusal.params)
        except Stopped:
            _give_back(document, attempt_counts=False)
        except Error:
            raise
        except Exception:
            log.exception("Reading document %s stopped", document.id)
            _refuse(document, "parser_crashed", {})
    return True


def reindex_all() -> None:
    """Makes the whole index again from the pages kept. Documents answer meanwhile, each from its old or its new entries."""
    Document.unscoped.filter(state=DocumentState.INDEXED).update(analysis_version=0)
    while reindex_next():
        pass


def reindex_next() -> bool:
    """Indexes one document again that was under another analysis of words. False when none was."""
    stale = Document.unscoped.filter(state=DocumentState.INDEXED).exclude(analysis_version=ANALYSIS_VERSION)
    document = stale.order_by("id").first()
    if document is None:
        return False
    with transaction.atomic(), suppress(Gone):
        hold(document.corpus_id)
        if stale.filter(id=document.id).update(analysis_version=ANALYSIS_VERSION):
            index().delete([document.id])
            rows = Passage.unscoped.filter(document=document).select_related("page")
            index().upsert(_entry(document, row.id, _terms(document, row)) for row in rows.iterator(chunk_size=500))
            content_changed(document.corpus_id)
    return True


def calibrate_next() -> bool:
    """Measures the threshold of one corpus whose content changed. False when none did."""
    corpus = Corpus.unscoped.to_calibrate().order_by("id").first()
    if corpus is None:
        return False
    threshold = _threshold(corpus)
    Corpus.unscoped.filter(id=corpus.id).update(threshold=threshold, calibrated_version=corpus.content_version)
    return True


def _threshold(corpus: Corpus) -> float | None:
    """On a sample, so that a large corpus takes no longer than a middling one. None where there is nothing to measure."""
    rows = Passage.unscoped.filter(corpus=corpus, document__state=DocumentState.INDEXED)
    ids = list(rows.order_by("id").values_list("id", flat=True))
    if not ids:
        return None
    allowed = frozenset({corpus.id})
    fetch = partial(passages, allowed)
    sample = fetch(ids[:: -(-len(ids) // SAMPLED_PASSAGES)])
    return calibrate(sample, index=index(), corpora=allowed, fetch=fetch)


def claim(lease: timedelta = LEASE) -> Document | None:
    """One waiting document, now this worker's: nobody else's token is on it. None when none waits."""
    free = Q(state=DocumentState.QUEUED) | Q(state=DocumentState.READING, lease_until__lt=Now())
    while corpus_id := _next_corpus(free):
        document = Document.unscoped.filter(free, corpus_id=corpus_id).order_by("attempts", "id").first()
        if document is None:  # another worker took it
            continue
        Corpus.unscoped.filter(id=corpus_id).update(served_at=timezone.now())
        with transaction.atomic():
            taken = Document.unscoped.filter(free, id=document.id, attempts=document.attempts)
            if document.attempts >= MOST_ATTEMPTS:
                if taken.update(state=DocumentState.READING, lease_token="", lease_until=None):
                    document.lease_token = ""
                    _fail(document, "parser_crashed", {})
                continue
            document.lease_token = secrets.token_hex(16)
            if taken.update(
                state=DocumentState.READING,
                lease_token=document.lease_token,
                lease_until=Now() + lease,
                attempts=F("attempts") + 1,
                pages_done=0,
            ):
                discard_pages(document.id)
                document.attempts += 1
                return document
    return None


def _next_corpus(free: Q) -> int | None:
    """Where the next document is taken: each owner in turn, then each of their corpora, so that nobody's document waits for
    five hundred of another."""
    waiting = Corpus.unscoped.filter(Exists(Document.unscoped.filter(free, corpus_id=OuterRef("pk"))))
    owned = Corpus.unscoped.filter(owner_id=OuterRef("owner_id"), served_at__isnull=False).order_by("-served_at")
    in_turn = waiting.order_by(
        Subquery(owned.values("served_at")[:1]).asc(nulls_first=True), F("served_at").asc(nulls_first=True), "id"
    )
    return in_turn.values_list("id", flat=True).first()


class LeaseLost(Exception):
    """Another worker has the document, or it was removed: whatever is written now would be half of something."""


class Stopped(Exception):
    """This worker is asked to end."""


class _Lease:
    """Renews the time limit from a thread of its own: one page may take longer than that to recognise."""

    def __init__(self, document: Document, lease: timedelta, stop: threading.Event) -> None:
        self._document, self._lease, self._stop = document, lease, stop
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> _Lease:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        if self._lost.is_set():
            raise LeaseLost
        if self._stop.is_set():
            raise Stopped

    def _renew(self) -> None:
        try:
            while not self._ended.wait(self._lease.total_seconds() / 3):
                # Busy: tried again at the next turn.
                with suppress(Error), within(self._document.institution_id):
                    if not _own(self._document).update(lease_until=Now() + self._lease):
                        self._lost.set()
                        return
        finally:
            if threading.current_thread() is self._thread:
                connection.close()


def _read_or_unpack(document: Document, lease: _Lease, on_progress: OnProgress | None) -> None:
    try:
        _read(document, lease, on_progress)
    except Unreadable as refusal:
        if refusal.code != "archive":
            raise
        _unpack(document, lease)


def _read(document: Document, lease: _Lease, on_progress: OnProgress | None) -> None:
    reading = _Reading(document)
    parts = read_bounded(storage.path_of(document.sha256), name=document.name, limits=_limits(), ocr=settings.OCR)
    with closing(cast("Generator[DocumentHead | Unit | DocumentTail]", parts)):  # leaving it ends the child
        for part in parts:
            lease.check()
            if isinstance(part, DocumentHead):
                reading.begin(part)
            elif isinstance(part, Unit):
                reading.add(part)
                if on_progress:
                    on_progress(document, part.number, document.pages_total)
            else:
                reading.finish(part)


@dataclass
class _Reading:
    """What a worker keeps of a document while it reads: at most a batch of pages, and the terms of each passage."""

    document: Document
    units: list[Unit] = field(default_factory=list)
    entries: list[tuple[int, str]] = field(default_factory=list)  # passage id, its terms in one string: small
    stored_at: float = 0.0

    def begin(self, head: DocumentHead) -> None:
        self.document.title = head.title[:300] or self.document.title
        self.document.pages_total = head.unit_count
        self.stored_at = time.monotonic()
        _write(self.document, media_type=head.media_type, title=self.document.title, pages_total=head.unit_count)

    def add(self, unit: Unit) -> None:
        self.units.append(unit)
        if len(self.units) >= BATCH_UNITS or time.monotonic() - self.stored_at > BATCH_SECONDS:
            self.store()

    def store(self) -> None:
        """Provisional pages and passages: nobody sees them before `finish`."""
        if not self.units:
            return
        pages = [_page(self.document, unit) for unit in self.units]
        found = [passage for page in pages for passage in _passages(self.document, page)]
        with transaction.atomic():
            _write(self.document, pages_done=self.units[-1].number)
            Page.unscoped.bulk_create(pages)
            Passage.unscoped.bulk_create(found)
        self.entries += [(passage.id, " ".join(_terms(self.document, passage))) for passage in found]
        self.units.clear()
        self.stored_at = time.monotonic()

    def finish(self, tail: DocumentTail) -> None:
        """All at once: the document is found from here on, and the one it replaces is not."""
        self.store()
        document = self.document
        with transaction.atomic():
            hold(document.corpus_id)
            _write(
                document,
                state=DocumentState.INDEXED,
                indexed_at=Now(),
                analysis_version=ANALYSIS_VERSION,
                lease_token="",
                lease_until=None,
                pages_done=tail.unit_count,
                pages_total=tail.unit_count,
                pages_without_text=list(tail.units_without_text),
            )
            index().upsert(_entry(document, passage_id, words.split()) for passage_id, words in self.entries)
            replaced = document.replaces_id is not None and withdraw(document.replaces_id)
            content_changed(document.corpus_id)
            _record(document, "document.index", pages=tail.unit_count, passages=len(self.entries), replaced=replaced)


def _terms(document: Document, passage: Passage) -> list[str]:
    above = " ".join((document.title, *passage.heading_path))
    return terms(above) + terms(passage.page.text[passage.start : passage.end])


def _entry(document: Document, passage_id: int, words: Sequence[str]) -> Entry:
    return Entry(passage_id, document.id, document.corpus_id, tuple(words))


def _page(document: Document, unit: Unit) -> Page:
    return Page(
        institution_id=document.institution_id,
        document=document,
        number=unit.number,
        kind=unit.kind.value,
        label=unit.label[:300],
        text=unit.text,
        blocks=[[block.kind.value, block.start, block.end, block.level] for block in unit.blocks],
        heading_path=list(unit.heading_path),
        words=pack_words(unit.words) if unit.words else b"",
        width=unit.width,
        height=unit.height,
        start_seconds=unit.start_seconds,
        end_seconds=unit.end_seconds,
        ocr=unit.ocr,
    )


_ATOMIC = (BlockKind.TABLE_ROW, BlockKind.FORMULA, BlockKind.CODE)


def _passages(document: Document, page: Page) -> list[Passage]:
    return [
        Passage(
            institution_id=document.institution_id,
            corpus_id=document.corpus_id,
            document=document,
            page=page,
            start=piece.start,
            end=piece.end,
            heading_path=list(piece.heading_path),
        )
        for piece in cut(page.text, _spans(page))
    ]


def _spans(page: Page) -> Iterator[Span]:
    """Every block but the headings, each under the headings in force where it stands."""
    path: list[tuple[int, str]] = [(level, text) for level, text in enumerate(page.heading_path, start=1)]
    for kind, start, end, level in page.blocks:
        if kind == BlockKind.HEADING:
            path = [(above, text) for above, text in path if above < level]
            path.append((level, page.text[start:end]))
        else:
            yield Span(start, end, tuple(text for _, text in path), atomic=kind in _ATOMIC)


def _unpack(document: Document, lease: _Lease) -> None:
    """An archive's members become documents, one by one: those there already stay as they are if this starts again."""
    count, refused = 0, list[Document]()
    for member in members(storage.path_of(document.sha256), _limits()):
        lease.check()
        count += 1
        try:
            with member.open() as file, storage.receive(chunks(file)) as received:
                keep_file(
                    document.corpus_id,
                    received,
                    name=member.name,
                    actor=ACTOR,
                    profile_id=document.uploaded_by_id,
                    archive_id=document.id,
                )
        except (Unreadable, storage.TooLarge) as refusal:
            refused.append(_refused_member(document, member.name, refusal.code, refusal.params))
    if not count:
        raise Unreadable("empty")
    with transaction.atomic():
        hold(document.corpus_id)
        _write(document, state=DocumentState.EXPANDED, lease_token="", lease_until=None)
        _refused_before(refused).update(state=DocumentState.REMOVED)
        Document.unscoped.bulk_create(refused)
        discard_file_later(document.sha256)
        _record(document, "document.unpack", members=count, refused=len(refused))


def _refused_member(archive: Document, name: str, code: str, params: dict[str, str]) -> Document:
    return Document(
        institution_id=archive.institution_id,
        corpus_id=archive.corpus_id,
        name=name,
        title=name,
        size=0,
        state=DocumentState.FAILED,
        failure_code=code,
        failure_params=params,
        archive=archive,
        uploaded_by_id=archive.uploaded_by_id,
    )


def _refused_before(refused: Sequence[Document]) -> DocumentQuerySet:
    """The same members of the same archive, given once more."""
    names = [document.name for document in refused]
    corpora = {document.corpus_id for document in refused}
    return Document.unscoped.filter(corpus__in=corpora, sha256="", state=DocumentState.FAILED, name__in=names)


def _refuse(document: Document, code: str, params: dict[str, str]) -> None:
    if code in TRIED_AGAIN and document.attempts < MOST_CRASHES:
        _give_back(document, attempt_counts=True)
    else:
        with transaction.atomic():
            _fail(document, code, params)


def _fail(document: Document, code: str, params: dict[str, str]) -> None:
    _write(document, state=DocumentState.FAILED, failure_code=code, failure_params=params, lease_token="", lease_until=None)
    discard_pages(document.id)
    _record(document, "document.fail", code=code)


def _give_back(document: Document, *, attempt_counts: bool) -> None:
    with transaction.atomic():
        attempts = F("attempts") - (0 if attempt_counts else 1)
        _write(document, state=DocumentState.QUEUED, attempts=attempts, lease_token="", lease_until=None, pages_done=0)
        discard_pages(document.id)


def _write(document: Document, **fields: object) -> None:
    """Raises LeaseLost when the row is no longer this worker's."""
    if not _own(document).update(**fields):
        raise LeaseLost


def _own(document: Document) -> DocumentQuerySet:
    return Document.unscoped.filter(id=document.id, state=DocumentState.READING, lease_token=document.lease_token)


def _record(document: Document, action: str, **details: object) -> None:
    record(
        institution_id=document.institution_id,
        actor=ACTOR,
        action=action,
        subject=f"document:{document.id}",
        corpus=document.corpus_id,
        **details,
    )


def _limits() -> Limits:
    return Limits(
        bytes=settings.DOCUMENT_MAX_BYTES,
        pages=settings.DOCUMENT_MAX_PAGES,
        seconds=settings.DOCUMENT_MAX_SECONDS,
        memory_bytes=settings.DOCUMENT_MAX_MEMORY,
    )


def waiting() -> int:
    """How many documents wait or are being read."""
    return Document.unscoped.filter(state__in=WAITING).count()


def _any_waiting() -> bool:
    """For this worker: those being read are another's."""
    return Document.unscoped.filter(state=DocumentState.QUEUED).exists()
