"""What rules may be about, as each package lists its own: settings.TOOLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from parvis.access.engine import AFFILIATIONS, Tool
from parvis.institutions.models import Profile


@dataclass(frozen=True)
class Way:
    """Profiles that reach a tool, where the rules allow them what they reach it by."""

    profiles: frozenset[int]
    by: Tool | None = None


@dataclass(frozen=True)
class Listed:
    """A tool of an institution, with its name. `ways` is asked only when it matters who reaches it: it reads many rows.
    `model` is the identifier of the model that it asks for, "" for any, None where it asks none."""

    tool: Tool
    name: str
    ways: Callable[[], list[Way]] = field(repr=False)
    model: str | None = ""

    @property
    def column(self) -> str:
        return f"{self.tool.kind.lower()}:{self.tool.id}"


def everybody(institution_id: int) -> Callable[[], list[Way]]:
    """Of tools that nobody needs to share: all whom rules may be about reach them. Read once, when it is first asked."""

    @cache
    def way() -> Way:
        rows = Profile.objects.filter(institution=institution_id, ended_at=None, role__in=AFFILIATIONS)
        return Way(frozenset(rows.values_list("id", flat=True)))

    return lambda: [way()]
