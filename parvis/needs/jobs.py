"""Vectors of needs, kept while nothing else waits: where the institution that wrote them has an endpoint that helps."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from parvis.inference.actions import (
    any_embeddings,
    endpoint_answered,
    endpoint_failed,
    hold_endpoint,
    release_endpoint,
)
from parvis.inference.completion import UpstreamError
from parvis.inference.door import LeftError, NoRouteError, Route, admit_background, embeddings_route
from parvis.inference.models import Calibration
from parvis.inference.vectors import BATCH, vectors
from parvis.needs.models import Attachment, RawNeed, RawNeedState, RawNeedText, TextVector
from parvis.needs.models.expressions import RawNeedTextQuerySet
from parvis.retrieval.dense import packed

Leave = Callable[[], bool]


def embed_needs(leave: Leave) -> bool:
    """One batch of one institution's texts. True when more are left; a text goes to no other institution's endpoint."""
    if not any_embeddings() and not TextVector.unscoped.exists():
        return False
    institutions = RawNeed.unscoped.order_by("institution_id").values_list("institution_id", flat=True).distinct()
    return any(_step(institution_id, leave) for institution_id in institutions)


def _step(institution_id: int, leave: Leave) -> bool:
    kept = TextVector.unscoped.filter(institution_id=institution_id)
    calibration, route = _that_helps(institution_id)
    if calibration is None or route is None:
        kept.delete()
        return False
    kept.exclude(endpoint=route.key).delete()
    texts = list(_searched(institution_id).filter(~Exists(kept.filter(text=OuterRef("pk")))).order_by("id")[:BATCH])
    if not texts or not hold_endpoint(calibration):
        return False
    try:
        admitted = admit_background(institution_id, inputs=(), only=route, app="needs")
        rows = vectors(admitted, [f"{one.title}\n{one.text}" for one in texts], leave)
    except LeftError:
        return True
    except NoRouteError:  # the words of the institution may not go there
        return False
    except UpstreamError as error:
        endpoint_failed(calibration, error.code)
        return False
    finally:
        release_endpoint(calibration)
    endpoint_answered(calibration)
    with transaction.atomic():
        alive = set(RawNeedText.unscoped.filter(id__in=[one.id for one in texts]).values_list("id", flat=True))
        TextVector.unscoped.bulk_create(
            TextVector(institution_id=institution_id, text=text, endpoint=route.key, vector=packed(row))
            for text, row in zip(texts, rows, strict=True)
            if text.id in alive
        )
    return True


def _that_helps(institution_id: int) -> tuple[Calibration | None, Route | None]:
    route = embeddings_route(institution_id)
    helps = Calibration.unscoped.filter(institution_id=institution_id, weight__gt=0)
    return (helps.filter(endpoint=route.key).first(), route) if route else (None, None)


def _searched(institution_id: int) -> RawNeedTextQuerySet:
    """What the index holds: current wordings, and those accepted in a harmonised need."""
    accepted = Attachment.unscoped.accepted().filter(text=OuterRef("pk"))
    current = RawNeed.unscoped.filter(current=OuterRef("pk")).exclude(state=RawNeedState.ARCHIVED)
    return RawNeedText.unscoped.filter(Q(Exists(accepted)) | Q(Exists(current)), institution_id=institution_id)
