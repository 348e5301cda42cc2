"""A model, its price, a budget: from the administrator who sets them to the student whose question no longer fits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import ModelServer, honest
from parvis.ledger.pricing import PARIS
from tests.browser.conftest import Visit
from tests.browser.test_journeys import STUDENT, ask, eventually, last_answer, open_law_course

ADMINISTRATOR = re.compile("Sophie Ferrand")
EUROS = "1"  # for a million tokens


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running(honest) as server:
        yield server


def test_a_budget_is_set_spent_and_said(visit: Visit, model: ModelServer) -> None:
    """Beside the budgets and the uses of the demonstration."""
    page = visit("/modeles/nouveau/", as_=ADMINISTRATOR)
    add_model(page, model)
    try:
        page.get_by_role("button", name="Essayer Petit modèle", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text("Dépenses, Barèmes")
        write_prices(page)
        page.goto("/modeles/")
        page.get_by_role("button", name="Essayer Petit modèle", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text("a répondu en")
        set_budget(page, "60000")
        mine = visit("/depenses/moi/", as_=STUDENT, width=390)
        before = calls_of(mine)
        asking = open_law_course(visit)
        ask(asking, "Qu’est-ce que le dol ?")
        expect(asking.locator("[data-stream]")).to_have_count(0)
        expect(asking.get_by_role("main")).to_contain_text("Petit modèle")
        expect(asking.get_by_role("main")).to_contain_text("calculée sur les serveurs de l’établissement")
        trial_and_answer = 2
        assert len(model.requests) == trial_and_answer
        page.goto("/budgets/")
        expect(page.get_by_role("main")).to_contain_text(re.compile("370\\sjetons sur 60\\s000\\sjetons aujourd’hui"))
        shot(page, "tree")
        eventually(page, lambda: calls_of(mine) == before + 1)
        shot(mine, "mine")
        lower_budget(page, "1")
        ask(asking, "Qu’est-ce que la violence ?")
        expect(asking.locator("[data-stream]")).to_have_count(0)
        expect(last_answer(asking)).to_contain_text("Le budget de votre établissement pour aujourd’hui est épuisé")
        expect(last_answer(asking)).to_contain_text("Les documents sont cités à la place")
        expect(last_answer(asking).locator("a.mark").first).to_be_visible()
        assert len(model.requests) == trial_and_answer, "nothing was sent"
        shot(asking, "spent")
        own = visit("/budgets/moi/", as_=STUDENT, width=390)
        shot(own, "own")
    finally:
        leave_as_found(page)


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def add_model(page: Page, model: ModelServer) -> None:
    page.get_by_label("Nom du fournisseur").fill("Serveur d’essai")
    page.get_by_label("Adresse").fill(f"{model.url}/v1")
    page.get_by_label("Zone d’hébergement").select_option("on_prem")
    page.get_by_label(re.compile("Sur nos propres serveurs")).check()
    page.get_by_label("Nom du modèle chez le fournisseur").fill("petit-modele")
    page.get_by_label("Nom affiché").fill("Petit modèle")
    page.get_by_label(re.compile("Employé quand un assistant n’en nomme pas d’autre")).check()
    page.get_by_role("button", name="Enregistrer", exact=True).click()


def write_prices(page: Page) -> None:
    page.goto("/depenses/baremes/nouveau/")
    page.get_by_label("Nom", exact=True).fill("Tarif d’essai")
    page.get_by_label("En vigueur à partir du").fill(f"{datetime.now(PARIS):%Y-%m-%d}")
    page.get_by_label("D’où viennent ces prix").fill("essai")
    page.get_by_label("Date de la source").fill("2020-01-01")
    shot(page, "book")
    prices = page.locator("details", has_text=re.compile("^Petit modèle sans prix"))
    prices.locator("summary").click()
    prices.get_by_label("Entrée", exact=True).fill(EUROS)
    prices.get_by_label("Sortie", exact=True).fill(EUROS)
    page.get_by_role("button", name="Garder ce brouillon").click()
    page.get_by_role("button", name="Mettre en vigueur").click()
    expect(page.get_by_role("main")).to_contain_text("publié le")


def set_budget(page: Page, tokens: str) -> None:
    page.goto("/budgets/nouveau/")
    page.get_by_role("textbox", name="Plafond").fill(tokens)
    page.get_by_label("Compté en").select_option("tokens")
    page.get_by_label("Par", exact=True).select_option("day")
    page.get_by_label(re.compile("Compter ce qui a déjà été dépensé")).uncheck()
    shot(page, "budget")
    page.get_by_role("button", name="Fixer ce budget").click()


def lower_budget(page: Page, tokens: str) -> None:
    page.goto("/budgets/")
    page.get_by_role("link", name=re.compile(r"60\s000\sjetons")).click()
    page.get_by_role("textbox", name="Plafond").fill(tokens)
    page.get_by_role("button", name="Enregistrer").click()


def calls_of(page: Page) -> int:
    page.reload()
    figure = page.locator(".ledger-figures div", has_text="Appels").locator("dd").first.inner_text()
    return int(re.sub(r"\D", "", figure))


def leave_as_found(page: Page) -> None:
    """Other journeys have neither model nor budget."""
    page.goto("/modeles/")
    shot(page, "models")
    page.get_by_text("Actions sur « Petit modèle »").locator("..").click()
    page.get_by_role("button", name="Désactiver").click()
