"""What waits for each role, and what the coordination and observers are told of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs import agenda
from parvis.needs.actions import harmonised
from parvis.needs.models import RawNeedState, RawNeedText
from parvis.needs.tests.conftest import Commons

SignIn = Callable[[Profile], Client]
ADDRESS = "/besoins/accueil/"


@pytest.fixture
def observer(commons: Commons) -> Profile:
    office = Institution.objects.create(slug="obs", name="Rectorat", short_name="Rectorat", nature=Nature.OBSERVER)
    return Profile.objects.create(institution=office, person=commons.house.other_student.person, role=Role.OBSERVER)


def test_a_referent_finds_what_to_decide_and_vote_until_it_is_done(commons: Commons, sign_in: SignIn) -> None:
    need = commons.need()
    attachment = harmonised.propose_attachment(commons.coordinator, commons.text(commons.referent), need)
    harmonised.discuss(commons.coordinator, need)
    client = sign_in(commons.representing)
    page = client.get(ADDRESS).content.decode()
    assert "Est-ce notre besoin" in page
    assert "À voter" in page
    harmonised.accept_attachment(commons.referent, attachment)
    harmonised.vote(commons.referent, harmonised.draft_of(need), in_favour=True)  # type: ignore[arg-type]
    done = client.get(ADDRESS).content.decode()
    assert "Est-ce notre besoin" not in done
    assert "À voter" not in done


def test_many_drafts_are_counted_and_a_few_are_listed(
    commons: Commons, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agenda, "MOST_LISTED", 2)
    for _number in range(5):
        commons.text(commons.referent, RawNeedState.DRAFT)
    page = sign_in(commons.representing).get(ADDRESS).content.decode()
    assert 'Brouillons à valider <span class="awaited-count">5</span>' in page
    assert "3 autres dans la liste" in page
    assert f"{reverse('needs:list')}?etat=draft&amp;etablissement=ici" in page


def test_the_coordination_reads_who_has_not_answered(commons: Commons, sign_in: SignIn) -> None:
    need = commons.need()
    harmonised.propose_attachment(commons.coordinator, commons.text(commons.referent), need)
    harmonised.discuss(commons.coordinator, need)
    harmonised.vote(commons.referent, harmonised.draft_of(need), in_favour=True)  # type: ignore[arg-type]
    page = sign_in(commons.coordinating).get(ADDRESS).content.decode()
    assert "à décider\u00a0:</span> Ici<" in page
    assert "à voter\u00a0:</span> Là-bas<" in page
    assert "Adoptés par un vote" in page


def test_an_observer_reads_domains_of_three_institutions_only(commons: Commons, sign_in: SignIn, observer: Profile) -> None:
    third = Institution.objects.create(slug="autre", name="Autre", short_name="Autre")
    elsewhere = Profile.objects.create(institution=third, person=commons.house.other_teacher.person, role=Role.REFERENT)
    writers = (commons.referent, commons.neighbour, commons.house.principal(elsewhere))
    for number, principal in enumerate(writers):
        _of_domain(commons, principal, "Scolarité")
        if number < 2:
            _of_domain(commons, principal, "Laboratoires")
    page = sign_in(observer).get(ADDRESS).content.decode()
    assert "Scolarité" in page
    assert "Laboratoires" not in page
    assert "Est-ce notre besoin" not in page


def test_a_dashboard_is_for_the_alliance(commons: Commons, sign_in: SignIn) -> None:
    assert sign_in(commons.house.student).get(ADDRESS).status_code == 404
    assert Client().get(ADDRESS).status_code == 302
    assert "Rien ne vous attend" in sign_in(commons.house.teacher).get(reverse("needs:dashboard")).content.decode()


def _of_domain(commons: Commons, principal: object, domain: str) -> None:
    text = commons.text(principal)  # type: ignore[arg-type]
    words = {"title": text.title, "text": text.text, "written_by": text.written_by, "institution": text.institution}
    text.need.current = RawNeedText.unscoped.create(need=text.need, number=2, domain=domain, **words)
    text.need.save()
