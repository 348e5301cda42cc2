"""From a file to passages that are found, whatever happens meanwhile."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils import translation
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from conftest import House
from parvis.audit.models import Entry
from parvis.corpora import actions, engine, jobs, storage
from parvis.corpora.lengths import length_words
from parvis.corpora.models import Corpus, Document, DocumentState, Page, Passage
from parvis.corpora.parsing.refusals import Unreadable
from parvis.corpora.tests.conftest import COURSE, Add

Ask = Callable[[str], list[str]]
QUESTION = "Combien de membres compte le Conseil constitutionnel ?"


def read_all() -> None:
    jobs.run_worker(until_idle=True)


def states(corpus: Corpus) -> list[str]:
    return list(Document.unscoped.filter(corpus=corpus).order_by("id").values_list("state", flat=True))


def test_a_file_is_found_once_it_is_read(house: House, corpus: Corpus, add: Add) -> None:
    teacher = house.principal(house.teacher)
    document = add("cours.md", COURSE).document
    assert not actions.search_corpora(teacher, QUESTION, [corpus.id]).hits

    progress: list[tuple[int, int | None]] = []
    jobs.run_worker(until_idle=True, on_progress=lambda _, done, total: progress.append((done, total)))

    document.refresh_from_db()
    assert (document.state, document.title, document.media_type) == ("indexed", "Droit constitutionnel", "text/markdown")
    assert document.pages_done == document.pages_total == document.pages.count() == len(progress) == 3
    best = actions.search_corpora(teacher, QUESTION, [corpus.id]).hits[0].passage
    assert "neuf membres" in best.text
    assert best.heading_path == ("Droit constitutionnel", "Le contrôle de constitutionnalité")
    assert best.document_title == "Droit constitutionnel"
    page = Page.unscoped.get(document=document, number=best.unit_number)
    assert page.text[best.start : best.end] == best.text
    assert best in actions.unit_passages(teacher, document.id, best.unit_number)


def test_only_those_who_may_read_the_course_find_it(house: House, corpus: Corpus, indexed: Document) -> None:
    teacher = house.principal(house.teacher)
    actions.share_corpus(teacher, corpus, groups=[house.group], with_institution=False)
    finders = [house.teacher, house.student]
    others = [house.administrator, house.other_student, house.other_teacher, house.neighbour_teacher, house.neighbour_student]

    def finds(profile: object) -> bool:
        return bool(actions.search_corpora(house.principal(profile), QUESTION, [corpus.id]).hits)  # type: ignore[arg-type]

    assert [finds(profile) for profile in finders] == [True] * 2
    assert [finds(profile) for profile in others] == [False] * 5
    actions.share_corpus(teacher, corpus, groups=[], with_institution=True)
    assert [finds(profile) for profile in others] == [True, True, True, False, False]
    assert actions.unit_passages(house.principal(house.neighbour_teacher), indexed.id, 3) == []


def test_a_group_of_another_institution_is_left_out_of_a_share(house: House, corpus: Corpus) -> None:
    theirs = type(house.group).objects.create(institution=house.neighbour_institution, name="L1 ailleurs")
    actions.share_corpus(house.principal(house.teacher), corpus, groups=[house.group, theirs], with_institution=False)
    assert list(corpus.groups.all()) == [house.group]


def test_each_owner_is_served_in_turn_then_each_of_their_courses(house: House, corpus: Corpus, add: Add) -> None:
    for _ in range(4):
        add()
    second = actions.create_corpus(house.principal(house.teacher), name="Petit cours")
    theirs = actions.create_corpus(house.principal(house.other_teacher), name="Un seul document")
    for course in (second, theirs):
        actions.add_upload(course, house.principal(house.teacher), "a.md", io.BytesIO(b"Un texte."))
    taken = []
    while document := jobs.claim():
        taken.append(document.corpus_id)
    assert taken == [corpus.id, theirs.id, second.id, corpus.id, corpus.id, corpus.id]


def test_a_document_that_crashes_its_reader_is_tried_once_more(
    corpus: Corpus, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def crashing(path: Path, **_options: object) -> Iterator[object]:
        tried.append(path)
        raise Unreadable("parser_crashed")
        yield

    monkeypatch.setattr(jobs, "read_bounded", crashing)
    document = add().document
    read_all()
    document.refresh_from_db()
    assert (len(tried), document.state, document.failure_code) == (2, "failed", "parser_crashed")


def test_the_same_file_twice_is_one_document(corpus: Corpus, add: Add) -> None:
    first = add("a.md", COURSE)
    assert add("b.md", COURSE) == actions.Added(first.document, is_new=False)
    read_all()
    assert not add("c.md", COURSE).is_new
    assert states(corpus) == ["indexed"]


def test_a_file_that_failed_is_tried_again_when_given_again(corpus: Corpus, add: Add) -> None:
    failed = add("vide.md", "   \n").document
    read_all()
    assert states(corpus) == ["failed"]
    again = add("vide.md", "   \n")
    assert (again.document, again.is_new, again.document.state) == (failed, True, "queued")
    assert again.document.failure_code == ""


def test_a_replacement_answers_from_the_next_question_on(corpus: Corpus, indexed: Document, add: Add, ask: Ask) -> None:
    new = add("cours-2.md", COURSE.replace("neuf membres", "douze membres"), replaces=indexed).document
    assert "neuf membres" in ask(QUESTION)[0]
    read_all()
    assert "douze membres" in ask(QUESTION)[0]
    assert not [text for text in ask(QUESTION) if "neuf membres" in text]
    indexed.refresh_from_db()
    assert indexed.is_removed
    assert not Page.unscoped.filter(document=indexed).exists()
    assert list(indexed.replacements.all()) == [new]


def test_a_replacement_that_fails_leaves_the_old_document_answering(
    corpus: Corpus, indexed: Document, add: Add, ask: Ask
) -> None:
    add("cassé.pdf", b"%PDF-1.7 rien de bon", replaces=indexed)
    read_all()
    assert states(corpus) == ["indexed", "failed"]
    assert "neuf membres" in ask(QUESTION)[0]


def test_the_later_of_two_replacements_is_meant(corpus: Corpus, indexed: Document, add: Add, ask: Ask) -> None:
    add("b.md", COURSE.replace("neuf membres", "dix membres"), replaces=indexed)
    add("c.md", COURSE.replace("neuf membres", "douze membres"), replaces=indexed)
    read_all()
    assert states(corpus) == ["removed", "removed", "indexed"]
    assert "douze membres" in ask(QUESTION)[0]


def test_a_removed_document_answers_no_more(
    house: House,
    indexed: Document,
    ask: Ask,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    kept = storage.path_of(indexed.sha256)
    assert kept.exists()
    with django_capture_on_commit_callbacks(execute=True):
        actions.remove_document(house.principal(house.teacher), indexed)
    assert ask(QUESTION) == []
    assert not Passage.unscoped.filter(document=indexed).exists()
    assert not kept.exists()


def test_a_file_that_another_course_has_too_is_kept(
    house: House, indexed: Document, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    teacher = house.principal(house.teacher)
    other = actions.create_corpus(teacher, name="Autre cours")
    actions.add_upload(other, teacher, "cours.md", io.BytesIO(COURSE.encode()))
    with django_capture_on_commit_callbacks(execute=True):
        actions.remove_document(teacher, indexed)
    assert storage.path_of(indexed.sha256).exists()


def test_a_document_removed_while_it_is_read_is_not_indexed(house: House, corpus: Corpus, add: Add) -> None:
    document = add("cours.md", COURSE).document

    def remove(reading: Document, done: int, total: int | None) -> None:
        actions.remove_document(house.principal(house.teacher), document)

    jobs.run_worker(until_idle=True, on_progress=remove)
    assert states(corpus) == ["removed"]
    assert not Page.unscoped.exists()


def test_a_deleted_course_leaves_nothing(
    house: House,
    corpus: Corpus,
    indexed: Document,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        actions.delete_corpus(house.principal(house.teacher), corpus)
    assert not Document.unscoped.exists()
    assert not Page.unscoped.exists()
    assert not Passage.unscoped.exists()
    assert list(storage.stored()) == []


def archive_of(members: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_an_archive_becomes_its_members_and_each_bad_one_says_why(corpus: Corpus, add: Add, ask: Ask) -> None:
    inner = archive_of({"x.md": "# X\n\nTexte."})
    content = archive_of(
        {
            "droit/cours.md": COURSE,
            "../../etc/passwd.md": "# Dehors\n\nUn texte.",
            "droit/archive.zip": inner,
            "droit/vide.md": "",
            "droit/cassé.pdf": b"%PDF-1.7 rien",
            "__MACOSX/cours.md": "x",
        }
    )
    add("semestre.zip", content)
    read_all()
    found = {row.name: (row.state, row.failure_code) for row in Document.unscoped.filter(corpus=corpus).listed()}
    assert found == {
        "droit/cassé.pdf": ("failed", "corrupt"),
        "droit/cours.md": ("indexed", ""),
        "etc/passwd.md": ("failed", "unsafe_name"),
        "droit/archive.zip": ("failed", "archive_in_archive"),
        "droit/vide.md": ("failed", "empty"),
    }
    assert "neuf membres" in ask(QUESTION)[0]
    assert not add("semestre.zip", content).is_new


def test_the_same_archive_brings_back_what_was_removed(house: House, corpus: Corpus, add: Add) -> None:
    content = archive_of({"a.md": COURSE, "b.md": "# B\n\nUn autre texte, plus court.", "vide.md": ""})
    add("tout.zip", content)
    read_all()
    actions.remove_document(house.principal(house.teacher), Document.unscoped.get(name="a.md"))
    assert add("tout.zip", content).is_new
    read_all()
    names = sorted(Document.unscoped.filter(corpus=corpus).listed().values_list("name", "state"))
    assert names == [("a.md", "indexed"), ("b.md", "indexed"), ("vide.md", "failed")]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("vide.pdf", b"", "empty"),
        ("cours.pdf", b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "mislabelled"),
        ("cours.xyz", b"\x7fELF" + b"\0" * 60, "unsupported"),
        ("cours.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 20, "corrupt"),
        ("blanc.txt", b"\n \n\t\n", "no_text"),
        ("rien.zip", archive_of({}), "empty"),
    ],
)
def test_a_bad_file_fails_with_its_reason_and_the_others_go_on(
    corpus: Corpus, add: Add, name: str, content: bytes, code: str
) -> None:
    bad = add(name, content).document
    add("bon.md", COURSE)
    read_all()
    bad.refresh_from_db()
    assert (bad.state, bad.failure_code) == ("failed", code)
    assert states(corpus) == ["failed", "indexed"]
    assert not Page.unscoped.filter(document=bad).exists()


def test_a_file_over_the_limit_is_not_taken(corpus: Corpus, add: Add, settings: Settings) -> None:
    settings.DOCUMENT_MAX_BYTES = 100
    with pytest.raises(storage.TooLarge):
        add("gros.md", "x" * 101)
    assert states(corpus) == []
    assert list((settings.FILES_DIR / "incoming").iterdir()) == []


def test_a_hostile_name_is_only_a_name(add: Add, files_dir: Path) -> None:
    document = add("../../..\\secret\u202e\x00fdp.md", COURSE).document
    assert document.name == "secretfdp.md"
    assert storage.path_of(document.sha256).is_relative_to(files_dir)


# Leases


def expire(document: Document) -> None:
    Document.unscoped.filter(id=document.id).update(lease_until=Now() - timedelta(seconds=1))


def test_a_document_is_claimed_once(add: Add) -> None:
    document = add().document
    assert jobs.claim() == document
    assert jobs.claim() is None


def test_a_lease_that_ended_is_taken_up_and_what_was_read_is_discarded(add: Add) -> None:
    document = add().document
    first = jobs.claim()
    assert first is not None
    Page.unscoped.create(institution_id=first.institution_id, document=first, number=1, kind="section", text="moitié")
    expire(document)

    second = jobs.claim()

    assert second == document
    assert not Page.unscoped.exists()
    with pytest.raises(jobs.LeaseLost):
        jobs._write(first, pages_done=1)
    jobs._write(second, pages_done=1)


def test_after_three_readings_cut_short_a_document_has_failed(add: Add) -> None:
    document = add().document
    for _ in range(3):
        assert jobs.claim() == document
        expire(document)
    assert jobs.claim() is None
    document.refresh_from_db()
    assert (document.state, document.failure_code) == ("failed", "parser_crashed")


def test_a_worker_asked_to_stop_gives_the_document_back(add: Add) -> None:
    document = add("cours.md", COURSE).document
    stop = threading.Event()
    jobs.run_worker(stop=stop, on_progress=lambda *_: stop.set())
    document.refresh_from_db()
    assert (document.state, document.attempts, document.lease_token) == ("queued", 0, "")
    assert not Page.unscoped.exists()
    read_all()
    document.refresh_from_db()
    assert document.state == DocumentState.INDEXED


def test_a_retry_reads_again(house: House, add: Add) -> None:
    document = add().document
    Document.unscoped.filter(id=document.id).update(state=DocumentState.FAILED, failure_code="too_slow", attempts=3)
    document.refresh_from_db()
    actions.retry_document(house.principal(house.teacher), document)
    read_all()
    document.refresh_from_db()
    assert (document.state, document.failure_code) == ("indexed", "")


def test_the_threshold_follows_the_content(house: House, corpus: Corpus, indexed: Document) -> None:
    corpus.refresh_from_db()
    assert corpus.threshold is not None
    assert 0 <= corpus.threshold <= 1
    actions.remove_document(house.principal(house.teacher), indexed)
    read_all()
    corpus.refresh_from_db()
    assert corpus.threshold is None


def test_another_analysis_of_words_makes_the_index_again(indexed: Document, ask: Ask) -> None:
    before = ask(QUESTION)
    engine.index().delete([indexed.id])
    assert ask(QUESTION) == []
    Document.unscoped.update(analysis_version=0)
    read_all()
    assert ask(QUESTION) == before
    engine.index().delete([indexed.id])
    jobs.reindex_all()
    assert ask(QUESTION) == before


def test_each_change_leaves_evidence_without_any_text(house: House, corpus: Corpus, indexed: Document) -> None:
    actions.remove_document(house.principal(house.teacher), indexed)
    entries = Entry.objects.filter(institution_id=house.institution.id)
    assert list(entries.values_list("action", flat=True)) == [
        "corpus.create",
        "document.add",
        "document.index",
        "document.remove",
    ]
    assert "Conseil" not in str(list(entries.values_list("details", flat=True)))


def test_a_recording_is_counted_in_minutes_and_a_text_in_sections(corpus: Corpus, add: Add) -> None:
    cues = "\n\n".join(
        f"00:{minute:02}:00.000 --> 00:{minute:02}:50.000\nMinute {minute}." for minute in (*range(0, 20, 2), 59)
    )
    recording, notes = add("cours.vtt", f"WEBVTT\n\n{cues}\n").document, add().document
    jobs.run_worker(until_idle=True)
    for document in (recording, notes):
        document.refresh_from_db()
    with translation.override("fr"):
        assert length_words([recording, notes]) == "60 minutes, 1 section"
