"""An administrator writes rules; doors obey them at the next request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from conftest import House
from parvis.access.rules.models import Entitlement, RuleSet
from parvis.assistants.actions import create_course
from parvis.assistants.models import Assistant
from parvis.audit.models import Entry
from parvis.corpora.actions import share_corpus
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]


@dataclass(frozen=True)
class Campus:
    house: House
    assistant: Assistant
    sign_in: SignIn

    @property
    def column(self) -> str:
        return f"assistant:{self.assistant.id}"

    def administrator(self) -> Client:
        return self.sign_in(self.house.administrator)

    def save(self, page: str, values: dict[str, str], reason: str = "Conseil du 12") -> str:
        """Through the dry run, as a browser would; what the dry run says."""
        client = self.administrator()
        shown = client.post(page, values)
        assert shown.status_code == 200, shown.content.decode()
        kept = shown.context["form"].initial
        sent = {"text": kept["text"], "matrix": shown.context["form"]["matrix"].value(), "number": kept["number"]}
        import json

        sent["matrix"] = json.dumps(kept["matrix"])
        saved = client.post("/regles/versions/", {**sent, "reason": reason})
        assert saved.status_code == 302, saved.content.decode()
        return shown.content.decode()

    def opens(self, profile: Profile) -> bool:
        return self.sign_in(profile).get(f"/assistants/{self.assistant.id}/").status_code == 200


@pytest.fixture
def campus(house: House, sign_in: SignIn) -> Campus:
    teacher = house.principal(house.teacher)
    corpus, assistant = create_course(teacher, name="Droit des obligations")
    share_corpus(teacher, corpus, groups=[], with_institution=True)
    return Campus(house, assistant, sign_in)


def test_a_rule_saved_in_the_table_holds_at_the_next_request(campus: Campus) -> None:
    house = campus.house
    assert campus.opens(house.student)
    assert campus.opens(house.other_student)
    dry = campus.save(
        f"/regles/outils/{campus.column}/", {"everyone-state": "allowed", f"group:{house.group.id}-state": "refused"}
    )
    assert "Étudiante d’ici" in dry
    assert "Autre étudiant" not in dry
    assert not campus.opens(house.student)
    assert campus.opens(house.other_student)
