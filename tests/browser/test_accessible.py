"""Every page, in both themes and at both widths: no violation found by axe, nothing wider than the screen."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_journeys import LAW, STUDENT, TEACHER, ask, last_answer, open_law_course

ADMINISTRATOR = re.compile("Sophie Ferrand")
PHYSICIST = re.compile("Karim Benali")
SCREENS = pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False), (1280, True)])


def assert_sound(page: Page) -> None:
    assert faults(page) == []


def faults(page: Page) -> list[str]:
    """What axe finds, and how much wider than the screen the page is."""
    results = Axe().run(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [results.generate_report()] if results.violations_count else []
    return [*found, f"{overflow} pixels too wide"] if overflow > 0 else found


@SCREENS
@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/connexion/", None),
        ("/connexion/?refused", None),
        ("/connexion/etablissement/", None),
        ("/comptes/", STUDENT),
        ("/sources/", ADMINISTRATOR),
        ("/sources/nouvelle/oidc/", ADMINISTRATOR),
        ("/sources/saml/", ADMINISTRATOR),
        ("/sources/federations/nouvelle/", ADMINISTRATOR),
        ("/", STUDENT),
        ("/", TEACHER),
        ("/conversations/", STUDENT),
        ("/conversations/", ADMINISTRATOR),
        ("/cours/", TEACHER),
        ("/cours/nouveau/", TEACHER),
        ("/depenses/", ADMINISTRATOR),
        ("/depenses/moi/", ADMINISTRATOR),
        ("/depenses/baremes/", ADMINISTRATOR),
        ("/depenses/baremes/nouveau/", ADMINISTRATOR),
        ("/depenses/releves/", ADMINISTRATOR),
        ("/depenses/factures/", ADMINISTRATOR),
        ("/depenses/refacturation/", ADMINISTRATOR),
        ("/modeles/", ADMINISTRATOR),
        ("/modeles/nouveau/", ADMINISTRATOR),
        ("/modeles/pseudonymes/", ADMINISTRATOR),
        ("/cles/", STUDENT),
        ("/cles/etablissement/", ADMINISTRATOR),
        ("/cles/applications/nouvelle/", ADMINISTRATOR),
        ("/budgets/", ADMINISTRATOR),
        ("/budgets/nouveau/", ADMINISTRATOR),
        ("/budgets/proches/", ADMINISTRATOR),
        ("/budgets/personnes/?q=Martin", ADMINISTRATOR),
        ("/budgets/semestres/", ADMINISTRATOR),
        ("/budgets/places/nouvelle/", ADMINISTRATOR),
        ("/budgets/moi/", STUDENT),
        ("/releves/", STUDENT),
        ("/releves/verification/", TEACHER),
        ("/regles/", ADMINISTRATOR),
        ("/regles/outils/model/", ADMINISTRATOR),
        ("/regles/outils/key:ask/", ADMINISTRATOR),
        ("/regles/texte/", ADMINISTRATOR),
        ("/regles/versions/", ADMINISTRATOR),
        ("/regles/pourquoi/?q=In%C3%A8s+Martin&outil=key:ask&usage=grading", ADMINISTRATOR),
        ("/regles/qui/?outil=key:ask", ADMINISTRATOR),
        ("/regles/verifications/", ADMINISTRATOR),
        ("/regles/semestres/", ADMINISTRATOR),
        ("/personnes/", ADMINISTRATOR),
        ("/personnes/ajout/", ADMINISTRATOR),
        ("/personnes/groupes/", ADMINISTRATOR),
        ("/personnes/import/", ADMINISTRATOR),
        ("/personnes/scim/", ADMINISTRATOR),
        ("/mon-profil/", STUDENT),
        ("/mon-profil/effacement/", TEACHER),
        ("/administration/en-cours/", ADMINISTRATOR),
        ("/administration/donnees/", ADMINISTRATOR),
        ("/administration/donnees/durees/", ADMINISTRATOR),
        ("/administration/donnees/personnes/?q=martin", ADMINISTRATOR),
        ("/administration/donnees/traitements/ajout/", ADMINISTRATOR),
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
def test_a_key_that_was_just_made_and_the_rule_of_a_course_are_accessible(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/cles/", as_=STUDENT, width=width, dark=dark)
    page.get_by_label("Nom").fill("Carnet")
    page.get_by_role("button", name="Créer la clé").click()
    expect(page.get_by_label("Clé", exact=True)).to_have_value(re.compile("^parvis_"))
    assert_sound(page)
    page.get_by_role("button", name="Révoquer").first.click()
    page = visit("/cours/", as_=TEACHER, width=width, dark=dark)
    page.get_by_role("link", name=LAW).first.click()
    page.get_by_role("link", name="Dire ce que les étudiants peuvent faire").click()
    assert_sound(page)
    page.get_by_label(re.compile("^Autorisé avec trace")).check()
    page.get_by_role("button", name="Enregistrer").click()
    assert_sound(page)
    page = open_law_course(visit, width=width, dark=dark)
    expect(page.get_by_text("entre dans votre relevé")).to_be_visible()
    assert_sound(page)


@SCREENS
def test_rules_are_accessible_while_they_are_written(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/regles/outils/key:ask/", as_=ADMINISTRATOR, width=width, dark=dark)
    page.get_by_role("group", name="Personnels").get_by_label("Règle").select_option("allowed")
    page.get_by_role("button", name="Voir ce que cela change").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ce que cela change")
    assert_sound(page)
    page.goto("/regles/texte/")
    page.get_by_label("Règles", exact=True).fill("permit (principal, action, resource)")
    page.get_by_role("button", name="Voir ce que cela change").click()
    expect(page.get_by_text("Ligne 1").first).to_be_visible()
    assert_sound(page)


@SCREENS
def test_why_an_administrator_reads_a_course_is_asked_accessibly(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/cours/", as_=ADMINISTRATOR, width=width, dark=dark)
    page.get_by_role("link", name="Thermodynamique").first.click()
    assert_sound(page)
    page.get_by_role("link", name="Pour lire ses documents, écrivez pourquoi").click()
    page.get_by_role("button", name="Ouvrir pour une heure").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert_sound(page)


@SCREENS
def test_a_conversation_is_accessible_in_each_state(visit: Visit, width: int, dark: bool) -> None:
    page = open_law_course(visit, width=width, dark=dark)
    assert_sound(page)  # nothing asked yet
    ask(page, "Qu’est-ce que le dol ?")
    expect(page.locator("a.mark").first).to_be_visible()
    assert_sound(page)  # answered
    expect(page.locator("[data-stream]")).to_have_count(0)
    page.locator("a.mark").first.click()
    expect(page.get_by_role("complementary", name="Page citée")).to_contain_text("Citation vérifiée")
    assert_sound(page)  # a page open
    if width < 700:
        page.get_by_role("link", name="Retour à la réponse").click()
    ask(page, "Quelle est la recette du gâteau au yaourt ?")
    expect(page.get_by_role("log").last).to_contain_text("ne répondent pas")
    assert_sound(page)  # abstained


@SCREENS
def test_what_was_passed_on_is_accessible_on_both_sides(visit: Visit, width: int, dark: bool) -> None:
    page = open_law_course(visit, width=width, dark=dark)
    ask(page, "Qu’est-ce que le dol ?")
    page.get_by_role("button", name="C’est faux").click()
    expect(page.get_by_role("button", name="Retirer")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("Signalée comme fausse")
    assert_sound(page)
    teacher = visit("/cours/", as_=TEACHER, width=width, dark=dark)
    teacher.get_by_role("link", name=LAW).first.click()
    teacher.get_by_role("link", name="Questions transmises").click()
    expect(teacher.get_by_role("heading", name="Qu’est-ce que le dol")).not_to_have_count(0)
    assert_sound(teacher)


@SCREENS
def test_settings_and_a_form_with_errors_are_accessible(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/", as_=TEACHER, width=width, dark=dark)
    page.get_by_role("link", name=LAW).first.click()
    page.get_by_role("link", name="Réglages").click()
    assert_sound(page)
    page = visit("/modeles/nouveau/", as_=ADMINISTRATOR, width=width, dark=dark)
    page.get_by_role("button", name="Enregistrer et essayer").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert_sound(page)


@SCREENS
def test_menus_are_accessible_and_stay_on_the_screen(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/cours/", as_=TEACHER, width=width, dark=dark)
    page.get_by_role("link", name=LAW).first.click()
    for menu in page.locator("main .menu").all():
        menu.locator("summary").first.click()
        panel = menu.locator(".menu-panel").bounding_box()
        assert panel
        assert panel["x"] >= 0
        assert panel["x"] + panel["width"] <= width
        assert_sound(page)
        menu.locator("summary").first.click()


@SCREENS
@pytest.mark.parametrize(
    ("who", "course", "document"),
    [
        (PHYSICIST, "Thermodynamique", "du gaz parfait"),
        (ADMINISTRATOR, "Règlement des études", "Calendrier universitaire"),
    ],
)
def test_a_slide_and_a_section_are_accessible(
    visit: Visit, who: re.Pattern[str], course: str, document: str, width: int, dark: bool
) -> None:
    page = visit("/cours/", as_=who, width=width, dark=dark)
    page.get_by_role("link", name=re.compile(course)).first.click()
    page.get_by_role("link", name=re.compile(document)).first.click()
    page.get_by_role("link", name="Suivante").click()
    assert_sound(page)


def test_a_screen_reader_hears_an_answer_once(visit: Visit) -> None:
    page = open_law_course(visit)
    ask(page, "Qu’est-ce que le dol ?")
    expect(page.get_by_role("status")).to_contain_text("Le dol est le fait pour un contractant")
    expect(last_answer(page)).to_have_attribute("aria-live", "off")


def test_a_long_word_does_not_widen_a_page(visit: Visit) -> None:
    page = visit("/cours/nouveau/", as_=TEACHER, width=360)
    page.get_by_label("Nom").fill("anticonstitutionnellement_" * 4)
    page.get_by_role("button", name="Créer le cours").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("anticonstitutionnellement")
    assert_sound(page)


def test_a_conversation_is_printed_whole_while_a_page_is_open(visit: Visit) -> None:
    page = open_law_course(visit, width=794)  # the width of a sheet of A4, where a page open takes the screen
    ask(page, "Qu’est-ce que le dol ?")
    expect(page.locator("[data-stream]")).to_have_count(0)
    page.locator("a.mark").first.click()
    expect(page.get_by_role("complementary", name="Page citée")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_text("Le dol est le fait pour un contractant").first).to_be_visible()
