"""What rules may be about, as each package lists its own: settings.TOOLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from parvis.access.engine import Tool


@dataclass(frozen=True)
class Way:
    """Profiles that reach a tool, where the rules allow them what they reach it by."""

    profiles: frozenset[int]
    by: Tool | None = None


@dataclass(frozen=True)
class Listed:
    """A tool of an institution, with its name. `ways` is asked only when it matters who reaches it: it reads many rows."""

    tool: Tool
    name: str
    ways: Callable[[], list[Way]] = field(repr=False)

    @property
    def column(self) -> str:
        return f"{self.tool.kind.lower()}:{self.tool.id}"
