"""Usage references: what an institution says of an offer it uses, what the vendor replies, and what stays of a withdrawal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.offers.models import Choice, ChoiceState, Offer, UsageReference
from parvis.offers.refusals import Impossible


@dataclass(frozen=True, slots=True)
class Opinion:
    text: str
    used_since_date: date | None = None
    users: int | None = None


def uses(principal: Principal, offer: Offer) -> bool:
    rows = Choice.unscoped.filter(institution_id=principal.institution_id, offer=offer, decided_at__isnull=False)
    return rows.filter(state__in=(ChoiceState.CHOSEN, ChoiceState.TRIED)).exists()


def sign(principal: Principal, offer: Offer, opinion: Opinion) -> UsageReference:
    """Signs one's institution's opinion, or signs it anew: it bears the date of its latest words."""
    if not uses(principal, offer):
        raise Impossible("not_used")
    with transaction.atomic():
        row, _created = UsageReference.unscoped.update_or_create(
            institution_id=principal.institution_id,
            offer=offer,
            defaults={**asdict(opinion), "signed_by_id": principal.profile_id, "signed_at": timezone.now()},
        )
        _record(principal, "reference.sign", row)
    return row


def reply(principal: Principal, reference: UsageReference, text: str) -> None:
    with transaction.atomic():
        held = _living(reference)
        held.reply, held.replied_by_id, held.replied_at = text, principal.profile_id, timezone.now()
        held.save(update_fields=["reply", "replied_by", "replied_at"])
        _record(principal, "reference.reply", held)


def withdraw(principal: Principal, reference: UsageReference) -> None:
    """Its words and every name go, and the reply with them, which may quote them; that there was one stays."""
    with transaction.atomic():
        held = _living(reference)
        _record(principal, "reference.withdraw", held)
        held.institution = held.signed_by = held.replied_by = held.replied_at = None
        held.used_since_date = held.users = None
        held.text = held.reply = ""
        held.withdrawn_at = timezone.now()
        held.save()


def _living(reference: UsageReference) -> UsageReference:
    held = UsageReference.unscoped.select_for_update().get(id=reference.id)
    if held.withdrawn_at:
        raise Impossible("reference_withdrawn")
    return held


def _record(principal: Principal, action: str, reference: UsageReference) -> None:
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=f"reference:{reference.id}")
