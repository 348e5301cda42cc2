"""The needs commons as its people go through it: a referent, a coordinator, a signatory, a vendor, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.test_accessible import faults

REFERENT = "Gwenaëlle Morvan"
SIGNATORY = "Philippe Kerjean"
NEIGHBOUR = "Élodie Marchal"
COORDINATOR = "Nadia Roussel"
OBSERVER = "Hugo Lemaire"
VENDOR = "Thomas Vidal"
RIVAL = "Amandine Cottin"
SCREENS = pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])

# Each page by where it is, or by the text of a link of the page before it.
PAGES = {
    "": ["/public/besoins/", "/public/besoins/1/"],
    REFERENT: [
        "/besoins/",
        "/besoins/1/",
        "/besoins/1/rattachement/",
        "/besoins/accueil/",
        "/besoins-harmonises/",
        "/besoins-harmonises/1/",
        "/besoins-harmonises/8/",
        "/ateliers/",
        "/ateliers/2/",
        "/sondages/",
        "/sondages/1/",
        "/sondages/1/offres/",
        "/sondages/1/registre/",
        "/sondages/2/ouverture/",
        "/besoins-harmonises/1/dossier/",
        "/choix/",
        "/choix/1/",
        "/offres/1/references/",
        "/portefeuille/",
        "/portefeuille/1/",
        "/portefeuille/import/",
        "/portefeuille/recouvrements/",
        "/portefeuille/seuils/",
    ],
    SIGNATORY: ["/besoins/accueil/", "/besoins-harmonises/4/co-signature/", "/choix/1/offres/1/decision/", "/conventions/"],
    COORDINATOR: [
        "/besoins/accueil/",
        "/ateliers/2/",
        "/alliance/",
        "/alliance/groupes/pedagogie/",
        "/alliance/etablissements/rennes/",
        "/alliance/recouvrements/",
        "/alliance/seuils/",
        "/sondages/3/",
        "/sondages/nouveau/5/",
    ],
    OBSERVER: ["/besoins/accueil/", "/besoins-harmonises/1/"],
    VENDOR: ["/editeur/", "/editeur/sondages/3/", "/sondages/3/", "/offres/2/references/", "/besoins-harmonises/1/"],
}


@SCREENS
@pytest.mark.parametrize("who", PAGES)
def test_each_page_is_accessible(visit: Visit, who: str, width: int, dark: bool) -> None:
    page = visit("/", as_=re.compile(who) if who else None, width=width, dark=dark)
    found: list[str] = []
    for path in PAGES[who]:
        response = page.goto(path)
        status = response.status if response else 0
        found += [f"{path} {status}"] if status != 200 else [f"{path} {fault}" for fault in faults(page)]
    assert found == [], "\n".join(found)
