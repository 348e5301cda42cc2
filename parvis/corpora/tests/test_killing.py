"""Real worker processes, killed at any moment, and several at once: each document is indexed exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from parvis.corpora import jobs
from parvis.corpora.engine import index
from parvis.corpora.models import WAITING, Corpus, Document, Page, Passage
from parvis.corpora.tests.conftest import Add
from parvis.isolation import scope

SECTIONS = 120  # several batches
LEASE_SECONDS = 0.6


Worker = Callable[[], AbstractContextManager[int]]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Each call starts a worker, gives its process id, and kills it in the end."""
    command = [sys.executable, "-m", "parvis.corpora.tests.worker_process", str(LEASE_SECONDS)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @contextmanager
    def start() -> Iterator[int]:
        assert parent.stdin
        assert parent.stdout
        parent.stdin.write(json.dumps([str(connection.settings_dict["NAME"]), str(settings.FILES_DIR)]) + "\n")
        parent.stdin.flush()
        process = int(parent.stdout.readline())
        try:
            yield process
        finally:
            kill(process)

    yield start
    parent.communicate()


def kill(process: int) -> None:
    """Comes back once it is no more."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{process}").exists())


def until(what: Callable[[], bool], *, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "too long"
        time.sleep(0.01)


def long_course(number: int) -> str:
    sections = (
        f"## Partie {part}\n\nLe texte de la partie {part} du cours {number}, assez long.\n" for part in range(SECTIONS)
    )
    return f"# Cours {number}\n\n" + "\n".join(sections)


def assert_indexed_once(corpus: Corpus, document: Document) -> None:
    document.refresh_from_db()
    assert (document.state, document.failure_code) == ("indexed", "")
    assert Page.unscoped.filter(document=document).count() == document.pages_total == SECTIONS + 1
    passages = Passage.unscoped.filter(document=document).count()
    assert passages == SECTIONS
    found = index().candidates(["part"], frozenset({corpus.id}), 10 * SECTIONS)
    assert sorted(passage_id for passage_id, _ in found) == sorted(
        Passage.unscoped.filter(corpus=corpus, document__state="indexed").values_list("id", flat=True)
    )


def pages_stored(document: Document) -> int:
    return Page.unscoped.filter(document=document).count()


MOMENTS: dict[str, Callable[[Document], bool]] = {
    "as it is taken": lambda document: Document.unscoped.filter(id=document.id, state="reading").exists(),
    "at its first pages": lambda document: pages_stored(document) > 0,
    "in the middle": lambda document: pages_stored(document) > SECTIONS // 2,
    "at its last pages": lambda document: pages_stored(document) >= SECTIONS,
    "once it is indexed": lambda document: Document.unscoped.filter(id=document.id, state="indexed").exists(),
}


def test_workers_killed_at_any_moment_leave_nothing_half(committed: None, corpus: Corpus, add: Add, worker: Worker) -> None:
    documents = []
    for number, (name, came) in enumerate(MOMENTS.items()):
        documents.append(document := add(f"{name}.md", long_course(number)).document)
        with worker() as process:
            until(partial(came, document))
            kill(process)
    with worker():
        until(lambda: not Document.unscoped.filter(state__in=WAITING).exists())
    for document in documents:
        assert_indexed_once(corpus, document)


def test_a_killed_parser_is_started_again(committed: None, corpus: Corpus, add: Add) -> None:
    killed: list[int] = []

    def kill_child(reading: Document, done: int, total: int | None) -> None:
        if not killed:
            command = ["pgrep", "-P", str(os.getpid()), "-f", "parvis.corpora.parsing.child"]
            children = subprocess.run(command, capture_output=True, text=True, check=False)
            for child in children.stdout.split():
                killed.append(int(child))
                os.kill(int(child), signal.SIGKILL)

    for number in range(10):  # on a busy machine the parser has ended before it is looked for
        document = add(f"{number}.md", long_course(number)).document
        jobs.run_worker(until_idle=True, on_progress=kill_child)
        assert_indexed_once(corpus, document)
        if killed:
            return
    raise AssertionError("no parser was killed")


def test_two_workers_share_the_documents(committed: None, corpus: Corpus, add: Add, worker: Worker) -> None:
    documents = [add(f"{number}.md", long_course(number)).document for number in range(3)]
    with worker(), worker():
        until(lambda: not Document.unscoped.filter(state__in=WAITING).exists())
    for document in documents:
        assert_indexed_once(corpus, document)
        assert document.attempts == 1


def test_the_same_file_given_by_several_at_once_is_one_document(committed: None, corpus: Corpus, add: Add) -> None:
    def give(_number: int) -> bool:
        scope.begin("tests")  # of this thread
        try:
            return add("cours.md", "# Cours\n\nLe même texte pour tous.\n").is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(give, range(4))) == [False, False, False, True]
    assert Document.unscoped.filter(corpus=corpus).count() == 1
