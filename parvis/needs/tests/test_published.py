"""What anybody reads, signed in or not: published words and who signed them, and nothing of what led there."""

from __future__ import annotations

import pytest
from django.test import Client

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


def test_what_is_not_published_is_not_found(commons: Commons) -> None:
    hidden = commons.need("Pas encore")
    commons.stable(hidden)
    for number in (hidden.number, 99999999999999999999999999):
        assert Client().get(f"/public/besoins/{number}/").status_code == 404
    assert "Pas encore" not in Client().get("/public/besoins/").content.decode()
    assert Client().get("/public/besoins/export.json").json() == {"needs": []}
