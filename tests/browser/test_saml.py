"""A federation is added in a page; a source is chosen in it, tried and switched on in two institutions; a student and a
teacher come in from each, by real identity providers of SimpleSAMLphp."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from parvis.federation.saml.tests import simplesamlphp
from parvis.federation.saml.tests.made import aggregate, descriptor, pair, stamp
from parvis.federation.saml.tests.publisher import publishing
from parvis.federation.saml.tests.simplesamlphp import Peer
from tests.browser.conftest import Demo
from tests.browser.test_accessible import assert_sound
from tests.peers import missing

ADMINISTRATOR = "Sophie Ferrand"
TEACHER, STUDENT = ("cdelmas", "samledc"), ("lmoreau", "uaeroml")


@dataclass(frozen=True)
class Federation:
    """Two identity providers among others, in a signed aggregate; `folder` is where they read our metadata."""

    address: str
    peers: list[Peer]
    folder: Path


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    installed = simplesamlphp.place()
    if installed is None:
        missing("SimpleSAMLphp or PHP is not here: .ci/run says how to unpack it in var/peers")
    folder = tmp_path_factory.mktemp("simplesamlphp")
    until = stamp(datetime.now(UTC) + timedelta(days=9))
    with publishing() as published:
        for peers in simplesamlphp.serve(installed, folder):
            entities = [_metadata_of(peer) for peer in peers]
            entities += [descriptor(f"https://ecole{number}.example", name=f"École {number}") for number in range(40)]
            yield Federation(published.publish("/all.xml", aggregate(entities, until=until)), peers, folder)


def test_two_institutions_of_a_federation_sign_in(browser: Browser, demo: Demo, federation: Federation) -> None:
    here, there, *_others = federation.peers
    at_home = _someone(browser, demo)
    at_home.goto("/connexion/")
    at_home.locator("details.sign-in-door summary").click()
    at_home.get_by_role("button", name=ADMINISTRATOR).click()
    _add_federation(at_home, federation.address)
    _add_source(at_home, here, "Compte d’ici")
    neighbour = _someone(browser, demo)
    neighbour.goto(_first_administrator(demo, "ul"))
    neighbour.get_by_role("button", name="Se connecter").click()
    _add_federation(neighbour, federation.address)
    _add_source(neighbour, there, "Compte de là-bas")
    with urllib.request.urlopen(f"{demo.address}/connexion/saml/metadata/", timeout=10) as metadata:
        (federation.folder / simplesamlphp.SERVICE_FILE).write_bytes(metadata.read())

    for page in (at_home, neighbour):
        page.get_by_role("button", name="Activer").click()
        expect(page.get_by_text("activée", exact=True)).to_be_visible()
    at_home.get_by_role("link", name="Tester la connexion").or_(
        at_home.get_by_role("button", name="Tester la connexion")
    ).click()
    _log_in(at_home, *TEACHER)
    expect(at_home.get_by_role("heading", name="Ce qui est arrivé")).to_be_visible()
    expect(at_home.get_by_text("personnel : demandez qu’il ne soit plus envoyé")).to_be_visible()
    assert_sound(at_home)

    for name in ("Compte d’ici", "Compte de là-bas"):
        for who, role in ((TEACHER, "enseignant·e"), (STUDENT, "étudiant·e")):
            page = _someone(browser, demo)
            page.goto("/connexion/etablissement/")
            page.get_by_role("link", name=re.compile(name)).click()
            _log_in(page, *who)
            expect(page.get_by_role("heading", name="Mes assistants")).to_be_visible()
            page.goto("/mon-profil/")
            expect(page.locator("main")).to_contain_text(re.compile(role, re.IGNORECASE))
            page.context.close()
    liar = _someone(browser, demo)
    liar.goto("/connexion/etablissement/")
    liar.get_by_role("link", name=re.compile("Compte d’ici")).click()
    _log_in(liar, "liar", "rail")
    expect(liar.get_by_text("un identifiant d’un domaine qui n’est pas le sien")).to_be_visible()
    for page in (at_home, neighbour, liar):
        page.context.close()


def _someone(browser: Browser, demo: Demo) -> Page:
    page = browser.new_context(base_url=demo.address, locale="fr-FR", reduced_motion="reduce").new_page()
    page.set_default_timeout(30_000)
    return page


def _first_administrator(demo: Demo, institution: str) -> str:
    command = [sys.executable, "-m", "parvis.cli", "person", "add", "Odile Simon", "--institution", institution]
    command += ["--role", "administrator", "--address", demo.address]
    done = subprocess.run(command, env={**demo.environment, "COLUMNS": "400"}, capture_output=True, text=True, check=True)
    link = re.search(r"http\S+", done.stdout)
    assert link, done.stdout
    return link[0]


def _add_federation(page: Page, address: str) -> None:
    page.goto("/sources/federations/nouvelle/")
    page.get_by_label("Nom de la fédération").fill("Fédération d’essai")
    page.get_by_role("radio", name=re.compile("un agrégat")).check()
    page.get_by_label("Adresse de ses métadonnées").fill(address)
    page.get_by_label(re.compile("Clé de signature")).fill(pair("federation").pem)
    page.get_by_role("button", name="Enregistrer").click()
    found = page.get_by_role("link", name=re.compile("^Choisir")).first
    expect(found).to_be_visible(timeout=180_000)  # the worker reads documents first
    assert_sound(page)


def _add_source(page: Page, peer: Peer, name: str) -> None:
    page.get_by_role("searchbox").fill(peer.scope)
    page.get_by_role("button", name="Chercher").click()
    page.get_by_role("link", name=re.compile("^Choisir")).click()
    page.get_by_label("Nom affiché").fill(name)
    assert_sound(page)
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text("est enregistré")).to_be_visible()
    assert_sound(page)


def _log_in(page: Page, name: str, password: str) -> None:
    """At the provider's own page."""
    page.locator("#username").fill(name)
    page.locator("#password").fill(password)
    page.keyboard.press("Enter")


def _metadata_of(peer: Peer) -> str:
    with urllib.request.urlopen(peer.entity_id, timeout=10) as answer:
        return re.sub(r"^<\?xml[^>]*\?>\s*", "", answer.read().decode())
