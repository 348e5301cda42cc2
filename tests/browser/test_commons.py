"""The needs commons as its people go through it: a referent, a coordinator, a signatory, a vendor, in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

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
        "/besoins-harmonises/nouveau/",
        "/choix/1/decision/",
        "/portefeuille/import/marches/",
        "/portefeuille/nouveau/",
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
        "/sondages/3/report/",
        "/alliance/enveloppe/",
        "/alliance/seuils/nouveau/",
    ],
    OBSERVER: ["/besoins/accueil/", "/besoins-harmonises/1/"],
    VENDOR: [
        "/editeur/",
        "/editeur/sondages/3/",
        "/sondages/3/",
        "/sondages/1/",
        "/sondages/1/offres/",
        "/offres/2/references/",
        "/besoins-harmonises/1/",
    ],
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


TITLE = "Relire les conventions de stage"
NEED = {
    "Le besoin en quelques mots": TITLE,
    "Que faudrait-il pouvoir faire ?": "Repérer les clauses manquantes des conventions de stage avant leur signature.",
}
PASSPHRASE = "phrase secrète de démonstration"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).first.click()


def test_from_a_need_to_a_sealed_answer(visit: Visit) -> None:
    """Express, attach with consent, stabilise, co-sign, ask, answer under seal: each by who may, without scripts."""
    referent = visit("/besoins/nouveau/", as_=re.compile(REFERENT), scripts=False)
    for label, words in NEED.items():
        referent.get_by_label(label).fill(words)
    press(referent, "Enregistrer le brouillon")
    press(referent, "Valider")
    press(referent, "Partager avec l’alliance")
    raw = referent.url

    coordinator = visit("/besoins-harmonises/nouveau/", as_=re.compile(COORDINATOR), scripts=False)
    coordinator.get_by_label("Groupe de travail").select_option(label="Enjeux de systèmes d’information")
    coordinator.get_by_label("Titre").fill(TITLE)
    coordinator.get_by_label("Description").fill("Repérer ce qui manque, avant la signature.")
    press(coordinator, "Enregistrer")
    harmonised = coordinator.url
    follow(coordinator, "Ajouter une exigence")
    coordinator.get_by_label("Exigence").fill("Chaque clause manquante est montrée avec l’article qui la demande.")
    press(coordinator, "Enregistrer")
    coordinator.goto(f"{raw}rattachement/")
    chosen = coordinator.get_by_label("Besoin harmonisé").locator("option", has_text=TITLE).get_attribute("value")
    coordinator.get_by_label("Besoin harmonisé").select_option(chosen)
    press(coordinator, "Proposer le rattachement")
    coordinator.goto(harmonised)
    expect(coordinator.get_by_role("button", name=f"Accepter {TITLE}")).to_have_count(0)  # not its own to accept

    referent.goto(harmonised)
    press(referent, f"Accepter {TITLE}")
    press(referent, "Voter pour")
    coordinator.goto(harmonised)
    press(coordinator, "Stabiliser cette version")
    press(coordinator, "Ouvrir à la co-signature")

    signatory = visit(f"{harmonised}co-signature/", as_=re.compile(SIGNATORY), scripts=False)
    signatory.get_by_label("pilote").check()
    signatory.get_by_label("Étudiants concernés").fill("4000")
    press(signatory, "Signer")
    expect(signatory.locator("main")).to_contain_text(re.compile(r"4\s000"))

    number = re.findall(r"\d+", harmonised)[-1]
    coordinator.goto(f"/sondages/nouveau/{number}/")
    for label, days in (("Questions jusqu’au", 5), ("Réponses jusqu’au", 9)):
        coordinator.get_by_label(label).fill(f"{timezone.localdate() + timedelta(days=days)}T12:00")
    for holder in (REFERENT, NEIGHBOUR):
        coordinator.get_by_label(re.compile(holder)).check()
    press(coordinator, "Enregistrer")
    request = coordinator.url
    neighbour = visit(f"{request}cle/", as_=re.compile(NEIGHBOUR), scripts=False)
    referent.goto(f"{request}cle/")
    for keeper in (referent, neighbour):
        choose_passphrase(keeper, "Garder cette clé")
    coordinator.goto(request)
    press(coordinator, "Publier")

    vendor = visit(request, as_=re.compile(VENDOR), scripts=False)
    follow(vendor, "Ma réponse")
    mine = vendor.url
    choose_passphrase(vendor, "Commencer")
    vendor.goto(f"{mine}exigences/")
    vendor.locator("main select, main input[type=radio][value=ST]").first.evaluate(
        "one => { if (one.matches('select')) { one.value = 'ST' } else { one.checked = true } }"
    )
    press(vendor, "Enregistrer")
    vendor.goto(f"{mine}societe/")
    vendor.locator("main [name$=product]").fill("Sirène Clauses")
    press(vendor, "Enregistrer")
    vendor.goto(mine)
    press(vendor, "Sceller et envoyer")
    expect(vendor.locator("main")).to_contain_text("Sceller et envoyer à nouveau")

    rival = visit(request, as_=re.compile(RIVAL), scripts=False)
    for page in (rival, coordinator):
        page.goto(request)
        expect(page.locator("body")).not_to_contain_text("Sirène")
        response = page.goto(f"{request}offres/")
        assert response
        assert response.status in (403, 404) or "Sirène" not in page.content()


def choose_passphrase(page: Page, button: str) -> None:
    page.get_by_label("Phrase secrète").fill(PASSPHRASE)
    page.get_by_label("La même, encore une fois").fill(PASSPHRASE)
    press(page, button)


def test_from_the_opening_to_different_choices(visit: Visit) -> None:
    """Two key holders open, offers are compared, two institutions choose differently, one signs and exports the dossier."""
    for who in (REFERENT, NEIGHBOUR):
        holder = visit("/sondages/2/ouverture/", as_=re.compile(who))
        holder.get_by_label("Phrase secrète").fill(PASSPHRASE)
        press(holder, "Donner ma part")
    expect(holder).to_have_url(re.compile("/sondages/2/offres/"))  # opened: there is something to compare
    expect(holder.locator("main")).to_contain_text("Griffon Amphi")
    expect(holder.locator("main")).to_contain_text("Chimère Verbatim")

    ours = visit("/choix/3/", as_=re.compile(SIGNATORY))
    follow(ours, "Décider Griffon Amphi")
    ours.get_by_label("Retenu").check()
    ours.get_by_role("textbox", name="Motif").fill("Un essai nous a convaincus.")
    press(ours, "Décider")
    theirs = visit("/choix/3/", as_=re.compile("Bernard Thiriet"))
    expect(theirs.locator("main")).not_to_contain_text("convaincus")  # what Rennes chose is its own
    follow(theirs, "Décider Griffon Amphi")
    theirs.get_by_label("Écarté").check()
    theirs.get_by_role("textbox", name="Motif").fill("Nous gardons l’outil que nous avons.")
    press(theirs, "Décider")

    ours.goto("/choix/3/")
    follow(ours, "Rédiger la convention")
    today = timezone.localdate()
    ours.locator("[name=start_date]").fill(str(today))
    ours.locator("[name=end_date]").fill(str(today + timedelta(days=364)))
    press(ours, "Enregistrer")
    press(ours, "Mettre en vigueur")
    expect(ours.locator("main")).to_contain_text("en vigueur")
    ours.goto("/besoins-harmonises/3/dossier/")
    with ours.expect_download() as download:
        follow(ours, "Télécharger le dossier")
    assert download.value.suggested_filename.endswith(".zip")
