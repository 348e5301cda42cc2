"""What the page that tells why shows of one model."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import get_language

from parvis.inference import refusals
from parvis.inference.door import Route, health_of
from parvis.inference.models import DEFAULT_MATRIX, RoutingMatrix, Zone
from parvis.inference.routing import OUT, Request, verdicts_of


@dataclass(frozen=True, slots=True)
class Shown:
    """`passes`: what keeps it back ends by itself. `by_matrix`: a line of the matrix decides, for or against."""

    name: str
    provider: str
    zone: str
    allowed: bool
    passes: bool
    sentence: str
    by_matrix: bool


def shown(one: Route, purpose: str, data_class: str, saved: RoutingMatrix | None) -> Shown:
    matrix = saved.matrix if saved else DEFAULT_MATRIX
    request = Request(data_class, frozenset({str(purpose)}), frozenset({one.model_id}), only=one.model_id)
    health = {one.candidate.known_by: health_of(one)}
    [verdict] = verdicts_of(request, [one.candidate], matrix, health, timezone.now())
    return Shown(
        name=one.name,
        provider=one.row.provider.name if one.row else one.host,
        zone=str(Zone(one.zone).label),
        allowed=not verdict.reason,
        passes=verdict.reason in OUT,
        sentence=refusals.reason(verdict.reason, data_class, one.zone, get_language() or "fr"),
        by_matrix=verdict.reason in ("", "class"),
    )
