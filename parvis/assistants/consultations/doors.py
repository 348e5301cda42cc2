"""The one way to read another person's conversation: it was signalled, by them, and a reason was written for an hour."""

from __future__ import annotations

from datetime import datetime

from parvis.access.principal import Principal
from parvis.assistants.models import Conversation, ConversationQuerySet, Signal, SignalQuerySet, Turn, TurnEvent
from parvis.evidence.models import Consultation

KIND = "conversation"


def consultable(principal: Principal) -> ConversationQuerySet:
    """The conversations of the institution in which something was signalled, their own apart."""
    here = Conversation.unscoped.filter(institution_id=principal.institution_id)
    if not principal.may("content:consult"):
        return here.none()
    return here.filter(id__in=signals(principal).values("turn__conversation")).exclude(profile__person=principal.person_id)


def signals(principal: Principal) -> SignalQuerySet:
    """That something was signalled. Whoever lists them shows neither the question nor the answer."""
    here = Signal.unscoped.filter(institution_id=principal.institution_id)
    return here.order_by() if principal.may("content:consult") else here.none()


def open_consultation(principal: Principal, conversation: Conversation, now: datetime) -> Consultation | None:
    """The one that lets them read it now."""
    rows = Consultation.objects.visible_to(principal).open(now)
    found: Consultation | None = rows.filter(kind=KIND, number=conversation.id).order_by("-until").first()
    return found


def turns(consultation: Consultation, now: datetime) -> list[tuple[Turn, list[TurnEvent]]]:
    """With the log of each answer. Nothing once its time has passed."""
    if consultation.kind != KIND or consultation.until <= now:
        return []
    rows = Turn.unscoped.filter(institution=consultation.institution_id, conversation=consultation.number).order_by("number")
    events: dict[int, list[TurnEvent]] = {}
    for event in TurnEvent.unscoped.filter(turn__in=rows.order_by()).order_by("turn_id", "seq"):
        events.setdefault(event.turn_id, []).append(event)
    return [(turn, events.get(turn.id, [])) for turn in rows]
