"""What packages above tell of: models to price, agreements to price them under, names of what asks. settings.PRICED names
their functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Priced:
    """`id` None is the model that the environment gives."""

    id: int | None
    name: str


def models_of(institution_id: int) -> list[Priced]:
    return _listed("models", institution_id)


def agreements_of(institution_id: int) -> list[Priced]:
    return _listed("agreements", institution_id)


def apps_of(institution_id: int) -> dict[str, str]:
    """What asks, by how calls name it: "assistant:12"."""
    give: Callable[[int], dict[str, str]] = import_string(settings.PRICED["apps"])
    return give(institution_id)


def _listed(kind: str, institution_id: int) -> list[Priced]:
    give: Callable[[int], list[tuple[int | None, str]]] = import_string(settings.PRICED[kind])
    return [Priced(*one) for one in give(institution_id)]
