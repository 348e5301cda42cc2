"""What an institution decides, alone: prepared by who represents it, decided by who may commit it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.models import Institution, Nature
from parvis.needs.actions.market import begin_choosing
from parvis.needs.models import HarmonisedNeed
from parvis.offers.aggregates import published
from parvis.offers.models import Agreement, Choice, ChoiceState, Offer
from parvis.offers.refusals import Impossible

NOT_SAID = "none"  # institutions that decided nothing
OF_AN_OFFER = (ChoiceState.STUDIED, ChoiceState.TRIED, ChoiceState.CHOSEN, ChoiceState.DECLINED)
OF_A_NEED = (ChoiceState.STUDIED, ChoiceState.DECLINED, ChoiceState.NOT_CONCERNED)


@dataclass(frozen=True, slots=True)
class Decision:
    state: str
    reason: str = ""
    is_shared: bool = False


def prepare(principal: Principal, need: HarmonisedNeed, offer: Offer | None, decision: Decision) -> Choice:
    """What the signatory will find to decide. A decision already taken is the signatory's to change."""
    _check(need, offer, decision)
    with transaction.atomic():
        row = _row(principal, need, offer)
        if row and row.decided_at:
            raise Impossible("choice_decided")
        row = _write(principal, need, offer, decision, prepared_by_id=principal.profile_id)
        _record(principal, "choice.prepare", row)
    return row


def decide(principal: Principal, need: HarmonisedNeed, offer: Offer | None, decision: Decision) -> Choice:
    """Takes the decision of one's institution, or changes it. An agreement in force holds its choice."""
    _check(need, offer, decision)
    with transaction.atomic():
        row = _row(principal, need, offer)
        if row and decision.state != ChoiceState.CHOSEN and _runs(row):
            raise Impossible("agreement_runs")
        if offer is None and decision.state != ChoiceState.STUDIED and _uses_an_offer(principal, need):
            raise Impossible("offer_in_use")
        row = _write(principal, need, offer, decision, decided_by_id=principal.profile_id, decided_at=timezone.now())
        begin_choosing(principal, need)
        _record(principal, "choice.decide", row, state=decision.state)
    return row


def share(principal: Principal, choice: Choice, *, is_shared: bool) -> None:
    """With the other institutions, or no longer: effective at their next page."""
    with transaction.atomic():
        Choice.unscoped.filter(id=choice.id).update(is_shared=is_shared)
        _record(principal, "choice.share" if is_shared else "choice.unshare", choice)


def standing(decided: Iterable[Choice]) -> str:
    """Where one institution stands on one need, from its decided rows: its most engaged decision. That it declined one offer
    does not say that it declines them all."""
    rows = list(decided)
    states = {row.state for row in rows}
    for state in (ChoiceState.CHOSEN, ChoiceState.TRIED):
        if state in states:
            return state
    of_the_need = next((row.state for row in rows if row.offer_id is None), None)
    return of_the_need or (ChoiceState.STUDIED if rows else NOT_SAID)


def aggregate(need: HarmonisedNeed) -> dict[str, int | None]:
    """How many institutions of those that share nothing stand where, None where it is not said."""
    rows: dict[int, list[Choice]] = {}
    for row in Choice.unscoped.filter(need=need, decided_at__isnull=False):
        rows.setdefault(row.institution_id, []).append(row)
    sharing = {institution for institution, decided in rows.items() if any(row.is_shared for row in decided)}
    members = Institution.objects.filter(nature=Nature.MEMBER, left_date=None).values_list("id", flat=True)
    counted = Counter(standing(rows.get(member, ())) for member in members if member not in sharing)
    return published({state: counted[state] for state in (*ChoiceState.values, NOT_SAID)})


def _check(need: HarmonisedNeed, offer: Offer | None, decision: Decision) -> None:
    if not need.is_published:
        raise Impossible("need_not_published")
    if offer and offer.request.need_id != need.id:
        raise Impossible("not_an_offer_for_it")
    if decision.state not in (OF_AN_OFFER if offer else OF_A_NEED):
        raise Impossible("of_the_need_only" if offer else "choose_an_offer")
    if decision.state == ChoiceState.DECLINED and not decision.reason.strip():
        raise Impossible("decline_with_a_reason")


def _row(principal: Principal, need: HarmonisedNeed, offer: Offer | None) -> Choice | None:
    rows = Choice.unscoped.filter(institution_id=principal.institution_id, need=need, offer=offer)
    return rows.select_for_update().first()


def _uses_an_offer(principal: Principal, need: HarmonisedNeed) -> bool:
    rows = Choice.unscoped.filter(institution_id=principal.institution_id, need=need, decided_at__isnull=False)
    return rows.filter(state__in=(ChoiceState.CHOSEN, ChoiceState.TRIED)).exists()


def _write(principal: Principal, need: HarmonisedNeed, offer: Offer | None, decision: Decision, **done: Any) -> Choice:
    values = {"state": decision.state, "reason": decision.reason.strip(), "is_shared": decision.is_shared}
    row, _created = Choice.unscoped.update_or_create(
        institution_id=principal.institution_id,
        need=need,
        offer=offer,
        defaults=values | done,
        create_defaults={**values, "prepared_by_id": principal.profile_id, **done},
    )
    return row


def _runs(choice: Choice) -> bool:
    return Agreement.unscoped.filter(choice=choice, activated_at__isnull=False, ended_at=None).exists()


def _record(principal: Principal, action: str, choice: Choice, **details: Any) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"choice:{choice.id}",
        **details,
    )
