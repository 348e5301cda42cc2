"""Writing a need, in a real browser: close needs appear as one types, on a phone too, and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_accessible import SCREENS, assert_sound

STAFF = re.compile("Maëlle Le Goff")
NEIGHBOUR = re.compile("Luc Weber")
NEED = {
    "Le besoin en quelques mots": "Traduire les supports en langue des signes",
    "Que faudrait-il pouvoir faire ?": "Que chaque support soit traduit en langue des signes pour nos étudiants sourds.",
}


def write(page: Page, **others: str) -> None:
    for label, words in {**NEED, **others}.items():
        page.get_by_label(label).fill(words)


@SCREENS
@pytest.mark.parametrize("path", ["/besoins/", "/besoins/?q=introuvable", "/besoins/import/"])
def test_pages_of_needs_are_accessible(visit: Visit, path: str, width: int, dark: bool) -> None:
    assert_sound(visit(path, as_=STAFF, width=width, dark=dark))


@SCREENS
def test_a_need_is_written_and_finds_its_like(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/besoins/nouveau/", as_=STAFF, width=width, dark=dark)
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page)  # nothing said yet
    write(page)
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NEED["Le besoin en quelques mots"])
    assert_sound(page)
    page.goto("/besoins/nouveau/")
    write(page, **{"Le besoin en quelques mots": "Langue des signes"})
    close = page.get_by_role("complementary", name="Besoins proches")
    expect(close.get_by_role("link", name=NEED["Le besoin en quelques mots"]).first).to_be_visible()
    close.get_by_role("radio", name="Même besoin").first.check()
    assert_sound(page)  # answered
    page.get_by_label("Domaine").fill("Accessibilité et handicap")
    page.get_by_label("Public").focus()
    expect(close.get_by_role("radio", name="Même besoin").first).to_be_checked()  # asked again, the answer kept


def test_close_needs_are_found_without_scripts(visit: Visit) -> None:
    page = visit("/besoins/nouveau/", as_=NEIGHBOUR, scripts=False)
    write(page)
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    page.goto("/besoins/nouveau/")
    write(page)
    page.get_by_role("button", name="Chercher des besoins proches").click()
    close = page.get_by_role("complementary", name="Besoins proches")
    expect(close.get_by_role("link", name=NEED["Le besoin en quelques mots"]).first).to_be_visible()
    expect(page.get_by_label("Le besoin en quelques mots")).to_have_value(NEED["Le besoin en quelques mots"])
