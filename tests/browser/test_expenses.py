"""A model, its price, a budget: from the administrator who sets them to the student whose question no longer fits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import ModelServer, honest
from tests.browser.conftest import Visit
from tests.browser.test_journeys import STUDENT, ask, eventually, last_answer, open_law_course

ADMINISTRATOR = re.compile("Sophie Ferrand")
EUROS = "1000000"  # for a million tokens: each of them one euro


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running(honest) as server:
        yield server


def test_a_budget_is_set_spent_and_said(visit: Visit, model: ModelServer) -> None:
    page = visit("/modeles/nouveau/", as_=ADMINISTRATOR)
    add_model(page, model)
    try:
        write_prices(page)
        set_budget(page, "60000")
        asking = open_law_course(visit)
        ask(asking, "Qu’est-ce que le dol ?")
        expect(asking.locator("[data-stream]")).to_have_count(0)
        expect(asking.get_by_role("main")).to_contain_text("Petit modèle")
        trial_and_answer = 2
        assert len(model.requests) == trial_and_answer
        page.goto("/budgets/")
        expect(page.get_by_role("main")).to_contain_text(re.compile("370,00\\s€ sur 60\\s000,00\\s€"))
        shot(page, "tree")
        eventually(page, lambda: "370,00" in see_expenses(page))
        shot(page, "usage")
        lower_budget(page, "1")
        ask(asking, "Qu’est-ce que la violence ?")
        expect(asking.locator("[data-stream]")).to_have_count(0)
        expect(last_answer(asking)).to_contain_text("Le budget est épuisé")
        expect(last_answer(asking)).to_contain_text("Les documents sont cités à la place")
        expect(last_answer(asking).locator("a.mark").first).to_be_visible()
        assert len(model.requests) == trial_and_answer, "nothing was sent"
        shot(asking, "spent")
        own = visit("/budgets/moi/", as_=STUDENT, width=390)
        shot(own, "own")
        mine = visit("/depenses/moi/", as_=STUDENT, width=390)
        shot(mine, "mine")
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
    page.get_by_role("button", name="Enregistrer et essayer").click()
    expect(page.get_by_role("main")).to_contain_text("a répondu en")


def write_prices(page: Page) -> None:
    page.goto("/depenses/baremes/nouveau/")
    page.get_by_label("Nom", exact=True).fill("Tarif d’essai")
    page.get_by_label("En vigueur à partir du").fill("2020-01-01")
    page.get_by_label("D’où viennent ces prix").fill("essai")
    page.get_by_label("Date de la source").fill("2020-01-01")
    shot(page, "book")
    prices = page.locator("details", has=page.get_by_text("Petit modèle"))
    prices.get_by_label("Entrée", exact=True).fill(EUROS)
    prices.get_by_label("Sortie", exact=True).fill(EUROS)
    page.get_by_role("button", name="Garder ce brouillon").click()
    page.get_by_role("button", name="Mettre en vigueur").click()
    expect(page.get_by_role("main")).to_contain_text("publié le")


def set_budget(page: Page, euros: str) -> None:
    page.goto("/budgets/nouveau/")
    page.get_by_label("Plafond").fill(euros)
    shot(page, "budget")
    page.get_by_role("button", name="Fixer ce budget").click()


def lower_budget(page: Page, euros: str) -> None:
    page.goto("/budgets/")
    page.get_by_role("link", name="Modifier").click()
    page.get_by_label("Plafond").fill(euros)
    page.get_by_role("button", name="Enregistrer").click()


def see_expenses(page: Page) -> str:
    page.goto("/depenses/")
    return str(page.get_by_role("main").inner_text())


def leave_as_found(page: Page) -> None:
    """Other journeys have neither model nor budget."""
    page.goto("/modeles/")
    shot(page, "models")
    page.get_by_text("Actions sur « Petit modèle »").locator("..").click()
    page.get_by_role("button", name="Désactiver").click()
