"""Searching by meaning beside the words, where an endpoint helps; and doing without as soon as it fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from parvis.access.principal import Principal
from parvis.corpora.actions import search_corpora
from parvis.corpora.models import Corpus, Embedding, EmbeddingQuerySet
from parvis.inference.actions import endpoint_answered, endpoint_failed
from parvis.inference.completion import UpstreamError
from parvis.inference.door import embedded
from parvis.inference.models import Calibration
from parvis.inference.vectors import QUESTION_SECONDS, endpoint_that_helps
from parvis.retrieval.dense import ExactScan, unpacked
from parvis.retrieval.search import Found

MOST_COMPARED = 20_000  # vectors one question is compared with; beyond, only with those its words found


def search_by_meaning_too(
    principal: Principal, question: str, corpora_ids: Iterable[int], *, limit: int, said: str = ""
) -> Found | None:
    """As `search_corpora`, with the similarities of the institution's endpoint. None where there is none, where it was
    measured to be of no help, where the question may not go, or where it fails: what the words found stands. The question is
    as sensitive as what it is asked of, and as its conversation `said`."""
    corpora_ids = list(corpora_ids)
    classes = Corpus.objects.visible_to(principal).filter(id__in=corpora_ids).values_list("data_class", flat=True)
    endpoint = endpoint_that_helps(principal, [said, *classes])
    if endpoint is None:
        return None
    admitted, calibration = endpoint
    embed = partial(embedded, admitted, seconds=QUESTION_SECONDS)
    embedder = ExactScan(embed=embed, vectors=StoredVectors(admitted.key), weight=calibration.weight)
    try:
        found = search_corpora(principal, question, corpora_ids, limit=limit, embedder=embedder)
    except UpstreamError as error:
        endpoint_failed(calibration, error.code)
        return None
    except ValueError:  # another number of dimensions: another model under the same name
        endpoint_failed(calibration, "changed")
        Calibration.objects.visible_to(principal).filter(id=calibration.id).update(measured_at=None)
        return None
    endpoint_answered(calibration)
    return found


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """`retrieval.dense.Vectors` in the database, of one endpoint."""

    endpoint: str

    def of_corpora(self, corpora: frozenset[int]) -> tuple[Sequence[int], NDArray[np.float16]]:
        rows = Embedding.unscoped.filter(endpoint=self.endpoint, corpus_id__in=corpora)
        return _read(rows if rows.count() <= MOST_COMPARED else rows.none())

    def of_passages(self, passage_ids: Sequence[int]) -> tuple[Sequence[int], NDArray[np.float16]]:
        return _read(Embedding.unscoped.filter(endpoint=self.endpoint, passage_id__in=passage_ids))


def _read(rows: EmbeddingQuerySet) -> tuple[Sequence[int], NDArray[np.float16]]:
    found = list(rows.order_by("passage_id").values_list("passage_id", "vector"))
    return [passage_id for passage_id, _ in found], unpacked(bytes(vector) for _, vector in found)
