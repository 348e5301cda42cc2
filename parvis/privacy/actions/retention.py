"""The clocks: what each institution keeps for how long, and the removal of what is older."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.audit.personal import expire_said
from parvis.identity.models import Source
from parvis.institutions.models import Institution, Profile
from parvis.privacy.actions.people import erase_departed
from parvis.privacy.clocks import BY_CODE, CLOCKS, Clock
from parvis.privacy.declarations import expires
from parvis.privacy.models import Retention, RetentionRun, RightKind, RightRequest

BATCH = 200  # rows removed in one go: other writers come in between
ABANDONED = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Kept:
    """A clock as an institution has set it."""

    clock: Clock
    days: int

    @property
    def is_default(self) -> bool:
        return self.days == self.clock.days


def retention_of(institution_id: int) -> list[Kept]:
    chosen = dict(Retention.unscoped.filter(institution=institution_id).values_list("code", "days"))
    return [Kept(clock, chosen.get(clock.code, clock.days)) for clock in CLOCKS]


@transaction.atomic
def choose_retention(principal: Principal, days: Mapping[str, int]) -> None:
    """In days by class, each within the limits of its clock; what is as Parvis proposes is not stored."""
    before = {kept.clock.code: kept.days for kept in retention_of(principal.institution_id)}
    for clock in CLOCKS:
        number = days[clock.code]
        if not clock.shortest <= number <= clock.longest:
            raise ValueError(clock.code)
        rows = Retention.unscoped.filter(institution=principal.institution_id, code=clock.code)
        if number == clock.days:
            rows.delete()
        elif not rows.update(days=number):
            Retention.unscoped.create(institution_id=principal.institution_id, code=clock.code, days=number)
    changed = {code: [before[code], number] for code, number in days.items() if before[code] != number}
    if changed:
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="retention.edit",
            subject=f"institution:{principal.institution_id}",
            days=changed,
        )


def due_institutions(now: datetime) -> list[int]:
    """Those whose clocks did not finish today."""
    done = RetentionRun.unscoped.filter(day=timezone.localdate(now), finished_at__isnull=False)
    return list(Institution.objects.exclude(id__in=done.values("institution")).order_by("id").values_list("id", flat=True))


def apply_retention(institution_id: int, *, now: datetime) -> dict[str, int] | None:
    """Removes what is older than each clock says; how many rows by class. None where it was done today already, or another
    worker is at it. Cut short, what it removed stays removed and the rest goes the next time."""
    run = _claim(institution_id, now)
    if run is None:
        return None
    removed: dict[str, int] = {}
    for kept in retention_of(institution_id):
        count = expire(kept.clock.code, institution_id, now - timedelta(days=kept.days))
        if count:
            removed[kept.clock.code] = count
    with transaction.atomic():
        run.removed, run.finished_at = removed, timezone.now()
        run.save(update_fields=["removed", "finished_at"])
        if removed:
            record(
                institution_id=institution_id,
                actor="system:retention",
                action="retention.apply",
                subject=f"institution:{institution_id}",
                removed=removed,
            )
    return removed


def expire(code: str, institution_id: int, before: datetime) -> int:
    """Whatever is older, some at a time."""
    if code == "departed":
        return sum(erase_departed(person_id, institution_id) for person_id in departed(institution_id, before))
    total = 0
    for remove in expires().get(code, []):
        while count := remove(institution_id, before, BATCH):
            total += count
    return total


def expire_alliance(now: datetime) -> int:
    """The evidence of the alliance is nobody's to set a clock for: it follows what Parvis proposes."""
    total, before = 0, now - timedelta(days=BY_CODE["audit"].days)
    while count := expire_said(None, before, BATCH):
        total += count
    return total


def departed(institution_id: int, before: datetime) -> list[int]:
    """People whose last profile here ended before that instant, and who were not erased here since."""
    here = Profile.objects.filter(institution=institution_id).exclude(person__source=Source.ERASED)
    present = here.filter(Q(ended_at=None) | Q(ended_at__gte=before)).values("person")
    since = RightRequest.unscoped.filter(
        institution=institution_id, kind=RightKind.ERASURE, person=OuterRef("person"), answered_at__gte=OuterRef("ended_at")
    )
    left = here.exclude(person__in=present).exclude(Exists(since))
    return sorted(left.values_list("person", flat=True).distinct().order_by("person"))


def _claim(institution_id: int, now: datetime) -> RetentionRun | None:
    run, is_new = RetentionRun.unscoped.get_or_create(
        institution_id=institution_id, day=timezone.localdate(now), defaults={"started_at": now}
    )
    if is_new:
        return run
    abandoned = RetentionRun.unscoped.filter(id=run.id, finished_at=None, started_at__lt=now - ABANDONED)
    return run if abandoned.update(started_at=now) else None
