"""Whatever Parvis does with a model, watched from below: every connection of the process, and what each server received."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.access.middleware import principal_of
from parvis.assistants.actions import ask, create_course, prepare
from parvis.assistants.followups import rewrite_with
from parvis.assistants.prompt import Exchange
from parvis.assistants.tests.conftest import add_document
from parvis.corpora.embeddings.actions import search_by_meaning_too
from parvis.corpora.embeddings.jobs import embed_next
from parvis.corpora.models import Embedding
from parvis.inference import door
from parvis.inference.completion import Message, UpstreamError
from parvis.inference.models import Calibration, LanguageModel, Provider, Purpose
from parvis.inference.paying import waited_for
from parvis.inference.tests.conftest import attest, running
from parvis.inference.tests.model_server import ModelServer, answering, refusing, sending_vectors
from parvis.institutions.models import Profile
from parvis.needs.actions.expressions import Words, write_need
from parvis.needs.jobs import embed_needs
from parvis.needs.suggestions import close_needs

SignIn = Callable[[Profile], Client]
MESSAGES: list[Message] = [{"role": "user", "content": "Bonjour ?"}]
BIKES = Words("Prêt de vélos", "Prêter des vélos aux étudiants de première année")
QUESTION = "Qu’est-ce qu’un contrat ?"
_watching: list[list[int]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook cannot be taken away: it listens only while somebody does."""
    if _watching and event == "socket.connect" and isinstance(arguments[1], tuple):
        _watching[-1].append(arguments[1][1])


@contextmanager
def connections() -> Iterator[list[int]]:
    """The ports to which this process connects, whichever library does."""
    if _audit not in _added:
        sys.addaudithook(_audit)
        _added.append(_audit)
    found: list[int] = []
    _watching.append(found)
    try:
        yield found
    finally:
        _watching.remove(found)


_added: list[Any] = []


def gives(house: House, server: ModelServer, zone: str, purpose: Purpose, *, default: bool) -> LanguageModel:
    here = {"institution": house.institution, "name": f"{zone} {purpose}", "base_url": f"{server.url}/v1", "zone": zone}
    provider = attest(Provider.unscoped.create(**here))
    values = {"name": "m", "display_name": zone, "purpose": purpose, "is_default": default}
    return LanguageModel.unscoped.create(institution=house.institution, provider=provider, **values)


def everything(house: House, sign_in: SignIn) -> None:
    """All that makes Parvis speak to a model: answers, rewriting, vectors of documents and needs, searches, trials."""
    principal = principal_of(house.teacher)
    corpus, assistant = create_course(principal, name="Droit", data_class="personal")
    add_document(corpus, "Contrats", ["Le contrat est un accord de volontés entre plusieurs personnes."])
    corpus.content_version = 1
    corpus.save()
    for _ in range(4):
        embed_next()
        embed_needs(lambda: False)
    search_by_meaning_too(principal, QUESTION, [corpus.id], limit=3)
    close_needs(principal_of(house.administrator), BIKES)
    work = prepare(ask(principal, assistant, QUESTION).id)
    if work and work.route:
        with waited_for():
            async_to_sync(_spoken)(work.route)
    administrator = sign_in(house.administrator)
    for row in LanguageModel.unscoped.all():
        administrator.post(f"/modeles/{row.id}/essai/")


async def _spoken(admitted: door.Admitted) -> None:
    model = door.chat(admitted)
    try:
        async for _ in model(MESSAGES):
            pass
        await rewrite_with(model, "Et pour lui ?", [Exchange(QUESTION, "Un accord.")])
    except UpstreamError:
        pass


def needs(house: House) -> None:
    write_need(principal_of(house.administrator), BIKES, service="DSI")


def test_everything_goes_where_the_matrix_lets_it_and_nothing_elsewhere(house: House, sign_in: SignIn) -> None:
    """The forbidden servers are the default ones, in good health and ask nothing but to answer."""
    house.institution.data_class = "personal"
    house.institution.save()
    needs(house)
    with running(answering("Oui.")) as near, running(answering("volé")) as far, connections() as ports:
        far.embedding = near.embedding = sending_vectors(lambda text: [1.0, float(len(text))])
        for purpose in Purpose:
            gives(house, far, "world", purpose, default=True)
        everything(house, sign_in)
        assert {request.path for request in far.requests} <= {"/v1/chat/completions", "/v1/embeddings"}
        trials = [request for request in far.requests if "bonjour" in str(request.body).lower()]
        assert far.requests == trials, "a trial is of public data, and holds nothing of anybody"
        assert Embedding.unscoped.count() == 0

        far.requests.clear()
        ports.clear()
        LanguageModel.unscoped.update(is_default=False, rank=1)
        for purpose in Purpose:
            gives(house, near, "fr", purpose, default=True)
        key = door.endpoint_key(f"{near.url}/v1", "m")
        Calibration.unscoped.create(
            institution=house.institution, endpoint=key, weight=0.5, passages=2, questions=60, measured_at=timezone.now()
        )
        everything(house, sign_in)
        asked = {request.path for request in near.requests}
        assert asked == {"/v1/chat/completions", "/v1/embeddings"}
        assert Embedding.unscoped.exists()
        assert [request for request in far.requests if "bonjour" not in str(request.body).lower()] == []
        assert set(ports) == {_port(near), _port(far)}


def test_an_outage_of_what_is_allowed_sends_nothing_elsewhere(house: House, sign_in: SignIn) -> None:
    house.institution.data_class = "personal"
    house.institution.save()
    needs(house)
    with running(refusing(503)) as near, running(answering("volé")) as far:
        near.embedding = refusing(503)
        for purpose in Purpose:
            gives(house, near, "on_prem", purpose, default=True)
            gives(house, far, "world", purpose, default=False)
        everything(house, sign_in)
        assert near.requests
        assert [request for request in far.requests if "bonjour" not in str(request.body).lower()] == []


def _port(server: ModelServer) -> int:
    return int(server.url.rsplit(":", 1)[1])
