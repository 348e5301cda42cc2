from __future__ import annotations

from collections.abc import Iterator

import pytest

from parvis.gateway.tests.house import House, open_house


@pytest.fixture(scope="package")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("gateway")) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """As it was: what others asked is forgotten, and what a test publishes is taken back after it."""
    shared_house.settled.clear()
    shared_house.provider.received.clear()
    shared_house.gateway.admission.board.clear()
    kept = {
        name: list(getattr(shared_house, name))
        for name in ("institutions", "holders", "keys", "providers", "models", "former")
    }
    yield shared_house
    for name, rows in kept.items():
        setattr(shared_house, name, rows)
    shared_house.publish()
    shared_house.look()
