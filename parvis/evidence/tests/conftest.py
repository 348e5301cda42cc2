from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import House
from parvis.identity.models import Person, Source
from parvis.institutions.models import Profile, Role


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """The key that signs is not that of another test."""
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def officer(house: House) -> Profile:
    person = Person.objects.create(key="local:ici:dpo", source=Source.LOCAL, display_name="Déléguée d’ici")
    return Profile.objects.create(institution=house.institution, person=person, role=Role.DPO)


@pytest.fixture
def neighbour_administrator(house: House) -> Profile:
    person = Person.objects.create(key="local:la-bas:admin", source=Source.LOCAL, display_name="Administrateur voisin")
    return Profile.objects.create(institution=house.neighbour_institution, person=person, role=Role.ADMINISTRATOR)
