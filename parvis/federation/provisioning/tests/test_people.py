"""The pages of people and groups: what an administrator does there, and what nobody else does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.access.middleware import PROFILE_KEY
from parvis.federation import actions
from parvis.federation.attributes import Identity
from parvis.federation.failure import SignInError
from parvis.federation.models import ScimSetup, ScimToken, Suspension
from parvis.federation.provisioning.tests.conftest import Scim, administrator_of
from parvis.federation.tests.conftest import cas_source, is_in
from parvis.identity.models import Person, Source
from parvis.institutions.models import Group, Profile

SignIn = Callable[[Profile], Client]


def text(client: Client, name: str, *args: int, **query: str) -> str:
    response = client.get(reverse(f"provisioning:{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_people_are_found_by_name_role_group_origin_and_state(house: House, scim: Scim, sign_in: SignIn) -> None:
    scim.add("zmartin", displayName="Zoé Martin", userType="teacher")
    client = sign_in(house.administrator)

    def found(**query: str) -> list[str]:
        return re.findall(r'row-title"><a [^>]*>([^<]*)<', text(client, "people", **query))

    assert len(found()) == 6
    assert "Enseignant voisin" not in text(client, "people")
    assert found(q="ZOE mart") == found(q="zmartin") == found(origin="scim:") == ["Zoé Martin"]
    assert found(role="student", group=str(house.group.id)) == ["Étudiante d’ici"]
    assert "Zoé Martin" not in found(origin="here")
    assert found(q="introuvable", group="9" * 30) == []
    assert len(found(q="\0", role="\0", origin="list:\0", state="\0")) == 0
    Person.objects.filter(id=house.other_student.person_id).update(source=Source.ERASED)
    assert len(found()) == 5, "who is erased is nobody of the directory"
    assert client.get(reverse("provisioning:person", args=[house.other_student.person_id])).status_code == 404
    client.post(reverse("provisioning:suspension", args=[house.student.person_id]), {"suspended": "1"})
    assert found(state="suspended") == found(state="ended") == ["Étudiante d’ici"]


def test_a_suspended_person_is_out_at_the_next_request_here_and_nowhere_else(house: House, sign_in: SignIn) -> None:
    elsewhere = Profile.objects.create(institution=house.neighbour_institution, person=house.student.person, role="teacher")
    source = cas_source(house.institution, "https://cas.example")
    account = actions.recognise(source, "etu", name="", person=house.student.person)
    client = sign_in(house.student)
    administrator = sign_in(house.administrator)
    address = reverse("provisioning:suspension", args=[house.student.person_id])
    assert client.get(reverse("access:notices")).context["profile"] == house.student
    administrator.post(address, {"suspended": "1"})
    assert client.get(reverse("access:notices")).context["profile"] == elsewhere
    with pytest.raises(SignInError, match="suspended"):
        actions.arrive(source, Identity("etu", "", "", (("student", ""),)), now=timezone.now())
    administrator.post(address, {"suspended": "0"})
    assert client.get(reverse("access:notices")).context["profile"] == house.student  # it was given by hand
    assert actions.arrive(source, Identity(account.key, "", "", (("staff", ""),)), now=timezone.now()).profile


def test_scim_does_not_lift_what_was_decided_here_nor_the_reverse(house: House, scim: Scim, sign_in: SignIn) -> None:
    lea = scim.add("lmartin", displayName="Léa", userType="student")
    person = Person.objects.get(display_name="Léa")
    administrator = sign_in(house.administrator)
    address = reverse("provisioning:suspension", args=[person.id])

    def active(value: object) -> None:
        scim.patch(f"/Users/{lea['id']}", {"op": "replace", "path": "active", "value": value})

    def roles() -> int:
        return Profile.objects.filter(person=person, ended_at=None).count()

    administrator.post(address, {"suspended": "1"})
    active(value=False)
    active(value=True)
    assert (roles(), Suspension.unscoped.count()) == (0, 1)
    active(value=False)
    told = administrator.post(address, {"suspended": "0"}, follow=True).content.decode()
    assert "reste inactive" in told
    assert (roles(), Suspension.unscoped.count()) == (0, 1)
    active(value=True)
    assert (roles(), Suspension.unscoped.count()) == (1, 0)


def test_a_role_ended_here_is_not_given_again_until_somebody_here_restores_it(
    house: House, scim: Scim, sign_in: SignIn
) -> None:
    lea = scim.add("lmartin", displayName="Léa", userType="student")
    profile = Profile.objects.get(person__display_name="Léa")
    client = sign_in(house.administrator)
    address = reverse("provisioning:profile_state", args=[profile.person_id, profile.id])
    client.post(address, {"state": "ended"})
    scim.patch(f"/Users/{lea['id']}", {"op": "replace", "path": "displayName", "value": "Léa M."})
    profile.refresh_from_db()
    assert profile.ended_at
    suspension = reverse("provisioning:suspension", args=[profile.person_id])
    client.post(suspension, {"suspended": "1"})
    client.post(suspension, {"suspended": "0"})
    profile.refresh_from_db()
    assert profile.ended_at  # no more after a suspension
    client.post(address, {"state": "open"})
    profile.refresh_from_db()
    assert profile.ended_at is None


def test_groups_are_made_filled_renamed_and_deleted(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    made = client.post(reverse("provisioning:groups"), {"name": "Chorale"})
    group = Group.objects.get(name="Chorale")
    assert made.headers["Location"] == reverse("provisioning:group", args=[group.id])
    assert client.post(reverse("provisioning:groups"), {"name": "Chorale"}).status_code == 422
    members = reverse("provisioning:membership", args=[group.id])
    assert f'value="{house.student.id}"' in text(client, "group", group.id, q="etudiante")
    client.post(members, {"add": str(house.student.id)})
    assert list(group.profiles.all()) == [house.student]
    assert client.post(members, {"add": str(house.neighbour_student.id)}).status_code == 404
    client.post(members, {"remove": str(house.student.id)})
    client.post(reverse("provisioning:group", args=[group.id]), {"name": "Chœur"})
    group.refresh_from_db()
    assert (group.name, group.profiles.count()) == ("Chœur", 0)
    client.post(reverse("provisioning:group_deletion", args=[group.id]))
    assert not Group.objects.filter(id=group.id).exists()


def test_a_group_that_scim_keeps_is_neither_renamed_nor_deleted_here(house: House, scim: Scim, sign_in: SignIn) -> None:
    scim.add_group("Annuaire")
    group, client = Group.objects.get(name="Annuaire"), sign_in(house.administrator)
    assert client.post(reverse("provisioning:group", args=[group.id]), {"name": "Autre"}).status_code == 422
    client.post(reverse("provisioning:group_deletion", args=[group.id]))
    assert Group.objects.filter(name="Annuaire").exists()


def test_somebody_is_added_with_a_link_that_is_shown_once(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    form = {"name": "Ana Silva", "role": "staff", "detail": "BU", "identifier": ""}
    page = client.post(reverse("provisioning:add"), form, follow=True).content.decode()
    link = re.search(r'value="http://testserver(/connexion/lien/[^"]+)"', page)
    assert link
    guest = Client()
    guest.post(link[1])
    assert is_in(guest)
    assert "connexion/lien" not in client.get(reverse("provisioning:people")).content.decode()
    assert client.post(reverse("provisioning:add"), form | {"identifier": "ana-silva"}).status_code == 422
    assert client.post(reverse("provisioning:add"), form | {"role": "coordinator"}).status_code == 422


def test_nobody_shuts_themselves_out(house: House, sign_in: SignIn) -> None:
    client, own = sign_in(house.administrator), house.administrator
    client.post(reverse("provisioning:suspension", args=[own.person_id]), {"suspended": "1"})
    client.post(reverse("provisioning:profile_state", args=[own.person_id, own.id]), {"state": "ended"})
    account = actions.recognise(cas_source(house.institution, "https://cas.example"), "me", name="", person=own.person)
    refused = client.post(reverse("federation:suspension", args=[account.id]), {"suspended": "1"}, follow=True)
    assert "vous fermer la porte" in refused.content.decode()
    assert is_in(client)
    assert client.get(reverse("provisioning:people")).status_code == 200


def test_one_person_switches_between_the_profiles_that_are_open(house: House, sign_in: SignIn) -> None:
    both = Profile.objects.create(institution=house.neighbour_institution, person=house.teacher.person, role="student")
    client = sign_in(house.teacher)
    client.post(reverse("access:switch_profile"), {"profile": both.id})
    assert client.session[PROFILE_KEY] == both.id
    administrator = sign_in(administrator_of(house.neighbour_institution, house))
    administrator.post(reverse("provisioning:profile_state", args=[both.person_id, both.id]), {"state": "ended"})
    assert client.get(reverse("access:notices")).context["profile"] == house.teacher


def test_a_token_is_shown_once_and_its_setup_is_locked_once_it_brought_people(house: House, sign_in: SignIn) -> None:
    source = cas_source(house.institution, "https://cas.example")
    client = sign_in(house.administrator)
    page = client.post(reverse("provisioning:add_token"), {"name": "Annuaire"}).content.decode()
    written = re.search(r'value="(parvis-scim-[\w-]{43})"', page)
    assert written
    assert Scim(written[1]).send("GET", "/Users").status_code == 200
    assert client.post(reverse("provisioning:add_token"), {"name": "Annuaire"}).status_code == 422  # the form sent twice
    listing = text(client, "connection")
    assert written[1] not in listing
    assert written[1][-4:] in listing
    rules = {"rules-TOTAL_FORMS": "1", "rules-INITIAL_FORMS": "0", "rules-0-attribute": "groups", "rules-0-value": "Profs"}
    form = {"source": source.id, "key_attribute": "externalId", **rules, "rules-0-role": "teacher", "rules-0-detail": "Prof"}
    assert client.post(reverse("provisioning:setup"), form).status_code == 302
    setup = ScimSetup.unscoped.get()
    assert (setup.source, setup.key_attribute, len(setup.role_rules)) == (source, "externalId", 1)
    client.post(reverse("provisioning:setup"), form | {"key_attribute": "userName"})
    assert ScimSetup.unscoped.get().key_attribute == "externalId"
    foreign = cas_source(house.neighbour_institution, "https://cas.example")
    ScimSetup.unscoped.all().delete()
    assert client.post(reverse("provisioning:setup"), form | {"source": foreign.id}).status_code == 422
    client.post(reverse("provisioning:revoke_token", args=[ScimToken.unscoped.get().id]))
    assert Scim(written[1]).send("GET", "/Users").status_code == 401


def test_people_are_the_administrators_business(house: House, sign_in: SignIn) -> None:
    """Other institutions are asked everywhere by tests/isolation."""
    teacher, administrator = sign_in(house.teacher), sign_in(house.administrator)
    for name, args in (
        ("people", []),
        ("export", []),
        ("person", [house.student.person_id]),
        ("groups", []),
        ("connection", []),
    ):
        address = reverse(f"provisioning:{name}", args=args)
        assert (administrator.get(address).status_code, teacher.get(address).status_code) == (200, 404), name
    for name, args in (("suspension", [house.student.person_id]), ("group_deletion", [house.group.id]), ("add_token", [])):
        assert teacher.post(reverse(f"provisioning:{name}", args=args), {"suspended": "1"}).status_code == 404, name
    assert not Suspension.unscoped.exists()
