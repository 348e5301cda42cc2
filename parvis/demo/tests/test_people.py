"""What the page where one signs in says of the invented people."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from parvis.demo.commons import PASSPHRASE, title_of
from parvis.demo.loader import load_people


@pytest.mark.django_db
def test_each_person_has_a_card_and_everybody_reads_the_passphrase(client: Client, settings: LazySettings) -> None:
    settings.DEMO = True
    profiles = load_people()
    page = client.get("/connexion/").content.decode()
    assert [key for key, profile in profiles.items() if f"/{profile.id}/" not in page] == []
    assert PASSPHRASE in page
    assert all(profile.person.email.endswith(".example") for profile in profiles.values()), "no mail of theirs goes anywhere"


def test_a_need_is_named_by_its_first_words() -> None:
    assert title_of("chatbot site web pour primo-entrants") == "Chatbot site web pour primo-entrants"
    assert title_of("Aider les doctorants, puis " + "mot " * 30) == "Aider les doctorants"
