"""Lists of people: read row by row, shown before anything is done, done once however often they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.audit.models import Entry
from parvis.federation import actions as sign_in_actions
from parvis.federation.attributes import Identity
from parvis.federation.models import Account, DirectoryEntry, PeopleList
from parvis.federation.provisioning import people_sheet
from parvis.federation.provisioning.actions import lists as actions
from parvis.federation.provisioning.actions.lists import Outcome, Preview, Target
from parvis.federation.provisioning.jobs import import_lists
from parvis.federation.provisioning.sentences import fault_sentence
from parvis.federation.tests.conftest import cas_source
from parvis.identity.models import Person
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
HEADER = "Identifiant;Prénom;Nom;Rôle;Précision;Groupes"
LEA = "lmartin;Léa;Martin;étudiante;L1 Droit;L1 Droit|Chorale"
TOM = "tdurand;Tom;Durand;Enseignant|Référent;Droit;"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PAUSE_SECONDS", 0)


def csv(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def imported(target: Target, content: bytes, *, ends_absent: bool = False) -> Outcome:
    return actions.import_people(target, content, ends_absent=ends_absent, actor="person:1", now=timezone.now())


def held(target: Target) -> set[tuple[str, str, str]]:
    rows = Profile.objects.filter(institution=target.institution, ended_at=None, person__directory_entries__isnull=False)
    return set(rows.values_list("person__display_name", "role", "detail"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_list_is_read_however_a_spreadsheet_wrote_it(encoding: str, delimiter: str) -> None:
    content = "\r\n".join([HEADER, LEA, TOM, ""]).replace(";", delimiter).encode(encoding)
    lea, tom = people_sheet.read(content).people
    assert (lea.row_number, lea.identifier, lea.name) == (2, "lmartin", "Léa Martin")
    assert (lea.roles, lea.groups) == ((("student", "L1 Droit"),), ("L1 Droit", "Chorale"))
    assert tom.roles == (("teacher", "Droit"), ("referent", "Droit"))


def test_each_fault_has_its_line_and_its_sentence_and_stops_no_other_row() -> None:
    rows = [
        LEA,
        ";Sans;Identifiant;étudiant;;",
        "sans-nom;;;étudiant;;",
        "sans-role;A;B;;;",
        "magicien;A;B;magicien;;",
        "lmartin;Léa;Martin;étudiant;;",
        "long;A;B;étudiant;;" + "x" * 200,
        "à droite;A;B;étudiant;;;de trop",
        'ouvert;"A;B;étudiant;;',
        "fin;A;B;personnel;;",
    ]
    sheet = people_sheet.read(csv(*rows))
    assert [one.identifier for one in sheet.people] == ["lmartin", "fin"]
    assert [(fault.row_number, fault.code) for fault in sheet.faults] == [
        (3, "missing"),
        (4, "missing"),
        (5, "missing"),
        (6, "unknown_role"),
        (7, "repeated"),
        (8, "too_long"),
        (9, "extra_cells"),
        (10, "unclosed_quote"),
    ]
    assert all(fault_sentence(fault) for fault in sheet.faults)
    # Another role of somebody is no repetition.
    both = people_sheet.read(csv(LEA, "lmartin;Léa;Martin;personnel;BU;Service"))
    assert both.people[0].roles == (("student", "L1 Droit"), ("staff", "BU"))
    assert both.people[0].groups == ("L1 Droit", "Chorale", "Service")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"PK\x03\x04 a workbook", "not_a_spreadsheet"),
        (b"%PDF-1.7", "not_a_spreadsheet"),
        (b"identifiant;nom\0", "nul_bytes"),
        (b"a;b;c\n1;2;3", "no_header"),
        (b"identifiant;login;role\n", "ambiguous_column"),
        (csv(*["x;A;B;magicien;;"] * 4, header=HEADER) * 30_000, "too_many_rows"),
    ],
)
def test_what_is_no_list_is_refused_whole(content: bytes, code: str) -> None:
    with pytest.raises(people_sheet.Refused) as refused:
        people_sheet.read(content)
    assert refused.value.code == code


def test_importing_twice_changes_nothing_and_absence_ends_only_on_request(house: House) -> None:
    target = Target(house.institution, "Étudiants")
    assert imported(target, csv(LEA, TOM)) == Outcome(added=2, changed=0, ended=0)
    before = held(target)
    assert before == {
        ("Léa Martin", "student", "L1 Droit"),
        ("Tom Durand", "teacher", "Droit"),
        ("Tom Durand", "referent", "Droit"),
    }
    assert house.group.profiles.count() == 2
    assert imported(target, csv(LEA, TOM)) == Outcome(0, 0, 0)
    assert imported(target, csv(LEA)) == Outcome(0, 0, 0)
    assert held(target) == before
    assert imported(Target(house.institution, "Personnels"), csv(LEA), ends_absent=True).ended == 0  # another list
    seen: Preview = actions.preview(target, csv(LEA.replace("L1 Droit;L1 Droit|Chorale", "L2 Droit;Chorale")))
    assert ([one.identifier for one in seen.changed], seen.absent) == (["lmartin"], (("tdurand", "Tom Durand"),))
    moved = csv(LEA.replace("L1 Droit;L1 Droit|Chorale", "L2 Droit;Chorale"))
    assert imported(target, moved, ends_absent=True) == Outcome(0, 1, 1)
    assert ("Tom Durand", "teacher", "Droit") not in held(target)
    assert Person.objects.filter(display_name="Tom Durand").exists()  # what they did stays under their name
    assert house.group.profiles.filter(person__display_name="Léa Martin").exists()  # the other list still says so
    assert imported(target, csv(LEA, TOM)).added == 1
    assert Person.objects.filter(display_name="Tom Durand").count() == 1


def test_a_faulty_row_is_not_an_absence_and_roles_of_elsewhere_are_refused(house: House) -> None:
    target = Target(house.institution, "Étudiants")
    imported(target, csv(LEA))
    seen = actions.preview(target, csv("mchef;M;Chef;coordination;;", "LMARTIN;L;M;étudiant;;", LEA))
    assert [(fault.row_number, fault.code) for fault in seen.faults] == [(2, "role_elsewhere"), (4, "same_but_case")]
    assert seen.absent == ()


def test_whoever_signs_in_under_the_identifier_is_the_person_of_the_list(house: House) -> None:
    source = cas_source(house.institution, "https://cas.example")

    def arrive(key: str, *roles: str) -> sign_in_actions.Arrived:
        given = tuple((role, "") for role in roles)
        return sign_in_actions.arrive(source, Identity(key, "", "", given), now=timezone.now())

    known = arrive("lmartin", "staff").person
    imported(Target(house.institution, "Étudiants"), csv(LEA, TOM))  # of no source: somebody else
    target = Target(house.institution, "Étudiants", source)
    assert imported(target, csv(LEA, TOM)) == Outcome(0, 2, 0)
    assert set(known.profiles.filter(ended_at=None).values_list("role", flat=True)) == {"staff", "student"}
    tom = arrive("tdurand")
    assert tom.profile
    assert tom.person == Person.objects.get(display_name="Tom Durand")
    assert Account.unscoped.filter(source=source).count() == 2
    # The source gives what the list gives too: neither takes it away while the other gives it.
    arrive("lmartin", "student")
    assert known.profiles.filter(role="student", ended_at=None).exists()
    arrive("lmartin")
    assert known.profiles.filter(role="student", ended_at=None).exists()
    imported(target, csv(TOM), ends_absent=True)
    assert not known.profiles.filter(ended_at=None).exists()


def test_a_list_is_previewed_by_its_sender_alone_then_done(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    sent = client.post(reverse("provisioning:import"), _form(csv(LEA, ";x;y;z;;"), "=cmd.csv"))
    assert sent.status_code == 302
    page = client.get(sent.headers["Location"])
    assert "Léa Martin" in page.content.decode()
    assert "« Identifiant » est vide" in page.content.decode().replace("\xa0", " ").replace("\u202f", " ")
    assert DirectoryEntry.unscoped.count() == 0
    for other in (house.teacher, house.student, house.neighbour_teacher):
        assert sign_in(other).get(sent.headers["Location"]).status_code == 404
        assert sign_in(other).post(sent.headers["Location"]).status_code == 404
    for _twice in range(2):
        waiting = client.post(sent.headers["Location"], follow=True)
        assert b"hx-trigger" in waiting.content
        assert DirectoryEntry.unscoped.count() == 0  # the worker does it, no request
    assert import_lists(lambda: False)
    assert not import_lists(lambda: False)
    done = client.get(sent.headers["Location"])
    assert "La liste est importée" in done.content.decode()
    assert b"hx-trigger" not in done.content
    assert client.post(sent.headers["Location"]).status_code == 302
    assert not import_lists(lambda: False)
    assert DirectoryEntry.unscoped.count() == 1
    assert bytes(PeopleList.unscoped.get().content) == b""
    assert Entry.objects.get(action="people.import").actor == f"person:{house.administrator.person_id}"

    refused = client.post(reverse("provisioning:import"), _form(b"%PDF", "x.csv"))
    assert refused.status_code == 422
    assert client.post(reverse("provisioning:import"), {"list_name": "x"}).status_code == 422
    PeopleList.unscoped.update(received_at=timezone.now() - timedelta(days=2))
    client.post(reverse("provisioning:import"), _form(csv(TOM), "y.csv"))
    assert PeopleList.unscoped.count() == 1


def test_a_long_list_lets_documents_pass_and_goes_on(house: House, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 2)
    client = sign_in(house.administrator)
    rows = [f"p{number};P{number};Nom;étudiant;;" for number in range(5)]
    page = client.post(reverse("provisioning:import"), _form(csv(*rows), "x.csv")).headers["Location"]
    client.post(page)
    for done in (2, 4):
        assert import_lists(lambda: True)
        assert DirectoryEntry.unscoped.count() == done
        assert f"{done} sur 5" in client.get(page).content.decode().replace("\xa0", " ")
        other = client.post(reverse("provisioning:import"), _form(csv(TOM), "y.csv")).headers["Location"]
        assert client.get(page).status_code == client.get(other).status_code == 200  # neither makes the other forgotten
    assert import_lists(lambda: False)
    assert "La liste est importée" in client.get(page).content.decode()
    assert DirectoryEntry.unscoped.count() == 5


def test_an_import_that_cannot_go_on_says_so(house: House, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in(house.administrator)
    page = client.post(reverse("provisioning:import"), _form(csv(TOM), "x.csv")).headers["Location"]
    client.post(page)
    monkeypatch.setattr(actions, "_import", lambda *_given, **_named: 1 / 0)
    assert import_lists(lambda: False)
    assert "arrêté" in client.get(page).content.decode()
    assert not import_lists(lambda: False)


def _form(content: bytes, name: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, content), "list_name": "Étudiants"}


def test_the_model_is_a_list_and_what_is_exported_is_read_again_without_formulas(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    model = people_sheet.read(client.get(reverse("provisioning:import_model")).content)
    assert ([one.identifier for one in model.people], model.faults) == (["exemple1", "exemple2"], ())
    imported(Target(house.institution, "Étudiants"), csv("-lea;=HYPERLINK(1);Martin;étudiante;@x;+Groupe"))
    exported = client.get(reverse("provisioning:export")).content
    cells = [cell for line in exported.decode("utf-8-sig").splitlines() for cell in line.split(";")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    again = {one.identifier: one for one in people_sheet.read(exported).people}
    assert again["-lea"].name == "=HYPERLINK(1) Martin"
    assert again["-lea"].roles == (("student", "@x"),)
    assert again["-lea"].groups == ("+Groupe",)
    assert not any(name in exported.decode() for name in _names(house.neighbour_teacher, house.neighbour_student))


def _names(*profiles: Profile) -> Iterable[str]:
    return [profile.person.display_name for profile in profiles]


def test_a_batch_takes_as_many_queries_however_many_people_it_has(
    house: House, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    target = Target(house.institution, "Étudiants", cas_source(house.institution, "https://cas.example"))
    rows = [f"etu{number};Prénom;Nom {number};étudiant;L1;Année {number % 5}" for number in range(actions.AT_ONCE)]
    with django_assert_max_num_queries(60):
        assert imported(target, csv(*rows)).added == actions.AT_ONCE
    with django_assert_max_num_queries(35):
        assert imported(target, csv(), ends_absent=True).ended == actions.AT_ONCE
