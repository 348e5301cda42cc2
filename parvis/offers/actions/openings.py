"""The common opening: key holders give their shares after the deadline, and the last one needed opens every answer."""

from __future__ import annotations

from datetime import datetime
from itertools import combinations

from django.db import DatabaseError, transaction
from django.urls import reverse

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.isolation.scope import everywhere
from parvis.needs.actions.harmonised import specification
from parvis.needs.actions.market import receive_answers
from parvis.needs.models import RequirementText
from parvis.offers import sealing
from parvis.offers.actions.answers import answer_context
from parvis.offers.actions.requests import key_of, tell
from parvis.offers.actions.tries import tried
from parvis.offers.answer import Grid
from parvis.offers.answer_record import NotAnAnswer, from_bytes
from parvis.offers.models import (
    ConformityLine,
    KeyHolder,
    Offer,
    PriceLine,
    RegisterEntry,
    RegisterKind,
    RequestForInformation,
    RequestState,
    SealedAnswer,
)
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import SealingError


def contribute(principal: Principal, holder: KeyHolder, passphrase: str, *, now: datetime) -> bool:
    """Whether it opened the answers. Raises Impossible: `too_early`, `opened`, `given`, and those of `tries.tried`."""
    request = holder.request
    _must_await(request, now)
    if holder.contributed_at:
        raise Impossible("given")
    key, sealed_share = key_of(holder), bytes(holder.sealed_share)

    def opening() -> bytes:
        return sealing.contribute(passphrase, key, sealed_share, bytes(request.public_key))

    share = tried(principal, holder, now, opening)
    with transaction.atomic():
        held = RequestForInformation.unscoped.select_for_update(of=("self",)).select_related("need", "version")
        request = held.get(id=request.id)
        _must_await(request, now)
        holder.share, holder.contributed_at = share, now
        holder.save(update_fields=["share", "contributed_at"])
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="key.contribute",
            subject=f"request:{request.id}",
        )
        private_key = _rebuilt(request)
        if private_key:
            _open(principal, request, private_key, now)
    return bool(private_key)


def _must_await(request: RequestForInformation, now: datetime) -> None:
    state = request.state_at(now)
    if state in (RequestState.OPENED, RequestState.CLOSED):
        raise Impossible("opened")
    if state != RequestState.AWAITED:
        raise Impossible("too_early", deadline=request.deadline_at)


def _rebuilt(request: RequestForInformation) -> bytes:
    """The private key, or b"" while shares are missing. A share that was altered does not stop the others."""
    rows = request.holders.exclude(contributed_at=None).order_by("contributed_at", "id")
    shares = [bytes(share) for share in rows.values_list("share", flat=True)]
    for group in combinations(shares, request.holders_needed):
        try:
            return sealing.rebuild(group, bytes(request.public_key))
        except SealingError:
            continue
    return b""


@everywhere("alliance")
def _open(principal: Principal, request: RequestForInformation, private_key: bytes, now: datetime) -> None:
    """All at once, in the caller's transaction. An answer that does not open has no offer, and stops no other."""
    request.private_key, request.opened_at = private_key, now
    request.save(update_fields=["private_key", "opened_at"])
    fingerprint = specification(request.version).fingerprint
    requirements = list(request.version.requirement_texts.select_related("requirement"))
    answers = request.latest_answers()
    opened = 0
    for answer in answers:
        try:
            grid = _grid_of(answer, private_key, fingerprint)
            with transaction.atomic():
                _make_offer(answer, grid, requirements, now)
        except (SealingError, NotAnAnswer, DatabaseError):
            continue
        opened += 1
    subject = f"{len(answers)} réponses, dont {opened} lisibles"
    RegisterEntry.objects.create(request=request, kind=RegisterKind.OPENING, profile_id=principal.profile_id, subject=subject)
    receive_answers(principal, request.need)
    tell(principal, request, "request_opened", reverse("offers:compare", args=[request.id]))
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="request.open",
        subject=f"request:{request.id}",
        answers=len(answers),
        opened=opened,
    )


def _grid_of(answer: SealedAnswer, private_key: bytes, fingerprint: str) -> Grid:
    context = answer_context(answer.request_id, answer.institution_id, answer.revision)
    return from_bytes(sealing.open_sealed(private_key, bytes(answer.blob), context), fingerprint)


def _make_offer(answer: SealedAnswer, grid: Grid, requirements: list[RequirementText], now: datetime) -> None:
    company = grid.company
    offer = Offer.unscoped.create(
        institution_id=answer.institution_id,
        request_id=answer.request_id,
        sealed=answer,
        product=company.product,
        summary=company.summary,
        zone=company.zone or "",
        processor=company.processor,
        no_training=company.no_training,
        no_training_date=company.no_training_date,
        no_training_document=company.no_training_document,
        accessibility=company.accessibility,
        reversibility=company.reversibility,
        opened_at=now,
    )
    lines = ((one, grid.line(one.requirement.code)) for one in requirements)
    ConformityLine.objects.bulk_create(
        ConformityLine(
            offer=offer,
            requirement=requirement,
            code=line.code or "",
            proof=line.proof,
            available_date=line.available_date,
            comment=line.comment,
        )
        for requirement, line in lines
    )
    PriceLine.objects.bulk_create(
        PriceLine(
            offer=offer,
            label=price.label,
            unit=price.unit,
            amount_nano=price.amount_nano,
            tier_from=price.tier_from,
            valid_from=price.valid_from,
            valid_until=price.valid_until,
        )
        for price in grid.prices
    )
