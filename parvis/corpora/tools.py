"""The corpora that access rules may be about."""

from __future__ import annotations

from parvis.access.tools import Listed, Way
from parvis.corpora.actions import all_corpora, readers_of
from parvis.corpora.models import Corpus, tool_of


def listed(institution_id: int) -> list[Listed]:
    return [_listed(corpus) for corpus in all_corpora(institution_id)]


def _listed(corpus: Corpus) -> Listed:
    return Listed(tool_of(corpus), corpus.name, lambda: [Way(readers_of(corpus))])
