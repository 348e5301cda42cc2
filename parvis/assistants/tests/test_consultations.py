"""Another person's conversation is read for a written reason, for an hour, and its author is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.assistants.consultations import doors
from parvis.assistants.models import Assistant, Conversation, EventKind, Mode, Signal, SignalKind, State, Turn, TurnEvent
from parvis.assistants.tests.conftest import add_document
from parvis.audit.models import Entry
from parvis.corpora.models import Document
from parvis.evidence.actions import consult
from parvis.evidence.models import Consultation
from parvis.identity.models import Person, Source
from parvis.institutions.models import Notice, Profile, Role

SignIn = Callable[[Profile], Client]
REASON = "L’auteur demande que l’on vérifie une réponse erronée."
ANSWER = "La violence vicie le consentement."
SECRET = "Puis-je rompre un contrat conclu sous la menace ?"


@pytest.fixture
def conversation(house: House, course: Assistant) -> Conversation:
    row = Conversation.unscoped.create(
        institution=house.institution, assistant=course, profile=house.student, title="Rompre un contrat"
    )
    turn = Turn.unscoped.create(
        institution=house.institution,
        conversation=row,
        number=1,
        question=SECRET,
        state=State.ANSWERED,
        mode=Mode.EXTRACTIVE,
        lease_until=timezone.now(),
    )
    TurnEvent.unscoped.create(
        institution=house.institution,
        turn=turn,
        seq=1,
        kind=EventKind.TEXT,
        payload={"text": ANSWER, "status": "verified", "problems": []},
    )
    Signal.unscoped.create(
        institution=house.institution,
        assistant=course,
        turn=turn,
        profile=house.student,
        kind=SignalKind.WRONG,
        question=SECRET,
    )
    return row


@pytest.fixture
def officer(house: House) -> Profile:
    person = Person.objects.create(key="local:ici:dpo", source=Source.LOCAL, display_name="Déléguée d’ici")
    return Profile.objects.create(institution=house.institution, person=person, role=Role.DPO)


def page_of(conversation: Conversation) -> str:
    return reverse("consultations:conversation", args=[conversation.id])


def test_a_reason_opens_it_for_an_hour(conversation: Conversation, officer: Profile, sign_in: SignIn) -> None:
    client, page = sign_in(officer), page_of(conversation)
    before = client.get(page).content.decode()
    assert 'name="reason"' in before
    assert SECRET[:20] not in before
    assert conversation.title not in before
    for short in ("", "parce que", " " * 40):
        assert client.post(page, {"reason": short}).status_code == 422
    assert not Consultation.unscoped.exists()
    assert client.post(page, {"reason": REASON}).status_code == 302
    read = client.get(page).content.decode()
    assert SECRET[:20] in read
    assert ANSWER in read
    Consultation.unscoped.update(until=timezone.now() - timedelta(seconds=1))
    assert SECRET[:20] not in client.get(page).content.decode()


def test_its_author_is_told_who_read_it_and_why(
    house: House, conversation: Conversation, officer: Profile, sign_in: SignIn
) -> None:
    sign_in(officer).post(page_of(conversation), {"reason": REASON})
    notice = Notice.objects.get(profile=house.student)
    page = sign_in(house.student).get(notice.address).content.decode()
    assert "Déléguée d’ici" in page
    assert REASON in page
    for other in (house.other_student, house.teacher, officer):
        assert REASON not in sign_in(other).get(notice.address).content.decode()


def test_it_is_an_entry_of_the_log_without_any_content(conversation: Conversation, officer: Profile, sign_in: SignIn) -> None:
    sign_in(officer).post(page_of(conversation), {"reason": REASON})
    entry = Entry.objects.get(action="content.consult")
    assert (entry.actor, entry.subject) == (f"person:{officer.person_id}", f"conversation:{conversation.id}")
    assert entry.details["reason"] == REASON
    assert SECRET not in str(entry.details)


def test_nobody_opens_what_is_not_theirs_to_open(
    house: House, conversation: Conversation, officer: Profile, sign_in: SignIn
) -> None:
    page = page_of(conversation)
    for stranger in (house.student, house.other_student, house.teacher, house.neighbour_teacher):
        assert sign_in(stranger).get(page).status_code == 404
        assert sign_in(stranger).post(page, {"reason": REASON}).status_code == 404
    neighbour = Profile.objects.create(
        institution=house.neighbour_institution, person=house.neighbour_teacher.person, role=Role.ADMINISTRATOR
    )
    assert sign_in(neighbour).post(page, {"reason": REASON}).status_code == 404
    Signal.unscoped.all().delete()
    assert sign_in(officer).post(page, {"reason": REASON}).status_code == 404, "nothing was signalled"
    assert not Consultation.unscoped.exists()


def test_one_person_s_reason_opens_nothing_to_another(
    house: House, conversation: Conversation, officer: Profile, sign_in: SignIn
) -> None:
    sign_in(officer).post(page_of(conversation), {"reason": REASON})
    assert SECRET[:20] not in sign_in(house.administrator).get(page_of(conversation)).content.decode()


def test_the_list_shows_neither_words_nor_names(
    house: House, conversation: Conversation, officer: Profile, sign_in: SignIn
) -> None:
    page = sign_in(officer).get(reverse("consultations:list")).content.decode()
    assert f"/consultations/conversations/{conversation.id}/" in page
    for hidden in (SECRET[:20], conversation.title, house.student.person.display_name):
        assert hidden not in page
    for stranger in (house.teacher, house.student):
        assert sign_in(stranger).get(reverse("consultations:list")).status_code == 404


def test_a_consultation_opens_the_conversation_it_names_and_no_other(
    house: House, conversation: Conversation, officer: Profile
) -> None:
    principal, now = house.principal(officer), timezone.now()
    row = consult(principal, kind=doors.KIND, number=conversation.id, person=house.student.person, reason=REASON)
    other = Conversation.unscoped.create(
        institution=house.institution, assistant=conversation.assistant, profile=house.student, title="Autre"
    )
    assert [turn.question for turn, _events in doors.turns(row, now)] == [SECRET]
    assert doors.open_consultation(principal, other, now) is None
    assert doors.turns(row, row.until) == []


def test_an_administrator_reads_a_course_that_is_not_shared_with_them_for_a_reason_its_owner_sees(
    house: House, course: Assistant, sign_in: SignIn
) -> None:
    corpus = course.corpora.get()
    document = Document.unscoped.filter(corpus=corpus).first() or add_document(corpus, "lecon.md", "# Le dol\n\nLe dol vicie.")
    client = sign_in(house.administrator)
    page, ask = reverse("corpora:detail", args=[corpus.id]), reverse("corpora:consultation", args=[corpus.id])
    read = [reverse("corpora:open", args=[document.id]), reverse("corpora:document", args=[document.id, 1])]
    read.append(reverse("corpora:original", args=[document.id]))
    shown = client.get(page)
    assert shown.status_code == 200
    assert shown.context["consult_url"] == ask
    assert corpus.name in client.get(reverse("corpora:list")).content.decode()
    for address in read:
        assert client.get(address).headers["Location"] == ask
    assert client.get(reverse("assistants:assistant", args=[course.id])).status_code == 404
    assert client.post(ask, {"reason": "court"}).status_code == 422
    assert client.post(ask, {"reason": REASON}).headers["Location"] == page
    assert [client.get(address).status_code for address in read] == [302, 200, 200]
    assert client.get(page).context["consult_url"] == ""
    told = sign_in(house.teacher).get(reverse("evidence:consultations")).content.decode()
    assert REASON in told
    assert page in told
    assert Entry.objects.filter(action="content.consult", subject=f"corpus:{corpus.id}").count() == 1
    Consultation.unscoped.update(until=timezone.now() - timedelta(seconds=1))
    assert client.get(read[1]).headers["Location"] == ask
    for stranger in (house.other_teacher, house.neighbour_teacher, house.other_student):
        other = sign_in(stranger)
        assert [other.get(address).status_code for address in (*read, ask)] == [404, 404, 404, 404]


def test_what_students_sent_to_a_teacher_is_not_for_who_administers(house: House, conversation: Conversation) -> None:
    assert Signal.objects.visible_to(house.principal(house.teacher)).count() == 1
    assert not Signal.objects.visible_to(house.principal(house.administrator)).exists()


@pytest.mark.parametrize("kind", ["markdown", "pdf"])
def test_that_a_conversation_was_taken_out_is_recorded_without_its_words(
    house: House, conversation: Conversation, sign_in: SignIn, kind: str
) -> None:
    client = sign_in(house.student)
    address = reverse(f"assistants:export_{kind}", args=[conversation.id])
    assert sign_in(house.other_student).get(address).status_code == 404
    assert not Entry.objects.filter(action="file.export").exists()
    assert client.get(address).status_code == 200
    entry = Entry.objects.get(action="file.export")
    assert (entry.subject, entry.actor) == (f"conversation:{conversation.id}", house.principal(house.student).actor)
    assert "menace" not in str(entry.details)
