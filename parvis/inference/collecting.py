"""What the data plane of this machine refused becomes entries of the evidence of each institution, once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction

from parvis.audit.models import Entry, record
from parvis.inference.turned_away import KEY_UNSAID, Gathered, Line, gather
from parvis.institutions.models import Institution

ACTION = "gateway.refuse"


def collect(folder: Path, now: datetime) -> int:
    """How many entries. Raises django.db.Error, OSError: the rest waits for the next time."""
    count = 0
    for path, gathered, is_left in gather(folder, now.timestamp()):
        if not (is_left and _is_recorded(path.stem)):
            count += _record(path.stem, gathered)
        path.unlink(missing_ok=True)
    return count


def _is_recorded(batch: str) -> bool:
    return Entry.objects.filter(action=ACTION, details__batch=batch).exists()


def _record(batch: str, gathered: Gathered) -> int:
    known = set(Institution.objects.values_list("id", flat=True))
    lines = [line for line in gathered.lines if line.institution in known]
    with transaction.atomic():
        for line in lines:
            _record_line(batch, line)
    return len(lines)


def _record_line(batch: str, line: Line) -> None:
    record(
        institution_id=line.institution,
        actor=f"person:{line.person}" if line.person else "system:gateway",
        action=ACTION,
        subject="keys" if line.key == KEY_UNSAID else f"key:{line.key}",
        reason=line.reason,
        count=line.count,
        minute=datetime.fromtimestamp(line.minute * 60, UTC).isoformat(timespec="minutes"),
        models=list(line.models),
        batch=batch,
    )
