"""Every page, in both themes and at both widths: no violation found by axe, nothing wider than the screen."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_journeys import LAW, STUDENT, TEACHER, ask, open_law_course

ADMINISTRATOR = re.compile("Sophie Ferrand")
SCREENS = pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False), (1280, True)])


def assert_sound(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


@SCREENS
@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/connexion/", None),
        ("/connexion/?refused", None),
        ("/", STUDENT),
        ("/", TEACHER),
        ("/conversations/", STUDENT),
        ("/conversations/", ADMINISTRATOR),
        ("/cours/", TEACHER),
        ("/cours/nouveau/", TEACHER),
        ("/modeles/", ADMINISTRATOR),
        ("/nulle-part/", STUDENT),
    ],
)
def test_a_page_is_accessible(visit: Visit, path: str, who: re.Pattern[str] | None, width: int, dark: bool) -> None:
    assert_sound(visit(path, as_=who, width=width, dark=dark))


@SCREENS
def test_a_course_and_its_documents_are_accessible(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/cours/", as_=TEACHER, width=width, dark=dark)
    page.get_by_role("link", name=LAW).first.click()
    assert_sound(page)
    page.get_by_role("link", name=re.compile("introduction", re.IGNORECASE)).last.click()
    assert_sound(page)


@SCREENS
def test_a_conversation_is_accessible_in_each_state(visit: Visit, width: int, dark: bool) -> None:
    page = open_law_course(visit, width=width, dark=dark)
    assert_sound(page)  # nothing asked yet
    ask(page, "Qu’est-ce que le dol ?")
    expect(page.locator("a.mark").first).to_be_visible()
    assert_sound(page)  # answered
    page.locator("a.mark").first.click()
    expect(page.get_by_role("complementary", name="Page citée")).to_contain_text("Citation vérifiée")
    assert_sound(page)  # a page open
    if width < 700:
        page.get_by_role("link", name="Retour à la réponse").click()
    ask(page, "Quelle est la recette du gâteau au yaourt ?")
    expect(page.get_by_role("log").last).to_contain_text("ne répondent pas")
    assert_sound(page)  # abstained
