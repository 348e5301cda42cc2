"""Figures about all needs, for who may not read them one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from django.db.models import Count

from parvis.needs.actions.cosignatures import Totals, totals
from parvis.needs.models import CoSignature, NeedVersion, RawNeed

SMALLEST = 3  # institutions behind a figure told to others than them


def signatures_in_force() -> Counter[int]:
    """By need. Who signed is public: the page of a published need names them."""
    return Counter(CoSignature.unscoped.in_force().values_list("version__need", flat=True))


def totals_told_outside(version: NeedVersion) -> Totals:
    """A figure that fewer than SMALLEST institutions gave is left out, as if nobody had said it."""
    counted = totals(version.cosignatures.valid())
    if counted.said_students < SMALLEST:
        counted = replace(counted, students=0, said_students=0)
    return counted if counted.said_envelope >= SMALLEST else replace(counted, envelope_euros=0, said_envelope=0)


def needs_by_domain() -> list[tuple[str, int, int]]:
    """Of each domain, the needs shared with the alliance and the institutions that have some, most needs first. Who shows
    them leaves out those of few institutions."""
    rows = RawNeed.unscoped.shared().exclude(current__domain="").order_by().values("current__domain")
    counted = rows.annotate(needs=Count("id"), institutions=Count("institution", distinct=True))
    return list(counted.order_by("-needs", "current__domain").values_list("current__domain", "needs", "institutions"))
