"""A statement of the use of AI, as plain data: what it says, the fingerprint of that, and its files.

The fingerprint covers everything that is said, and neither the format nor the language: the same statement in Markdown and
in ODT has the same one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

FORMAT = "parvis-ai-use-statement/1"


@dataclass(frozen=True, slots=True)
class Line:
    """One question. `question` is None when the person deleted the conversation: its hash stays."""

    asked_at: datetime
    assistant: str
    question: str | None
    question_hash: str
    outcome: str
    mode: str
    model: str
    zone: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    number: str
    institution: str
    person: str
    course: str
    use: str  # the rule of the course when it was made
    words: str  # of its teacher
    first_date: date
    last_date: date
    made_at: datetime
    lines: tuple[Line, ...]

    @property
    def kept(self) -> int:
        """Questions whose words, and answers, are still on the platform."""
        return sum(1 for line in self.lines if line.question is not None)

    @property
    def is_generated(self) -> bool:
        """Whether a model wrote any of the answers it tells of."""
        return any(line.mode == "generative" for line in self.lines)

    @property
    def models(self) -> list[tuple[str, str, int]]:
        """Which models wrote, where, and how many of the answers; "" is none, on the platform's own server."""
        counts: dict[tuple[str, str], int] = {}
        for line in self.lines:
            where = (line.model, line.zone) if line.mode == "generative" else ("", "")
            counts[where] = counts.get(where, 0) + 1
        return [(model, zone, count) for (model, zone), count in sorted(counts.items())]


def said(content: Content) -> dict[str, Any]:
    """Everything that the statement says, for programs."""
    return {
        "format": FORMAT,
        **{name: _plain(value) for name, value in asdict(content).items() if name != "lines"},
        "lines": [{name: _plain(value) for name, value in asdict(line).items()} for line in content.lines],
    }


def fingerprint(content: Content) -> str:
    """SHA-256 of what it says, its keys in order and no space between."""
    canonical = json.dumps(said(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
