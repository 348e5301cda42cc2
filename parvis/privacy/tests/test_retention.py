"""Each class of data lasts as long as its clock says, a day less and it is still there."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from conftest import House
from parvis.access.keys.models import ApiKey
from parvis.access.sessions.models import Session
from parvis.assistants.models import Conversation, Signal, State, Turn
from parvis.assistants.statements.models import Asked, Statement
from parvis.audit import actions as evidence
from parvis.audit.models import Entry, SigningKey, record
from parvis.audit.verifier import Key, verify
from parvis.corpora.models import Document, DocumentState
from parvis.federation.models import OpenSession
from parvis.identity.models import Person
from parvis.institutions.models import Notice, Profile
from parvis.ledger.actions.settlement import settle
from parvis.ledger.models import Call
from parvis.ledger.tests.calls import call
from parvis.needs.models import ImportedFile, RawNeed, RawNeedState
from parvis.offers.models import PortfolioFile
from parvis.privacy.actions.retention import (
    apply_retention,
    choose_retention,
    departed,
    due_institutions,
    expire_alliance,
    retention_of,
)
from parvis.privacy.clocks import BY_CODE, CLOCKS
from parvis.privacy.jobs import keep_clocks
from parvis.privacy.models import Retention, RetentionRun, RightKind, RightRequest
from parvis.privacy.tests.conftest import WORD, Canary, make_canary

THEN = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def canary(house: House) -> Canary:
    """All that they did was done THEN."""
    made = make_canary(house, reads=False)
    Turn.unscoped.update(state=State.ANSWERED)
    Conversation.unscoped.update(updated_at=THEN)
    Signal.unscoped.update(created_at=THEN)
    Notice.objects.update(sent_at=THEN)
    Session.objects.update(opened_at=THEN)
    OpenSession.unscoped.update(opened_at=THEN)
    ImportedFile.unscoped.update(received_at=THEN)
    PortfolioFile.unscoped.update(received_at=THEN)
    Document.unscoped.filter(name=f"{WORD}.bin").update(state=DocumentState.FAILED, created_at=THEN)
    Asked.unscoped.update(asked_at=THEN)
    Statement.unscoped.update(made_at=THEN)
    ApiKey.unscoped.update(created_at=THEN - timedelta(days=90), expires_at=THEN)
    RightRequest.unscoped.create(institution=house.institution, person=made.person, kind=RightKind.EXPORT, answered_at=THEN)
    RawNeed.unscoped.filter(state=RawNeedState.DRAFT).update(created_at=THEN, current=None)
    settle([call(house.institution.id, 1, occurred_at=THEN, person_id=made.person.id)])
    return made


LEFT: dict[str, tuple[Callable[[], QuerySet[Any]], ...]] = {
    "conversations": (Conversation.unscoped.all, Turn.unscoped.all),
    "signals": (Signal.unscoped.all,),
    "sessions": (Session.objects.all, OpenSession.unscoped.all),
    "notices": (Notice.objects.all,),
    "uploads": (
        ImportedFile.unscoped.all,
        PortfolioFile.unscoped.all,
        lambda: Document.unscoped.filter(state=DocumentState.FAILED),
        lambda: Document.unscoped.filter(name=f"{WORD}.bin"),
    ),
    "drafts": (lambda: RawNeed.unscoped.filter(state=RawNeedState.DRAFT),),
    "requests": (RightRequest.unscoped.all,),
    "statements": (Asked.unscoped.all, Statement.unscoped.all),
    "keys": (ApiKey.unscoped.all,),
    "usage": (lambda: Call.unscoped.exclude(person_id=None),),
    "departed": (lambda: Person.objects.filter(display_name__contains=WORD),),
}


@pytest.mark.parametrize("code", LEFT)
def test_what_is_older_than_its_clock_is_gone_and_not_a_day_before(house: House, canary: Canary, code: str) -> None:
    if code == "departed":
        Profile.objects.filter(person=canary.person).update(ended_at=THEN)
    limit = THEN + timedelta(days=BY_CODE[code].days)
    if code == "signals":  # they would go with the conversation they are from
        Conversation.unscoped.update(updated_at=limit)
    counts = [rows().count() for rows in LEFT[code]]
    assert all(counts), "what the clock removes must be there first"

    apply_retention(house.institution.id, now=limit - timedelta(days=1))
    assert [rows().count() for rows in LEFT[code]] == counts

    removed = apply_retention(house.institution.id, now=limit + timedelta(minutes=1))
    assert [rows().count() for rows in LEFT[code]] == [0] * len(counts)
    assert removed is not None
    assert removed[code] >= 1
    run = RetentionRun.unscoped.filter(institution=house.institution).first()
    assert run is not None
    assert run.removed == removed
    assert Entry.objects.filter(action="retention.apply").latest("id").details == {"removed": removed}


def test_evidence_says_no_more_after_its_clock_and_its_proofs_still_hold(house: House) -> None:
    for institution_id in (house.institution.id, house.neighbour_institution.id, None):
        record(institution_id=institution_id, actor="person:7", action="corpus.create", subject="corpus:1")
        evidence.integrate(institution_id)
    here = Entry.objects.get(institution_id=house.institution.id)
    proof = evidence.proof(here)
    key = Key.read(SigningKey.objects.get().key)
    now = timezone.now() + timedelta(days=BY_CODE["audit"].days)

    apply_retention(house.institution.id, now=now - timedelta(days=1))
    assert not Entry.objects.get(id=here.id).is_erased
    removed = apply_retention(house.institution.id, now=now + timedelta(minutes=1))
    expire_alliance(now + timedelta(minutes=1))

    assert removed == {"audit": 1}
    here = Entry.objects.get(id=here.id)
    assert (here.is_erased, here.actor, here.subject, here.details) == (True, "", "", {})
    assert not Entry.objects.get(institution_id=house.neighbour_institution.id).is_erased, "its own clock has not run"
    assert Entry.objects.filter(institution_id=None).order_by("id")[0].is_erased
    assert verify(io.BytesIO(json.dumps(proof).encode()), key).holds, "the proof made before"
    evidence.integrate(house.institution.id)
    whole = "".join(evidence.export(evidence.log_of(house.institution.id)))
    result = verify(io.BytesIO(whole.encode()), key)
    assert result.holds
    assert result.entries == Entry.objects.filter(institution_id=house.institution.id).count() >= 3
    assert "person:7" not in whole


def test_every_clock_is_tried() -> None:
    assert LEFT.keys() | {"audit"} == BY_CODE.keys()


def test_an_institution_keeps_less_and_its_neighbour_is_not_concerned(house: House, canary: Canary) -> None:
    principal = house.principal(house.administrator)
    choose_retention(principal, {clock.code: clock.days for clock in CLOCKS} | {"notices": 30})
    assert {kept.clock.code for kept in retention_of(house.institution.id) if not kept.is_default} == {"notices"}
    Notice.objects.create(profile=house.neighbour_teacher, code="workshop_opened", params={}, address="/")
    Notice.objects.update(sent_at=THEN)
    now = THEN + timedelta(days=31)
    for institution in (house.institution, house.neighbour_institution):
        apply_retention(institution.id, now=now)
    assert list(Notice.objects.values_list("profile", flat=True)) == [house.neighbour_teacher.id]
    choose_retention(principal, {clock.code: clock.days for clock in CLOCKS})
    assert not Retention.unscoped.exists()
    edits = Entry.objects.filter(action="retention.edit").order_by("id").values_list("details", flat=True)
    assert list(edits) == [{"days": {"notices": [183, 30]}}, {"days": {"notices": [30, 183]}}]


@pytest.mark.parametrize("days", [0, 6, 4000])
def test_a_duration_out_of_its_limits_is_refused(house: House, days: int) -> None:
    with pytest.raises(ValueError, match="conversations"):
        choose_retention(
            house.principal(house.administrator), {clock.code: clock.days for clock in CLOCKS} | {"conversations": days}
        )
    assert not Retention.unscoped.exists()


def test_the_clocks_run_once_a_day_for_each_institution(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    now = THEN + timedelta(days=10)
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert due_institutions(now) == [house.institution.id, house.neighbour_institution.id]
    keep_clocks(lambda: False)
    assert due_institutions(now) == []
    assert apply_retention(house.institution.id, now=now) is None
    assert due_institutions(now + timedelta(days=1)) == [house.institution.id, house.neighbour_institution.id]


def test_a_day_cut_short_is_taken_up_by_another_worker(house: House) -> None:
    now = THEN + timedelta(days=10)
    apply_retention(house.institution.id, now=now)
    RetentionRun.unscoped.update(finished_at=None)
    assert apply_retention(house.institution.id, now=now + timedelta(minutes=5)) is None
    assert apply_retention(house.institution.id, now=now + timedelta(hours=3)) == {}


def test_who_came_back_or_is_still_here_has_not_departed(house: House, canary: Canary) -> None:
    assert departed(house.institution.id, THEN + timedelta(days=900)) == []
    Profile.objects.filter(person=canary.person).update(ended_at=THEN)
    assert departed(house.institution.id, THEN + timedelta(days=1)) == [canary.person.id]
    Profile.objects.filter(id=canary.teacher.id).update(ended_at=None)
    assert departed(house.institution.id, THEN + timedelta(days=1)) == []


def test_the_departed_are_erased_once(house: House, canary: Canary) -> None:
    Profile.objects.filter(person=canary.person).update(ended_at=THEN)
    Profile.objects.create(institution=house.neighbour_institution, person=canary.person, role="student")
    now = THEN + timedelta(days=400)
    for day in range(3):
        apply_retention(house.institution.id, now=now + timedelta(days=day))
    assert RightRequest.unscoped.filter(kind=RightKind.ERASURE).count() == 1
