"""Embeddings are kept and used where they help, and nobody ever waits for them or is shown what they may not read."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from conftest import House
from parvis.corpora import actions, jobs
from parvis.corpora.embeddings.actions import StoredVectors, search_by_meaning_too
from parvis.corpora.embeddings.jobs import embed_next
from parvis.corpora.models import Corpus, Document, Embedding, Passage
from parvis.corpora.tests.conftest import Add
from parvis.corpora.tests.test_erasure import bytes_on_disk
from parvis.inference.models import Calibration, LanguageModel, Provider, Purpose
from parvis.inference.tests.conftest import attest, running
from parvis.inference.tests.model_server import ModelServer, answering, never_answering, refusing, sending_vectors
from parvis.institutions.models import Profile
from parvis.retrieval.analysis import terms
from parvis.retrieval.search import Found

pytestmark = pytest.mark.usefixtures("read_here")
SignIn = Callable[[Profile], Client]
SUBJECTS = (
    ("voiture", "automobile", "berline"),
    ("médecin", "docteur", "praticien"),
    ("logement", "habitation", "appartement"),
    ("repas", "nourriture", "cantine"),
    ("salaire", "rémunération", "traitement"),
    ("vélo", "bicyclette", "tandem"),
    ("élève", "écolier", "collégien"),
    ("ordinateur", "calculateur", "portable"),
    ("livre", "ouvrage", "manuel"),
    ("bateau", "navire", "péniche"),
)
DETAILS = ("prix", "entretien", "assurance", "location", "achat", "réparation")
# Each section is headed by other words than its own: what its heading asks, only meaning finds.
BROCHURE = "# Barèmes\n\n" + "\n\n".join(
    f"## {detail.capitalize()} {heading}\n\nFiche du {detail} d’un bien de la catégorie {word}, selon le barème de la maison."
    for word, heading, _ in SUBJECTS
    for detail in DETAILS
)
ASKED = "prix d’un tandem"
PLACES = {term: f"subject {n}" for n, words in enumerate(SUBJECTS) for word in words for term in terms(word)}


def of_meaning(text: str) -> list[float]:
    """A model that knows the synonyms of the brochure."""
    places = [zlib.crc32(PLACES.get(term, term).encode()) % 256 for term in terms(text)]
    return [float(count) for count in np.bincount(places, minlength=256)]


def of_chance(text: str) -> list[float]:
    return [float(one) for one in np.random.default_rng(zlib.crc32(text.encode())).normal(size=32)]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with running(answering("")) as one:
        one.embedding = sending_vectors(of_meaning)
        yield one


@pytest.fixture
def endpoint(house: House, server: ModelServer) -> LanguageModel:
    """The institution's own; its neighbour has none."""
    here = {"institution": house.institution, "zone": "on_prem"}
    provider = attest(Provider.unscoped.create(**here, name="Campus", base_url=f"{server.url}/v1"))
    return LanguageModel.unscoped.create(
        institution=house.institution, provider=provider, name="sens", display_name="Sens", purpose=Purpose.EMBEDDINGS
    )


@pytest.fixture
def brochure(add: Add) -> Document:
    document = add("baremes.md", BROCHURE).document
    jobs.run_worker(until_idle=True, embeddings=False)
    return document


def asked(house: House, corpus: Corpus, question: str = ASKED) -> Found | None:
    return search_by_meaning_too(house.principal(house.teacher), question, [corpus.id], limit=5)


def sent(server: ModelServer) -> list[str]:
    return [text for request in server.requests for text in request.body["input"]]


def embed_all() -> None:
    while embed_next():
        pass


def test_meaning_finds_what_words_do_not(
    house: House, corpus: Corpus, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    assert asked(house, corpus) is None  # a document is ready before its embeddings
    by_words = actions.search_corpora(house.principal(house.teacher), ASKED, [corpus.id], limit=5)
    assert "vélo" not in by_words.hits[0].passage.text
    jobs.run_worker(until_idle=True)
    assert Embedding.unscoped.count() == Passage.unscoped.count() > 50
    assert Calibration.unscoped.get().weight > 0
    server.requests.clear()
    found = asked(house, corpus)
    assert found
    assert "prix d’un bien de la catégorie vélo" in found.hits[0].passage.text
    assert sent(server) == [ASKED]


def test_an_endpoint_that_does_not_help_is_not_asked(
    house: House, corpus: Corpus, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    server.embedding = sending_vectors(of_chance)
    embed_all()
    calibration = Calibration.unscoped.get()
    assert (calibration.weight, calibration.questions >= 50) == (0.0, True)
    assert not Embedding.unscoped.exists()
    server.requests.clear()
    assert asked(house, corpus) is None
    assert not embed_next()
    assert sent(server) == []


def test_too_few_questions_send_nothing(house: House, add: Add, endpoint: LanguageModel, server: ModelServer) -> None:
    add()
    jobs.run_worker(until_idle=True)
    calibration = Calibration.unscoped.get()
    assert (calibration.weight, calibration.measured_at is not None) == (0.0, True)
    assert sent(server) == []


def test_no_text_goes_to_the_endpoint_of_another(
    house: House, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    neighbour = house.principal(house.neighbour_teacher)
    theirs = actions.create_corpus(neighbour, name="Ailleurs")
    actions.add_upload(theirs, neighbour, "ailleurs.md", io.BytesIO(BROCHURE.replace("barème", "tarif").encode()))
    jobs.run_worker(until_idle=True)
    assert not [text for text in sent(server) if "tarif" in text]
    assert not Embedding.unscoped.filter(corpus=theirs).exists()
    assert search_by_meaning_too(neighbour, ASKED, [theirs.id, brochure.corpus_id], limit=5) is None


def test_a_failing_endpoint_is_left_alone_for_a_while(
    house: House, corpus: Corpus, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    working, server.embedding = server.embedding, refusing(500)
    jobs.run_worker(until_idle=True)  # ends
    calibration = Calibration.unscoped.get()
    assert (calibration.failure_code, calibration.failures) == ("overloaded", 1)
    assert len(server.requests) == 1
    server.embedding = working
    assert not embed_next()  # it is too early
    Calibration.unscoped.update(retry_at=timezone.now() - timedelta(seconds=1))
    embed_all()
    calibration.refresh_from_db()
    assert (calibration.failure_code, calibration.retry_at) == ("", None)
    assert asked(house, corpus)


def test_a_question_does_not_wait_for_an_endpoint_that_stalls(
    house: House,
    corpus: Corpus,
    endpoint: LanguageModel,
    brochure: Document,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embed_all()
    monkeypatch.setattr("parvis.corpora.embeddings.actions.QUESTION_SECONDS", 0.2)
    server.embedding = never_answering
    started = time.monotonic()
    assert asked(house, corpus) is None
    assert time.monotonic() - started < 1
    assert Calibration.unscoped.get().failure_code == "stalled"
    server.requests.clear()
    assert asked(house, corpus) is None
    assert sent(server) == []  # not asked again so soon


def test_a_document_that_comes_interrupts_embeddings(
    add: Add, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    server.embedding = never_answering
    looks = iter([False, False, True])
    started = time.monotonic()
    assert embed_next(lambda: next(looks))
    assert time.monotonic() - started < 3
    assert Calibration.unscoped.get().failure_code == ""  # it is not its fault


def test_a_model_changed_under_the_same_name_is_measured_again(
    house: House, corpus: Corpus, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    embed_all()
    server.embedding = sending_vectors(lambda text: [*of_meaning(text), 0.0])
    assert asked(house, corpus) is None
    Calibration.unscoped.update(retry_at=None)
    embed_all()
    assert asked(house, corpus)


def test_changing_the_endpoint_embeds_again(
    house: House, corpus: Corpus, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    embed_all()
    with running(answering("")) as other:
        other.embedding = sending_vectors(of_meaning)
        Provider.unscoped.update(base_url=other.url)
        assert asked(house, corpus) is None
        assert sent(other) == []  # of a new address nothing was attested
        attest(Provider.unscoped.get())
        assert asked(house, corpus) is None  # nothing of the former one is compared with the new one's
        assert sent(other) == []
        embed_all()
        assert Embedding.unscoped.values("endpoint").distinct().count() == 1
        assert Embedding.unscoped.count() == Passage.unscoped.count()
        server.requests.clear()
        assert asked(house, corpus)
        assert sent(server) == []


def test_without_endpoint_no_vector_is_kept(endpoint: LanguageModel, brochure: Document) -> None:
    embed_all()
    assert Embedding.unscoped.exists()
    endpoint.delete()
    embed_all()
    assert not Embedding.unscoped.exists()


def test_vectors_go_with_their_document(house: House, add: Add, endpoint: LanguageModel, brochure: Document) -> None:
    embed_all()
    add("nouveau.md", BROCHURE.replace("maison", "ville"), replaces=brochure)
    jobs.run_worker(until_idle=True, embeddings=False)
    assert not Embedding.unscoped.exists()
    embed_all()
    assert Embedding.unscoped.count() == Passage.unscoped.count() > 50
    actions.remove_document(house.principal(house.teacher), Document.unscoped.latest("id"))
    assert not Embedding.unscoped.exists()


def test_a_document_that_goes_while_it_is_embedded_leaves_nothing(
    house: House, endpoint: LanguageModel, brochure: Document
) -> None:
    embed_next()  # the measure

    def remove() -> bool:
        actions.remove_document(house.principal(house.teacher), brochure)
        return False

    assert embed_next(remove)
    assert not Embedding.unscoped.exists()


def test_no_byte_of_a_vector_is_left_after_maintenance(
    house: House, committed: None, endpoint: LanguageModel, brochure: Document
) -> None:
    embed_all()
    vectors = [bytes(vector) for vector in Embedding.unscoped.values_list("vector", flat=True)[:5]]

    def left() -> list[str]:
        return [name for name, content in bytes_on_disk() if any(vector[-120:] in content for vector in vectors)]

    assert left()
    actions.remove_document(house.principal(house.teacher), brochure)
    actions.erase()
    assert left() == []


@pytest.fixture
def corpora(house: House, endpoint: LanguageModel) -> list[Corpus]:
    """Five, of two teachers: with a vector each, all near every question."""
    owners = [house.teacher, house.teacher, house.other_teacher, house.other_teacher, house.other_teacher]
    made = []
    for number, owner in enumerate(owners):
        principal = house.principal(owner)
        made.append(actions.create_corpus(principal, name=f"Cours {number}"))
        text = f"# Barème {number}\n\nLe prix d’un vélo, selon le barème numéro {number} de la maison.\n"
        actions.add_upload(made[-1], principal, "bareme.md", io.BytesIO(text.encode()))
    actions.share_corpus(house.principal(house.other_teacher), made[2], groups=[], with_institution=True)
    jobs.run_worker(until_idle=True)
    Calibration.unscoped.update(weight=0.5)
    Corpus.unscoped.update(embedded_endpoint="")
    embed_all()
    assert set(Embedding.unscoped.values_list("corpus_id", flat=True)) == {corpus.id for corpus in made}
    return made


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_nothing_outside_the_allowed_corpora_is_near(house: House, corpora: list[Corpus]) -> None:
    key = Embedding.unscoped.values_list("endpoint", flat=True)[0]
    corpus_of = dict(Passage.unscoped.values_list("id", "corpus_id"))
    readable = {
        house.teacher: {corpora[0].id, corpora[1].id, corpora[2].id},
        house.other_teacher: {corpora[2].id, corpora[3].id, corpora[4].id},
        house.student: {corpora[2].id},
        house.neighbour_teacher: set(),
    }

    @examples(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sets(st.sampled_from([corpus.id for corpus in corpora])), st.sampled_from(list(readable)))
    def check(wanted: set[int], profile: object) -> None:
        ids, rows = StoredVectors(key).of_corpora(frozenset(wanted))
        assert {corpus_of[one] for one in ids} == wanted
        assert len(rows) == len(ids)
        found = search_by_meaning_too(house.principal(profile), "prix d’un tandem", wanted, limit=10)  # type: ignore[arg-type]
        seen = {hit.passage.corpus_id for hit in found.hits} if found else set()
        assert seen == wanted & readable[profile]  # type: ignore[index]

    check()


def test_the_page_says_what_the_endpoint_is_worth(
    house: House, sign_in: SignIn, endpoint: LanguageModel, brochure: Document, server: ModelServer
) -> None:
    administrator = sign_in(house.administrator)

    def page() -> str:
        with translation.override("en"):
            return administrator.get("/modeles/", headers={"accept-language": "en"}).content.decode()

    assert "Not measured on your documents yet" in page()
    working, server.embedding = server.embedding, refusing(500)
    embed_all()
    assert "ranked by their words alone" in page()
    server.embedding = working
    Calibration.unscoped.update(retry_at=None)
    embed_all()
    assert f"with a weight of {Calibration.unscoped.get().weight}" in page()
    for weight, questions, said in ((0, 80, "does not improve the ranking"), (0, 12, "12 questions to measure it on")):
        Calibration.unscoped.update(weight=weight, questions=questions)
        assert said in page()
