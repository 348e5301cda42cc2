"""Who opens the address of a form as a page is told so, and shown a way back. Programs are answered as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conftest import House

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(("language", "words"), [("fr", "reçoit un formulaire"), ("en", "receives a form")])
def test_the_address_of_a_form_is_no_blank_page(
    house: House, sign_in: Callable[[Any], Client], language: str, words: str
) -> None:
    client = sign_in(house.student)
    here = BROWSER | {"accept-language": language}
    answer = client.get(reverse("privacy:copy"), headers=here | {"referer": "http://testserver/mon-profil/"})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert words in answer.content.decode()
    assert 'href="http://testserver/mon-profil/"' in answer.content.decode()
    elsewhere = client.get(reverse("privacy:copy"), headers=here | {"referer": "https://ailleurs.exemple/"})
    assert "ailleurs" not in elsewhere.content.decode()
    for program in ({}, {"accept": "application/json"}, BROWSER | {"authorization": "Bearer x"}):
        assert client.get(reverse("privacy:copy"), headers=program).content == b""
