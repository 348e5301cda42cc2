"""API keys: what one looks like, who may hold it, what it opens, and until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.access.keys import tokens
from parvis.access.keys.actions import (
    MOST_KEYS,
    KeyRefusedError,
    TooManyKeysError,
    create_app,
    create_key,
    principal_of_token,
    remove_app,
    revoke_key,
)
from parvis.access.keys.models import ApiKey
from parvis.access.middleware import principal_of
from parvis.access.principal import ROLES_ALLOWED, SCOPES
from parvis.access.rules import actions as rules
from parvis.access.rules.doors import tools_of
from parvis.access.tests.credentials import hostile
from parvis.audit.models import Entry
from parvis.identity.models import Person
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]


def key_of(profile: Profile, *scopes: str, days: int = 30, name: str = "") -> tuple[ApiKey, str]:
    return create_key(
        profile,
        name=name or f"Carnet {ApiKey.unscoped.count()}",
        scopes=scopes or ("list", "ask"),
        days=days,
        by=profile,
        actor="test",
    )


def publish(house: House, text: str) -> None:
    """These rules, besides the open doors, in force."""
    principal = house.principal(house.administrator)
    now = rules.current(house.institution.id)
    known = rules.known_names(house.institution.id, tools_of(house.institution.id))
    rules.publish(principal, rules.with_text(now, now.text + text, known), reason="Essai")


def test_a_key_has_256_random_bits_a_prefix_and_a_checksum_that_tells_it_from_chance() -> None:
    made = {tokens.new_token() for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(tokens.is_well_formed(token) and token.startswith("parvis_") and len(token) == 56 for token in made)
    token = made.pop()
    other = "0" if token[20] != "0" else "1"
    mutants = [token[:-1], f"{token}0", token.upper(), f" {token}", token[:20] + other + token[21:], token[7:], ""]
    assert not any(map(tokens.is_well_formed, mutants))
    assert 62**tokens._BODY_LENGTH > 2**tokens.BITS


def test_hostile_credentials_open_nothing(house: House) -> None:
    """A million of them in bench/keys.py."""
    given = [key_of(house.student)[1] for _ in range(3)]
    now = timezone.now()
    tried = list(hostile(Random(7), given, 120))
    assert len(tried) > 100
    assert sum(map(tokens.is_well_formed, tried)) > 15  # these reach the table
    assert not any(principal_of_token(one, now) for one in tried)
    assert all(principal_of_token(one, now) for one in given)


def test_a_copy_of_the_database_holds_no_key_and_another_installation_opens_none(house: House) -> None:
    key, token = key_of(house.student)
    kept = " ".join(str(value) for value in ApiKey.unscoped.filter(id=key.id).values_list().get())
    assert token not in kept
    assert token[len(key.hint) :] not in kept
    assert key.digest == tokens.digest(token, master=settings.SECRET_KEY)
    assert key.digest != tokens.digest(token, master=f"{settings.SECRET_KEY}x")
    assert token not in " ".join(str(entry.details) for entry in Entry.objects.all())


def test_a_key_brings_its_holder_narrowed_to_its_scopes(house: House) -> None:
    _key, token = key_of(house.administrator, "list")
    found = principal_of_token(token, timezone.now())
    assert found is not None
    principal, profile = found
    whole = principal_of(house.administrator)
    assert (profile, principal.person_id, principal.group_ids) == (house.administrator, whole.person_id, whole.group_ids)
    opened = {action for action in ROLES_ALLOWED if principal.may(action)}
    assert opened == {action for action in SCOPES["list"] if whole.may(action)}
    assert not principal.may("rule:edit")
    assert whole.may("rule:edit")


def test_expired_revoked_suspended_and_removed_holders_open_nothing_at_the_next_request(house: House) -> None:
    key, token = key_of(house.student)

    def opens(at: timedelta = timedelta()) -> bool:
        return principal_of_token(token, timezone.now() + at) is not None

    assert opens()
    assert opens(timedelta(days=29))
    assert not opens(timedelta(days=31))
    Person.objects.filter(id=house.student.person_id).update(is_active=False)
    assert not opens()
    Person.objects.filter(id=house.student.person_id).update(is_active=True)
    assert opens()
    Profile.objects.filter(id=house.student.id).update(ended_at=timezone.now())
    assert not opens()
    Profile.objects.filter(id=house.student.id).update(ended_at=None)
    assert opens()
    revoke_key(key, actor="test")
    assert not opens()
    assert list(Entry.objects.values_list("action", flat=True)) == ["key.create", "key.revoke"]


def test_the_latest_use_is_noted_and_not_at_each_request(house: House) -> None:
    key, token = key_of(house.student)
    first = timezone.now()
    for at, noted in ((first, first), (first + timedelta(seconds=50), first)):
        principal_of_token(token, at)
        key.refresh_from_db()
        assert key.last_used_at == noted
    later = first + timedelta(minutes=2)
    principal_of_token(token, later)
    key.refresh_from_db()
    assert key.last_used_at == later


def test_rules_say_who_holds_which_key_and_for_how_long_and_hold_for_keys_already_given(house: House) -> None:
    _student_key, given = key_of(house.student, "list", "ask", days=90)
    publish(
        house,
        'forbid (principal in Affiliation::"student", action == Action::"hold", resource == Key::"ask");'
        'forbid (principal, action == Action::"hold", resource) when { context.days > 60 };',
    )
    for profile in (house.student, house.teacher):
        profile.refresh_from_db()
    with pytest.raises(KeyRefusedError) as refused:
        key_of(house.student, "list", "ask")
    assert refused.value.scopes == ["ask"]
    assert key_of(house.student, "list")
    assert key_of(house.teacher, "list", "ask", days=60)
    with pytest.raises(KeyRefusedError):
        key_of(house.teacher, "list", days=61)
    subjects = Entry.objects.filter(action="access.refuse").values_list("subject", flat=True)
    assert list(subjects) == ["key:ask", "key:list"]
    found = principal_of_token(given, timezone.now())
    assert found is not None
    assert found[0].scopes == frozenset()  # given for 90 days, before the rule


def test_an_application_sees_what_its_groups_see_and_is_removed_with_its_keys(house: House) -> None:
    app = create_app(house.institution.id, name="Robot", detail="", groups=[house.group], actor="test")
    _key, token = key_of(app, "ask")
    found = principal_of_token(token, timezone.now())
    assert found is not None
    assert (found[0].role, found[0].group_ids) == ("app", frozenset({house.group.id}))
    remove_app(app, actor="test")
    assert principal_of_token(token, timezone.now()) is None
    assert not ApiKey.unscoped.filter(revoked_at=None).exists()


def test_nobody_has_keys_without_number(house: House) -> None:
    for number in range(MOST_KEYS):
        key, _token = key_of(house.student, name=str(number))
    with pytest.raises(TooManyKeysError):
        key_of(house.student)
    revoke_key(key, actor="test")
    assert key_of(house.student)


def test_the_page_shows_a_key_once_and_revokes_it_in_one_click(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.student)
    made = client.post("/cles/", {"name": "Carnet", "scopes": ["ask"], "days": "30"})
    token = made.context["token"]
    assert token in made.content.decode()
    twice = client.post("/cles/", {"name": "Carnet", "scopes": ["ask"], "days": "30"})  # the page sent twice
    assert twice.status_code == 422
    assert ApiKey.unscoped.count() == 1
    assert made.headers["Cache-Control"].find("no-store") >= 0
    again = client.get("/cles/").content.decode()
    assert token not in again
    assert "jamais utilisée" in again
    key = ApiKey.unscoped.get()
    assert sign_in(house.other_student).post(f"/cles/{key.id}/revocation/").status_code == 404
    assert sign_in(house.neighbour_teacher).post(f"/cles/{key.id}/revocation/").status_code == 404
    assert principal_of_token(token, timezone.now()) is not None
    assert client.post(f"/cles/{key.id}/revocation/").status_code == 302
    assert principal_of_token(token, timezone.now()) is None


def test_administrators_see_and_revoke_every_key_of_their_institution_and_nobody_else_does(
    house: House, sign_in: SignIn
) -> None:
    key, token = key_of(house.student, name="Carnet de l’étudiante")
    for profile in (house.student, house.teacher, house.neighbour_teacher):
        assert sign_in(profile).get("/cles/etablissement/").status_code == 404
    client = sign_in(house.administrator)
    assert "Carnet de l’étudiante" in client.get("/cles/etablissement/").content.decode()
    assert client.post(f"/cles/{key.id}/revocation/", {"institution": "1"}).headers["Location"] == "/cles/etablissement/"
    assert principal_of_token(token, timezone.now()) is None
    made = client.post("/cles/applications/nouvelle/", {"name": "Robot", "groups": [house.group.id]})
    page = made.headers["Location"]
    assert client.post(page, {"name": "Nuit", "scopes": ["ask"], "days": "30"}).context["token"].startswith("parvis_")
    for profile in (house.teacher, house.neighbour_teacher):
        for address in (page, f"{page}modifier/"):
            assert sign_in(profile).get(address).status_code == 404
    assert client.post(f"{page}modifier/", {"name": "Robot de nuit"}).status_code == 302
    assert "Robot de nuit" in client.get(page).content.decode()
    assert not house.group.profiles.filter(role="app").exists()
    assert client.post(f"{page}retrait/").status_code == 302
    assert client.get(page).status_code == 404
