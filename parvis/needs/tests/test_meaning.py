"""Needs close by their meaning, where an institution has an endpoint of embeddings that helps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from parvis.access.middleware import principal_of
from parvis.inference import vectors
from parvis.inference.door import endpoint_key
from parvis.inference.models import Calibration, LanguageModel, Provider, Purpose
from parvis.inference.tests.conftest import attest, running
from parvis.inference.tests.model_server import ModelServer, answering, never_answering, sending_vectors
from parvis.institutions.models import Institution, Profile
from parvis.needs import suggestions
from parvis.needs.actions.expressions import Words
from parvis.needs.jobs import embed_needs
from parvis.needs.models import RawNeed, TextVector
from parvis.needs.suggestions import Suggestion, close_needs
from parvis.needs.tests.test_expressions import PUBLISHED, People, people

__all__ = ["people"]

OTHERS = ("Réserver une salle", "Badge perdu", "Signer un contrat", "Paie du mois", "Fiche de poste", "Plan du site", "Carte")
BIKES = Words("Vélos en libre service", "Prêter des bicyclettes entre les sites du campus")
LOAN = Words("Mobilité douce", "Emprunter un deux-roues pour aller d’un bâtiment à un autre")


def of_meaning(text: str) -> list[float]:
    """A model to which bikes and two-wheelers are one thing, and every other text another."""
    row = np.random.default_rng(len(text)).normal(size=16) * 0.1
    row[0] += 5.0 if "icyclette" in text or "deux-roues" in text else 0.0
    return [float(one) for one in row]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with running(answering("")) as one:
        one.embedding = sending_vectors(of_meaning)
        yield one


def gives(server: ModelServer, institution: Institution, *, helps: bool = True) -> None:
    """An endpoint of this institution, measured."""
    base_url = f"{server.url}/v1"
    provider = attest(Provider.unscoped.create(institution=institution, name="Campus", base_url=base_url, zone="on_prem"))
    LanguageModel.unscoped.create(
        institution=institution, provider=provider, name="sens", display_name="Sens", purpose=Purpose.EMBEDDINGS
    )
    Calibration.unscoped.create(institution=institution, endpoint=endpoint_key(base_url, "sens"), weight=float(helps))


def written(people: People) -> RawNeed:
    """Bikes, and the needs of others, all by the neighbour."""
    for title in OTHERS:
        people.write(people.neighbour, Words(title, f"{title} : une démarche de la scolarité"), PUBLISHED)
    return people.write(people.neighbour, BIKES, PUBLISHED)


def embed_all() -> None:
    while embed_needs(lambda: False):
        pass


def proposed(reader: Profile) -> list[Suggestion]:
    return close_needs(principal_of(reader), LOAN)


def test_what_shares_no_word_is_found_by_its_meaning(people: People, server: ModelServer) -> None:
    need = written(people)
    assert need.wording not in [one.text for one in proposed(people.writer)]
    for institution in (people.writer.institution, people.neighbour.institution):
        gives(server, institution)
    embed_all()
    first = proposed(people.writer)[0]
    assert (first.text, first.shared_terms) == (need.wording, ())


def test_a_text_goes_to_its_own_institution_s_endpoint_and_to_no_other(people: People, server: ModelServer) -> None:
    written(people)
    gives(server, people.writer.institution)
    embed_all()
    assert server.requests == []
    assert proposed(people.writer) == []
    assert server.requests == [], "a draft that nothing can be compared with is not sent either"


def test_an_endpoint_that_does_not_help_receives_nothing_and_its_vectors_go(people: People, server: ModelServer) -> None:
    written(people)
    gives(server, people.neighbour.institution)
    embed_all()
    assert TextVector.unscoped.count() == len(OTHERS) + 1
    Calibration.unscoped.update(weight=0.0)
    server.requests.clear()
    embed_all()
    assert (TextVector.unscoped.count(), server.requests) == (0, [])


def test_what_one_may_not_read_is_not_near(people: People, server: ModelServer) -> None:
    need = people.write(people.neighbour, BIKES)
    for institution in (people.writer.institution, people.neighbour.institution):
        gives(server, institution)
    embed_all()
    assert TextVector.unscoped.filter(text=need.wording).exists()
    assert proposed(people.writer) == []


def test_nobody_waits_for_an_endpoint_that_stalls(
    people: People, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "QUESTION_SECONDS", 0.05)
    written(people)
    for institution in (people.writer.institution, people.neighbour.institution):
        gives(server, institution)
    embed_all()
    server.embedding = never_answering
    assert proposed(people.writer) == []
    failed = Calibration.unscoped.get(institution=people.writer.institution)
    assert (failed.failure_code, vectors.endpoint_that_helps(principal_of(people.writer), ())) == ("stalled", None)
