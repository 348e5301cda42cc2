"""An administrator erases somebody who asked for it: what goes and what stays is read first, and nobody is found by that name
any more."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_accessible import ADMINISTRATOR, assert_sound

LIST = """identifiant;prénom;nom;rôle;précision;groupes
bmartel;Basile;Martel;étudiant;L1 Droit;Chorale
"""


def test_somebody_else_is_erased_for_a_reason_that_stays(visit: Visit) -> None:
    page = visit("/personnes/import/", as_=ADMINISTRATOR, width=390)
    page.set_input_files("input[type=file]", {"name": "rentree.csv", "mimeType": "text/csv", "buffer": LIST.encode()})
    page.get_by_role("button", name="Voir ce qu’elle ferait").click()
    page.get_by_role("button", name="Faire l’import").click()
    expect(page.get_by_text("La liste est importée")).to_be_visible()

    page.goto("/administration/donnees/personnes/")
    assert_sound(page)
    page.get_by_role("searchbox").fill("martel")
    page.get_by_role("button", name="Chercher").click()
    page.get_by_role("link", name="Basile Martel").click()
    expect(page.get_by_text("Étudiant·e, L1 Droit")).to_be_visible()
    erasure = page.get_by_role("region", name="Effacer de votre établissement")
    expect(erasure.get_by_text("Ce que l’annuaire de votre établissement dit de vous")).to_be_visible()
    assert_sound(page)
    erasure.get_by_label("Motif").fill("Courrier")
    erasure.get_by_role("button", name="Effacer pour de bon").click()
    expect(erasure.get_by_text("Cochez cette case")).to_be_visible()
    assert_sound(page)
    erasure.get_by_label("Motif").fill("Courrier reçu le 12 novembre")
    erasure.get_by_label(re.compile("l’a demandé")).check()
    erasure.get_by_role("button", name="Effacer pour de bon").click()

    expect(page.get_by_text("Cette personne est effacée de votre établissement")).to_be_visible()
    expect(page.get_by_text("Courrier reçu le 12 novembre")).to_be_visible()
    assert_sound(page)
    for path in ("/personnes/?q=martel", "/administration/donnees/personnes/?q=martel"):
        page.goto(path)
        expect(page.get_by_role("link", name="Basile Martel")).to_have_count(0)
    page.goto("/personnes/")
    expect(page.get_by_text("Personne effacée")).to_have_count(0)
    page.goto("/preuves/")
    expect(page.get_by_role("link", name="Personne effacée").first).to_be_visible()
    assert_sound(page)
