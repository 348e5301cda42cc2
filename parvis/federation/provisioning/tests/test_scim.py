"""What a directory writes, and what it does not reach."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from scim2_models import SearchRequest

from conftest import House
from parvis.audit.models import Entry
from parvis.federation import actions
from parvis.federation.attributes import Identity
from parvis.federation.failure import SignInError
from parvis.federation.models import Account, DirectoryEntry, ScimSetup, ScimToken, SignInSource
from parvis.federation.provisioning.actions import directory
from parvis.federation.provisioning.actions.directory import change_setup
from parvis.federation.provisioning.actions.tokens import revoke_token
from parvis.federation.provisioning.tests.conftest import GROUP, PATCH, USER, Scim, make_token
from parvis.federation.tests.conftest import cas_source, is_in
from parvis.identity.models import Person
from parvis.institutions.models import Group, Profile

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
SignIn = Callable[[Profile], Client]


@pytest.fixture
def source(house: House) -> SignInSource:
    """By whose accounts SCIM's users sign in."""
    made = cas_source(house.institution, "https://cas.example")
    ScimSetup.unscoped.create(institution=house.institution, source=made)
    return made


def held(name: str) -> list[str]:
    rows = Profile.objects.filter(person__display_name=name, ended_at=None).order_by("role")
    return list(rows.values_list("role", flat=True))


def arrive(source: SignInSource, key: str, *roles: str) -> actions.Arrived:
    given = tuple((role, "") for role in roles)
    return actions.arrive(source, Identity(key, "", "", given), now=timezone.now())


def operation(op: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path} | ({"value": value} if value is not None else {})


def test_what_scim_gives_it_takes_back(scim: Scim, house: House) -> None:
    lea = scim.add("lmartin", displayName="Léa Martin", roles=[{"value": "faculty"}, {"value": "unknown here"}])
    assert held("Léa Martin") == ["teacher"]
    group = scim.add_group("L1 Droit", lea["id"])  # it was here: it becomes the directory's, and who was in it stays
    assert house.group.profiles.count() == 2
    assert [one["display"] for one in scim.get(f"/Users/{lea['id']}")["groups"]] == ["L1 Droit"]

    scim.patch(f"/Users/{lea['id']}", operation("add", "roles", [{"value": "student"}]))
    assert held("Léa Martin") == ["student", "teacher"]
    assert house.group.profiles.filter(person__display_name="Léa Martin").count() == 2
    scim.patch(f"/Users/{lea['id']}", operation("remove", 'roles[value eq "faculty"]'))
    assert held("Léa Martin") == ["student"]
    scim.patch(f"/Groups/{group['id']}", operation("remove", f'members[value eq "{lea["id"]}"]'))
    assert list(house.group.profiles.all()) == [house.student]
    assert scim.send("DELETE", f"/Groups/{group['id']}").status_code == 204
    assert Group.objects.filter(id=house.group.id).exists()  # somebody was put in it here
    assert scim.send("DELETE", f"/Users/{lea['id']}").status_code == 204
    assert held("Léa Martin") == []
    assert scim.send("GET", f"/Users/{lea['id']}").status_code == 404


def test_rules_may_read_the_groups_of_the_directory(scim: Scim, house: House) -> None:
    rules = [{"attribute": "groups", "value": "Enseignants", "role": "teacher"}]
    ScimSetup.unscoped.create(institution=house.institution, rules=rules)
    lea = scim.add("lmartin", displayName="Léa", userType="student")
    assert held("Léa") == []
    group = scim.add_group("Enseignants", lea["id"])
    assert held("Léa") == ["teacher"]
    scim.patch(f"/Groups/{group['id']}", operation("replace", "displayName", "Équipe"))
    assert held("Léa") == []


def test_a_user_is_whoever_signs_in_under_that_key_and_never_by_mail(scim: Scim, source: SignInSource) -> None:
    known = arrive(source, "lmartin", "teacher").person  # came before SCIM did
    scim.add("lmartin", displayName="Léa Martin", userType="student", emails=[{"value": "x@univ.example"}])
    assert held("Léa Martin") == ["student", "teacher"]
    assert Person.objects.get(id=known.id).email == ""  # the institution did not choose to keep it
    tom = scim.add("tdurand", displayName="Tom Durand", emails=[{"value": "x@univ.example"}], userType="student")
    arrived = arrive(source, "tdurand")
    assert arrived.profile
    assert arrived.person.display_name == "Tom Durand"
    assert arrived.person != known

    # Under another name, they are the same person; the former name is a stranger's.
    scim.patch(f"/Users/{tom['id']}", operation("replace", "userName", "tdupont"))
    assert arrive(source, "tdupont").person == arrived.person
    with pytest.raises(SignInError, match="no_role"):
        arrive(source, "tdurand")
    assert arrive(source, "tdurand", "student").person != arrived.person
    refused = scim.send("PATCH", f"/Users/{tom['id']}", patch_of(operation("replace", "userName", "tdurand")))
    assert refused.status_code == 409


def test_mails_that_are_kept_no_more_are_forgotten(scim: Scim, house: House) -> None:
    ScimSetup.unscoped.create(institution=house.institution, keeps_mail=True)
    lea = scim.add("lmartin", emails=[{"value": "old@b.fr"}, {"value": "lea@b.fr", "primary": True}])
    person = Person.objects.get(id=entry_person(lea["id"]))
    assert (person.email, len(scim.get(f"/Users/{lea['id']}")["emails"])) == ("lea@b.fr", 2)
    setup = ScimSetup.unscoped.get()
    setup.keeps_mail = False
    change_setup(house.principal(house.administrator), setup, now=timezone.now())
    person.refresh_from_db()
    assert person.email == ""
    assert "b.fr" not in str(DirectoryEntry.unscoped.values().get())


def test_whoever_was_inactive_when_deleted_has_nothing_left_and_may_come_back(scim: Scim, source: SignInSource) -> None:
    lea = scim.add("lmartin", displayName="Léa", userType="student", active=False)
    assert held("Léa") == []
    scim.send("DELETE", f"/Users/{lea['id']}")
    assert held("Léa") == []
    assert arrive(source, "lmartin", "student").profile


def patch_of(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def test_people_of_before_a_source_was_named_become_those_it_knows(scim: Scim, house: House) -> None:
    scim.add("lmartin", displayName="Léa Martin", userType="student")
    scim.add("nobody-yet", displayName="Noé", userType="student")
    made = cas_source(house.institution, "https://cas.example")
    known = arrive(made, "lmartin", "teacher").person
    change_setup(house.principal(house.administrator), ScimSetup(source=made), now=timezone.now())
    assert sorted(known.profiles.filter(ended_at=None).values_list("role", flat=True)) == ["student", "teacher"]
    assert Profile.objects.filter(role="student", ended_at=None, person__display_name="Léa Martin").count() == 1
    assert arrive(made, "nobody-yet").profile


@pytest.mark.parametrize("way", ["inactive", "deleted"])
def test_whoever_the_directory_lets_go_is_out_at_the_next_request(
    way: str, scim: Scim, source: SignInSource, sign_in: SignIn
) -> None:
    lea = scim.add("lmartin", displayName="Léa Martin", userType="teacher")
    arrived = arrive(source, "lmartin", "staff")
    assert arrived.profile
    client = sign_in(arrived.profile)
    actions.remember_session(arrived.account, client.session.session_key or "", "", now=timezone.now())
    assert is_in(client)
    if way == "inactive":
        scim.patch(f"/Users/{lea['id']}", operation("replace", "active", value=False))
    else:
        scim.send("DELETE", f"/Users/{lea['id']}")
    assert not is_in(client)
    assert held("Léa Martin") == []
    if way == "deleted":  # its word is gone; the sign-in source still has its own
        assert arrive(source, "lmartin", "staff").person == arrived.person
        return
    with pytest.raises(SignInError, match="suspended"):
        arrive(source, "lmartin", "staff")
    scim.patch(f"/Users/{lea['id']}", operation("replace", "active", value=True))
    assert held("Léa Martin") == ["teacher"]
    assert arrive(source, "lmartin", "staff").profile


def test_a_token_reaches_its_own_institution_only(scim: Scim, neighbour_scim: Scim, house: House) -> None:
    lea, group = scim.add("lmartin", displayName="Léa"), scim.add_group("Chorale")
    for path in (f"/Users/{lea['id']}", f"/Groups/{group['id']}"):
        either = {"schemas": [USER, GROUP], "userName": "x", "displayName": "x"}
        patch = patch_of(operation("replace", "externalId", "x"))
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", patch), ("PUT", either)):
            foreign = neighbour_scim.send(method, path, body)
            absent = neighbour_scim.send(method, path[:-6] + "ffffff", body)
            assert (foreign.status_code, foreign.content) == (404, absent.content)
        assert scim.send("GET", path).status_code == 200
    put = {"schemas": [GROUP], "displayName": "Chorale", "members": [{"value": lea["id"]}]}
    assert neighbour_scim.send("POST", "/Groups", put).status_code == 400  # of another's user, as of nobody's
    assert neighbour_scim.add("lmartin")["id"] != lea["id"]  # a name is taken in one institution, not in all
    assert [one["id"] for one in scim.get("/Users")["Resources"]] == [lea["id"]]
    assert neighbour_scim.get("/Groups")["totalResults"] == 0

    token = ScimToken.unscoped.get(institution=house.institution)
    assert token.used_at
    assert scim.token not in str(token.__dict__)
    revoke_token(house.principal(house.administrator), token, now=timezone.now())
    assert scim.send("GET", "/Users").status_code == 401
    assert neighbour_scim.send("GET", "/Users").status_code == 200


def test_users_are_looked_for_counted_and_paged(scim: Scim) -> None:
    people = [scim.add(f"User{number}", externalId=f"E{number}", displayName=f"Zoé {number}") for number in range(5)]

    def found(expression: str) -> list[str]:
        answer = scim.send("GET", f"/Users?filter={expression}")
        assert answer.status_code == 200, answer.content
        return [one["userName"] for one in json.loads(answer.content)["Resources"]]

    assert found('userName eq "uSER3"') == ["User3"]
    assert found('externalId eq "E2" and active pr') == ["User2"]
    assert found('externalId eq "e2"') == []
    assert found(f'id eq "{people[4]["id"]}" or displayName co "zoé 0"') == ["User0", "User4"]
    assert found('not (userName sw "user") or userName ew "1"') == ["User1"]
    assert found('meta.created lt "2020-01-01T00:00:00Z"') == []
    group = scim.add_group("Chorale", people[1]["id"])
    answer = scim.get(f'/Groups?filter=members eq "{people[1]["id"]}"&excludedAttributes=members')
    assert [(one["id"], "members" in one) for one in answer["Resources"]] == [(group["id"], False)]
    page = scim.get("/Users?startIndex=4&count=3")
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 4, 2)
    assert scim.get("/Users?count=0")["Resources"] == []
    both = json.loads(scim.send("POST", "/.search", {"schemas": [SEARCH], "startIndex": 5, "count": 2}).content)
    assert [one.get("userName", one.get("displayName")) for one in both["Resources"]] == ["User4", "Chorale"]


def test_what_changed_meanwhile_is_not_written_over(scim: Scim) -> None:
    lea = scim.add("lmartin")
    path, tag = f"/Users/{lea['id']}", lea["meta"]["version"]
    assert scim.send("GET", path, **{"if-none-match": tag}).status_code == 304
    scim.patch(path, operation("replace", "displayName", "Léa"))
    assert scim.send("DELETE", path, **{"if-match": tag}).status_code == 412
    assert scim.send("GET", path, **{"if-none-match": tag}).status_code == 200
    changed = scim.get(path)["meta"]["version"]
    assert scim.patch(path, operation("replace", "displayName", "Léa"))["meta"]["version"] == changed  # nothing changed
    assert scim.send("DELETE", path, **{"if-match": changed}).status_code == 204


def test_what_nothing_here_needs_is_not_kept(scim: Scim) -> None:
    sent = {
        "phoneNumbers": [{"value": "+33 1 23 45"}],
        "title": "Dr",
        "password": "t0p-secret",
        "emails": [{"value": "a@b.fr"}],
    }
    lea = scim.add("lmartin", **sent)
    kept = str(DirectoryEntry.unscoped.values().get()) + str(Person.objects.values().get(id=entry_person(lea["id"])))
    for secret in ("+33 1 23 45", "Dr", "t0p-secret", "a@b.fr"):
        assert secret not in kept
    assert sent.keys().isdisjoint(scim.get(f"/Users/{lea['id']}"))


def entry_person(uid: str) -> int:
    return DirectoryEntry.unscoped.get(uid=uid).person_id


def _deep() -> bytes:
    return b'{"schemas":["' + USER.encode() + b'"],"userName":"x","name":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}"


BAD = [
    ("POST", "/Users", b"{", 400, "invalidSyntax"),
    ("POST", "/Users", b"[]", 400, "invalidSyntax"),
    ("POST", "/Users", b"\xff\xfe", 400, "invalidSyntax"),
    ("POST", "/Users", b'{"userName": NaN}', 400, "invalidSyntax"),
    ("POST", "/Users", _deep(), 400, "invalidSyntax"),
    ("POST", "/Users", b"9" * 5_000, 400, "invalidSyntax"),
    ("POST", "/Users", b'{"userName":"' + b"x" * 2_600_000 + b'"}', 413, None),
    ("POST", "/Users", {"schemas": ["urn:example:Dog"], "userName": "x"}, 400, "invalidSyntax"),
    ("POST", "/Users", {"userName": "x"}, 400, "invalidSyntax"),
    ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "  "}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "x" * 300}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "a\0b"}, 400, "invalidSyntax"),
    ("POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"\\ud800"}', 400, "invalidSyntax"),
    ("POST", "/Users", {"schemas": [USER], "userName": "x", "active": "maybe"}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "KNOWN"}, 409, "uniqueness"),
    ("POST", "/Groups", {"schemas": [GROUP], "displayName": "x", "members": [{"value": "nobody"}]}, 400, "invalidValue"),
    ("POST", "/Groups", {"schemas": [GROUP], "displayName": ""}, 400, "invalidValue"),
    ("GET", "/Users?filter=userName", None, 400, "invalidFilter"),
    ("GET", "/Users?filter=userName eq", None, 400, "invalidFilter"),
    ("GET", '/Users?filter=userName zz "x"', None, 400, "invalidFilter"),
    ("GET", '/Users?filter=password eq "x"', None, 400, "invalidFilter"),
    ("GET", '/Users?filter=name.familyName eq "x"', None, 400, "invalidFilter"),
    ("GET", '/Users?filter=userName eq "%00"', None, 400, "invalidFilter"),
    ("GET", "/Users?filter=" + "(" * 3_000, None, 400, None),
    ("GET", "/Users?filter=" + " or ".join(["id pr"] * 101), None, 400, "tooMany"),
    ("POST", "/Users/.search", {"schemas": [SEARCH], "filter": " or ".join(["id pr"] * 5_000)}, 400, "tooMany"),
    ("GET", "/Groups?filter=" + " and ".join(['members ne "x"'] * 11), None, 400, "tooMany"),
    ("GET", "/Users?attributes=" + ",".join(["x"] * 101), None, 400, "tooMany"),
    ("POST", "/Users/.search", {"schemas": [SEARCH], "excludedAttributes": ["x"] * 101}, 400, "tooMany"),
    ("GET", "/Users?count=many", None, 400, None),
    ("GET", "/Users?startIndex=" + "9" * 30, None, 200, None),
    ("GET", "/Users?sortBy=userName", None, 400, "invalidValue"),
    ("GET", "/Users/%00", None, 404, None),
    ("GET", "/Nothing/at/all", None, 404, None),
    ("GET", "/Me", None, 404, None),
    ("POST", "/Bulk", {}, 404, None),
    ("PATCH", "/Users", {}, 405, None),
    ("PATCH", "/Users/KNOWN", {"schemas": [PATCH], "Operations": []}, 400, "invalidValue"),
    (
        "PATCH",
        "/Users/KNOWN",
        {"schemas": [PATCH], "operations": [{"op": "add", "path": "active", "value": True}] * 201},
        400,
        "tooMany",
    ),
    ("PATCH", "/Users/KNOWN", {"schemas": [PATCH], "Operations": [{"op": "burn", "path": "active"}]}, 400, "invalidValue"),
    ("PATCH", "/Users/KNOWN", {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "userName"}]}, 400, "mutability"),
    (
        "PATCH",
        "/Users/KNOWN",
        {"schemas": [PATCH], "Operations": [{"op": "add", "path": "[[", "value": 1}]},
        400,
        "invalidPath",
    ),
    ("PUT", "/Users/KNOWN", {"schemas": [USER], "userName": None}, 400, "invalidValue"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "kind"), BAD)
def test_bad_input_is_answered_in_the_words_of_scim(
    method: str, path: str, body: Any, status: int, kind: str | None, scim: Scim
) -> None:
    known = scim.add("known")
    response = scim.send(method, path.replace("KNOWN", known["id"]), body)
    assert response.status_code == status, response.content
    answer = json.loads(response.content)
    if status >= 400:
        assert response.headers["Content-Type"] == "application/scim+json"
        assert answer["status"] == str(status)
        assert answer["detail"]
        assert kind is None or answer["scimType"] == kind
    assert scim.get("/Users")["totalResults"] == 1


def test_a_wrong_media_type_or_token_is_refused_in_the_language_of_the_client(scim: Scim, house: House) -> None:
    scim.language = "fr"
    response = Client().post(
        "/scim/v2/Users", "a=b", content_type="text/plain", headers={"authorization": f"Bearer {scim.token}"}
    )
    assert response.status_code == 415
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp5"}, {"authorization": scim.token}):
        refused = Client().get("/scim/v2/Users", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert json.loads(scim.send("GET", "/Users/absent").content)["detail"].startswith("Il n’y a rien")
    house.institution.left_date = timezone.localdate()
    house.institution.save()
    assert scim.send("GET", "/Users").status_code == 401


def test_each_thing_written_leaves_its_evidence(scim: Scim, house: House) -> None:
    lea = scim.add("lmartin", userType="student")
    scim.patch(f"/Users/{lea['id']}", operation("replace", "userType", "teacher"))
    scim.send("DELETE", f"/Users/{lea['id']}")
    rows = Entry.objects.filter(actor__startswith="scim:", institution_id=house.institution.id).values_list(
        "action", flat=True
    )
    assert list(rows) == [
        "person.provision",
        "profile.give",
        "person.change",
        "profile.give",
        "profile.end",
        "profile.end",
        "person.remove",
    ]
    assert reverse("provisioning:scim") == "/scim/v2/"
    assert make_token(house, house.administrator) != scim.token
    assert not Account.unscoped.exists()


def test_a_large_group_is_filled_and_emptied_by_batches(scim: Scim, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "AT_ONCE", 2)
    monkeypatch.setattr(directory, "PAUSE_SECONDS", 0)
    monkeypatch.setattr("parvis.federation.provisioning.scim.MOST_CHANGES", 6)
    users = [scim.add(f"u{number}", userType="student")["id"] for number in range(7)]
    group = scim.add_group("Chorale", *users[:5])
    path = f"/Groups/{group['id']}"

    def inside() -> int:
        return Profile.objects.filter(groups__name="Chorale", ended_at=None).count()

    assert (inside(), len(scim.get(path)["members"])) == (5, 5)
    put = {"schemas": [GROUP], "displayName": "Chorale", "members": [{"value": one} for one in users[4:]]}
    assert scim.send("PUT", path, put).status_code == 200
    assert inside() == 3
    refused = scim.send("POST", "/Groups", put | {"displayName": "Tous", "members": [{"value": one} for one in users]})
    assert (refused.status_code, json.loads(refused.content)["scimType"]) == (400, "tooMany")
    assert scim.send("DELETE", path).status_code == 204
    assert not Group.objects.filter(name="Chorale").exists()
    assert Profile.objects.filter(institution=house.institution, role="student", ended_at=None).count() == 9


def test_a_filter_of_users_may_be_the_first_thing_a_worker_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories begin by looking somebody up: nothing has had the schema built before."""
    spec = importlib.util.find_spec("parvis.federation.provisioning.scim")
    assert spec
    assert spec.loader
    fresh = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, fresh)
    spec.loader.exec_module(fresh)
    search: Any = SearchRequest
    for keeps_mail in (False, True):
        assert search[fresh.user_class(keeps_mail=keeps_mail)].model_validate({"filter": 'userName eq "lea"'}).filter
