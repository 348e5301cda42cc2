"""A course that answers, and turns that are written where the test can see them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, connections

from conftest import House
from parvis.assistants import jobs
from parvis.assistants.actions import create_course
from parvis.assistants.models import Assistant, Turn
from parvis.audit.migrations import append_only_triggers
from parvis.corpora.actions import passages, share_corpus
from parvis.corpora.engine import index
from parvis.corpora.models import Corpus, Document, DocumentState, Page, Passage
from parvis.retrieval.cutting import Span, cut
from parvis.retrieval.index import Entry

PAGES = (
    "Le contrat est un accord de volontés entre deux ou plusieurs personnes. Il est destiné à créer, modifier, transmettre"
    " ou éteindre des obligations. Le contrat légalement formé tient lieu de loi à ceux qui l’ont fait.",
    "La prescription extinctive est de cinq ans à compter du jour où le titulaire d’un droit a connu les faits. Elle est"
    " interrompue par une demande en justice, même en référé.",
    "Les redoublants conservent le bénéfice des unités d’enseignement acquises. Ils s’inscrivent avant le 15 octobre"
    " auprès de la scolarité.",
)
QUESTION = "Quel est le délai de la prescription extinctive ?"
UNANSWERED = "Qui a composé l’opéra Carmen en 1875 ?"


def add_document(corpus: Corpus, title: str, pages: Sequence[str]) -> Document:
    """An indexed document, without any file behind it."""
    document = Document.unscoped.create(
        institution_id=corpus.institution_id,
        corpus=corpus,
        name=f"{title}.md",
        title=title,
        media_type="text/markdown",
        sha256=hashlib.sha256(f"{corpus.id}{title}".encode()).hexdigest(),
        size=sum(map(len, pages)),
        state=DocumentState.INDEXED,
        pages_done=len(pages),
        pages_total=len(pages),
    )
    for number, text in enumerate(pages, 1):
        page = Page.unscoped.create(
            institution_id=corpus.institution_id,
            document=document,
            number=number,
            kind="page",
            label=str(number),
            text=text,
            blocks=[["paragraph", 0, len(text), 0]],
        )
        Passage.unscoped.bulk_create(
            Passage(
                institution_id=corpus.institution_id, corpus=corpus, document=document, page=page, start=one.start, end=one.end
            )
            for one in cut(text, [Span(0, len(text), (), False)])
        )
    ids = list(Passage.unscoped.filter(document=document).values_list("id", flat=True))
    index().upsert([Entry.of(passage) for passage in passages(frozenset({corpus.id}), ids)])
    return document


@pytest.fixture
def course(house: House) -> Assistant:
    """A teacher's course of three pages, shared with the student's group."""
    teacher = house.principal(house.teacher)
    corpus, assistant = create_course(teacher, name="Droit des contrats")
    share_corpus(teacher, corpus, groups=[house.group], with_institution=False)
    add_document(corpus, "Cours de droit", PAGES)
    return assistant


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns are written before `start` returns, on the test's own connection, so that its transaction sees all."""

    async def in_this_thread(pool: Executor, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await sync_to_async(function)(*args, **kwargs)

    def start(turn: Turn) -> None:
        async_to_sync(jobs._run)(turn.id)

    monkeypatch.setattr(jobs, "_in_pool", in_this_thread)
    monkeypatch.setattr(jobs, "start", start)


@pytest.fixture
def _audit_that_can_be_emptied(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What ends a test with committed data is a deletion of everything, which the audit refuses on SQLite."""
    if connection.vendor != "sqlite":
        yield
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for name in append_only_triggers():
            cursor.execute(f"DROP TRIGGER {name}")
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for statement in append_only_triggers().values():
            cursor.execute(statement)


@pytest.fixture
def committed(_audit_that_can_be_emptied: None, transactional_db: None) -> Iterator[None]:
    """Data that other threads see: for the tests about threads, streams and locks."""
    yield
    for pool in (jobs._log, jobs._searches):
        for _ in range(pool._max_workers):
            pool.submit(connections.close_all).result()
