"""What a person's own page leads to, whichever package it comes from: their accounts, their notices, their keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from parvis.access.principal import Principal


@dataclass(frozen=True, slots=True)
class OwnSection:
    """A page of one's own, in the reader's language. `state` says what it holds now."""

    title: str
    line: str
    url: str
    state: str = ""


def own_sections(principal: Principal) -> list[OwnSection]:
    """From every function of settings.OWN_PAGES, in that order: each takes the principal, and gives none where they have no
    such page."""
    found: list[Callable[[Principal], OwnSection | None]] = [import_string(path) for path in settings.OWN_PAGES]
    return [section for give in found if (section := give(principal))]
