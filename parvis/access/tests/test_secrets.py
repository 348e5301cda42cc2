from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from parvis.access.secrets import SecretUnreadableError, seal, unseal
from parvis.access.secrets.keyring import KeyringError, is_private, keyring

PLACE = "1|provider|7|1"


@pytest.fixture(autouse=True)
def ring(settings: Settings, tmp_path: Path) -> Path:
    settings.KEYRING = tmp_path / "secrets.keys"
    return tmp_path / "secrets.keys"


def test_a_secret_opens_in_its_own_place() -> None:
    assert unseal(seal("clé très secrète", place=PLACE), place=PLACE) == "clé très secrète"


@pytest.mark.parametrize("place", ["1|provider|8|1", "2|provider|7|1", "1|source|7|1", "1|provider|7|2"])
def test_a_secret_moved_to_another_place_stays_closed(place: str) -> None:
    sealed = seal("clé", place=PLACE)
    assert unseal(sealed, place=PLACE) == "clé"
    with pytest.raises(SecretUnreadableError):
        unseal(sealed, place=place)


@pytest.mark.parametrize("altered", ["", "2:", "2:ab", "2:{key}:AAAA", "1:{key}:AAAA", "2:{key}:é", "2:other:AAAA"])
def test_what_is_not_a_sealed_secret_is_refused(altered: str) -> None:
    with pytest.raises(SecretUnreadableError):
        unseal(altered.format(key=keyring().current.name), place=PLACE)


def test_two_seals_of_one_secret_differ() -> None:
    assert seal("clé", place="r") != seal("clé", place="r")


def test_the_keys_are_in_a_file_of_their_owner_alone(ring: Path) -> None:
    first = keyring()
    assert ring.stat().st_mode & 0o777 == 0o600
    assert is_private()
    assert keyring() == first
    assert repr(first.current.value) not in repr(first)
    assert first.current.value not in {value.encode() for value in os.environ.values()}
    ring.chmod(0o644)
    assert not is_private()


@pytest.mark.parametrize("content", ["", "name", "name AAAA\n", "name é\n"])
def test_a_file_of_keys_that_is_not_one_is_said_to_be(ring: Path, content: str) -> None:
    ring.write_text(content, encoding="utf-8")
    with pytest.raises(KeyringError):
        keyring()
