"""Where one starts: what waits for me; where each need is, for the coordination; figures, for observers."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from parvis.access.agenda import Awaited, agenda
from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.institutions.models import Role
from parvis.needs.actions.figures import SMALLEST, signatures_in_force
from parvis.needs.models import HarmonisedNeed
from parvis.needs.oversight import figures_by_domain, institutions_in_progress, needs_in_progress

SHOWN_AT_ONCE = 8  # of each kind; the others are folded


@requires("alliance:view")
@require_GET
def dashboard(request: SignedInRequest) -> HttpResponse:
    principal = request.principal
    waiting = agenda(principal)
    context: dict[str, Any] = {
        "parts": _parts([one for one in waiting if one.act]),
        "dates": sorted((one for one in waiting if one.due and _day(one) >= timezone.localdate()), key=_day),
        "inside": principal.may("need:view"),
        "may_write": principal.may("need:edit"),
    }
    if principal.role == Role.COORDINATOR:
        context["needs"] = needs = needs_in_progress(principal)
        context["institutions"] = institutions_in_progress(principal, needs)
    if not context["inside"]:
        context |= {"figures": figures_by_domain(), "smallest": SMALLEST, "published": _published(request)}
    return render(request, "needs/dashboard.html", context)


def _parts(waiting: list[Awaited]) -> list[tuple[str, int, list[Awaited], list[Awaited]]]:
    """(heading, count, those shown, those folded)."""
    groups = [(heading, list(some)) for heading, some in groupby(waiting, key=lambda one: one.heading)]
    return [
        (heading, sum(one.more or 1 for one in some), some[:SHOWN_AT_ONCE], some[SHOWN_AT_ONCE:]) for heading, some in groups
    ]


def _day(one: Awaited) -> Any:
    return timezone.localtime(one.due).date() if isinstance(one.due, datetime) else one.due


def _published(request: SignedInRequest) -> list[tuple[HarmonisedNeed, int]]:
    """Each with how many institutions signed its version in force."""
    rows = HarmonisedNeed.objects.visible_to(request.principal).living().published()
    signed = signatures_in_force()
    return [(need, signed[need.id]) for need in rows.select_related("working_group").prefetch_related("versions")]
