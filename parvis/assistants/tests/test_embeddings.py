"""An answer is written with what meaning finds too, and all the same when the endpoint is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from conftest import House
from parvis.assistants.actions import Work, ask, prepare
from parvis.assistants.models import Assistant
from parvis.assistants.tests.conftest import PAGES, QUESTION
from parvis.corpora.embeddings.jobs import embed_next
from parvis.corpora.models import Corpus, Embedding
from parvis.inference.models import Calibration
from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import ModelServer, Reply, Request, answering, refusing

WORDLESS = "Qui recommence son année, jusqu’à quelle date ?"  # its words are nearer to another page


async def by_page(request: Request, reply: Reply) -> None:
    """Knows what each page is about, and what is asked of the third."""

    def vector(text: str) -> list[float]:
        about = [PAGES[n][:30] in text for n in range(len(PAGES))]
        return [float(one) for one in (about if any(about) else (False, False, True))]

    await reply.json({"data": [{"index": n, "embedding": vector(text)} for n, text in enumerate(request.body["input"])]})


@pytest.fixture
def server(course: Assistant, settings: Settings) -> Iterator[ModelServer]:
    """An endpoint of the installation, which was measured to help."""
    with running(answering("")) as one:
        one.embedding = by_page
        settings.EMBEDDINGS_URL, settings.EMBEDDINGS_NAME = one.url, "sens"
        embed_next()
        Calibration.unscoped.update(weight=2.0)
        Corpus.unscoped.update(embedded_endpoint="")
        while embed_next():
            pass
        assert Embedding.unscoped.count() == len(PAGES)
        one.requests.clear()
        yield one


def prepared(house: House, course: Assistant, question: str) -> Work:
    work = prepare(ask(house.principal(house.student), course, question).id)
    assert work
    return work


def test_the_passages_of_an_answer_are_chosen_by_meaning_too(house: House, course: Assistant, server: ModelServer) -> None:
    work = prepared(house, course, WORDLESS)
    assert work.evidence[0].passage.text.startswith("Les redoublants")
    assert [request.body["input"] for request in server.requests] == [[WORDLESS]]


def test_an_answer_does_without_an_endpoint_that_fails(house: House, course: Assistant, server: ModelServer) -> None:
    with_it = prepared(house, course, QUESTION)
    server.embedding = refusing(503)
    without = prepared(house, course, QUESTION)
    assert with_it.evidence[0].passage.text.startswith("Les redoublants")  # a poor model, heard too much
    assert without.evidence[0].passage.text.startswith("La prescription")
    assert (without.decision, without.notices) == (with_it.decision, ())
    assert Calibration.unscoped.get().failure_code == "overloaded"
