"""The corpora that access rules may be about."""

from __future__ import annotations

from parvis.access.tools import Listed, Way
from parvis.corpora.actions import Campus, all_corpora
from parvis.corpora.models import Corpus, tool_of


def listed(institution_id: int) -> list[Listed]:
    campus = Campus(institution_id)

    def one(corpus: Corpus) -> Listed:
        return Listed(tool_of(corpus), corpus.name, lambda: [Way(campus.readers_of(corpus))])

    return [one(corpus) for corpus in all_corpora(institution_id)]
