"""What the console tells the data plane: the keys that open something, the models that are on, and whatever is taken back."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from conftest import House
from parvis.access.keys.actions import create_key, revoke_key
from parvis.access.keys.models import ApiKey
from parvis.access.rules.models import RuleSet
from parvis.gateway.knowledge import Follower
from parvis.gateway.knowledge import Settings as GatewaySettings
from parvis.inference.models import Attestation, LanguageModel, Provider, Zone
from parvis.inference.publishing import Publisher, snapshot_of
from parvis.institutions.models import Profile

SECRET = "sk-of-the-institution"


@pytest.fixture
def key(house: House) -> tuple[ApiKey, str]:
    return key_of(house.teacher)


def key_of(profile: Profile) -> tuple[ApiKey, str]:
    return create_key(profile, name="Essai", scopes=["list", "models"], days=30, by=None, actor="test")


@pytest.fixture
def model(house: House) -> LanguageModel:
    provider = Provider.unscoped.create(
        institution=house.institution, name="Ici", base_url="http://10.0.0.7:8000", zone=Zone.ON_PREM
    )
    provider.keep_secret(SECRET)
    Attestation.unscoped.create(
        institution=house.institution,
        provider=provider,
        origin=provider.origin,
        zone=provider.zone,
        attested_date="2026-01-01",
    )
    return LanguageModel.unscoped.create(
        institution=house.institution, provider=provider, name="mistral-7b", display_name="Petit", alias="petit"
    )


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    return Follower(GatewaySettings(tmp_path, settings.KEYRING, settings.SECRET_KEY, tmp_path))


def publisher(follower: Follower) -> Publisher:
    return Publisher(follower.settings.snapshots)


def test_a_worker_knows_who_comes_and_where_to_ask(
    house: House, key: tuple[ApiKey, str], model: LanguageModel, follower: Follower
) -> None:
    publisher(follower).tick()
    follower.look()
    knowledge, caller = follower.knowledge(), follower.caller(key[1])
    assert knowledge
    assert caller
    assert (caller.institution.slug, caller.holder.role) == ("ici", "teacher")
    assert caller.holds("models")
    assert not caller.holds("ask")
    [known] = knowledge.usable(house.institution.id, "petit")
    assert caller.may_use(known, datetime.now(UTC))
    sending = known.sending("chat/completions", follower.ring)
    assert sending.target.authority == "10.0.0.7:8000"
    assert f"Bearer {SECRET}".encode() in sending.first_lines
    assert SECRET not in repr(known) + repr(sending)
    assert knowledge.usable(house.neighbour_institution.id, "petit") == ()
    assert known.candidate.attested_at is not None


def test_secrets_are_nowhere_in_the_files(key: tuple[ApiKey, str], model: LanguageModel, follower: Follower) -> None:
    publisher(follower).tick()
    written = b"".join(path.read_bytes() for path in follower.settings.snapshots.iterdir())
    assert SECRET.encode() not in written
    assert key[1].encode() not in written
    assert all(path.stat().st_mode & 0o077 == 0 for path in follower.settings.snapshots.iterdir())


def test_what_is_taken_back_is_told_at_the_next_second(
    house: House, key: tuple[ApiKey, str], follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though everything is not read again yet."""
    _other, others = key_of(house.other_teacher)
    published = publisher(follower)
    first = published.tick()
    published._due_at = time.monotonic() + 60
    follower.look()
    assert follower.caller(key[1])
    revoke_key(key[0], actor="test")
    house.other_teacher.person.is_active = False
    house.other_teacher.person.save()
    pulse = published.tick()
    follower.look()
    assert (pulse.version, len(pulse.revoked)) == (first.version, 2)
    assert follower.caller(key[1]) is None
    assert follower.caller(others) is None


def test_a_snapshot_is_another_only_when_something_changed(
    house: House, key: tuple[ApiKey, str], model: LanguageModel, settings: Settings
) -> None:
    settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_KEY = "http://127.0.0.1:1", "installation", "sk-x"
    now = timezone.now()
    assert snapshot_of(now) == snapshot_of(now)
    model.enabled = False
    model.save()
    assert "petit" not in [one.alias for one in snapshot_of(now).models]
    assert [one.institution for one in snapshot_of(now).models] == [None]


def test_rules_are_those_of_the_console(
    house: House, key: tuple[ApiKey, str], model: LanguageModel, follower: Follower
) -> None:
    text = 'permit (principal, action, resource); forbid (principal in Affiliation::"teacher", action, resource is Model);'
    RuleSet.unscoped.create(
        institution=house.institution, number=1, key="k1", text=text, matrix={}, author=house.administrator
    )
    house.institution.rules_key = "k1"
    house.institution.save()
    _key, administrators = key_of(house.administrator)
    publisher(follower).tick()
    follower.look()
    knowledge = follower.knowledge()
    assert knowledge
    [known] = knowledge.usable(house.institution.id, "petit")
    for token, allowed in ((key[1], False), (administrators, True)):
        caller = follower.caller(token)
        assert caller
        assert caller.may_use(known, datetime.now(UTC)) == allowed
