"""Conversations kept, found again, renamed, deleted and taken away as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pypdfium2
import pytest
from django.test import Client

from conftest import House
from parvis.assistants.export import Exported, ExportedTurn, Piece, Source, to_markdown, to_pdf
from parvis.assistants.models import Assistant, Conversation, Turn, TurnEvent
from parvis.assistants.tests.conftest import QUESTION, Use
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
pytestmark = pytest.mark.usefixtures("at_once")


def asked(client: Client, assistant: Assistant, question: str = QUESTION) -> Turn:
    client.post(f"/assistants/{assistant.id}/", {"question": question})
    return Turn.unscoped.latest("id")


def test_conversations_are_listed_and_searched_by_their_owner_alone(house: House, course: Assistant, sign_in: SignIn) -> None:
    student = sign_in(house.student)
    asked(student, course, "Quel est le délai de la prescription ?")
    asked(student, course, "Que deviennent les redoublants ?")
    asked(sign_in(house.teacher), course, "Le secret de l’enseignante")

    everything = student.get("/conversations/").content.decode()
    assert "redoublants" in everything
    assert "prescription" in everything
    assert "secret" not in everything
    found = student.get("/conversations/?q=REDOUBLANTS").content.decode()
    assert "<mark>redoublants</mark>" in found
    assert "<mark>délai</mark>" in student.get("/conversations/?q=Delai").content.decode()
    assert "délai de la prescription" not in found
    assert "Le secret" not in student.get("/conversations/?q=secret").content.decode()
    for odd in ("%", "_", "'", "\\", "\0", "x" * 5000):
        assert student.get("/conversations/", {"q": odd, "page": "zzz"}).status_code == 200
    home = student.get("/").content.decode()
    assert f"/assistants/{course.id}/" in home
    assert "redoublants" in home


def test_what_was_answered_is_found_too(house: House, course: Assistant, sign_in: SignIn) -> None:
    student = sign_in(house.student)
    turn = asked(student, course)
    assert (
        f"/conversations/{turn.conversation_id}/" in student.get("/conversations/?q=extinctive est de cinq").content.decode()
    )
    Conversation.unscoped.update(title="L’ÉTÉ, en cœur de ville")
    for words in ("l'ete", "COEUR", "cœur de"):
        assert "cœur de ville" in student.get("/conversations/", {"q": words}).content.decode()


def test_a_conversation_is_renamed_and_deleted(house: House, course: Assistant, sign_in: SignIn) -> None:
    student = sign_in(house.student)
    turn = asked(student, course)
    address = f"/conversations/{turn.conversation_id}/"
    student.post(f"{address}renommer/", {"title": "  Révisions <b>  "})
    assert Conversation.unscoped.get().title == "Révisions <b>"
    student.post(f"{address}renommer/", {"title": " "})
    assert Conversation.unscoped.get().title == "Révisions <b>"
    assert "<b>" not in student.get(address).content.decode()

    listed = student.get("/conversations/?q=prescription&page=1").content.decode()
    assert 'name="history" value="q=prescription&amp;page=1"' in listed
    from_list = {"title": "Révisions", "history": "q=prescription&page=1&next=//mal.example"}
    assert student.post(f"{address}renommer/", from_list).headers["Location"] == "/conversations/?q=prescription&page=1"
    assert student.post(f"{address}renommer/", {"title": "Révisions"}).headers["Location"] == address
    assert student.post(f"{address}supprimer/", {"history": ""}).headers["Location"] == "/conversations/"
    assert student.get(address).status_code == 404
    assert not TurnEvent.unscoped.exists()


def test_an_export_says_what_it_is_and_names_its_sources(house: House, course: Assistant, sign_in: SignIn) -> None:
    student = sign_in(house.student)
    turn = asked(student, course)
    response = student.get(f"/conversations/{turn.conversation_id}/export.md")
    text = response.content.decode()
    assert response.headers["Content-Disposition"].endswith('.md"')
    assert text.startswith("---\n")
    assert "ai_generated: false" in text
    assert "> La prescription extinctive est de cinq ans" in text
    assert "1. Cours de droit, p.\u00a02 — " in text or "1. Cours de droit, p. 2 — " in text

    pdf = student.get(f"/conversations/{turn.conversation_id}/export.pdf").content
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    words = " ".join(document[0].get_textpage().get_text_range().split())
    assert "La prescription extinctive est de cinq ans à compter du jour" in words
    assert "Cours de droit" in words
    assert "ai_generated=false" in document.get_metadata_value("Keywords")


def test_an_export_gives_the_hour_of_the_pages(house: House, course: Assistant, sign_in: SignIn) -> None:
    student = sign_in(house.student)
    turn = asked(student, course)
    Turn.unscoped.filter(id=turn.id).update(created_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    text = student.get(f"/conversations/{turn.conversation_id}/export.md").content.decode()
    assert "*2 juillet 2026 00:30" in text  # Paris, two hours ahead


def test_a_generated_answer_is_marked_as_such(house: House, course: Assistant, sign_in: SignIn, use_model: Use) -> None:
    use_model('Elle est de cinq ans. [1: "La prescription extinctive est de cinq ans"]', " Une phrase sans preuve.")
    student = sign_in(house.student)
    turn = asked(student, course)
    text = student.get(f"/conversations/{turn.conversation_id}/export.md").content.decode()
    assert "ai_generated: true" in text
    assert "trainedAlgorithmicMedia" in text
    assert "modele-de-test" in text
    pdf = student.get(f"/conversations/{turn.conversation_id}/export.pdf").content
    keywords = pypdfium2.PdfDocument(io.BytesIO(pdf)).get_metadata_value("Keywords")
    assert "ai_generated=true" in keywords
    assert "trainedAlgorithmicMedia" in keywords


HOSTILE = (
    '---\nx: y\n# Titre\n![image](http://mal.example/i.png) <img src=x> [lien](http://mal.example) `code` "q" & é ∑ 你 \u202f!'
)


def test_hostile_text_is_quoted_in_both_formats() -> None:
    turn = ExportedTurn(
        question=HOSTILE,
        pieces=(Piece(HOSTILE, (1,), quoted=True), Piece(HOSTILE, problem=HOSTILE)),
        sources=(Source(1, HOSTILE, "p. 1", HOSTILE, HOSTILE),),
        remark=HOSTILE,
        mode="generative",
        model_name=HOSTILE,
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    conversation = Exported(title=HOSTILE, assistant=HOSTILE, institution=HOSTILE, turns=(turn,))
    text = to_markdown(conversation)
    front, body = text.split("\n---\n", 1)
    assert front.startswith("---\n")
    assert all(": " in line for line in front.splitlines()[1:])
    assert "](" not in body.replace("\\](", "")
    assert "<img" not in body
    assert "\n# Titre" not in body
    document = pypdfium2.PdfDocument(io.BytesIO(to_pdf(conversation)))
    assert "<img src=x>" in " ".join(page.get_textpage().get_text_range() for page in document)


def test_a_long_conversation_still_makes_a_pdf() -> None:
    pieces = tuple(Piece(f"Phrase {number}. " + "mot " * 400, (number,)) for number in range(40))
    turn = ExportedTurn("Q" * 4000, pieces, (), "", "extractive", "", datetime(2026, 1, 1, tzinfo=UTC))
    document = pypdfium2.PdfDocument(io.BytesIO(to_pdf(Exported("T", "A", "I", (turn,)))))
    assert len(document) > 10
