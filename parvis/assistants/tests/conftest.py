"""A course that answers, and turns that are written where the test can see them."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.db import connections
from pytest_django import Settings

from conftest import House
from parvis.assistants import jobs
from parvis.assistants.actions import create_course
from parvis.assistants.models import Assistant, Turn
from parvis.corpora.actions import passages, share_corpus
from parvis.corpora.engine import index
from parvis.corpora.models import Corpus, Document, DocumentState, Page, Passage
from parvis.inference import paying
from parvis.inference.completion import Delta, Message, UpstreamError
from parvis.inference.paying import waited_for
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
        with waited_for():
            async_to_sync(jobs._run)(turn.id)

    monkeypatch.setattr(jobs, "_in_pool", in_this_thread)
    monkeypatch.setattr(jobs, "start", start)


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Data that other threads see: for the tests about threads, streams and locks."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()  # what async tests opened
    for pool in (jobs._log, jobs._searches, paying._threads):
        everyone = threading.Barrier(pool._max_workers)
        list(pool.map(_close_when_all_are_here, [everyone] * pool._max_workers))


def _close_when_all_are_here(everyone: threading.Barrier) -> None:
    """Each thread of a pool takes this once: none can take a second one before all have taken one."""
    everyone.wait(5)
    connections.close_all()


class ScriptedModel:
    """A model that says what a test tells it to: pieces of text, failures to raise, gates to wait for."""

    def __init__(self, *script: str | UpstreamError | threading.Event) -> None:
        self.script = script
        self.asked: list[list[Message]] = []

    def __call__(self, messages: list[Message]) -> AsyncIterator[Delta]:
        self.asked.append(messages)
        return self._deltas()

    async def _deltas(self) -> AsyncIterator[Delta]:
        for step in self.script:
            if isinstance(step, UpstreamError):
                raise step
            if isinstance(step, threading.Event):
                while not step.is_set():
                    await asyncio.sleep(0.005)
            else:
                yield Delta(text=step)
        yield Delta(finish="stop")


Use = Callable[..., ScriptedModel]


@pytest.fixture
def use_model(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Use:
    """Gives the installation a model that follows a script."""

    def use(*script: str | UpstreamError | threading.Event) -> ScriptedModel:
        model = ScriptedModel(*script)
        settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_KEY = "http://127.0.0.1:9/v1", "modele-de-test", ""
        monkeypatch.setattr(jobs, "chat", lambda admitted, **_options: model)
        return model

    return use
