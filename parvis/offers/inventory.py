"""Agreements, as prices of calls are kept under them."""

from __future__ import annotations

from parvis.offers.models import Agreement


def agreements(institution_id: int) -> list[tuple[int | None, str]]:
    """Those in force or ended: a call may be of a time that is over."""
    rows = Agreement.unscoped.filter(institution=institution_id, activated_at__isnull=False).order_by("product", "id")
    return [(row.id, f"{row.product} ({row.reference})" if row.reference else row.product) for row in rows]
