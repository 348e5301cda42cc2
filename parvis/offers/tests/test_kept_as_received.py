"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from conftest import House
from parvis.institutions.models import WorkingGroup
from parvis.needs.models import HarmonisedNeed, NeedVersion
from parvis.offers.models import (
    Choice,
    ChoiceState,
    RegisterEntry,
    RegisterKind,
    RequestDocument,
    RequestForInformation,
    SealedAnswer,
)


def test_what_was_sent_and_received_is_neither_changed_nor_deleted(house: House) -> None:
    request = _request(house)
    RequestDocument.objects.create(request=request, name="besoin.pdf", media_type="application/pdf", content=b"1", sha256="1")
    RegisterEntry.objects.create(request=request, kind=RegisterKind.PUBLICATION, subject="besoin.pdf")
    SealedAnswer.unscoped.create(
        institution=house.institution, request=request, revision=1, blob=b"1", sha256="1", submitted_by=house.teacher
    )
    for rows, change in (
        (RequestDocument.objects.all(), {"name": "autre.pdf"}),
        (RegisterEntry.objects.all(), {"subject": "autre.pdf"}),
        (SealedAnswer.unscoped.all(), {"blob": b"2"}),
    ):
        with pytest.raises(DatabaseError, match="kept as received"), transaction.atomic():
            rows.update(**change)
        with pytest.raises(DatabaseError, match="kept as received"), transaction.atomic():
            rows._raw_delete(rows.db)
        assert rows.count() == 1


def test_an_institution_declines_with_a_reason_and_chooses_an_offer(house: House) -> None:
    need = _request(house).need
    choice = Choice(institution=house.institution, need=need, prepared_by=house.teacher)
    for state, reason in ((ChoiceState.DECLINED, ""), (ChoiceState.CHOSEN, "parce que")):
        choice.state, choice.reason = state, reason
        with pytest.raises(DatabaseError), transaction.atomic():
            choice.save()
    choice.state = ChoiceState.DECLINED
    choice.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        Choice.unscoped.create(institution=house.institution, need=need, prepared_by=house.teacher, state=ChoiceState.STUDIED)


def _request(house: House) -> RequestForInformation:
    group = WorkingGroup.objects.create(slug="pedagogie", name="Pédagogie")
    need = HarmonisedNeed.unscoped.create(number=1, working_group=group, created_by=house.teacher)
    version = NeedVersion.objects.create(need=need, title="Assistant", description="…", written_by=house.teacher)
    now = timezone.now()
    return RequestForInformation.unscoped.create(
        number=1,
        need=need,
        version=version,
        title="Assistants de cours",
        questions_until=now + timedelta(days=10),
        deadline_at=now + timedelta(days=20),
        created_by=house.teacher,
    )
