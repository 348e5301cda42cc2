"""An administrator imports a list, follows one person of it, and gives somebody a second profile, which they switch to."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_accessible import ADMINISTRATOR, assert_sound

KARIM = re.compile("Karim Benali")  # nobody else’s session in these tests
LIST = """identifiant;prénom;nom;rôle;précision;groupes
alavoine;Alice;Lavoine;étudiante;L1 Droit;Chorale
;Sans;Identifiant;étudiant;;
"""


def test_a_list_is_seen_before_it_is_imported_and_its_people_are_found(visit: Visit) -> None:
    page = visit("/personnes/import/", as_=ADMINISTRATOR, width=390)
    page.set_input_files("input[type=file]", {"name": "liste.csv", "mimeType": "text/csv", "buffer": LIST.encode("cp1252")})
    page.get_by_role("button", name="Voir ce qu’elle ferait").click()
    expect(page.get_by_text("est vide : remplissez cette cellule")).to_be_visible()
    assert_sound(page)
    page.get_by_role("button", name="Faire l’import").click()
    expect(page.get_by_text("La liste est importée")).to_be_visible()
    assert_sound(page)
    page.get_by_role("link", name="Voir les personnes").click()
    page.get_by_label("Nom ou identifiant").fill("ALICE lav")
    page.get_by_role("button", name="Chercher").click()
    page.get_by_role("link", name="Alice Lavoine").click()
    expect(page.get_by_role("link", name="Chorale")).to_be_visible()
    assert_sound(page)
    page.get_by_role("button", name="Suspendre").click()
    expect(page.get_by_text("suspendue ici")).to_be_visible()
    assert_sound(page)
    page.get_by_role("button", name="Rétablir").last.click()
    expect(page.get_by_text("peut de nouveau se connecter")).to_be_visible()
    page.get_by_role("link", name="Chorale").click()
    assert_sound(page)


def test_a_token_is_shown_once(visit: Visit) -> None:
    page = visit("/personnes/scim/", as_=ADMINISTRATOR)
    page.get_by_label("Nom du jeton").fill("Annuaire")
    page.get_by_role("button", name="Créer un jeton").click()
    token = page.get_by_label("Jeton").input_value()
    assert_sound(page)
    page.get_by_role("link", name="Il est copié").click()
    expect(page.get_by_text(f"…{token[-4:]}")).to_be_visible()
    assert token not in page.content()


def test_somebody_given_a_second_profile_switches_to_it(visit: Visit) -> None:
    visit("/", as_=KARIM)
    page = visit("/personnes/", as_=ADMINISTRATOR)
    page.get_by_role("link", name=KARIM).click()
    page.get_by_text("Donner un rôle", exact=True).click()
    page.get_by_label("Rôle", exact=True).select_option("staff")
    page.get_by_role("button", name="Donner le rôle").click()
    expect(page.get_by_text("Personnel", exact=True)).to_be_visible()
    page = visit("/", as_=KARIM)
    page.locator("summary.person").click()
    page.get_by_role("button", name=re.compile("Continuer comme personnel")).click()
    page.locator("summary.person").click()
    expect(page.get_by_role("button", name=re.compile("Continuer comme enseignant"))).to_be_visible()
