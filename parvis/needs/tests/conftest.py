"""A working group of two institutions and the coordination: what tests of the commons start from."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conftest import House
from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Profile, Role, WorkingGroup
from parvis.needs.actions import harmonised as actions
from parvis.needs.models import (
    Attachment,
    CoSignature,
    CoSignatureState,
    HarmonisedNeed,
    NeedVersion,
    RawNeed,
    RawNeedState,
    RawNeedText,
)

TEXT = "Un assistant qui répond aux étudiants, y compris le soir. Il passe la main à un humain."


@dataclass(frozen=True)
class Commons:
    house: House
    group: WorkingGroup
    coordinating: Profile
    representing: Profile  # the house's institution, in the working group
    coordinator: Principal
    referent: Principal  # representing
    neighbour: Principal  # the neighbour institution's referent, in the working group too

    def text(self, principal: Principal, state: RawNeedState = RawNeedState.PUBLISHED) -> RawNeedText:
        need = RawNeed.unscoped.create(institution_id=principal.institution_id, author_id=principal.profile_id, state=state)
        text = RawNeedText.unscoped.create(
            institution_id=principal.institution_id,
            need=need,
            title="Assistant",
            text=TEXT,
            written_by_id=principal.profile_id,
        )
        RawNeed.unscoped.filter(id=need.id).update(current=text)
        return text

    def need(self, title: str = "Assistant de scolarité") -> HarmonisedNeed:
        return actions.propose(self.coordinator, working_group=self.group, title=title, description="Répondre aux étudiants.")

    def attached(self, need: HarmonisedNeed, principal: Principal) -> Attachment:
        attachment = actions.propose_attachment(self.coordinator, self.text(principal), need)
        actions.accept_attachment(principal, attachment)
        return Attachment.unscoped.get(id=attachment.id)

    def stable(self, need: HarmonisedNeed) -> NeedVersion:
        version = actions.start_version(self.coordinator, need)
        actions.vote(self.referent, version, in_favour=True)
        return actions.stabilise(self.coordinator, need)

    def signed(self, version: NeedVersion, principal: Principal) -> CoSignature:
        return CoSignature.unscoped.create(
            institution_id=principal.institution_id,
            version=version,
            state=CoSignatureState.VALID,
            students=1_000,
            signed_by_id=principal.profile_id,
            signed_at=version.stabilised_at,
        )


@pytest.fixture
def commons(house: House) -> Commons:
    group = WorkingGroup.objects.create(slug="pedagogie", name="Pédagogie")
    alliance = Institution.objects.create(
        slug="alliance", name="L’alliance", short_name="Alliance", nature=Nature.COORDINATION
    )
    referent = _profile(house.institution, house.teacher, Role.REFERENT)
    neighbour = _profile(house.neighbour_institution, house.neighbour_teacher, Role.REFERENT)
    group.profiles.add(referent, neighbour)
    coordinating = _profile(alliance, house.administrator, Role.COORDINATOR)
    return Commons(
        house=house,
        group=group,
        coordinating=coordinating,
        representing=referent,
        coordinator=house.principal(coordinating),
        referent=house.principal(referent),
        neighbour=house.principal(neighbour),
    )


def _profile(institution: Institution, like: Profile, role: Role) -> Profile:
    return Profile.objects.create(institution=institution, person=like.person, role=role)
