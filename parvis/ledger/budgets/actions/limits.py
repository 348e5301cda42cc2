"""Setting budgets, changing them, ending them: each in the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from parvis.audit.models import record
from parvis.isolation.scope import everywhere
from parvis.ledger.budgets.actions.resolution import opened
from parvis.ledger.budgets.models import Budget, Node, Spending


@transaction.atomic
def set_budget(
    node: Node,
    *,
    measure: str,
    period: str,
    limit: int,
    actor: str,
    each: str = "",
    way_down: Sequence[str] = (),
    counts_earlier: bool = True,
) -> Budget:
    """Workers obey it within the time of a lease. `counts_earlier`: what the running period has spent already is of it."""
    with _writing(node.institution_id):
        budget = Budget.unscoped.create(
            institution_id=node.institution_id,
            node=node,
            measure=measure,
            period=period,
            limit=limit,
            each=each,
            way_down=list(way_down),
            counts_earlier=counts_earlier,
        )
        opened(budget, timezone.now())
    _record(budget, actor, "budget.set", limit=limit, measure=measure, period=period, each=each)
    return budget


@transaction.atomic
def change_budget(budget: Budget, *, limit: int, way_down: Sequence[str], actor: str) -> None:
    """Holds for the running period too. Lowered below what is spent and leased already, it grants nothing more; raised, it
    tells again when it is near."""
    before, budget.limit, budget.way_down = budget.limit, limit, list(way_down)
    with _writing(budget.institution_id):
        budget.save(update_fields=["limit", "way_down"])
        running = Spending.unscoped.filter(budget=budget, ends_at__gt=timezone.now()).order_by("id")
        locked = list(running.select_for_update(of=("self",)).values_list("id", flat=True))
        rows = Spending.unscoped.filter(id__in=locked)
        rows.update(limit=limit, ceiling=Greatest(limit, F("spent") + F("leased")))
        if limit > before:
            rows.update(alerted=0)
    _record(budget, actor, "budget.change", before=before, limit=limit, measure=budget.measure)


@transaction.atomic
def end_budget(budget: Budget, *, actor: str) -> None:
    """It limits nothing any more; what it counted stays."""
    with _writing(budget.institution_id):
        ended = Budget.unscoped.filter(id=budget.id, ended_at=None).update(ended_at=timezone.now())
    if ended:
        _record(budget, actor, "budget.end", limit=budget.limit, measure=budget.measure)


def _writing(institution_id: int | None) -> AbstractContextManager[None]:
    """The alliance's budgets are of no institution, and may be counted at each: no scope but this one writes them."""
    return everywhere("budgets") if institution_id is None else nullcontext()


def _record(budget: Budget, actor: str, action: str, **details: Any) -> None:
    record(
        institution_id=budget.institution_id,
        actor=actor,
        action=action,
        subject=f"budget:{budget.id}",
        place=budget.node_id,
        **details,
    )
