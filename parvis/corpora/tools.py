"""The corpora that access rules may be about."""

from __future__ import annotations

from functools import cache, partial

from parvis.access.tools import Listed, Way
from parvis.corpora.actions import all_corpora, everyone_of, readers_of
from parvis.corpora.models import Corpus, tool_of


def listed(institution_id: int) -> list[Listed]:
    everyone = cache(partial(everyone_of, institution_id))

    def one(corpus: Corpus) -> Listed:
        return Listed(tool_of(corpus), corpus.name, lambda: [Way(readers_of(corpus, everyone))])

    return [one(corpus) for corpus in all_corpora(institution_id)]
