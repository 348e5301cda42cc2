"""Figures about all needs, for who may not read them one by one."""

from __future__ import annotations

from django.db.models import Count

from parvis.needs.models import RawNeed


def needs_by_domain() -> list[tuple[str, int, int]]:
    """Of each domain, the needs shared with the alliance and the institutions that have some, most needs first. Who shows
    them leaves out those of few institutions."""
    rows = RawNeed.unscoped.shared().exclude(current__domain="").order_by().values("current__domain")
    counted = rows.annotate(needs=Count("id"), institutions=Count("institution", distinct=True))
    return list(counted.order_by("-needs", "current__domain").values_list("current__domain", "needs", "institutions"))
