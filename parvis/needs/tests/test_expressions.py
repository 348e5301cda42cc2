"""Raw needs, as a writer, a referent, a signatory, the coordination and the neighbours meet them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from conftest import House, _profile
from parvis.access.middleware import principal_of
from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs.actions import expressions as actions
from parvis.needs.actions.expressions import Words
from parvis.needs.models import RawNeed, RawNeedState, RawNeedText

SignIn = Callable[[Profile], Client]
WORDS = {
    "title": "Répondre aux questions d’inscription le soir",
    "text": "Les étudiants demandent le soir quand s’inscrire ; personne ne leur répond avant le lendemain.",
}


@dataclass(frozen=True)
class Commons:
    house: House
    writer: Profile
    referent: Profile
    signatory: Profile
    neighbour: Profile
    neighbour_referent: Profile
    coordinator: Profile


@pytest.fixture
def commons(house: House) -> Commons:
    alliance = Institution.objects.create(
        slug="alliance", name="L’alliance", short_name="Alliance", nature=Nature.COORDINATION
    )
    return Commons(
        house=house,
        writer=house.teacher,
        referent=_profile(house.institution, "Référente d’ici", Role.REFERENT),
        signatory=_profile(house.institution, "Vice-présidente d’ici", Role.SIGNATORY),
        neighbour=house.neighbour_teacher,
        neighbour_referent=_profile(house.neighbour_institution, "Référent voisin", Role.REFERENT),
        coordinator=_profile(alliance, "Coordinatrice", Role.COORDINATOR),
    )


def write(profile: Profile, state: RawNeedState = RawNeedState.DRAFT, **words: str) -> RawNeed:
    need = actions.write_need(principal_of(profile), Words(**{**WORDS, **words}))
    referent = Profile.objects.filter(institution=need.institution, role=Role.REFERENT).first() or profile
    if state != RawNeedState.DRAFT:
        actions.validate_need(principal_of(referent), need)
    if state in (RawNeedState.PUBLISHED, RawNeedState.ARCHIVED):
        actions.publish_need(principal_of(referent), need)
    if state == RawNeedState.ARCHIVED:
        actions.archive_need(principal_of(referent), need)
    need.refresh_from_db()
    return need


def test_a_need_is_written_listed_and_read(commons: Commons, sign_in: SignIn) -> None:
    client = sign_in(commons.writer)
    written = client.post(reverse("needs:new"), WORDS)
    need = RawNeed.unscoped.get()
    assert (written.status_code, written["Location"]) == (302, reverse("needs:detail", args=[need.id]))
    assert (need.state, need.institution_id, need.on_behalf) == ("draft", commons.writer.institution_id, False)
    for address in (reverse("needs:list"), reverse("needs:detail", args=[need.id])):
        assert WORDS["title"] in client.get(address).content.decode()
