"""The administrator's pages: what a provider promised, where data may go, what a change changes, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.access.middleware import principal_of
from parvis.audit.models import Entry
from parvis.inference import door
from parvis.inference.models import Attestation, LanguageModel, Provider, RoutingMatrix
from parvis.inference.tests.conftest import attest
from parvis.institutions.models import Institution, Profile

SignIn = Callable[[Profile], Client]
ROUTING, SAVING, WHY = (reverse(f"inference:{name}") for name in ("routing", "routing_versions", "routing_why"))
USUAL = {"public": "world", "internal": "eu", "personal": "eu", "sensitive": "on_prem"}


@pytest.fixture
def model(house: House) -> LanguageModel:
    here = {"institution": house.institution, "name": "Nuage", "base_url": "https://nuage.example/v1", "zone": "eu"}
    provider = attest(Provider.unscoped.create(**here))
    return LanguageModel.unscoped.create(
        institution=house.institution, provider=provider, name="m", display_name="Modèle du nuage", alias="nuage"
    )


def asked(**values: Any) -> dict[str, Any]:
    return USUAL | {"default_class": "internal", "number": 0} | values


def test_what_was_changed_meanwhile_or_makes_no_sense_is_not_saved(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    assert administrator.post(ROUTING, asked(sensitive="world", personal="fr")).status_code == 422
    assert administrator.post(ROUTING, asked(personal="mars")).status_code == 422
    administrator.post(SAVING, asked(reason="un"))
    administrator.post(SAVING, asked(reason="deux", personal=""))
    assert [row.reason for row in RoutingMatrix.unscoped.all()] == ["un"]
    administrator.post(SAVING, asked(reason="deux", personal="", sensitive="", number=1, default_class="personal"))
    assert [row.reason for row in RoutingMatrix.unscoped.all()] == ["deux", "un"]
    assert Institution.objects.get(id=house.institution.id).data_class == "personal"
    page = administrator.get(ROUTING)
    assert page.context["form"].initial["personal"] == ""


def test_the_dry_run_says_what_is_about_to_be_saved(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    page = administrator.post(ROUTING, asked(personal="on_prem", sensitive="on_prem", default_class="personal"))
    assert page.context["edits"] == [
        ("Données personnelles", "les serveurs de l’établissement seulement", "jusque dans l’Union européenne"),
        (
            "Ce qui ne dit rien de soi est",
            "personnelles\xa0: sur des personnes identifiées",
            "internes\xa0: pour l’établissement",
        ),
    ]
    assert "Jusqu’ici\xa0: jusque dans l’Union européenne." in page.content.decode()
    assert "Rien ne diffère de ce qui est en vigueur." in administrator.post(ROUTING, asked()).content.decode()


def test_why_names_the_line_that_decides(house: House, sign_in: SignIn, model: LanguageModel) -> None:
    administrator = sign_in(house.administrator)

    def why(data_class: str) -> Any:
        page = administrator.get(WHY, {"classe": data_class, "modele": str(model.id)})
        [verdict] = page.context["verdicts"]
        return verdict, page.content.decode().replace("\xa0", " ")

    verdict, page = why("personal")
    assert (verdict.allowed, verdict.by_matrix) == (True, True)
    assert "du tableau par lequel tout établissement commence" in page
    verdict, page = why("sensitive")
    assert not verdict.allowed
    assert "ne laisse pas des données sensibles être traitées dans l’Union européenne" in page
    administrator.post(SAVING, asked(personal="fr", reason="Avis du DPO"))
    verdict, page = why("personal")
    assert not verdict.allowed
    assert "de la version 1" in page
    assert "Avis du DPO" in page
    Attestation.unscoped.all().delete()
    verdict, page = why("public")
    assert (verdict.allowed, verdict.by_matrix) == (False, False)
    assert "pas d’attestation datée" in page


def test_an_attestation_is_recorded_with_its_document_and_given_back_as_it_is(
    house: House, sign_in: SignIn, model: LanguageModel
) -> None:
    Attestation.unscoped.all().delete()
    administrator, page = sign_in(house.administrator), reverse("inference:attestation", args=[model.id])
    today = timezone.localdate()
    assert "rien n’est envoyé" in administrator.get(reverse("inference:list")).content.decode()
    assert administrator.post(page, {"attested_date": today}).status_code == 422
    for wrong in ({"attested_date": today + timedelta(days=1)}, {"until_date": today - timedelta(days=9)}):
        document = SimpleUploadedFile("clause.pdf", b"%PDF")
        assert administrator.post(page, {"attested_date": today, "document": document} | wrong).status_code == 422
    document = SimpleUploadedFile("clause <12>.pdf", b"%PDF-1.7 clause")
    assert administrator.post(page, {"attested_date": today, "document": document}).status_code == 302
    assert door.admit(principal_of(house.teacher), inputs=["internal"], purpose="course")
    row = Attestation.unscoped.get()
    given = administrator.get(reverse("inference:attestation_document", args=[row.id]))
    assert given.content == b"%PDF-1.7 clause"
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert given.headers["Content-Type"] == "application/octet-stream"
    [entry] = Entry.objects.filter(action="model.attest")
    assert entry.details["document"] == row.digest
    assert sign_in(house.teacher).get(reverse("inference:attestation_document", args=[row.id])).status_code == 404


def test_a_distant_provider_is_not_declared_in_its_place(house: House, sign_in: SignIn) -> None:
    """The tick is about one's own servers."""
    values = {
        "provider_name": "Nuage",
        "kind": "openai",
        "base_url": "https://nuage.example/v1",
        "zone": "fr",
        "name": "m",
        "display_name": "Modèle du nuage",
        "purpose": "chat",
        "declares": "on",
        "try": "1",
    }
    response = sign_in(house.administrator).post(reverse("inference:add"), values)
    model = LanguageModel.unscoped.get()
    assert response["Location"] == reverse("inference:attestation", args=[model.id])
    assert not Attestation.unscoped.exists()
    assert (model.alias, model.capabilities) == ("modele-du-nuage", [])
