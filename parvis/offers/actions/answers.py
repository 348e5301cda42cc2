"""A vendor's answer: drafted under its own passphrase, sealed when it is sent.

The key that a passphrase makes goes back to the vendor's browser and comes with each request; nothing here keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.needs.actions.harmonised import specification
from parvis.offers import passphrases, sealing
from parvis.offers.actions.tries import tried
from parvis.offers.answer import Company, Frame, Grid, Line, Price
from parvis.offers.answer_record import NotAnAnswer, from_bytes, to_bytes
from parvis.offers.models import AnswerDraft, RegisterEntry, RegisterKind, RequestForInformation, RequestState, SealedAnswer
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import Context, Cost, Holder, SealingError


class Locked(Exception):
    """The key is not, or no longer, that of the draft: the passphrase is to be typed again."""


def frame_of(request: RequestForInformation) -> Frame:
    return Frame(request.code, specification(request.version))


def start(principal: Principal, request: RequestForInformation, passphrase: str, *, cost: Cost | None = None) -> bytes:
    """An empty draft and the key to it. Raises sealing.WeakPassphraseError."""
    _must_be_published(request)
    holder = sealing.enrol(passphrase, cost or passphrases.COST)
    key = sealing.unlock(passphrase, holder)
    with transaction.atomic():
        if AnswerDraft.unscoped.filter(request=request, institution_id=principal.institution_id).exists():
            raise Impossible("draft_exists")
        AnswerDraft.unscoped.create(
            institution_id=principal.institution_id,
            request=request,
            salt=holder.salt,
            blob=_sealed(Grid(), frame_of(request), _draft_context(principal, request), holder.public_key),
        )
        _record(principal, "answer.start", request)
    return key


def unlock(principal: Principal, draft: AnswerDraft, passphrase: str, *, now: datetime) -> bytes:
    """The key to the draft. Raises Impossible like `tries.tried`."""
    [public_key] = sealing.recipients(bytes(draft.blob))
    return tried(principal, draft, now, lambda: sealing.unlock(passphrase, Holder(public_key, bytes(draft.salt))))


def start_over(principal: Principal, request: RequestForInformation) -> None:
    """For who lost the passphrase: the draft is lost with it, an answer sent stays sent."""
    with transaction.atomic():
        AnswerDraft.unscoped.filter(request=request, institution_id=principal.institution_id).delete()
        _record(principal, "answer.start_over", request)


def read(draft: AnswerDraft, key: bytes, frame: Frame) -> Grid:
    """Raises Locked."""
    context = Context(f"request:{draft.request_id}", f"draft:{draft.institution_id}", 0)
    try:
        return from_bytes(sealing.open_sealed(key, bytes(draft.blob), context), frame.specification.fingerprint)
    except (SealingError, NotAnAnswer, ValueError) as error:
        raise Locked from error


def write(
    principal: Principal, request: RequestForInformation, key: bytes, change: Callable[[Grid], Grid], *, frame: Frame
) -> Grid:
    """The draft as `change` makes it, sealed again. Even after the deadline: nothing typed is lost. Raises Locked."""
    with transaction.atomic():
        draft = _hold(principal, request)
        grid = change(read(draft, key, frame))
        [public_key] = sealing.recipients(bytes(draft.blob))
        draft.blob = _sealed(grid, frame, _draft_context(principal, request), public_key)
        draft.save(update_fields=["blob", "updated_at"])
        _record(principal, "answer.draft", request)
    return grid


def with_lines(grid: Grid, lines: tuple[Line, ...]) -> Grid:
    """Those lines instead of the ones there for the same requirements."""
    new = {line.requirement for line in lines}
    kept = tuple(line for line in grid.lines if line.requirement not in new)
    return replace(grid, lines=tuple(sorted((*kept, *lines), key=lambda line: line.requirement)))


def with_prices(grid: Grid, prices: tuple[Price, ...]) -> Grid:
    return replace(grid, prices=prices)


def with_company(grid: Grid, company: Company) -> Grid:
    return replace(grid, company=company)


def with_workbook(grid: Grid, found: Grid) -> Grid:
    """What a workbook answers, where it is right; where a row is faulty, what was there stays."""
    faulty = {error.sheet for error in found.errors}
    prices: tuple[Price, ...] = grid.prices if "Barème" in faulty else found.prices
    company: Company = grid.company if "Éditeur" in faulty else found.company
    return replace(with_lines(grid, found.lines), prices=prices, company=company)


def submit(principal: Principal, request: RequestForInformation, key: bytes, *, frame: Frame, now: datetime) -> SealedAnswer:
    """Seals the draft to the request's key and to the vendor's own, and forgets what it read. The draft stays as it is.

    Raises Impossible: `late` (which the register keeps), `nothing_answered`, `no_product`, `date_missing`, `already_sent`;
    Locked.
    """
    with transaction.atomic():
        # Held against an opening at the same instant: what comes in is opened with the others, or refused.
        held = RequestForInformation.unscoped.select_for_update(of=("self",)).get(id=request.id)
        is_open = held.state_at(now) in (RequestState.PUBLISHED, RequestState.QUESTIONS_CLOSED)
        answer = _seal(principal, held, key, frame) if is_open else None
    if answer is None:
        _refuse_late(principal, request)
        raise Impossible("late", deadline=request.deadline_at)
    return answer


def reopen(answer: SealedAnswer, key: bytes, frame: Frame) -> Grid:
    """What a vendor sent, for itself. Raises Locked."""
    context = answer_context(answer.request_id, answer.institution_id, answer.revision)
    try:
        return from_bytes(sealing.open_sealed(key, bytes(answer.own_blob), context), frame.specification.fingerprint)
    except (SealingError, NotAnAnswer, ValueError) as error:
        raise Locked from error


def answer_context(request_id: int, vendor_id: int, revision: int) -> Context:
    return Context(f"request:{request_id}", f"vendor:{vendor_id}", revision)


def _seal(principal: Principal, request: RequestForInformation, key: bytes, frame: Frame) -> SealedAnswer:
    draft = _hold(principal, request)
    grid = read(draft, key, frame)
    _must_say_something(grid)
    latest = SealedAnswer.unscoped.filter(request=request, institution_id=principal.institution_id).last()
    if latest and _holds(latest, key, frame, grid):
        raise Impossible("already_sent", revision=latest.revision)
    revision = latest.revision + 1 if latest else 1
    context = answer_context(request.id, principal.institution_id, revision)
    [own_key] = sealing.recipients(bytes(draft.blob))
    blob = _sealed(grid, frame, context, bytes(request.public_key))
    answer = SealedAnswer.unscoped.create(
        institution_id=principal.institution_id,
        request=request,
        revision=revision,
        blob=blob,
        own_salt=bytes(draft.salt),
        own_blob=_sealed(grid, frame, context, own_key),
        sha256=hashlib.sha256(blob).hexdigest(),
        submitted_by_id=principal.profile_id,
    )
    _enter(principal, request, RegisterKind.SUBMISSION, f"Révision {revision}", answer.sha256)
    _record(principal, "answer.submit", request, revision=revision, sha256=answer.sha256)
    return answer


def _refuse_late(principal: Principal, request: RequestForInformation) -> None:
    with transaction.atomic():
        _enter(principal, request, RegisterKind.REFUSAL, "Après la date limite")
        _record(principal, "answer.late", request)


def _holds(answer: SealedAnswer, key: bytes, frame: Frame, grid: Grid) -> bool:
    """The same words already: a button pressed twice, or two people who send at once."""
    try:
        return reopen(answer, key, frame) == grid
    except Locked:  # sent under a former passphrase
        return False


def _must_say_something(grid: Grid) -> None:
    if not any(line.code for line in grid.lines):
        raise Impossible("nothing_answered")
    if not grid.company.product.strip():
        raise Impossible("no_product")
    if undated := [line.requirement for line in grid.lines if line.lacks_its_date]:
        raise Impossible("date_missing", requirements=", ".join(undated))


def _must_be_published(request: RequestForInformation) -> None:
    if not request.published_at:
        raise Impossible("not_published")


def _hold(principal: Principal, request: RequestForInformation) -> AnswerDraft:
    rows = AnswerDraft.unscoped.select_for_update(of=("self",))
    draft: AnswerDraft | None = rows.filter(request=request, institution_id=principal.institution_id).first()
    if draft is None:
        raise Locked
    return draft


def _draft_context(principal: Principal, request: RequestForInformation) -> Context:
    return Context(f"request:{request.id}", f"draft:{principal.institution_id}", 0)


def _sealed(grid: Grid, frame: Frame, context: Context, public_key: bytes) -> bytes:
    return sealing.seal(to_bytes(grid, frame.specification.fingerprint), context, [public_key])


def _enter(principal: Principal, request: RequestForInformation, kind: RegisterKind, subject: str, sha256: str = "") -> None:
    RegisterEntry.objects.create(
        request=request,
        kind=kind,
        recipient_id=principal.institution_id,
        profile_id=principal.profile_id,
        subject=subject,
        sha256=sha256,
    )


def _record(principal: Principal, action: str, request: RequestForInformation, **details: Any) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"request:{request.id}",
        **details,
    )
