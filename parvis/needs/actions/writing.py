"""Two people may correct the same words at once: who saves later is told so, and nobody's words are lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


class ChangedMeanwhile(Exception):
    """The words are no longer those that the form was filled from."""

    code = "changed_meanwhile"


def basis_of(words: Mapping[str, object]) -> str:
    """What a form carries to say which words it was filled from."""
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:32]


def must_rest_on(basis: str | None, words: Mapping[str, object]) -> None:
    """Raises ChangedMeanwhile. None rests on whatever stands: nobody read it first."""
    if basis is not None and basis != basis_of(words):
        raise ChangedMeanwhile
