"""What people come for, done as they do it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

STUDENT = re.compile("Inès Martin")
TEACHER = re.compile("Claire Delmas")
NEIGHBOUR = re.compile("Luc Weber")
LAW = re.compile("droit des contrats", re.IGNORECASE)


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Votre question").fill(question)
    page.get_by_role("button", name="Demander").click()


def open_law_course(visit: Visit, **how: object) -> Page:
    page = visit("/", as_=STUDENT, **how)
    page.get_by_role("link", name=LAW).first.click()
    return page


def last_answer(page: Page):  # type: ignore[no-untyped-def]
    return page.get_by_role("log").last


@pytest.mark.parametrize("width", [390, 1280])
def test_an_answer_is_quoted_and_its_page_opens_with_the_words_highlighted(visit: Visit, width: int) -> None:
    page = open_law_course(visit, width=width)
    ask(page, "Qu’est-ce que le dol ?")
    expect(last_answer(page)).to_contain_text("Le dol est le fait pour un contractant")
    expect(page.locator("[data-stream]")).to_have_count(0)
    page.locator("a.mark").first.click()
    source = page.get_by_role("complementary", name="Page citée")
    expect(source).to_contain_text("Citation vérifiée")
    expect(source.locator("svg rect").first).to_be_visible()
    expect(source.locator("svg image").first).to_be_visible()
    eventually(page, lambda: bool(source.evaluate(HIGHLIGHT_IS_ON_THE_IMAGE)))


HIGHLIGHT_IS_ON_THE_IMAGE = """(source) => {
    const [words, image] = ["svg rect", "svg image"].map((one) => source.querySelector(one)?.getBoundingClientRect());
    return words?.height > 0 && image?.top < words.top && words.top < image.bottom;
}"""


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Within five seconds: what is read of two elements at once may be read while the page is being replaced."""
    for _ in range(50):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("not in five seconds")


def test_without_scripts_the_whole_journey_works(visit: Visit) -> None:
    page = open_law_course(visit, scripts=False)
    ask(page, "Qu’est-ce que le dol ?")
    expect(last_answer(page)).to_contain_text("Le dol est le fait pour un contractant")
    expect(page.locator("[data-stream]")).to_have_count(0)
    page.locator("a.mark").first.click()
    expect(page.get_by_role("complementary", name="Page citée")).to_contain_text("Citation vérifiée")


def test_what_the_course_does_not_say_is_not_answered(visit: Visit) -> None:
    page = open_law_course(visit)
    ask(page, "Quelle est la recette du gâteau au yaourt ?")
    expect(last_answer(page)).to_contain_text("Les documents ne répondent pas à cette question")


def test_a_follow_up_question_is_understood(visit: Visit) -> None:
    page = open_law_course(visit)
    ask(page, "Quelle est la définition de la violence comme vice du consentement ?")
    expect(page.locator("a.mark").first).to_be_visible()
    ask(page, "et le dol ?")
    expect(page.get_by_role("log")).to_have_count(2)
    expect(last_answer(page)).to_contain_text("dol")


def test_a_reload_keeps_the_answer_once(visit: Visit) -> None:
    page = open_law_course(visit)
    ask(page, "Qu’est-ce que la lésion ?")
    page.wait_for_url(re.compile("/conversations/"))
    page.reload()
    expect(page.get_by_role("log")).to_have_count(1)
    expect(page.locator("a.mark").first).to_be_visible()
    text = last_answer(page).inner_text()
    page.reload()
    assert last_answer(page).inner_text() == text


def test_a_neighbour_institution_sees_nothing(visit: Visit) -> None:
    page = open_law_course(visit)
    ask(page, "Qu’est-ce que le dol ?")
    page.wait_for_url(re.compile("/conversations/"))
    conversation = page.url
    stranger = visit("/", as_=NEIGHBOUR)
    expect(stranger.get_by_role("link", name=LAW)).to_have_count(0)
    response = stranger.goto(conversation)
    assert response
    assert response.status == 404


def test_a_teacher_makes_a_course_gives_it_documents_and_asks_it(visit: Visit, tmp_path: Path) -> None:
    good, bad = tmp_path / "bail.md", tmp_path / "abimé.pdf"
    good.write_text(
        "# Le bail\n\nLa durée du préavis donné par le locataire est de trois mois, sauf en zone tendue.\n", "utf-8"
    )
    bad.write_bytes(b"%PDF-1.7\nthis is not a PDF")
    page = visit("/cours/nouveau/", as_=TEACHER)
    page.get_by_label("Nom").fill("Droit du bail")
    page.get_by_role("button", name=re.compile("Créer")).click()
    page.locator("input[type=file]").first.set_input_files([good, bad])
    if (send := page.get_by_role("button", name=re.compile("Envoyer|Ajouter"))).count():
        send.first.click()
    expect(page.get_by_text("bail.md").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile("abîmé et ne peut pas")).first).to_be_visible(timeout=20_000)
    page.get_by_role("link", name=re.compile("essayer", re.IGNORECASE)).first.click()
    ask(page, "Quelle est la durée du préavis du locataire ?")
    expect(last_answer(page)).to_contain_text("trois mois", timeout=20_000)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_keyboard_alone_is_enough(visit: Visit, width: int) -> None:
    page = open_law_course(visit, width=width)
    expect(page.get_by_role("textbox", name="Votre question")).to_be_focused()  # without a click
    page.keyboard.type("Qu’est-ce que le dol ?")
    page.keyboard.press("Enter")
    mark = page.locator("a.mark").first
    expect(mark).to_be_visible()
    expect(page.locator("[data-stream]")).to_have_count(0)  # written to its end: the marks are there to stay
    mark.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Page citée")).to_contain_text("Citation vérifiée")
    # Beside the answer, the page leaves the reader where they are; in its place, it takes them along.
    expect(mark if width > 1000 else page.locator("[data-source-title]")).to_be_focused()


def test_language_and_theme_are_kept(visit: Visit) -> None:
    page = visit("/", as_=STUDENT)
    page.get_by_role("button", name=re.compile("English")).click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
