"""An institution's word on a version: prepared by who represents it, given by who may commit it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.actions import notify, representatives
from parvis.institutions.models import Role
from parvis.needs.actions.harmonised import Impossible, stable_of
from parvis.needs.models import CoSignature, CoSignatureState, HarmonisedNeed, NeedVersion


@dataclass(frozen=True, slots=True)
class Word:
    """What an institution says; the amounts bind nobody. None is "not said", which is not zero."""

    engagement: str
    students: int | None = None
    users: int | None = None
    envelope_euros: int | None = None
    horizon_date: date | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of what is signed on one version. `said_*`: how many institutions gave the figure."""

    institutions: int
    students: int
    said_students: int
    envelope_euros: int
    said_envelope: int
    pilots: int
    to_confirm: int


def prepare(principal: Principal, need: HarmonisedNeed, word: Word) -> CoSignature:
    """What the signatory will find to sign. A word already signed is left alone until it is withdrawn or signed anew."""
    with transaction.atomic():
        version = _open_version(need)
        row = _row(principal, version)
        if row and row.state == CoSignatureState.VALID:
            raise Impossible("already_signed")
        state = row.state if row and row.state == CoSignatureState.TO_CONFIRM else CoSignatureState.PREPARED
        row = _write(principal, version, word, state=state, prepared_by_id=principal.profile_id)
        address = reverse("needs:cosignature", args=[need.id])
        signatories = representatives([principal.institution_id], Role.SIGNATORY)
        notify(signatories, "cosignature_to_sign", address, but=principal.profile_id, code=need.code)
        _record(principal, "cosignature.prepare", need, version=version.number)
    return row


def sign(principal: Principal, need: HarmonisedNeed, word: Word) -> CoSignature:
    """Gives, confirms or changes the institution's word on the version in force. What a merge asked for stays the merge's:
    undoing it restores the co-signatures of before."""
    with transaction.atomic():
        version = _open_version(need)
        before = _row(principal, version)
        operation = before.operation if before else None
        row = _write(
            principal,
            version,
            word,
            state=CoSignatureState.VALID,
            signed_by_id=principal.profile_id,
            signed_at=timezone.now(),
            withdrawn_at=None,
            operation=operation if operation and not operation.undone_at else None,
        )
        _record(principal, "cosignature.sign", need, version=version.number, engagement=word.engagement)
    return row


def withdraw(principal: Principal, need: HarmonisedNeed) -> None:
    with transaction.atomic():
        version = stable_of(need)
        row = _row(principal, version) if version else None
        if version is None or row is None or row.state == CoSignatureState.WITHDRAWN:
            raise Impossible("nothing_signed")
        row.state, row.withdrawn_at = CoSignatureState.WITHDRAWN, timezone.now()
        row.save(update_fields=["state", "withdrawn_at"])
        _record(principal, "cosignature.withdraw", need, version=version.number)


def totals(cosignatures: Iterable[CoSignature]) -> Totals:
    """Of the rows of one version: distinct institutions, and what those that signed said."""
    rows = list(cosignatures)
    signed = [row for row in rows if row.state == CoSignatureState.VALID]
    students = [row.students for row in signed if row.students is not None]
    envelopes = [row.envelope_euros for row in signed if row.envelope_euros is not None]
    return Totals(
        institutions=len({row.institution_id for row in signed}),
        students=sum(students),
        said_students=len(students),
        envelope_euros=sum(envelopes),
        said_envelope=len(envelopes),
        pilots=sum(row.engagement == "pilot" for row in signed),
        to_confirm=sum(row.state == CoSignatureState.TO_CONFIRM for row in rows),
    )


def _open_version(need: HarmonisedNeed) -> NeedVersion:
    held = HarmonisedNeed.unscoped.select_for_update().get(id=need.id)
    if not held.is_living:
        raise Impossible("merged", need=held.code)
    version = stable_of(held)
    if not held.is_published or version is None:
        raise Impossible("not_open_to_cosignature")
    return version


def _row(principal: Principal, version: NeedVersion) -> CoSignature | None:
    return CoSignature.unscoped.filter(institution_id=principal.institution_id, version=version).first()


def _write(principal: Principal, version: NeedVersion, word: Word, **state: Any) -> CoSignature:
    values = {name: getattr(word, name) for name in Word.__dataclass_fields__} | state
    row, _created = CoSignature.unscoped.update_or_create(
        institution_id=principal.institution_id, version=version, defaults=values
    )
    return row


def _record(principal: Principal, action: str, need: HarmonisedNeed, **details: Any) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"harmonised:{need.id}",
        **details,
    )
