"""Agreements: drafted from an offer that was chosen, in force once a signatory says so, closed when they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.offers.answer import Price
from parvis.offers.models import (
    Agreement,
    AgreementPrice,
    Choice,
    ChoiceState,
    ConformityLine,
    Coverage,
    Tool,
    ToolSource,
    Vehicle,
    Zone,
)
from parvis.offers.refusals import Impossible


@dataclass(frozen=True, slots=True)
class Terms:
    """Of an agreement, as its form gives them."""

    product: str
    vehicle: str
    start_date: date
    end_date: date
    zone: str
    reference: str = ""
    notice_date: date | None = None
    no_training_date: date | None = None
    no_training_document: str = ""
    users_quota: int | None = None
    yearly_euros: int | None = None


TERMS = tuple(Terms.__dataclass_fields__)


def draft_agreement(principal: Principal, choice: Choice, terms: Terms) -> Agreement:
    """From an offer this institution has chosen; its price book is copied, and is the agreement's own from then on."""
    with transaction.atomic():
        choice = Choice.unscoped.select_for_update(of=("self",)).get(id=choice.id)
        if choice.state != ChoiceState.CHOSEN or not choice.decided_at or choice.offer is None:
            raise Impossible("not_chosen")
        agreement = Agreement.unscoped.create(
            institution_id=principal.institution_id,
            choice=choice,
            vendor_id=choice.offer.institution_id,
            created_by_id=principal.profile_id,
            **{name: getattr(terms, name) for name in TERMS},
        )
        _write_prices(agreement, [_price(line) for line in choice.offer.prices.all()])
        _record(principal, "agreement.draft", agreement)
    return agreement


def edit_agreement(principal: Principal, agreement: Agreement, terms: Terms) -> None:
    """Before it is in force; afterwards what was signed stays as it was signed."""
    with transaction.atomic():
        held = _draft(agreement)
        for name in TERMS:
            setattr(held, name, getattr(terms, name))
        held.save()
        _record(principal, "agreement.edit", held)


def edit_prices(principal: Principal, agreement: Agreement, prices: Sequence[Price]) -> None:
    with transaction.atomic():
        held = _draft(agreement)
        held.prices.all().delete()
        _write_prices(held, prices)
        _record(principal, "agreement.prices", held, lines=len(prices))


def discard_agreement(principal: Principal, agreement: Agreement) -> None:
    """A draft only: what was in force once is ended, and kept."""
    with transaction.atomic():
        held = _draft(agreement)
        _record(principal, "agreement.discard", held)
        held.delete()


def activate_agreement(principal: Principal, agreement: Agreement, *, today: date) -> None:
    """Raises Impossible while something a university answers for is missing: a choice that stands, a term that is not over,
    hosting no farther than offered, a dated no-training attestation."""
    with transaction.atomic():
        held = _draft(agreement)
        choice = Choice.unscoped.select_for_update(of=("self",)).get(id=held.choice_id)
        if choice.state != ChoiceState.CHOSEN or choice.offer is None:
            raise Impossible("not_chosen")
        if held.end_date < today:
            raise Impossible("agreement_over")
        if held.notice_date and held.notice_date > held.end_date:
            raise Impossible("notice_after_end")
        if choice.offer.zone and Zone.values.index(held.zone) > Zone.values.index(choice.offer.zone):
            raise Impossible("zone_farther")
        if not held.no_training_date or not held.no_training_document.strip() or held.no_training_date > today:
            raise Impossible("no_attestation")
        held.activated_at = timezone.now()
        held.save(update_fields=["activated_at"])
        _take_effect(principal, held, choice)
        _record(principal, "agreement.activate", held)


def end_agreement(principal: Principal, agreement: Agreement, *, today: date) -> None:
    with transaction.atomic():
        held = _hold(agreement)
        if not held.activated_at or held.ended_at:
            raise Impossible("agreement_not_running")
        held.ended_at = timezone.now()
        held.save(update_fields=["ended_at"])
        _cease(held, today)
        _record(principal, "agreement.end", held)


def _take_effect(principal: Principal, agreement: Agreement, choice: Choice) -> None:
    """What an agreement in force makes true in the rest of the house: here a line of the portfolio. The actions of the
    ledger (price book), of routing (zone) and of the app registry are called here, in this transaction."""
    tool = Tool.unscoped.create(
        institution_id=agreement.institution_id,
        agreement=agreement,
        name=agreement.product,
        vendor_name=agreement.vendor.name,
        yearly_cents=None if agreement.yearly_euros is None else agreement.yearly_euros * 100,
        start_date=agreement.start_date,
        end_date=agreement.end_date,
        notice_date=agreement.notice_date,
        source=ToolSource.AGREEMENT,
        details={"vehicle": agreement.vehicle, "innovative": agreement.vehicle == Vehicle.INNOVATION},
        created_by_id=principal.profile_id,
    )
    codes = ConformityLine.objects.filter(offer=choice.offer).values_list("code", flat=True)
    level = "ST" if set(codes) == {"ST"} else "DS"
    Coverage.unscoped.create(institution_id=agreement.institution_id, tool=tool, need_id=choice.need_id, level=level)


def _cease(agreement: Agreement, today: date) -> None:
    """The reverse: what it made true ends with it, and stays on record."""
    # Before its first day where it never began: the tool is void (models.Tool), and nothing was paid for it.
    Tool.unscoped.filter(agreement=agreement).update(end_date=min(today, agreement.end_date), notice_date=None)


def _price(line: Any) -> Price:
    """Of an offer's price line or an agreement's: they say the same things."""
    return Price(line.label, line.unit, line.amount_nano, line.tier_from, line.valid_from, line.valid_until)


def _write_prices(agreement: Agreement, prices: Sequence[Price]) -> None:
    AgreementPrice.objects.bulk_create(
        AgreementPrice(
            agreement=agreement,
            label=price.label,
            unit=price.unit,
            amount_nano=price.amount_nano,
            tier_from=price.tier_from,
            valid_from=price.valid_from,
            valid_until=price.valid_until,
        )
        for price in prices
    )


def _draft(agreement: Agreement) -> Agreement:
    held = _hold(agreement)
    if held.activated_at:
        raise Impossible("agreement_active")
    return held


def _hold(agreement: Agreement) -> Agreement:
    return Agreement.unscoped.select_for_update(of=("self",)).get(id=agreement.id)


def _record(principal: Principal, action: str, agreement: Agreement, **details: Any) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"agreement:{agreement.id}",
        **details,
    )
