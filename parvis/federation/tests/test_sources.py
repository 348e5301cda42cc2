"""What an institution makes of what its source says, and the pages where it decides."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from conftest import House
from parvis.audit.models import Entry
from parvis.federation import actions
from parvis.federation.attributes import Correspondence, GroupRule, Identity, RoleRule, arrived, read
from parvis.federation.failure import SignInError
from parvis.federation.models import Account, SignInSource
from parvis.federation.outbound import Outbound, check_address
from parvis.federation.provisioning.actions import people
from parvis.federation.tests import conftest
from parvis.federation.tests.conftest import Landing, Person, cas_source, come_back, go, is_in
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]


def test_attributes_have_one_name_and_a_profile_of_another_institution_gives_nothing_here() -> None:
    attributes = arrived(
        [
            ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "Lea@Ici.example"),
            ("given_name", "Léa"),
            ("usual_name", "Martin"),
            ("email", "lea@ici.example"),
            ("supannEmpProfil", ["[etab={UAI}1][affil=faculty]", "[etab={UAI}2][affil=staff]"]),
            ("eduPersonAffiliation", ["member", "student", "employee"]),
            ("1.3.6.1.4.1.7135.1.2.1.29", ["L1-DROIT", ""]),
            ("odd", {"a": 1}),
        ]
    )
    mapping = Correspondence(
        key="eduPersonPrincipalName",
        roles=(
            RoleRule("supannEmpProfil", "[etab={UAI}2][affil=faculty]", "teacher"),
            RoleRule("eduPersonAffiliation", "Employee", "staff", "Scolarité"),
            RoleRule("eduPersonAffiliation", "*", "teacher"),
            RoleRule("eduPersonAffiliation", "student", "student"),
        ),
        groups=(GroupRule("supannEtuEtape", "*"), GroupRule("eduPersonAffiliation", "absent", "X")),
    )
    expected = Identity("lea@ici.example", "Léa Martin", "", (("staff", "Scolarité"), ("student", "")), ("L1-DROIT",))
    assert read(attributes, mapping) == expected
    assert "odd" not in attributes
    for wrong in ({}, {"eduPersonPrincipalName": ("a@x", "b@x")}, {"eduPersonPrincipalName": ("a\n@x",)}):
        with pytest.raises(SignInError):
            read(wrong, mapping)


def test_what_a_source_no_longer_gives_it_takes_back(house: House) -> None:
    source = cas_source(house.institution, "https://cas.example")

    def arrive(*roles: str, groups: tuple[str, ...] = ()) -> actions.Arrived:
        identity = Identity("lea", "Léa Martin", "", tuple((role, "") for role in roles), groups)
        return actions.arrive(source, identity, now=timezone.now())

    def held() -> list[str]:
        return list(Profile.objects.filter(person__display_name="Léa Martin", ended_at=None).values_list("role", flat=True))

    with pytest.raises(SignInError):
        arrive("coordinator")  # no role of a university, whatever its directory says
    first = arrive("staff", "student", groups=("L1 Droit", "Chorale"))
    assert held() == ["staff", "student"]
    assert first.profile
    assert [group.name for group in first.profile.groups.all()] == ["Chorale", "L1 Droit"]
    assert arrive("student", groups=("L1 Droit",)).person == first.person
    assert held() == ["student"]
    assert house.group.profiles.filter(person=first.person).exists()
    assert arrive().profile is None
    assert held() == []
    arrive("student")
    Profile.objects.filter(person=first.person, role="student").update(ended_at=timezone.now())  # by somebody here
    assert arrive("student").profile is None
    people.suspend(house.principal(house.administrator), first.person.id, now=timezone.now())
    with pytest.raises(SignInError, match="suspended"):
        arrive("student")


@pytest.mark.parametrize(
    "address",
    [
        "http://cas.example/",
        "https://127.0.0.2/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::10.0.0.1]/",
        "https://[::ffff:0:10.0.0.1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[64:ff9b:1::10.0.0.1]/",
        "https://[2002:a00:1::]/",
        "https://[fec0::1]/",
        "https://169.254.169.254/latest",
        "https://10.1.2.3/",
        "https://user@cas.example/",
        "ftp://cas.example/",
        "https://",
        "https://a b/",
        "https://cas.example:99999/",
    ],
)
def test_an_address_inside_or_in_clear_is_never_connected_to(address: str) -> None:
    for good in ("https://cas.example/cas", "https://[2001:660:3003::1]/", "https://[64:ff9b::193.51.208.13]/"):
        check_address(good, frozenset())
    check_address("http://127.0.0.1:8443/cas", frozenset({"127.0.0.1"}))
    with pytest.raises(SignInError):
        check_address(address, frozenset({"127.0.0.1"}))


def test_a_peer_that_says_nothing_fails_the_tests_instead_of_holding_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "STARTS_WITHIN", 0.1)
    with pytest.raises(AssertionError, match="did not start"):
        next(conftest._served(["sleep", "30"], str.split))


def test_a_name_that_leads_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inside(*_arguments: Any) -> list[dict[str, Any]]:
        return [{"hostname": "cas.example", "host": "10.0.0.1", "port": 443, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", inside)
    with pytest.raises(SignInError) as error:
        async_to_sync(Outbound().get)("https://cas.example/cas")
    assert error.value.code == "inside"


def test_an_administrator_adds_a_source_tries_it_and_switches_it_on(
    house: House, landing: Landing, cas_servers: list[str], someone: Person, sign_in: SignIn
) -> None:
    client = sign_in(house.administrator)
    client.defaults["HTTP_HOST"] = landing.client().defaults["HTTP_HOST"]
    logo = io.BytesIO()
    Image.new("RGB", (900, 300), "navy").save(logo, "JPEG")
    logo.seek(0)
    logo.name = "logo.jpg"
    sent = {
        "name": "Université d’ici",
        "server": f"{cas_servers[0]}/login",
        "key": "user",
        "keeps_mail": "on",
        "logo": logo,
        "roles-TOTAL_FORMS": "3",
        "roles-INITIAL_FORMS": "1",
        "roles-0-attribute": "edupersonaffiliation",
        "roles-0-value": "faculty",
        "roles-0-role": "teacher",
        "groups-TOTAL_FORMS": "0",
        "groups-INITIAL_FORMS": "0",
    }
    add = reverse("federation:add", args=["cas"])
    assert client.get(add).status_code == 200
    for wrong in ({"server": "http://cas.example"}, {"roles-0-attribute": "supannCodeINE"}, {"roles-0-role": "coordinator"}):
        assert client.post(add, sent | {"logo": ""} | wrong).status_code == 422
    logo.seek(0)
    assert client.post(add, sent).status_code == 302
    source = SignInSource.unscoped.get()
    assert (source.settings, source.is_active) == ({"server": cas_servers[0]}, False)
    assert client.get(reverse("federation:logo", args=[source.id])).content[1:4] == b"PNG"
    assert Client().get(reverse("federation:start", args=[source.id])).status_code == 404

    # The trial shows what arrived and what it becomes; nothing is kept, and its answer is of use to nobody else.
    back = someone.log_in(go(client, source, "trial"), username="cdelmas", password="samledc")
    assert come_back(landing.client(), back).status_code == 403
    page = come_back(client, back).content.decode()
    for words in ("claire.delmas@ici.example", "supannCodeINE", "ne soit plus envoyé", "Enseignant"):
        assert words in page
    assert not Account.unscoped.exists()

    switch = reverse("federation:activation", args=[source.id])
    assert sign_in(house.neighbour_teacher).post(switch, {"active": "1"}).status_code == 404
    client.post(switch, {"active": "1"})
    person = landing.client()
    choice = person.get(reverse("access:sign_in"), {"next": "/avis/"}).headers["Location"]
    assert reverse("federation:start", args=[source.id]) + "?next=%2Favis%2F" in person.get(choice).content.decode()
    assert come_back(person, someone.log_in(go(person, source))).status_code == 302
    assert is_in(person)
    assert Account.unscoped.get().person.email == "claire.delmas@ici.example"
    assert b"As last time" in person.get(reverse("federation:choice")).content
    detail = client.get(reverse("federation:source", args=[source.id]), {"q": "claire"})
    assert "Claire Delmas" in detail.content.decode()

    # Switched off, it brings nobody any more, and whom it brought is out.
    client.post(switch, {"active": "0"})
    assert not is_in(person)
    assert reverse("federation:start", args=[source.id]) not in person.get(reverse("federation:choice")).content.decode()
    assert client.post(reverse("federation:deletion", args=[source.id])).status_code == 302
    kept = [entry.action for entry in Entry.objects.filter(subject=f"source:{source.id}")]
    assert kept == ["source.add", "source.activate", "source.deactivate", "source.delete"]


def test_a_neighbour_and_a_teacher_find_no_source(house: House, sign_in: SignIn) -> None:
    source = cas_source(house.neighbour_institution, "https://cas.example")
    account = actions.arrive(source, Identity("x", "X", "", (("student", ""),)), now=timezone.now()).account
    for profile in (house.administrator, house.neighbour_teacher):
        client = sign_in(profile)
        for name in ("source", "edit", "trial", "deletion"):
            assert client.get(reverse(f"federation:{name}", args=[source.id])).status_code == 404
        assert client.post(reverse("federation:suspension", args=[account.id]), {"suspended": "1"}).status_code == 404
    assert b"cas.example" not in sign_in(house.administrator).get(reverse("federation:list")).content
