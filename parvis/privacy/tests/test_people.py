"""A person asks for a copy of their data, then to be erased: nothing of them is left anywhere, and what must stay says why."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.access.middleware import principal_of
from parvis.assistants.actions import ask
from parvis.assistants.models import Assistant, Conversation
from parvis.audit.models import Entry
from parvis.corpora.models import Corpus, Document
from parvis.federation.actions import barred_in
from parvis.federation.provisioning.actions.people import suspend
from parvis.identity.models import Person, Source
from parvis.institutions.models import Notice, Profile, Role
from parvis.needs.models import RawNeed
from parvis.personal import Erased
from parvis.privacy.actions import people
from parvis.privacy.actions.holdings import holdings, rows, subject_in, subjects_of
from parvis.privacy.actions.leftovers import may_overwrite, overwrite, owed
from parvis.privacy.declarations import about_people
from parvis.privacy.models import RightKind, RightRequest
from parvis.privacy.tests.conftest import REFUSED_WORD, WORD, hits, make_canary, needles, stores

pytestmark = pytest.mark.usefixtures("read_here")


def opened(content: object) -> zipfile.ZipFile:
    with content as file:  # type: ignore[attr-defined]
        return zipfile.ZipFile(io.BytesIO(file.read()))


@pytest.mark.parametrize("how", needles("zyxcanari"))
def test_the_search_finds_a_word_however_it_is_written(how: str) -> None:
    content = b"before" + needles(WORD)[how] + b"after"
    assert any(how in hit or how.lower() in hit.lower() for hit in hits([("here", content)], WORD))
    assert hits([("here", content)], REFUSED_WORD) == []


def test_an_erased_canary_is_nowhere(house: House, committed: None, data_folder: Path) -> None:
    canary = make_canary(house)
    before = hits(stores(data_folder), WORD)
    assert len(before) > 8, "the canary must be there to be missed"

    people.erase_own(canary.principal(), with_shared=False)
    assert owed(timezone.now() + timedelta(days=2))
    assert may_overwrite()
    overwrite(timezone.now())
    assert not owed(timezone.now() + timedelta(days=2))

    assert hits(stores(data_folder), WORD) == []
    assert canary.client.get("/").status_code == 302, "the session is closed"
    assert Document.unscoped.get(id=canary.shared.id).uploaded_by is None
    person = Person.objects.get(id=canary.person.id)
    assert (person.source, person.email, person.is_active) == (Source.ERASED, "", False)
    assert RawNeed.unscoped.get().wording.text == "Un relevé des présences."
    assert list(Entry.objects.filter(action="person.erase").values_list("subject", flat=True)) == [f"person:{person.id}"]
    assert RightRequest.unscoped.get().kind == RightKind.ERASURE


def test_shared_courses_stay_unless_they_are_asked_to_go(house: House) -> None:
    canary = make_canary(house, reads=False)
    student = house.principal(house.student)
    assert Corpus.objects.visible_to(student).count() == 1
    people.erase_own(canary.principal(), with_shared=True)
    assert not Corpus.unscoped.filter(institution=house.institution).exists()
    assert not Assistant.unscoped.filter(institution=house.institution).exists()


def test_a_course_that_others_use_goes_on_without_its_teacher(house: House) -> None:
    canary = make_canary(house, reads=False)
    student = house.principal(house.student)
    assistant = Assistant.objects.visible_to(student).get()
    ask(student, assistant, "Qu’est-ce qu’un contrat ?")
    people.erase_own(canary.principal(), with_shared=False)
    assistant = Assistant.objects.visible_to(student).get()
    assert assistant.owner.person.display_name == "Personne effacée"
    assert Conversation.objects.visible_to(student).count() == 1
    assert Assistant.unscoped.count() == 1, "that of the private course went with it"


def test_a_copy_holds_all_that_is_held(house: House) -> None:
    canary = make_canary(house)
    archive = opened(people.export_own(canary.principal()))
    (subject,) = subjects_of(canary.person.id)
    for holding in holdings(subject):
        found = json.loads(archive.read(f"ici/{holding.table}.json"))
        assert len(found) == holding.count
    names = archive.namelist()
    assert f"ici/documents/Cours privé {WORD}/{WORD}.md" in names
    assert any(re.fullmatch(rf"ici/conversations/\d+-quel-est-le-delai-pour-{WORD}\.md", name) for name in names)
    page = archive.read("lisez-moi.html").decode()
    assert f"Camille {WORD}" in page
    assert "<script" not in page
    assert archive.testzip() is None
    (line,) = json.loads(archive.read("ici/assistants_turn.json"))
    assert line["question"] == f"Quel est le délai pour {WORD} ?"
    assert Entry.objects.filter(action="person.export", subject=f"person:{canary.person.id}").count() == 1


def test_a_copy_of_one_holds_nothing_of_another(house: House) -> None:
    make_canary(house)
    archive = opened(people.export_own(house.principal(house.other_teacher)))
    assert hits(((name, archive.read(name)) for name in archive.namelist()), WORD) == []


def test_a_file_name_stays_in_the_folder_of_the_copy(house: House) -> None:
    canary = make_canary(house, reads=False)
    Document.unscoped.filter(id=canary.private.id).update(name="../../etc/passwd")
    Corpus.unscoped.filter(id=canary.private.corpus_id).update(name="/..\\x")
    names = opened(people.export_own(canary.principal())).namelist()
    assert not [name for name in names if name.startswith("/") or ".." in name.split("/") or "\\" in name]
    assert any(name.endswith("etc/passwd") for name in names)


def elsewhere(canary_person: Person, house: House) -> Profile:
    return Profile.objects.create(institution=house.neighbour_institution, person=canary_person, role=Role.STUDENT)


def test_an_institution_copies_and_erases_what_it_holds_and_nothing_of_its_neighbour(house: House) -> None:
    canary = make_canary(house, reads=False)
    there = elsewhere(canary.person, house)
    Notice.objects.create(profile=there, code="workshop_opened", params={"group": "voisin"}, address="/")
    administrator = house.principal(house.administrator)

    copy = people.export_for(administrator, canary.person, reason="Demande reçue par courrier")
    assert copy is not None
    names = opened(copy).namelist()
    assert {name.partition("/")[0] for name in names} == {"ici", "lisez-moi.html"}
    told = Notice.objects.get(profile=canary.teacher, code="data_exported")
    assert told.address == "/mon-profil/"

    assert people.erase_for(administrator, canary.person, reason="Demande reçue par courrier")
    person = Person.objects.get(id=canary.person.id)
    assert person.display_name == f"Camille {WORD}", "the neighbour knows them still"
    assert person.is_active
    assert WORD not in person.key
    assert Notice.objects.get(profile=there).params == {"group": "voisin"}
    assert Profile.objects.get(id=there.id).ended_at is None
    assert [one.institution_id for one in subjects_of(person.id)] == [house.neighbour_institution.id]
    canary.teacher.refresh_from_db()
    assert (canary.teacher.person.display_name, canary.teacher.person.source) == ("Personne effacée", Source.ERASED)
    (here,) = subjects_of(canary.teacher.person_id)
    assert [holding for holding in holdings(here) if not holding.why] == []
    done = RightRequest.unscoped.filter(person=canary.teacher.person).order_by("id")
    assert [(one.kind, one.reason, one.answered_by_id) for one in done] == [
        (RightKind.EXPORT, "Demande reçue par courrier", house.administrator.id),
        (RightKind.ERASURE, "Demande reçue par courrier", house.administrator.id),
    ]


def test_whom_another_knows_is_named_on_no_page_of_the_one_that_erased_them(house: House, client: Client) -> None:
    canary = make_canary(house, reads=False)
    elsewhere(canary.person, house)
    client.force_login(house.administrator.person)
    number = canary.person.id
    written = Entry.objects.filter(institution_id=house.institution.id, actor=f"person:{number}").latest("id")
    pages = (
        f"{reverse('provisioning:people')}?q={WORD}",
        f"{reverse('provisioning:people')}?state=ended",
        reverse("provisioning:person", args=[number]),
        f"{reverse('privacy:people')}?q=Camille",
        f"{reverse('evidence:entries')}?person={WORD}&action={written.action}",
        reverse("evidence:entries"),
        reverse("evidence:entry", args=[written.id]),
        reverse("rules:versions"),
        reverse("needs:list"),
        reverse("corpora:list"),
    )
    named = f"Camille {WORD}"
    assert sum(named in client.get(page).content.decode() for page in pages) >= 5

    assert people.erase_for(house.principal(house.administrator), canary.person, reason="Demande reçue par courrier")
    shown = {page: client.get(page) for page in pages}
    assert [page for page, response in shown.items() if named in response.content.decode()] == []
    assert shown[pages[2]].status_code == 404
    there = Client()
    there.force_login(canary.person)
    assert named in there.get("/mon-profil/").content.decode(), "elsewhere they are who they are"


def test_a_stranger_to_the_institution_is_neither_copied_nor_erased(house: House) -> None:
    canary = make_canary(house, reads=False)
    neighbour = Profile.objects.create(
        institution=house.neighbour_institution, person=house.neighbour_teacher.person, role=Role.ADMINISTRATOR
    )
    assert people.export_for(principal_of(neighbour), canary.person, reason="x") is None
    assert not people.erase_for(principal_of(neighbour), canary.person, reason="x")
    assert subject_in(canary.person.id, house.neighbour_institution.id) is None
    assert people.erase_for(house.principal(house.administrator), canary.person, reason="x")


def test_erasing_twice_changes_nothing_more(house: House) -> None:
    canary = make_canary(house, reads=False)
    administrator = house.principal(house.administrator)
    assert people.erase_for(administrator, canary.person, reason="x")
    key = Person.objects.get(id=canary.person.id).display_name
    assert people.erase_for(administrator, canary.person, reason="x")
    (subject,) = subjects_of(canary.person.id)
    assert [table for table, fate in about_people() if isinstance(fate, Erased) and rows(table, fate, subject).exists()] == []
    assert Person.objects.get(id=canary.person.id).display_name == key


def test_nobody_lifts_their_suspension_by_being_forgotten(house: House) -> None:
    """Suspended here, and signed in there: being erased from here, they would come back as somebody new."""
    person = house.student.person
    there = Profile.objects.create(institution=house.neighbour_institution, person=person, role=Role.STUDENT)
    suspend(house.principal(house.administrator), person.id, now=timezone.now())
    people.erase_own(principal_of(there), with_shared=False)
    assert barred_in(person.id) == {house.institution.id}
    assert Profile.objects.get(id=there.id).ended_at
    assert Person.objects.get(id=person.id).display_name == "Étudiante d’ici", "the one that suspended them still knows them"
