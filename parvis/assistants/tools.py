"""The assistants that access rules may be about."""

from __future__ import annotations

from parvis.access.tools import Listed, Way
from parvis.assistants.actions import all_assistants
from parvis.assistants.models import Assistant, tool_of
from parvis.corpora.actions import Campus
from parvis.corpora.models import tool_of as corpus_tool


def listed(institution_id: int) -> list[Listed]:
    """People reach an assistant by the corpora it answers from."""
    campus = Campus(institution_id)

    def one(assistant: Assistant) -> Listed:
        def ways() -> list[Way]:
            return [Way(campus.readers_of(corpus), by=corpus_tool(corpus)) for corpus in assistant.corpora.all()]

        model = None if assistant.quotes_only else str(assistant.model_id or "")
        return Listed(tool_of(assistant), assistant.name, ways, model)

    return [one(assistant) for assistant in all_assistants(institution_id)]
