"""Who gets in, and how."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from conftest import House
from parvis.access.sessions.actions import browser_of
from parvis.access.sign_in import LINK_SECONDS, make_token
from parvis.audit.models import Entry
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Profile, Role

SignIn = Callable[[Profile], Client]
CHROME, APPLE = "AppleWebKit/537.36 (KHTML, like Gecko)", "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.fixture
def persona(db: None) -> Profile:
    institution = Institution.objects.create(slug="demo", name="Université", short_name="U")
    name, address = "Claire Delmas", "claire@exemple.invalid"
    person = Person.objects.create(key="demo:claire", source=Source.DEMO, display_name=name, email=address)
    return Profile.objects.create(institution=institution, person=person, role=Role.TEACHER)


def test_a_persona_card_signs_in_only_in_demonstration_mode(client: Client, persona: Profile, settings: object) -> None:
    card = reverse("access:sign_in_as", args=[persona.id])

    settings.DEMO = False  # type: ignore[attr-defined]
    assert client.post(card).status_code == 404
    assert persona.person.display_name not in client.get(reverse("access:sign_in")).content.decode()

    settings.DEMO = True  # type: ignore[attr-defined]
    counted = Person.objects.create(key="demo:1", source=Source.DEMO, display_name="Personne inventée n° 1")
    Profile.objects.create(institution=persona.institution, person=counted, role=Role.STUDENT)
    page = client.get(reverse("access:sign_in")).content.decode()
    assert persona.person.display_name in page
    assert counted.display_name not in page
    assert client.post(card).status_code == 302
    assert Entry.objects.get(action="session.open").actor == f"person:{persona.person_id}"


def test_an_invented_person_is_nobody_once_demonstration_mode_ends(client: Client, persona: Profile, settings: object) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    client.post(reverse("access:sign_in_as", args=[persona.id]))
    assert client.get("/").status_code == 200
    settings.DEMO = False  # type: ignore[attr-defined]
    assert client.get("/").status_code == 302


def test_a_real_person_has_no_card(client: Client, house: House, settings: object) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    assert client.post(reverse("access:sign_in_as", args=[house.teacher.id])).status_code == 404


def test_a_link_opens_one_session_once(client: Client, house: House) -> None:
    address = reverse("access:sign_in_link", args=[make_token(house.administrator.person)])
    assert client.get(address).status_code == 200  # looking does not use it up
    assert client.get("/").status_code == 302
    assert client.post(address).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert Client().post(address).headers["Location"].endswith("?refused")


def test_an_old_or_forged_link_opens_nothing(client: Client, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(house.administrator.person)
    now = signing.time.time()  # type: ignore[attr-defined]
    monkeypatch.setattr(signing.time, "time", lambda: now + timedelta(seconds=LINK_SECONDS + 1).total_seconds())  # type: ignore[attr-defined]
    for bad in (token, token[:-1] + "A", "x"):
        response = client.post(reverse("access:sign_in_link", args=[bad]))
        assert response.headers["Location"].endswith("?refused")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox, Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/131.0.0.0 Safari/537.36", "Chrome, Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge, Windows"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0", "Edge, Android"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0", "Opera, Windows"),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
            "Samsung Internet, Android",
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Chrome/131.0.0.0 Safari/537.36", "Chrome, ChromeOS"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} HeadlessChrome/131.0.0.0 Safari/537.36", "Chrome Headless, Linux"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Ubuntu Chromium/80.0 Chrome/80.0 Safari/537.36", "Chromium, Linux"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.1 Safari/605.1.15", "Safari, macOS"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} CriOS/131.0 Mobile/15E148 Safari/604.1",
            "Chrome, iPhone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} FxiOS/133.0 Mobile/15E148 Safari/605.1",
            "Firefox, iPhone",
        ),
        (f"Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) {APPLE} EdgiOS/131.0 Version/18.0 Safari/604.1", "Edge, iPad"),
        ("python-requests/2.32", ""),
    ],
)
def test_a_session_is_named_after_its_browser_not_those_it_resembles(agent: str, name: str) -> None:
    assert browser_of(agent) == name


def test_a_suspended_person_loses_their_session_at_the_next_request(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.teacher)
    assert client.get("/").status_code == 200
    Person.objects.filter(id=house.teacher.person_id).update(is_active=False)
    assert client.get("/").status_code == 302


def test_a_profile_of_someone_else_cannot_be_taken(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.student)
    assert client.post(reverse("access:switch_profile"), {"profile": house.teacher.id}).status_code == 404
    assert client.post(reverse("access:switch_profile"), {"profile": house.student.id}).status_code == 302


@pytest.mark.parametrize("given", ["", "x", "-1", "²", "1.5", "9" * 30, "\0"])
def test_what_is_no_profile_at_all_is_not_found(house: House, sign_in: SignIn, given: str) -> None:
    assert sign_in(house.student).post(reverse("access:switch_profile"), {"profile": given}).status_code == 404


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_outside(client: Client, persona: Profile, settings: object, target: str) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    response = client.post(reverse("access:sign_in_as", args=[persona.id]), {"next": target})
    assert response.headers["Location"] == "/"


def test_strangers_are_sent_to_sign_in_and_the_wrong_role_reads_not_found(house: House, sign_in: SignIn) -> None:
    models_page = reverse("inference:list")
    assert Client().get(models_page).headers["Location"].startswith(reverse("access:sign_in"))
    assert sign_in(house.student).get(models_page).status_code == 404
    assert sign_in(house.administrator).get(models_page).status_code == 200
