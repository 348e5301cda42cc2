"""The pages of courses and documents, over HTTP."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncRequestFactory, Client
from django.urls import resolve, reverse
from django.utils import translation
from pytest_django import Settings
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

import parvis.web.receiving  # noqa: F401 - it sets what a request may hold, as for the server
from conftest import House
from parvis.corpora import actions, jobs
from parvis.corpora.models import Corpus, Document, DocumentState, Page
from parvis.corpora.sheets import place
from parvis.corpora.tests.conftest import COURSE, Add
from parvis.institutions.models import Profile

pytestmark = pytest.mark.usefixtures("read_here")
SignIn = Callable[[Profile], Client]


def text_of(response: object) -> str:
    return unescape(response.content.decode())  # type: ignore[attr-defined]


def file(name: str, content: str | bytes = COURSE) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def pdf(*pages: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    for page in pages:
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@pytest.fixture
def teacher(house: House, sign_in: SignIn) -> Client:
    return sign_in(house.teacher)


@pytest.fixture
def student(house: House, sign_in: SignIn, corpus: Corpus) -> Client:
    """In a group the course is shared with."""
    actions.share_corpus(house.principal(house.teacher), corpus, groups=[house.group], with_institution=False)
    return sign_in(house.student)


@pytest.fixture
def printed(add: Add) -> Document:
    """Two pages of PDF."""
    document = add("bail.pdf", pdf("Le bail est un contrat de louage.", "Le loyer est payable au terme convenu.")).document
    jobs.run_worker(until_idle=True)
    document.refresh_from_db()
    return document


# Rights


def addresses(corpus: Corpus, document: Document) -> dict[str, list[tuple[str, str]]]:
    """Every route of this package on given rows, by what it needs."""
    one, doc = [corpus.id], [document.id]
    return {
        "view": [
            ("get", reverse("corpora:detail", args=one)),
            ("get", reverse("corpora:document", args=[document.id, 1])),
            ("get", reverse("corpora:page_image", args=[document.id, 1])),
            ("get", reverse("corpora:original", args=doc)),
            ("get", reverse("corpora:open", args=doc)),
        ],
        "edit": [
            ("get", reverse("corpora:edit", args=one)),
            ("post", reverse("corpora:edit", args=one)),
            ("post", reverse("corpora:share", args=one)),
            ("post", reverse("corpora:upload", args=one)),
            ("post", reverse("corpora:replace", args=doc)),
            ("post", reverse("corpora:retry", args=doc)),
            ("post", reverse("corpora:remove", args=doc)),
            ("post", reverse("corpora:delete", args=one)),
        ],
    }


def statuses(client: Client, requests: list[tuple[str, str]]) -> set[int]:
    responses = [getattr(client, method)(address) for method, address in requests]
    for response in responses:
        if response.streaming:
            list(response)  # which closes its file
    return {response.status_code for response in responses}


def test_who_reads_a_corpus_changes_nothing_of_it(
    house: House, sign_in: SignIn, student: Client, corpus: Corpus, printed: Document
) -> None:
    """Who may not read it is asked everywhere by tests/isolation."""
    routes = addresses(corpus, printed)
    assert statuses(student, routes["edit"]) == {404}
    assert statuses(student, routes["view"]) <= {200, 302}
    assert states(corpus) == ["indexed"]
    assert statuses(sign_in(house.teacher), routes["view"] + routes["edit"]) <= {200, 302, 422}
    assert not Corpus.unscoped.filter(id=corpus.id).exists(), "the same requests do reach the rows of those who may"


def states(corpus: Corpus) -> list[str]:
    return list(Document.unscoped.filter(corpus=corpus).order_by("id").values_list("state", flat=True))


def test_what_is_withdrawn_is_withdrawn_at_the_next_request(
    house: House, student: Client, corpus: Corpus, printed: Document
) -> None:
    image = reverse("corpora:page_image", args=[printed.id, 1])
    etag = student.get(image).headers["ETag"]
    assert student.get(image, headers={"if-none-match": etag}).status_code == 304
    actions.share_corpus(house.principal(house.teacher), corpus, groups=[], with_institution=False)
    assert student.get(image, headers={"if-none-match": etag}).status_code == 404


# Courses


def test_the_list_shows_ones_own_courses_then_those_shared(
    house: House, sign_in: SignIn, teacher: Client, student: Client, corpus: Corpus, indexed: Document
) -> None:
    page = text_of(teacher.get(reverse("corpora:list")))
    assert "Droit constitutionnel" in page
    assert "L1 Droit" in page
    assert "Droit constitutionnel" in text_of(student.get(reverse("corpora:list")))
    assert "Droit constitutionnel" not in text_of(sign_in(house.other_teacher).get(reverse("corpora:list")))


def test_a_course_is_renamed(teacher: Client, corpus: Corpus) -> None:
    address = reverse("corpora:edit", args=[corpus.id])
    assert teacher.post(address, {"name": "", "kind": "course"}).status_code == 422
    response = teacher.post(address, {"name": "Droit public", "description": "Licence 1", "kind": "administrative"})
    assert response.status_code == 302
    corpus.refresh_from_db()
    assert (corpus.name, corpus.description, corpus.kind) == ("Droit public", "Licence 1", "administrative")


def test_sharing_reaches_groups_of_the_institution_only(house: House, teacher: Client, corpus: Corpus) -> None:
    theirs = type(house.group).objects.create(institution=house.neighbour_institution, name="L1 ailleurs")
    address = reverse("corpora:share", args=[corpus.id])
    assert "L1 ailleurs" not in text_of(teacher.get(reverse("corpora:detail", args=[corpus.id])))
    teacher.post(address, {"groups": [theirs.id]})
    assert not corpus.groups.exists()
    teacher.post(address, {"groups": [house.group.id], "everyone": "on"})
    corpus.refresh_from_db()
    assert (list(corpus.groups.all()), corpus.shared_with_institution) == ([house.group], True)


# Documents


def test_several_files_at_once_and_a_refused_one_costs_nothing_to_the_others(
    teacher: Client, corpus: Corpus, settings: Settings
) -> None:
    settings.DOCUMENT_MAX_BYTES = 2_000
    files = [
        file(".DS_Store", "x"),
        file("cours.md"),
        file("cours bis.md"),
        file("gros.md", "x" * 2_001),
        file("notes.md", "# Notes\n\nUn texte."),
    ]
    response = teacher.post(reverse("corpora:upload", args=[corpus.id]), {"files": files}, follow=True)
    page = text_of(response)
    assert states(corpus) == ["queued", "queued"]
    assert "2 documents ajoutés" in page
    assert "« cours bis.md »" in page.replace("\xa0", " ")
    assert "« gros.md »" in page.replace("\xa0", " ")


def test_a_very_long_name_is_shortened_and_costs_nothing_to_the_others(
    teacher: Client, corpus: Corpus, settings: Settings
) -> None:
    """Beyond the thousand bytes that Django allows to the headers of a file."""
    names = ["dossier/" + "é" * 2_000 + ".md", "cours.md"]
    part = '--limite\r\nContent-Disposition: form-data; name="files"; filename="{}"\r\n\r\nUn texte de {}.\r\n'
    body = "".join(part.format(name, number) for number, name in enumerate(names)) + "--limite--\r\n"
    address = reverse("corpora:upload", args=[corpus.id])
    response = teacher.generic("POST", address, body.encode(), "multipart/form-data; boundary=limite")
    assert response.status_code == 302
    kept = list(Document.unscoped.filter(corpus=corpus).order_by("id").values_list("name", flat=True))
    assert [kept[0][:3], kept[0][-4:], len(kept[0]) <= 200, kept[1]] == ["ééé", "….md", True, "cours.md"]


def test_an_upload_without_a_file_says_so(teacher: Client, corpus: Corpus) -> None:
    response = teacher.post(reverse("corpora:upload", args=[corpus.id]), follow=True)
    assert "Aucun fichier" in text_of(response)


def test_progress_is_on_the_page_until_all_is_read(teacher: Client, corpus: Corpus, add: Add) -> None:
    add("cours.md", COURSE)
    address = reverse("corpora:detail", args=[corpus.id])
    Document.unscoped.update(state=DocumentState.READING, pages_done=12, pages_total=48)
    page = text_of(teacher.get(address))
    assert re.search(r"12\s+sur\s+48", page)
    assert 'hx-trigger="every 2s"' in page
    Document.unscoped.update(state=DocumentState.QUEUED)
    jobs.run_worker(until_idle=True)
    page = text_of(teacher.get(address))
    assert "every 2s" not in page
    assert "prêt" in page


def test_in_a_long_list_what_waits_and_what_failed_comes_first(
    teacher: Client, corpus: Corpus, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("pret.md", "autre.md", "illisible.md", "attente.md")
    for name, state in zip(names, ("indexed", "indexed", "failed", "queued"), strict=True):
        Document.unscoped.filter(id=add(name).document.id).update(state=state)
    address = reverse("corpora:detail", args=[corpus.id])
    assert positions(teacher, address, names) == [1, 2, 3, 4]
    monkeypatch.setattr("parvis.corpora.views.DOCUMENTS_A_PAGE", 3)
    assert positions(teacher, address, names[:1] + names[2:]) == [3, 2, 1]


def positions(client: Client, address: str, names: Sequence[str]) -> list[int]:
    """The rank of each of these documents on the page."""
    page = client.get(address).content.decode()
    places = [page.index(name) for name in names]
    return [sorted(places).index(place) + 1 for place in places]


def test_a_failure_says_why_and_offers_another_try(teacher: Client, corpus: Corpus, add: Add) -> None:
    document = add("vide.md", "").document
    jobs.run_worker(until_idle=True)
    address = reverse("corpora:detail", args=[corpus.id])
    assert "Le fichier est vide" in text_of(teacher.get(address))
    teacher.post(reverse("corpora:retry", args=[document.id]))
    assert states(corpus) == ["queued"]


def test_readers_of_a_course_see_what_can_be_opened_only(student: Client, corpus: Corpus, add: Add, indexed: Document) -> None:
    add("brouillon.md")
    page = text_of(student.get(reverse("corpora:detail", args=[corpus.id])))
    assert reverse("corpora:open", args=[indexed.id]) in page
    assert "brouillon.md" not in page
    assert "<form" not in page.split('id="documents"')[1].split("</section>")[0]


def test_a_document_is_replaced_then_removed(teacher: Client, corpus: Corpus, indexed: Document) -> None:
    new = file("cours.md", COURSE.replace("neuf", "douze"))
    teacher.post(reverse("corpora:replace", args=[indexed.id]), {"file": new})
    assert states(corpus) == ["indexed", "queued"]
    jobs.run_worker(until_idle=True)
    assert states(corpus) == ["removed", "indexed"]
    latest = Document.unscoped.get(state="indexed")
    teacher.post(reverse("corpora:remove", args=[latest.id]))
    assert states(corpus) == ["removed", "removed"]


# The viewer


def test_a_printed_page_is_shown_with_its_words_highlighted(student: Client, printed: Document) -> None:
    page = printed.pages.get(number=1)
    start = page.text.index("contrat")
    address = reverse("corpora:document", args=[printed.id, 1])
    response = student.get(address, {"debut": start, "fin": start + len("contrat de louage")})
    shown = text_of(response)
    assert shown.count("<rect") == 1
    rectangle = dict(re.findall(r'\b(?<!r)(x|y|width|height)="([\d.]+)"', shown[shown.index("<rect") :].split(">")[0]))
    assert 130 < float(rectangle["x"]) < 150
    assert 105 < float(rectangle["y"]) < 125
    assert 80 < float(rectangle["width"]) < 110
    image = student.get(reverse("corpora:page_image", args=[printed.id, 1]))
    assert image.headers["Content-Type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
    assert image.headers["Cache-Control"] == "private, no-cache"
    assert reverse("corpora:document", args=[printed.id, 2]) in shown


@pytest.mark.parametrize(("offset", "expected"), [(0, ("Droit", "Chapitre 2")), (25, ("Droit", "Chapitre 2", "La forme"))])
def test_a_page_that_opens_a_chapter_is_not_said_to_be_in_the_one_before(offset: int, expected: tuple[str, ...]) -> None:
    page = Page(
        text="Chapitre 2\nIntroduit.\nLa forme\nÉcrite.",
        blocks=[["heading", 0, 10, 2], ["paragraph", 11, 21, 0], ["heading", 22, 30, 3], ["paragraph", 31, 38, 0]],
        heading_path=["Droit", "Chapitre 1", "Le fond"],
    )
    assert page.headings_at(offset) == expected


def test_a_section_named_as_its_document_is_not_named_twice() -> None:
    page = Page(kind="section", number=1, label="Volcans")
    with translation.override("fr"):
        assert place(page, "Géologie") == "Volcans"
        assert place(page, "Volcans").replace("\u00a0", " ") == "section 1"


@pytest.mark.parametrize(("kind", "word"), [("page", "Page"), ("slide", "Diapositive"), ("cue", "Extrait")])
def test_the_viewer_names_what_it_turns(student: Client, indexed: Document, kind: str, word: str) -> None:
    Page.unscoped.filter(document=indexed).update(kind=kind)
    shown = student.get(reverse("corpora:document", args=[indexed.id, 1])).content.decode()
    assert f'for="page">{word}</label>' in shown


def test_other_formats_show_their_text_with_the_passage_highlighted(student: Client, indexed: Document) -> None:
    page = indexed.pages.get(number=3)
    start = page.text.index("neuf membres")
    response = student.get(
        reverse("corpora:document", args=[indexed.id, 3]), {"debut": start, "fin": start + len("neuf membres")}
    )
    assert "<mark>neuf membres</mark>" in text_of(response)


def test_a_text_keeps_its_tables_lists_and_formulas(student: Client, add: Add) -> None:
    content = "# Thermo\n\n- un\n- deux\n\n| Nom | Valeur |\n|---|---|\n| Isobare | P constante |\n\n$$E = mc^2$$\n"
    document = add("thermo.md", content).document
    jobs.run_worker(until_idle=True)
    page = document.pages.get()
    start = page.text.index("Isobare")
    address = reverse("corpora:document", args=[document.id, 1])
    shown = text_of(student.get(address, {"debut": start + 3, "fin": start + len("Isobare | P")}))
    assert "<li>un</li><li>deux</li>" in shown
    assert "<tr><td>Iso<mark>bare</mark></td><td><mark>P</mark> constante</td></tr>" in shown
    assert "<math" in shown


@pytest.mark.parametrize("query", ["debut=-4&fin=99999999999", "debut=9&fin=2", "debut=a&fin=", "debut=²&fin=9²"])
def test_a_locator_that_makes_no_sense_highlights_nothing(student: Client, indexed: Document, query: str) -> None:
    response = student.get(reverse("corpora:document", args=[indexed.id, 3]) + "?" + query)
    assert response.status_code == 200
    assert "<mark>" not in text_of(response)


def test_pages_that_do_not_exist_are_not_found(student: Client, printed: Document) -> None:
    for number in (0, 3, 10**12):
        assert student.get(reverse("corpora:document", args=[printed.id, number])).status_code == 404
        assert student.get(reverse("corpora:page_image", args=[printed.id, number])).status_code == 404
    response = student.get(reverse("corpora:open", args=[printed.id]), {"page": "900"})
    assert response.headers["Location"] == reverse("corpora:document", args=[printed.id, 2])


def test_the_reader_comes_back_to_the_answer_and_nowhere_else(student: Client, indexed: Document) -> None:
    address = reverse("corpora:document", args=[indexed.id, 1])
    assert 'href="/c/1/#mark"' in text_of(student.get(address, {"retour": "/c/1/#mark"}))
    assert 'href="https://evil' not in text_of(student.get(address, {"retour": "https://evil.example/"}))


def test_the_original_is_offered_and_cannot_run(student: Client, indexed: Document) -> None:
    response = student.get(reverse("corpora:original", args=[indexed.id]))
    assert b"".join(response) == COURSE.encode()
    assert response.headers["Content-Disposition"] == 'attachment; filename="cours.md"'
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_the_server_sends_the_original_in_pieces(house: House, add: Add) -> None:
    """A FileResponse would be read whole into the server's memory before its first byte is sent."""
    content = bytes(range(256)) * 4_000
    address = reverse("corpora:original", args=[add("gros.bin", content).document.id])
    request = AsyncRequestFactory().get(address)
    request.principal = house.principal(house.teacher)  # type: ignore[attr-defined]
    view = resolve(address)
    response = view.func(request, **view.kwargs)

    async def received() -> list[bytes]:
        return [piece async for piece in response]

    pieces = asyncio.run(received())
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 1 << 18
    assert response.headers["Content-Length"] == str(len(content))


def test_a_citation_of_a_removed_document_says_so(teacher: Client, student: Client, indexed: Document) -> None:
    address = reverse("corpora:document", args=[indexed.id, 3])
    teacher.post(reverse("corpora:remove", args=[indexed.id]))
    response = student.get(address)
    assert response.status_code == 200
    assert "a été retiré du cours" in text_of(response)
    assert "neuf membres" not in text_of(response)
    original = student.get(reverse("corpora:original", args=[indexed.id]))
    assert "a été retiré du cours" in text_of(original)


def test_a_citation_of_a_replaced_document_leads_to_the_new_one(student: Client, indexed: Document, add: Add) -> None:
    new = add("cours.md", COURSE + "\nFin.\n", replaces=indexed).document
    jobs.run_worker(until_idle=True)
    page = text_of(student.get(reverse("corpora:document", args=[indexed.id, 3])))
    assert reverse("corpora:open", args=[new.id]) in page


def test_a_document_cannot_bring_html_into_the_page(student: Client, add: Add) -> None:
    document = add("x.md", "# <script>alert(1)</script>\n\n`<img src=x onerror=alert(1)>` et un texte.\n").document
    jobs.run_worker(until_idle=True)
    page = student.get(reverse("corpora:document", args=[document.id, 1])).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_archive_is_uploaded_like_a_file(teacher: Client, corpus: Corpus) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.md", COURSE)
        archive.writestr("b.md", "")
    teacher.post(reverse("corpora:upload", args=[corpus.id]), {"files": [file("tout.zip", buffer.getvalue())]})
    jobs.run_worker(until_idle=True)
    page = text_of(teacher.get(reverse("corpora:detail", args=[corpus.id])))
    assert "tout.zip" not in page
    assert "Le fichier est vide" in page
