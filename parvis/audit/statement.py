"""One way to write what an entry says, whatever database it was kept in: the commitment is about these bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def statement(
    *, at: datetime, institution_id: int | None, actor: str, action: str, subject: str, details: Mapping[str, Any]
) -> str:
    """JSON, its names in order. Raises ValueError for a number that is none."""
    said = {
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "institution": institution_id,
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": _plain(details),
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """Whole numbers are written as such: databases do not all keep 1.0 and 1e22 as they were."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
