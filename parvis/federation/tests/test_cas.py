"""CAS 3.0, with the servers of django-cas-server."""

from __future__ import annotations

import urllib.parse
from dataclasses import replace
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.audit.models import Entry
from parvis.federation import actions
from parvis.federation.cas import logout_ticket, read_validation
from parvis.federation.failure import SignInError
from parvis.federation.models import Account, OpenSession
from parvis.federation.provisioning.actions import people
from parvis.federation.tests.conftest import Landing, Person, cas_source, come_back, go, is_in
from parvis.institutions.models import Profile


def test_two_institutions_each_with_its_server(
    house: House, landing: Landing, cas_servers: list[str], someone: Person
) -> None:
    here = cas_source(house.institution, cas_servers[0])
    there = cas_source(house.neighbour_institution, cas_servers[1], key="eduPersonPrincipalName")
    client, other = landing.client(), landing.client()

    back = someone.log_in(go(client, here), username="cdelmas", password="samledc")
    # The ticket is good for this browser, this source, and once.
    assert come_back(other, back).status_code == 403
    assert come_back(client, back.replace(f"/{here.id}/", f"/{there.id}/")).status_code == 403
    assert come_back(client, back).status_code == 403  # spent by the attempt above

    back = someone.log_in(go(client, here))
    assert come_back(client, back).headers["Location"] == "/"
    assert come_back(client, back).status_code == 403
    account = Account.unscoped.get(source=here)
    assert (account.person.key, account.person.display_name, account.person.email) == (
        f"{here.id}:cdelmas",
        "Claire Delmas",
        "",
    )
    profile = Profile.objects.get(person=account.person)
    assert (profile.institution, profile.role, profile.detail) == (house.institution, "teacher", "Droit")
    assert [group.name for group in profile.groups.all()] == ["Licence de droit"]

    # The same words from another server are somebody else.
    back = Person(landing).log_in(go(other, there), username="cdelmas", password="samledc")
    ticket = query(back)["ticket"]
    state = query(query(go(client, here))["service"])["state"]
    assert client.get(reverse("federation:back", args=[here.id]), {"state": state, "ticket": ticket}).status_code == 403
    assert come_back(other, back).status_code == 302
    assert Account.unscoped.get(source=there).person.key == f"{there.id}:cdelmas@ici.example"
    assert is_in(client)
    assert is_in(other)

    # Single logout: the server posts what ends that session, and only that one, for each of the two tickets it gave.
    someone.open(f"{cas_servers[0]}/logout")
    sent = [landing.next_post(), landing.next_post()]
    assert [_post(landing, reverse("federation:back", args=[there.id]), body) for _path, body in sent] == [204, 204]
    assert is_in(client)
    assert [_post(landing, path, body) for path, body in sent] == [204, 204]
    assert not is_in(client)
    assert is_in(other)
    assert Entry.objects.filter(action="session.end", institution_id=house.institution.id).count() == 1

    # Another person has no ground here; one who is suspended neither, at the next request.
    assert (
        come_back(client, Person(landing).log_in(go(client, here), username="visitor", password="rotisiv")).status_code == 403
    )
    account = Account.unscoped.get(source=there)
    there_too = replace(house.principal(house.administrator), institution_id=account.institution_id)
    people.suspend(there_too, account.person_id, now=timezone.now())
    assert not is_in(other)
    assert OpenSession.unscoped.count() == 0


def test_one_person_holds_an_account_of_two_institutions_and_says_so_twice(
    house: House, landing: Landing, cas_servers: list[str], someone: Person
) -> None:
    here, there = cas_source(house.institution, cas_servers[0]), cas_source(house.neighbour_institution, cas_servers[1])
    client, other = landing.client(), landing.client()
    come_back(client, someone.log_in(go(client, here), username="cdelmas", password="samledc"))
    student = Person(landing)
    linking = reverse("federation:linking")
    assert client.post(linking).status_code == 404  # nothing waits
    asked = come_back(client, student.log_in(go(client, there, "link"), username="lmoreau", password="uaeroml"))
    assert b"Is this account yours?" in asked.content
    assert not Account.unscoped.filter(source=there).exists()
    assert client.post(linking).status_code == 302
    claire = Account.unscoped.get(source=there).person
    assert claire.display_name == "Claire Delmas"
    assert [one.institution.slug for one in claire.profiles.order_by("id")] == ["ici", "la-bas"]

    # She comes in by either; somebody else cannot take an account that is hers.
    assert come_back(other, student.log_in(go(other, there))).status_code == 302
    assert other.get(reverse("federation:accounts")).context["profile"].person == claire
    third = landing.client()
    come_back(third, Person(landing).log_in(go(third, here), username="lmoreau", password="uaeroml"))
    come_back(third, student.log_in(go(third, there, "link")))
    assert third.post(linking).status_code == 403
    assert Account.unscoped.get(source=there).person == claire


def test_the_sign_in_of_one_institution_opens_nothing_of_another(
    house: House, landing: Landing, cas_servers: list[str], someone: Person
) -> None:
    """Whoever runs a university's server can sign in as any of its people: they find nothing that another one holds."""
    here, there = cas_source(house.institution, cas_servers[0]), cas_source(house.neighbour_institution, cas_servers[1])
    claire = actions.recognise(here, "cdelmas", name="Claire Delmas").person
    actions.recognise(there, "lmoreau", name="", person=claire)
    client, student = landing.client(), Person(landing)
    come_back(client, someone.log_in(go(client, here), username="cdelmas", password="samledc"))
    other = Profile.objects.create(institution=house.neighbour_institution, person=claire, role="student")

    def folders() -> set[str]:
        content: Any = client.post(reverse("privacy:copy"))
        return {name.split("/")[0] for name in ZipFile(BytesIO(content.getvalue())).namelist() if "/" in name}

    refused = client.post(reverse("access:switch_profile"), {"profile": other.id})
    assert refused.headers["Location"].startswith(reverse("federation:choice"))
    assert client.get("/mon-profil/").context["profile"].institution == house.institution
    assert folders() == {"ici"}
    assert "Université de là-bas" in client.get(reverse("privacy:erasure")).content.decode()

    # Signed in there too, both are open; either server ends it.
    come_back(client, student.log_in(go(client, there), username="lmoreau", password="uaeroml"))
    assert client.get("/mon-profil/").context["profile"].institution == house.neighbour_institution
    assert client.post(reverse("access:switch_profile"), {"profile": claire.profiles.get(institution=here.institution_id).id})
    assert client.get("/mon-profil/").context["profile"].institution == house.institution
    assert folders() == {"ici", "la-bas"}
    assert actions.end_sessions(here, key="cdelmas") == 1
    assert not is_in(client)

    # One is erased where one signed in.
    come_back(client, someone.log_in(go(client, here)))
    client.post(reverse("privacy:erasure"), {"understood": "on"})
    assert other in Profile.objects.filter(ended_at=None)
    assert Account.unscoped.get(person=claire).source == there


def test_an_account_that_gives_no_role_opens_what_its_person_holds(
    house: House, landing: Landing, cas_servers: list[str], someone: Person
) -> None:
    """A guest of one university, whom another made a representative by hand: it has no sign-in of its own."""
    here = cas_source(house.institution, cas_servers[0])
    guest = actions.recognise(here, "visitor", name="Passant").person
    client = landing.client()
    back = someone.log_in(go(client, here), username="visitor", password="rotisiv")
    assert come_back(client, back).status_code == 403, "nothing is held anywhere"

    first, second = (
        Profile.objects.create(institution=house.neighbour_institution, person=guest, role=role)
        for role in ("referent", "staff")
    )
    assert come_back(client, someone.log_in(go(client, here))).status_code == 302
    assert client.get("/mon-profil/").context["profile"] == first
    assert client.post(reverse("access:switch_profile"), {"profile": second.id}).status_code == 302
    assert client.get("/mon-profil/").context["profile"] == second

    # Where that university has a sign-in, its profiles wait for it, and an account there may be joined without a role.
    there = cas_source(house.neighbour_institution, cas_servers[1])
    student = Person(landing)
    come_back(client, student.log_in(go(client, there, "link"), username="visitor", password="rotisiv"))
    assert client.post(reverse("federation:linking")).status_code == 302
    other = landing.client()
    assert come_back(other, someone.log_in(go(other, here))).status_code == 403
    assert come_back(other, student.log_in(go(other, there))).status_code == 302
    assert other.get("/mon-profil/").context["profile"] == first


def query(address: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def _post(landing: Landing, path: str, body: bytes) -> int:
    return landing.client().post(path, body.decode(), content_type="application/x-www-form-urlencoded").status_code


SUCCESS = """<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationSuccess>
<cas:user>lea{}</cas:user><cas:attributes>{}</cas:attributes></cas:authenticationSuccess></cas:serviceResponse>"""


def test_the_user_is_read_whole_and_from_one_place() -> None:
    forged = "<cas:user>admin</cas:user><cas:sub>admin</cas:sub><cas:attribute name='user' value='admin'/>"
    assert read_validation(SUCCESS.format("<!-- x -->.martin", forged).encode())["user"] == ("lea.martin",)


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + SUCCESS.format("&e;", ""),
        '<!DOCTYPE x [<!ENTITY e "admin">]>' + SUCCESS.format("&e;", ""),
        SUCCESS.format("</cas:user><cas:user>admin", ""),
        SUCCESS.format("<cas:b>admin</cas:b>", ""),
        SUCCESS.format("", "").replace(
            "</cas:authenticationSuccess>", "</cas:authenticationSuccess><cas:authenticationFailure/>"
        ),
        SUCCESS.format("", "").replace(
            "<cas:attributes>", "<cas:proxies><cas:proxy>x</cas:proxy></cas:proxies><cas:attributes>"
        ),
        SUCCESS.format("", "").replace("http://www.yale.edu/tp/cas", "urn:other"),
        "yes\nlea\n",
        "",
    ],
)
def test_another_answer_is_no_success(body: str) -> None:
    with pytest.raises(SignInError):
        read_validation(body.encode())
    with pytest.raises(SignInError):
        logout_ticket(body.encode())
