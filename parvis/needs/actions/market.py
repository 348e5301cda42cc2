"""What a request for information makes of the need it is about. The rest is in `offers`."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.actions import notify
from parvis.institutions.models import Profile, Role
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
        _notify(principal, held, "request_published", Role.REFERENT, Role.SIGNATORY, Role.VENDOR)


def receive_answers(principal: Principal, need: HarmonisedNeed) -> None:
    """The answers to a request were opened."""
    with transaction.atomic():
        held = _hold(need)
        if held.state == HarmonisedState.ASKED:
            _move(principal, held, HarmonisedState.ANSWERED)
            _notify(principal, held, "request_opened", Role.REFERENT, Role.SIGNATORY)


def begin_choosing(principal: Principal, need: HarmonisedNeed) -> None:
    """A first institution decided, for itself."""
    with transaction.atomic():
        held = _hold(need)
        if held.state == HarmonisedState.ANSWERED:
            _move(principal, held, HarmonisedState.CHOOSING)


def _hold(need: HarmonisedNeed) -> HarmonisedNeed:
    return HarmonisedNeed.unscoped.select_for_update().get(id=need.id)


def _notify(principal: Principal, need: HarmonisedNeed, kind: str, *roles: str) -> None:
    """Everybody at once: no vendor learns of it before another."""
    everybody = Profile.objects.filter(role__in=roles, ended_at=None)
    notify(everybody, kind, reverse("needs:harmonised", args=[need.id]), but=principal.profile_id, code=need.code)


def _move(principal: Principal, need: HarmonisedNeed, state: HarmonisedState) -> None:
    need.state = state
    need.save(update_fields=["state"])
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=f"harmonised.{state}",
        subject=f"harmonised:{need.id}",
    )
