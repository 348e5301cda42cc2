"""What an installation has, of all its institutions: for who runs it, on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from parvis.federation.saml.actions import refresh
from parvis.federation.saml.models import Federation


def federations() -> list[dict[str, Any]]:
    rows = Federation.unscoped.select_related("institution").order_by("id")
    return [
        {
            "id": row.id,
            "institution": row.institution.slug,
            "name": row.name,
            "providers": row.entities.count(),
            "read": _day(row.read_at),
            "valid_until": _day(row.valid_until),
            "problem": row.problem,
        }
        for row in rows
    ]


def refresh_now(number: int) -> list[tuple[str, int, str]]:
    """(name, providers, problem) of one federation, or of all for 0."""
    rows = Federation.unscoped.order_by("id")
    results = []
    for row in rows.filter(id=number) if number else rows:
        problem = refresh(row, now=timezone.now())
        results.append((row.name, row.entities.count(), problem))
    return results


def _day(instant: datetime | None) -> str:
    return timezone.localtime(instant).strftime("%Y-%m-%d %H:%M") if instant else ""
