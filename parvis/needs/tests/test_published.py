"""What anybody reads, signed in or not: published words and who signed them, and nothing of what led there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs.actions import harmonised
from parvis.needs.models import CoSignature, CoSignatureState, HarmonisedNeed
from parvis.needs.tests.conftest import Commons


@pytest.fixture
def need(commons: Commons) -> HarmonisedNeed:
    """Published, signed by here; there has prepared and not signed. Its next version is being written."""
    need = commons.need()
    commons.attached(need, commons.referent)
    harmonised.add_requirement(commons.coordinator, need, level="P", text="Citer la page")
    version = commons.stable(need)
    harmonised.open_cosignature(commons.coordinator, need)
    commons.signed(version, commons.referent)
    CoSignature.unscoped.filter(version=version).update(envelope_euros=98_765, comment="Entre nous")
    CoSignature.unscoped.create(
        institution=commons.house.neighbour_institution, version=version, state=CoSignatureState.PREPARED
    )
    harmonised.edit_version(commons.coordinator, need, scope="Encore secret")
    return need


def test_a_stranger_reads_the_version_in_force_and_valid_signatures_only(need: HarmonisedNeed) -> None:
    client = Client(headers={"accept-language": "fr"})
    addresses = ("/public/besoins/", f"/public/besoins/{need.number}/", "/public/besoins/export.json")
    pages = [client.get(address).content.decode() for address in addresses]
    for page in pages[1:]:
        assert "Citer la page" in page
        assert "Université d’ici" in page
    for page in pages:
        assert "Assistant de scolarité" in page
        for unsaid in ("Université de là-bas", "98765", "98 765", "Entre nous", "Encore secret", "y compris le soir"):
            assert unsaid not in page


def test_others_than_members_are_told_figures_of_three_institutions_together(
    commons: Commons, need: HarmonisedNeed, sign_in: Callable[[Profile], Client]
) -> None:
    """Vendors read who signed, as everybody does; observers the totals too, once nobody's own can be told from them."""
    outside = {role: sign_in(_outsider(commons, role)) for role in (Role.VENDOR, Role.OBSERVER)}
    address = reverse("needs:harmonised", args=[need.id])
    for client in outside.values():
        page = client.get(address).content.decode()
        assert "Université d’ici" in page
        assert "Personne n’a encore co-signé" not in page
        assert "1 co-signature" in client.get(reverse("needs:harmonised_list")).content.decode()
        for unsaid in ("98\xa0765", "1\xa0000", "98\u202f765", "1\u202f000", "Université de là-bas"):
            assert unsaid not in page
    inside = sign_in(commons.representing).get(address).content.decode()
    assert inside.count("765 €") == 2, "a member reads the total and whose it is"
    for number in range(2):
        other = Institution.objects.create(slug=f"autre-{number}", name="Autre", short_name="Autre")
        theirs = Profile.objects.create(institution=other, person=commons.representing.person, role=Role.SIGNATORY)
        CoSignature.unscoped.create(
            institution=other,
            version=need.versions.get(number=1),
            state=CoSignatureState.VALID,
            students=100,
            signed_by=theirs,
            signed_at=timezone.now(),
        )
    assert "200" in outside[Role.OBSERVER].get(address).content.decode()
    assert "765" not in outside[Role.OBSERVER].get(address).content.decode(), "one institution alone said an envelope"
    assert "200" not in outside[Role.VENDOR].get(address).content.decode()


def _outsider(commons: Commons, role: Role) -> Profile:
    office = Institution.objects.create(slug=role, name="Dehors", short_name="Dehors", nature=Nature(str(role)))
    return Profile.objects.create(institution=office, person=commons.house.other_student.person, role=role)


def test_what_is_not_published_is_not_found(commons: Commons) -> None:
    hidden = commons.need("Pas encore")
    commons.stable(hidden)
    for number in (hidden.number, 99999999999999999999999999):
        assert Client().get(f"/public/besoins/{number}/").status_code == 404
    assert "Pas encore" not in Client().get("/public/besoins/").content.decode()
    assert Client().get("/public/besoins/export.json").json() == {"needs": []}
