"""Real worker processes, killed at any moment, and several at once: each document is indexed exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.db import connection

from parvis.corpora import jobs
from parvis.corpora.engine import index
from parvis.corpora.models import WAITING, Corpus, Document, Page, Passage
from parvis.corpora.tests.conftest import Add

SECTIONS = 120  # several batches
LEASE_SECONDS = 0.6


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    name = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "parvis.corpora.tests.worker_process", name, str(settings.FILES_DIR), str(LEASE_SECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


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


def test_workers_killed_at_any_moment_leave_nothing_half(committed: None, corpus: Corpus, add: Add) -> None:
    documents = []
    for number, (name, came) in enumerate(MOMENTS.items()):
        documents.append(document := add(f"{name}.md", long_course(number)).document)
        with worker() as process:
            until(partial(came, document))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
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


def test_two_workers_share_the_documents(committed: None, corpus: Corpus, add: Add) -> None:
    documents = [add(f"{number}.md", long_course(number)).document for number in range(3)]
    with worker(), worker():
        until(lambda: not Document.unscoped.filter(state__in=WAITING).exists())
    for document in documents:
        assert_indexed_once(corpus, document)
        assert document.attempts == 1


def test_the_same_file_given_by_several_at_once_is_one_document(committed: None, corpus: Corpus, add: Add) -> None:
    def give(_number: int) -> bool:
        try:
            return add("cours.md", "# Cours\n\nLe même texte pour tous.\n").is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(give, range(4))) == [False, False, False, True]
    assert Document.unscoped.filter(corpus=corpus).count() == 1
