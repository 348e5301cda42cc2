"""A SCIM client of each of two institutions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.federation.provisioning.actions.tokens import create_token
from parvis.federation.provisioning.models import ScimToken
from parvis.institutions.models import Institution, Profile

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Scim:
    """Sends what a directory would."""

    token: str
    language: str = "en"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        given = {"authorization": f"Bearer {self.token}", "accept-language": self.language} | headers
        response: HttpResponse = Client().generic(  # type: ignore[assignment]
            method, f"/scim/v2{path}", content, content_type="application/scim+json", headers=given
        )
        return response

    def get(self, path: str) -> Any:
        return json.loads(self.send("GET", path).content)

    def add(self, name: str, **attributes: Any) -> Any:
        response = self.send("POST", "/Users", {"schemas": [USER], "userName": name, **attributes})
        assert response.status_code == 201, response.content
        return json.loads(response.content)

    def add_group(self, name: str, *members: str, **attributes: Any) -> Any:
        listed = [{"value": member} for member in members]
        body = {"schemas": [GROUP], "displayName": name, "members": listed, **attributes}
        response = self.send("POST", "/Groups", body)
        assert response.status_code == 201, response.content
        return json.loads(response.content)

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        response = self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        assert response.status_code == 200, response.content
        return json.loads(response.content)


@pytest.fixture
def scim(house: House) -> Scim:
    return Scim(make_token(house, house.administrator))


@pytest.fixture
def neighbour_scim(house: House) -> Scim:
    return Scim(make_token(house, administrator_of(house.neighbour_institution, house)))


def make_token(house: House, profile: Profile) -> str:
    return create_token(house.principal(profile), f"Annuaire {ScimToken.unscoped.count()}", now=timezone.now())[1]


def administrator_of(institution: Institution, house: House) -> Profile:
    """The neighbour's teacher administers there too."""
    person = house.neighbour_teacher.person
    return Profile.objects.get_or_create(institution=institution, person=person, role="administrator")[0]
