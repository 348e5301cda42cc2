from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from conftest import House
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]


def test_an_administrator_finds_every_section_and_its_state(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    page = client.get("/administration/")
    assert page.status_code == 200
    for section in page.context["sections"]:
        assert client.get(section[0].url).status_code == 200
    assert "aucun modèle" in page.content.decode()
    assert 'href="/administration/"' in client.get("/").content.decode()


def test_it_is_nobody_elses(house: House, sign_in: SignIn) -> None:
    for profile in (house.student, house.teacher):
        client = sign_in(profile)
        assert client.get("/administration/").status_code == 404
        assert 'href="/administration/"' not in client.get("/").content.decode()
