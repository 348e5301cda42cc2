"""Vectors from an institution's endpoint: of what a person asks, where it helps; of many texts, by batches that are left as
soon as something more urgent comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from parvis.access.principal import Principal
from parvis.inference.completion import UpstreamError
from parvis.inference.door import (
    Admitted,
    LeftError,
    NoRouteError,
    admit_background,
    embedded,
    embeddings_route,
    inputs_of,
    payer_of,
)
from parvis.inference.models import Calibration
from parvis.retrieval.dense import normalised

BATCH = 64
BATCH_SECONDS = 60.0
QUESTION_SECONDS = 1.5  # somebody waits
LONGEST_TEXT = 2_000  # characters: most models read 512 tokens
SHORTER_TEXT = 800

Leave = Callable[[], bool]


def endpoint_that_helps(principal: Principal, inputs: Iterable[str]) -> tuple[Admitted, Calibration] | None:
    """Of the person's institution, where it was measured to help (decision 8) and where what is asked, made of these classes,
    may go (decision 20); None while it rests after a failure."""
    route = embeddings_route(principal.institution_id)
    if route is None:
        return None
    calibration = Calibration.objects.visible_to(principal).filter(endpoint=route.key, weight__gt=0).first()
    if calibration is None or (calibration.retry_at and calibration.retry_at > timezone.now()):
        return None
    try:
        inputs = inputs_of(principal, inputs)
        payer = payer_of(principal, "search")
        return admit_background(principal.institution_id, inputs=inputs, only=route, app="search", payer=payer), calibration
    except NoRouteError:
        return None


def vectors(admitted: Admitted, texts: Sequence[str], leave: Leave) -> NDArray[np.float16]:
    """One row of length 1 per text. Raises LeftError once `leave()`, UpstreamError where the endpoint fails."""
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    try:
        return np.concatenate([normalised(_batch(admitted, batch, leave)) for batch in batches])
    except ValueError as error:  # rows of different lengths
        raise UpstreamError("garbage") from error


def _batch(admitted: Admitted, texts: Sequence[str], leave: Leave) -> NDArray[np.float32]:
    if leave():
        raise LeftError
    ask = partial(embedded, admitted, seconds=BATCH_SECONDS, leave=leave)
    try:
        return ask([text[:LONGEST_TEXT] for text in texts])
    except UpstreamError as error:
        if error.code != "too_long":
            raise
        return ask([text[:SHORTER_TEXT] for text in texts])
