"""Secrets in the rows of every table that holds some, and the rotation of the key over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from conftest import House
from parvis.access.keys.actions import create_key, principal_of_token
from parvis.access.secrets import SecretUnreadableError
from parvis.access.secrets.actions import inspect, rotate
from parvis.access.secrets.keyring import RotatingError, alone, keyring
from parvis.federation.models import Kind, SignInSource
from parvis.federation.provisioning.actions.tokens import create_token, token_of
from parvis.inference.models import Provider


@pytest.fixture
def ring(data_folder: Path) -> Path:
    return data_folder / "secrets.keys"


@pytest.fixture
def provider(house: House) -> Provider:
    row = Provider.unscoped.create(institution=house.institution, name="Un", base_url="https://un.example")
    row.keep_secret("clé très secrète")
    return row


@pytest.fixture
def sources(house: House) -> list[SignInSource]:
    made = []
    for number in range(5):
        row = SignInSource.unscoped.create(institution=house.institution, kind=Kind.OIDC, name=f"Source {number}")
        row.keep_secret(f"secret {number}")
        made.append(row)
    return made


def again(row: Any) -> Any:
    return type(row).unscoped.get(id=row.id)


def test_a_sealed_value_copied_to_another_row_or_table_does_not_open(provider: Provider, sources: list[SignInSource]) -> None:
    one, other = sources[:2]
    assert again(one).secret == "secret 0"
    for stolen in (other.sealed_secret, provider.sealed_secret):
        SignInSource.unscoped.filter(id=one.id).update(sealed_secret=stolen)
        with pytest.raises(SecretUnreadableError):
            assert again(one).secret


def test_a_former_value_put_back_does_not_open(provider: Provider) -> None:
    former = provider.sealed_secret
    provider.keep_secret("clé changée")
    assert again(provider).secret == "clé changée"
    Provider.unscoped.filter(id=provider.id).update(sealed_secret=former)
    with pytest.raises(SecretUnreadableError):
        assert again(provider).secret


def test_a_rotation_seals_all_again_and_the_former_key_opens_nothing(
    ring: Path, provider: Provider, sources: list[SignInSource]
) -> None:
    former = ring.read_bytes()
    rotated = rotate()
    assert (rotated.sealed_again, rotated.unreadable, rotated.was_interrupted) == (6, (), False)
    assert ring.read_bytes() != former
    assert [again(row).secret for row in (provider, *sources)] == ["clé très secrète", *(f"secret {n}" for n in range(5))]
    ring.write_bytes(former)
    assert len(inspect().unreadable) == inspect().sealed == 6


def test_a_rotation_ends_no_key_and_no_token(house: House, provider: Provider, ring: Path) -> None:
    """They are kept as hashes, keyed by the installation's other secret: nothing that programs hold has to be given again."""
    _key, token = create_key(house.student, name="Carnet", scopes=["ask"], days=30, by=house.student, actor="test")
    _row, written = create_token(house.principal(house.administrator), "Annuaire", now=timezone.now())
    assert rotate().sealed_again == 1
    found = principal_of_token(token, timezone.now())
    assert found is not None
    assert found[1] == house.student
    assert token_of(written, now=timezone.now()) is not None


@pytest.mark.parametrize("after", range(7))
def test_a_rotation_cut_short_opens_all_and_is_ended_by_the_next(
    ring: Path, provider: Provider, sources: list[SignInSource], after: int
) -> None:
    class CutError(Exception):
        pass

    left = iter(range(after))

    def cut() -> None:
        if next(left, None) is None:
            raise CutError

    former = keyring().current
    if after < 6:
        with pytest.raises(CutError):
            rotate(cut)
        assert inspect().unreadable == ()
        assert keyring().keys[1:] == (former,)
        brought = keyring().current
        rotated = rotate()
        assert rotated.was_interrupted
        assert rotated.sealed_again == 6 - (after + 1)
        assert keyring().keys == (brought,)
    else:
        rotate(cut)
    assert (inspect().sealed, inspect().unreadable) == (6, ())
    assert former not in keyring().keys


def test_what_no_key_opens_is_named_and_does_not_stop_a_rotation(provider: Provider, sources: list[SignInSource]) -> None:
    SignInSource.unscoped.filter(id=sources[2].id).update(sealed_secret=sources[1].sealed_secret)
    rotated = rotate()
    assert rotated.sealed_again == 5
    assert rotated.unreadable == (sources[2].secret_place,)


def test_two_rotations_at_once_are_one_and_a_refusal(provider: Provider) -> None:
    with alone(), pytest.raises(RotatingError):
        rotate()
    assert rotate().sealed_again == 1
