"""Measuring what an institution's endpoint of embeddings is worth, then keeping its vectors, when nothing else is to do.

The texts go to the endpoint of their own institution and to no other, only those whose class may be computed there, and only
where it was measured to help: a sample first, all passages then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from parvis.corpora.actions import passages
from parvis.corpora.models import Corpus, CorpusQuerySet, DocumentState, Embedding, Passage, PassageQuerySet
from parvis.inference.actions import (
    any_embeddings,
    calibration_of,
    endpoint_answered,
    endpoint_failed,
    hold_endpoint,
    keep_weight,
    release_endpoint,
)
from parvis.inference.completion import UpstreamError
from parvis.inference.door import (
    LeftError,
    NoRouteError,
    Route,
    admit_background,
    cleared_classes,
    embeddings_route,
)
from parvis.inference.models import Calibration
from parvis.inference.vectors import BATCH, Leave, vectors
from parvis.retrieval.dense import FEWEST_QUESTIONS, ExactScan, HeldVectors, calibrate_weight, packed
from parvis.retrieval.evaluation import Library
from parvis.retrieval.labelling import self_asked

SAMPLED_PASSAGES = 1_000
CHANGED_SHARE = 0.25  # of the passages, since the measure


def embed_next(leave: Leave = lambda: False) -> bool:
    """One step for one institution: a measure, or a batch of passages. False when there is nothing to do for now.

    Ends early, and says True, once `leave()`: something more urgent waits.
    """
    return any(_step(institution_id, leave) for institution_id in _institutions())


def _institutions() -> list[int]:
    rows = Corpus.unscoped.order_by("institution_id")
    if not any_embeddings():
        rows = rows.exclude(embedded_endpoint="")
    return list(rows.values_list("institution_id", flat=True).distinct())


def _step(institution_id: int, leave: Leave) -> bool:
    route = embeddings_route(institution_id)
    corpora = Corpus.unscoped.filter(institution_id=institution_id)
    if route is None:
        return _forget(corpora)
    cleared = corpora.filter(data_class__in=cleared_classes(institution_id, route))
    if not cleared.exists():
        return False
    calibration = calibration_of(institution_id, route)
    corpus = cleared.to_embed(route.key).order_by("id").first()
    if (corpus is None and calibration.measured_at) or not hold_endpoint(calibration):
        return False
    try:
        if not _is_measured(calibration, cleared):
            _measure(calibration, route, cleared, leave)
        elif corpus is not None:
            _embed(corpus, calibration, route, leave)
    except LeftError:
        return True
    except NoRouteError:  # nothing of the institution may go there
        return False
    except UpstreamError as error:
        endpoint_failed(calibration, error.code)
        return False
    finally:
        release_endpoint(calibration)
    endpoint_answered(calibration)
    return True


def _forget(corpora: CorpusQuerySet) -> bool:
    """The institution has no endpoint any more: no vector is kept."""
    embedded_before = corpora.exclude(embedded_endpoint="")
    if not embedded_before.exists():
        return False
    with transaction.atomic():
        Embedding.unscoped.filter(corpus__in=embedded_before.order_by()).delete()
        embedded_before.update(embedded_endpoint="")
    return True


def _is_measured(calibration: Calibration, cleared: CorpusQuerySet) -> bool:
    change = abs(_readable(cleared).count() - calibration.passages)
    return calibration.measured_at is not None and change <= CHANGED_SHARE * calibration.passages


def _measure(calibration: Calibration, route: Route, cleared: CorpusQuerySet, leave: Leave) -> None:
    """On the institution's own documents, those that may go there: they are what it will be asked about."""
    institution_id = calibration.institution_id
    classes = dict(cleared.order_by().values_list("id", "data_class"))
    ids = list(_readable(cleared).order_by("id").values_list("id", flat=True))
    allowed = frozenset(classes)
    admitted = admit_background(institution_id, inputs=classes.values(), only=route, app="documents")
    sample, questions = self_asked(passages(allowed, ids[:: max(1, -(-len(ids) // SAMPLED_PASSAGES))]))
    weight = 0.0
    if len(questions) >= FEWEST_QUESTIONS:
        rows = vectors(admitted, [passage.indexed_text() for passage in sample], leave)
        asked = vectors(admitted, [question.text for question in questions], leave)
        by_text = dict(zip((question.text for question in questions), asked, strict=True))

        def embed(texts: Sequence[str]) -> list[NDArray[np.float16]]:
            if leave():
                raise LeftError
            return [by_text[text] if text in by_text else vectors(admitted, [text], leave)[0] for text in texts]

        library = Library(sample)
        held = HeldVectors(np.array([one.id for one in sample]), np.array([one.corpus_id for one in sample]), rows)
        weight = calibrate_weight(
            questions,
            index=library.index,
            corpora=library.corpora,
            fetch=library.fetch,
            embedder=ExactScan(embed, held, weight=1.0),
        )
        _forget_other_dimensions(institution_id, route, rows.shape[1])
    with transaction.atomic():
        keep_weight(calibration, weight=weight, questions=len(questions), passages=len(ids))
        Corpus.unscoped.filter(id__in=allowed).update(embedded_endpoint="")


def _forget_other_dimensions(institution_id: int, route: Route, dimensions: int) -> None:
    """The model behind the name may have changed."""
    kept = Embedding.unscoped.filter(institution_id=institution_id, endpoint=route.key)
    one = kept.first()
    if one is not None and len(one.vector) != 2 * dimensions:
        kept.delete()


def _embed(corpus: Corpus, calibration: Calibration, route: Route, leave: Leave) -> None:
    """The next passages of a corpus without a vector of this endpoint; none where it does not help."""
    known = Embedding.unscoped.filter(passage_id=OuterRef("pk"), endpoint=route.key)
    wanted = Passage.unscoped.filter(corpus=corpus, document__state=DocumentState.INDEXED).exclude(Exists(known))
    ids = list(wanted.order_by("id").values_list("id", flat=True)[:BATCH]) if calibration.weight else []
    if not ids:
        with transaction.atomic():
            useless = Embedding.unscoped.filter(corpus=corpus)
            (useless.exclude(endpoint=route.key) if calibration.weight else useless).delete()
            Corpus.unscoped.filter(id=corpus.id).update(embedded_version=corpus.content_version, embedded_endpoint=route.key)
        return
    found = passages(frozenset({corpus.id}), ids)
    admitted = admit_background(corpus.institution_id, inputs=[corpus.data_class], only=route, app="documents")
    rows = vectors(admitted, [passage.indexed_text() for passage in found], leave)
    _keep(corpus, route, [passage.id for passage in found], rows)


@transaction.atomic
def _keep(corpus: Corpus, route: Route, passage_ids: Sequence[int], rows: NDArray[np.float16]) -> None:
    """Of passages that are still there: their document may have gone while the endpoint was asked."""
    still = Passage.unscoped.select_for_update(no_key=True, of=("self",)).filter(id__in=passage_ids)
    alive = set(still.order_by("id").values_list("id", flat=True))
    Embedding.unscoped.bulk_create(
        (
            Embedding(
                institution_id=corpus.institution_id,
                corpus_id=corpus.id,
                passage_id=passage_id,
                endpoint=route.key,
                vector=packed(row),
            )
            for passage_id, row in zip(passage_ids, rows, strict=True)
            if passage_id in alive
        ),
        update_conflicts=True,
        unique_fields=["passage"],
        update_fields=["endpoint", "vector"],
    )


def _readable(corpora: CorpusQuerySet) -> PassageQuerySet:
    return Passage.unscoped.filter(corpus__in=corpora.order_by(), document__state=DocumentState.INDEXED)
