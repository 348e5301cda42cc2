"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from conftest import House
from parvis.institutions.models import WorkingGroup
from parvis.needs.models import (
    Attachment,
    AttachmentState,
    HarmonisedNeed,
    NeedVersion,
    RawNeed,
    RawNeedText,
    Requirement,
    RequirementText,
)


def test_the_words_of_a_need_are_never_changed(house: House) -> None:
    text = _text(house)
    with pytest.raises(DatabaseError, match="kept as written"), transaction.atomic():
        RawNeedText.unscoped.filter(id=text.id).update(text="Autre chose")


def test_a_stabilised_version_and_its_requirements_are_never_changed(house: House) -> None:
    version = _version(house)
    requirement = Requirement.objects.create(need=version.need, number=1)
    line = RequirementText.objects.create(requirement=requirement, version=version, text="Répondre en français")
    RequirementText.objects.filter(id=line.id).update(text="Répondre en français et en anglais")
    NeedVersion.objects.filter(id=version.id).update(stabilised_at=timezone.now())
    changes: tuple[Callable[[], object], ...] = (
        lambda: RequirementText.objects.filter(id=line.id).update(text="Répondre en latin"),
        lambda: NeedVersion.objects.filter(id=version.id).update(title="Autre"),
        lambda: NeedVersion.objects.filter(id=version.id).update(stabilised_at=None),
    )
    for change in changes:
        with pytest.raises(DatabaseError, match="kept as written"), transaction.atomic():
            change()


def test_nothing_is_accepted_without_a_named_person(house: House) -> None:
    text, version = _text(house), _version(house)
    attachment = Attachment.unscoped.create(
        institution=house.institution, text=text, end=5, harmonised=version.need, proposed_by=house.teacher
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        Attachment.unscoped.filter(id=attachment.id).update(state=AttachmentState.ACCEPTED)


def _text(house: House) -> RawNeedText:
    need = RawNeed.unscoped.create(institution=house.institution, author=house.teacher)
    return RawNeedText.unscoped.create(
        institution=house.institution, need=need, title="Un assistant", text="Un assistant pour tous", written_by=house.teacher
    )


def _version(house: House) -> NeedVersion:
    group = WorkingGroup.objects.create(slug="pedagogie", name="Pédagogie")
    need = HarmonisedNeed.unscoped.create(number=1, working_group=group, created_by=house.teacher)
    return NeedVersion.objects.create(need=need, title="Assistant de cours", description="…", written_by=house.teacher)
