"""What a proposed matrix would change, before it is saved: by tool, with how many people reach each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from parvis.access.rules import actions as rules
from parvis.access.rules.doors import tools_of
from parvis.access.sensitivity import highest
from parvis.access.tools import Listed
from parvis.inference.door import Route, matrix_of, routes_of
from parvis.inference.models import Purpose
from parvis.inference.routing import Matrix, Request, verdicts_of
from parvis.institutions.models import Institution

# Which models a tool makes use of: an assistant has its answers written, documents are compared by meaning.
PURPOSES = {"Assistant": Purpose.CHAT, "Corpus": Purpose.EMBEDDINGS}


@dataclass(frozen=True, slots=True)
class Change:
    """Of one tool: the models that its data may go to, before and after. `people` may use it now."""

    tool: Listed
    data_class: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    people: int


def changes(institution: Institution, matrix: Matrix, default_class: str, now: datetime) -> list[Change]:
    """Models that fail for the moment count as if they answered: the law is compared, not the weather."""
    former = matrix_of(institution.id)
    routes = {purpose: routes_of(institution.id, purpose) for purpose in set(PURPOSES.values())}
    in_force = rules.current(institution.id)
    found = []
    for one in tools_of(institution.id):
        purpose = PURPOSES.get(one.tool.kind)
        if purpose is None or one.model is None:
            continue
        was = highest([one.tool.data_class, ""], default=institution.data_class)
        becomes = highest([one.tool.data_class, ""], default=default_class)
        before = _reached(one, routes[purpose], purpose, former, was, now)
        after = _reached(one, routes[purpose], purpose, matrix, becomes, now)
        if before != after:
            may, _live = rules.users(institution.id, in_force, one, now)
            found.append(Change(one, becomes, before, after, len(may)))
    return found


def _reached(
    one: Listed, routes: list[Route], purpose: str, matrix: Matrix, data_class: str, now: datetime
) -> tuple[str, ...]:
    alias = next((route.candidate.alias for route in routes if one.model and route.model_id == one.model), "")
    if one.model and not alias:
        return ()
    request = Request(data_class, frozenset({str(purpose)}), frozenset(route.model_id for route in routes), alias=alias)
    names = {route.model_id: route.name for route in routes}
    seen = verdicts_of(request, [route.candidate for route in routes], matrix, {}, now)
    return tuple(names[verdict.candidate.id] for verdict in seen if not verdict.reason)
