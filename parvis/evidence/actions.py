"""Watching and being watched, exporting, and reading what others wrote with a reason that is shown to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit import actions as audit
from parvis.audit.models import Entry, Log, record
from parvis.audit.verifier import Key, Unreadable
from parvis.evidence.exchange import (
    Countersigned,
    Forked,
    Get,
    Seen,
    Shrunk,
    Unsigned,
    countersignature,
    digest_of,
    look,
)
from parvis.evidence.models import Consultation, Watch, Witness
from parvis.federation.failure import SignInError
from parvis.federation.outbound import Outbound
from parvis.institutions.actions import notify
from parvis.institutions.models import Profile
from parvis.isolation.scope import everywhere

if TYPE_CHECKING:
    from parvis.identity.models import Person

log = logging.getLogger("parvis.evidence")
CONSULTATION = timedelta(hours=1)


# Logs


def log_for(principal: Principal, *, alliance: bool = False) -> Log:
    """That of their institution, or of the alliance for who coordinates it."""
    return audit.log_of(None if alliance and principal.may("alliance:edit") else principal.institution_id)


def export(principal: Principal, row: Log) -> Iterator[str]:
    """The lines of a file that can be verified without Parvis; that it was exported is its latest entry."""
    _record(principal, row, "evidence.export", f"log:{row.id}")
    audit.integrate(row.institution_id)
    row.refresh_from_db()
    return audit.export(row, _testimonies(row))


def table(principal: Principal, row: Log, entries: Any) -> Any:
    """The rows for a table that people read; that they were taken out is an entry."""
    _record(principal, row, "evidence.table", f"log:{row.id}")
    return entries


def prove(principal: Principal, entry: Entry) -> dict[str, Any] | None:
    """The proof of one entry, numbered first when it still waits."""
    row = audit.log_of(entry.institution_id)
    _record(principal, row, "evidence.prove", f"entry:{entry.id}")
    audit.integrate(entry.institution_id)
    entry.refresh_from_db()
    return audit.proof(entry, _testimonies(row))


def _testimonies(row: Log) -> list[dict[str, str]]:
    seen = Witness.unscoped.filter(log=row).exclude(our_note="").exclude(state=Watch.OURS_FORKED)
    return [{"key": one.key, "note": one.our_note} for one in seen]


# Witnesses


def add_witness(principal: Principal, row: Log, *, name: str, address: str, key: str) -> Witness:
    with transaction.atomic():
        witness = Witness.unscoped.create(
            institution_id=principal.institution_id, log=row, name=name, address=address.rstrip("/") + "/", key=key
        )
        _record(principal, row, "witness.add", f"witness:{witness.id}", address=witness.address, key=key)
    return witness


def remove_witness(principal: Principal, witness: Witness) -> None:
    with transaction.atomic():
        details = {"address": witness.address, "state": witness.state, "size": witness.size}
        _record(principal, witness.log, "witness.remove", f"witness:{witness.id}", **details)
        witness.delete()


@everywhere("public pages")
def testimony(name: str, digest: str) -> str:
    """The head of that log that the log of that name countersigned; "" for none."""
    row = Witness.unscoped.filter(log__name=name, origin_digest=digest).exclude(countersigned="").order_by("-size").first()
    return row.countersigned if row else ""


def exchange_due(now: datetime, *, every: timedelta) -> int:
    """Looks at the witnesses that nobody looked at for a while; how many. Two workers look at none twice."""
    done = 0
    for witness in list(Witness.unscoped.due(now - every).select_related("log")):
        if Witness.unscoped.due(now - every).filter(id=witness.id).update(checked_at=now):
            look_at(witness, now=now)
            done += 1
    return done


def look_at(witness: Witness, *, now: datetime, get: Get | None = None) -> None:
    """Asks for the other log's head and for its word on ours, and keeps what holds. A fork is one for ever: what was signed
    was signed, and only removing the witness puts an end to it."""
    get = get or _get(witness.address)
    was, witness.checked_at = witness.state, now
    try:
        if was not in (Watch.FORKED, Watch.OURS_FORKED):
            _keep_head(witness, async_to_sync(look)(get, pinned=Key.read(witness.key), before=witness.head), now)
        ours = [Key.read(row["key"]) for row in audit.keys()]
        seen = async_to_sync(countersignature)(get, origin=witness.log.origin, ours=ours, theirs=Key.read(witness.key))
        if seen:
            _keep_word(witness, seen)
    except Forked as found:
        witness.state, witness.contrary = Watch.FORKED, found.note
    except Unsigned:
        witness.state = Watch.UNSIGNED
    except Shrunk:
        witness.state = Watch.SHRUNK
    except (SignInError, Unreadable, ValueError) as error:
        log.warning("Witness %s: %s", witness.id, error)
        if was not in (Watch.UNSIGNED, Watch.SHRUNK, Watch.FORKED, Watch.OURS_FORKED):
            witness.state = Watch.SILENT
    with transaction.atomic():
        witness.save()
        if witness.state != was and witness.is_alarming:
            record(
                institution_id=witness.log.institution_id,
                actor="system:evidence",
                action="witness.alarm",
                subject=f"witness:{witness.id}",
                state=witness.state,
                size=witness.size,
            )


def _keep_head(witness: Witness, seen: Seen, now: datetime) -> None:
    signer = audit.current_signer()
    witness.state, witness.head, witness.size, witness.seen_at = Watch.HOLDS, seen.note, seen.head.size, now
    witness.origin, witness.origin_digest = seen.head.origin, digest_of(seen.head.origin)
    witness.key = str(seen.key)
    witness.countersigned = signer.countersign(seen.note, seconds=int(now.timestamp()))


def _keep_word(witness: Witness, seen: Countersigned) -> None:
    """What the witness countersigned of our log must be in it: otherwise it is ours that was rewritten."""
    row = witness.log
    row.refresh_from_db()
    if seen.head.size > row.size or audit.root_at(row, seen.head.size) != seen.head.root:
        witness.state, witness.contrary = Watch.OURS_FORKED, seen.note
        return
    witness.our_note, witness.our_size = seen.note, seen.head.size
    witness.our_seen_at = datetime.fromtimestamp(seen.seconds, tz=UTC)


def _get(address: str) -> Get:
    outbound = Outbound(private_hosts=settings.PRIVATE_HOSTS)

    async def get(path: str) -> bytes | None:
        answer = await outbound.get(f"{address}{path}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unreadable(f"status {answer.status}")
        return answer.body

    return get


# Reading what others wrote


def consult(
    principal: Principal, *, kind: str, number: int, person: Person, reason: str, now: datetime | None = None
) -> Consultation:
    """Opens it to this reader for a while. The person is told at once, in the same transaction."""
    now = now or timezone.now()
    with transaction.atomic():
        row = Consultation.unscoped.create(
            institution_id=principal.institution_id,
            reader_id=principal.profile_id,
            person=person,
            kind=kind,
            number=number,
            reason=reason,
            opened_at=now,
            until=now + CONSULTATION,
        )
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="content.consult",
            subject=f"{kind}:{number}",
            consultation=row.id,
            person=person.id,
            reason=reason,
            until=row.until.isoformat(),
        )
        concerned = Profile.objects.filter(institution=principal.institution_id, person=person)
        notify(concerned, "content_consulted", reverse("evidence:consultations"))
    return row


def consultations_of(person_id: int) -> Any:
    """What was read of this person's contents."""
    return Consultation.unscoped.about(person_id)


def _record(principal: Principal, row: Log, action: str, subject: str, **details: Any) -> None:
    record(institution_id=row.institution_id, actor=principal.actor, action=action, subject=subject, **details)
