"""What a request for information makes of the need it is about. The rest is in `offers`."""

from __future__ import annotations

from django.db import transaction

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.needs.actions.harmonised import Impossible
from parvis.needs.models import HarmonisedNeed, HarmonisedState

ASKED_OR_LATER = (HarmonisedState.ASKED, HarmonisedState.ANSWERED, HarmonisedState.CHOOSING, HarmonisedState.USED)


def may_be_asked_about(need: HarmonisedNeed) -> bool:
    """Published, not closed, neither merged nor taken back."""
    return need.is_living and need.state in (HarmonisedState.COSIGNING, *ASKED_OR_LATER)


def ask_the_market(principal: Principal, need: HarmonisedNeed) -> None:
    """A request on it is published. A need that was asked about before keeps its stage."""
    with transaction.atomic():
        held = _hold(need)
        if not may_be_asked_about(held):
            raise Impossible("not_at_this_stage", state=held.get_state_display())
        if held.state == HarmonisedState.COSIGNING:
            _move(principal, held, HarmonisedState.ASKED)


def receive_answers(principal: Principal, need: HarmonisedNeed) -> None:
    """The answers to a request were opened."""
    with transaction.atomic():
        held = _hold(need)
        if held.state == HarmonisedState.ASKED:
            _move(principal, held, HarmonisedState.ANSWERED)


def begin_choosing(principal: Principal, need: HarmonisedNeed) -> None:
    """A first institution decided, for itself."""
    with transaction.atomic():
        held = _hold(need)
        if held.state == HarmonisedState.ANSWERED:
            _move(principal, held, HarmonisedState.CHOOSING)


def _hold(need: HarmonisedNeed) -> HarmonisedNeed:
    return HarmonisedNeed.unscoped.select_for_update().get(id=need.id)


def _move(principal: Principal, need: HarmonisedNeed, state: HarmonisedState) -> None:
    need.state = state
    need.save(update_fields=["state"])
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=f"harmonised.{state}",
        subject=f"harmonised:{need.id}",
    )
