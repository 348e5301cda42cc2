"""The tender dossier: one version, many documents, and no vendor's name."""

from __future__ import annotations

import csv
import ctypes
import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from docx import Document as open_docx
from docx.oxml.ns import qn
from odf import table, text
from odf.opendocument import load as open_odt
from openpyxl import load_workbook

from parvis.needs.specification import Requirement, Specification
from parvis.offers.conformity import read_grid
from parvis.offers.dossier import documents
from parvis.offers.dossier.content import Cosignature, Dossier, Excerpt, RegisterLine, VendorNamed, refuse_vendor_names
from parvis.offers.dossier.portable import pdf
from parvis.offers.dossier.word import docx
from parvis.offers.dossier.writing import write_all, zipped

HOSTILE = '#read("/etc/passwd") #{1+1} *gras* _x_ $x^2$ <a> @b \\ "}], // fin /* [ ] ` ~ = titre'
SPECIFICATION = Specification(
    reference="BH-012",
    version=2,
    title="Répondre aux étudiants sur la scolarité",
    description=f"Les mêmes questions reviennent : certificats, bourses.\n\n- le soir\n- le week-end\n\n{HOSTILE}",
    scope="Les questions générales.",
    out_of_scope="La notation & l'admission <examens>.",
    working_group="Scolarité",
    requirements=(
        Requirement("EX-001", "P", "Les réponses citent leur page.", "Démonstration"),
        Requirement("EX-004", "I", "=1+1 reste un texte 😀 漢字 \x07", "", ("Université A",)),
        Requirement("EX-010", "S", "L'interface existe en anglais.", "Essai"),
    ),
)
DOSSIER = Dossier(
    SPECIFICATION,
    issued_on=date(2026, 3, 1),
    alliance="Alliance",
    request="SI-003",
    deadline_at=datetime(2026, 4, 1, 12, 0, tzinfo=UTC),
    cosignatures=(Cosignature("École B", "cosignatory", 1_200), Cosignature("Université A", "pilot", 24_000)),
    provenance=(Excerpt('un "robot" qui répond ?', "Université A", date(2025, 9, 1)),),
    register=(RegisterLine(datetime(2026, 3, 2, 9, 5, tzinfo=UTC), "Expression fonctionnelle", "Éditeur X", "ab" * 32),),
)
CODES = [one.code for one in SPECIFICATION.requirements]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return write_all(DOSSIER, vendors=["Éditeur X", "Société Inconnue SAS"])


def words_of_pdf(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)


def words_of_docx(data: bytes) -> str:
    document = open_docx(io.BytesIO(data))
    cells = [cell.text for one in document.tables for row in one.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def words_of(name: str, data: bytes) -> str:
    if name.endswith(".pdf"):
        return words_of_pdf(data)
    if name.endswith(".docx"):
        return words_of_docx(data)
    if name.endswith(".odt"):
        return str(open_odt(io.BytesIO(data)).text)
    if name.endswith(".csv"):
        return data.decode("utf-8-sig")
    book = load_workbook(io.BytesIO(data))
    return "\n".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)


def test_every_document_bears_the_hash_and_the_numbers(files: dict[str, bytes]) -> None:
    words = {name: words_of(name, data) for name, data in files.items()}
    # A PDF breaks a long hash where it likes.
    assert [name for name, said in words.items() if SPECIFICATION.fingerprint not in said.replace(" ", "")] == []
    silent = {name for name, said in words.items() if not all(code in said for code in CODES)}
    assert silent == {"registre.pdf", "registre.csv"}
    assert all("BH-012" in said for said in words.values())


def test_equal_dossiers_give_equal_bytes(files: dict[str, bytes]) -> None:
    again = write_all(DOSSIER, vendors=[])
    assert [name for name, data in files.items() if again[name] != data] == []
    assert zipped(DOSSIER, files) == zipped(DOSSIER, again)
    with zipfile.ZipFile(io.BytesIO(zipped(DOSSIER, files))) as archive:
        assert archive.namelist() == [f"BH-012-v2/{name}" for name in files]
        assert archive.testzip() is None


def test_an_edition_tells_apart_what_one_version_joins() -> None:
    bare = replace(DOSSIER, provenance=())
    assert bare.edition != DOSSIER.edition
    assert bare.specification.fingerprint == DOSSIER.specification.fingerprint
    assert replace(DOSSIER, register=()).edition == DOSSIER.edition
    for made in (bare, DOSSIER):
        assert made.edition in words_of_docx(docx(documents.functional_expression(made)))


def test_what_a_request_froze_is_handed_over_as_it_is() -> None:
    frozen = {name: b"as published" for name in ("reglement-du-sondage.pdf", "expression-fonctionnelle.pdf")}
    written = write_all(DOSSIER, vendors=["Éditeur X"], frozen=frozen)
    assert {name: written[name] for name in frozen} == frozen
    assert written["registre.csv"] != b"as published"


def test_the_hash_follows_the_words_and_nothing_else() -> None:
    said = SPECIFICATION.fingerprint
    assert replace(SPECIFICATION, requirements=SPECIFICATION.requirements[::-1]).fingerprint == said
    assert replace(SPECIFICATION, scope="Les questions générales.\r\n").fingerprint == said
    changed = replace(SPECIFICATION.requirements[0], level="I")
    for other in (
        replace(SPECIFICATION, version=3),
        replace(SPECIFICATION, out_of_scope=""),
        replace(SPECIFICATION, requirements=(changed, *SPECIFICATION.requirements[1:])),
    ):
        assert other.fingerprint != said


@pytest.mark.parametrize("name", ["expression-fonctionnelle.pdf", "note.pdf", "registre.pdf"])
def test_pdfs_are_tagged_titled_and_in_french(files: dict[str, bytes], name: str) -> None:
    document = pypdfium2.PdfDocument(files[name])
    assert pdfium.FPDFCatalog_IsTagged(document.raw)
    kinds = {kind for number in range(len(document)) for kind in _kinds_of_page(document[number])}
    assert kinds >= ({"Table", "TR", "TH", "TD"} if name != "note.pdf" else {"H1", "L", "LI", "P"})
    assert SPECIFICATION.title in document.get_metadata_value("Title")
    assert b"/Lang(fr-FR)" in files[name]
    assert b"pdfuaid:part" in files[name]


def _kinds_of_page(page: pypdfium2.PdfPage) -> list[str]:
    tree = pdfium.FPDF_StructTree_GetForPage(page.raw)
    kinds = _kinds(pdfium.FPDF_StructTree_GetChildAtIndex(tree, 0))
    pdfium.FPDF_StructTree_Close(tree)
    return kinds


def _kinds(element: object) -> list[str]:
    buffer = ctypes.create_string_buffer(100)
    length = pdfium.FPDF_StructElement_GetType(element, buffer, 100)
    kinds = [buffer.raw[: length - 2].decode("utf-16-le")]
    for number in range(pdfium.FPDF_StructElement_CountChildren(element)):
        child = pdfium.FPDF_StructElement_GetChildAtIndex(element, number)
        if child:
            kinds += _kinds(child)
    return kinds


def test_hostile_texts_stay_texts(files: dict[str, bytes]) -> None:
    said = words_of_pdf(files["expression-fonctionnelle.pdf"])
    assert '#read("/etc/passwd") #{1+1} *gras* _x_ $x^2$ <a> @b \\' in said.replace("« ", '"').replace(" »", '"')
    assert "root:" not in said
    assert "=1+1 reste un texte □ □□" in said
    assert "\x07" not in words_of_docx(files["expression-fonctionnelle.docx"])


def test_docx_has_true_headings_and_heading_rows(files: dict[str, bytes]) -> None:
    document = open_docx(io.BytesIO(files["expression-fonctionnelle.docx"]))
    styled = [(str(one.style and one.style.name), one.text) for one in document.paragraphs]
    headings = [(style, words) for style, words in styled if style.startswith("Heading")]
    assert ("Heading 1", "4. Les exigences") in headings
    assert ("Heading 2", "4.1. Exigences primordiales") in headings
    assert len(document.tables) == 4
    assert all(one.rows[0]._tr.xpath("w:trPr/w:tblHeader") for one in document.tables)
    assert SPECIFICATION.title in document.core_properties.title
    assert document.styles["Normal"].element.rPr.find(qn("w:lang")).get(qn("w:val")) == "fr-FR"


def test_odt_has_true_headings_and_heading_rows(files: dict[str, bytes]) -> None:
    document = open_odt(io.BytesIO(files["expression-fonctionnelle.odt"]))
    headings = [(one.getAttribute("outlinelevel"), str(one)) for one in document.getElementsByType(text.H)]
    assert ("1", "4. Les exigences") in headings
    assert ("2", "4.1. Exigences primordiales") in headings
    tables = document.getElementsByType(table.Table)
    assert len(tables) == 4
    assert all(len(one.getElementsByType(table.TableHeaderRows)) == 1 for one in tables)


def test_both_workbooks_are_read_back(files: dict[str, bytes]) -> None:
    for name, missing in (("cadre-de-reponse.xlsx", []), ("grille-de-conformite.xlsx", ["Barème", "Éditeur"])):
        grid = read_grid(files[name], DOSSIER.frame)
        assert [error.sheet for error in grid.errors] == missing
        assert [line.requirement for line in grid.lines] == CODES


def test_the_register_says_who_received_what(files: dict[str, bytes]) -> None:
    (row,) = csv.DictReader(io.StringIO(files["registre.csv"].decode("utf-8-sig")), delimiter=";")
    assert (row["instant"], row["destinataire"], row["sha256"]) == ("2026-03-02T09:05:00+00:00", "Éditeur X", "ab" * 32)
    assert "2 mars 2026 à 9 h 05 (UTC)" in words_of_pdf(files["registre.pdf"]).replace("\u00a0", " ")


def test_the_note_tells_the_envelope_and_a_deadline_that_is_past() -> None:
    late = replace(DOSSIER, issued_on=date(2026, 4, 2), envelope_euros=120_000)
    said = [words_of_docx(docx(documents.note(one))) for one in (DOSSIER, late)]
    assert ["sont attendues" in one for one in said] == [True, False]
    assert ["120\u202f000\u00a0€" in one for one in said] == [False, True]


def test_the_note_holds_on_one_page() -> None:
    requirements = tuple(Requirement(f"EX-{n:03}", "P", "très longue exigence " * 40) for n in range(1, 30))
    long = replace(
        SPECIFICATION, title="Un titre " * 22, description="Une longue phrase du besoin. " * 300, requirements=requirements
    )
    signed = tuple(Cosignature(f"Université de la ville numéro {n}", "cosignatory", 10_000) for n in range(100))
    data = pdf(
        documents.note(
            replace(DOSSIER, specification=long, alliance="Alliance " * 12, cosignatures=signed, envelope_euros=10**7)
        )
    )
    assert len(pypdfium2.PdfDocument(data)) == 1


def test_french_typography() -> None:
    said = documents.functional_expression(
        replace(DOSSIER, specification=replace(SPECIFICATION, description='Vu "ici" : 12 000 € !'))
    )
    assert "Vu «\u00a0ici\u00a0»\u00a0: 12\u202f000\u00a0€\u202f!" in [getattr(block, "text", "") for block in said.blocks]
    quoted = next(block for block in said.blocks if type(block).__name__ == "Quotation")
    assert getattr(quoted, "text", "") == '«\u00a0un "robot" qui répond\u202f?\u00a0»'  # quoted words keep their own marks


@pytest.mark.parametrize(
    ("vendor", "words", "found"),
    [
        ("OpenAI", "On utilise Open AI aujourd’hui", True),
        ("OpenAI", "On utilise OPEN-AI aujourd’hui", True),
        ("Société Exemple SAS", "vu chez société  exemple.", True),
        ("Éditeur X", "l'editeur x le fait", True),
        ("Notion", "La notion de besoin", False),
        ("Notion", "Un espace Notion partagé", True),
        ("Exem", "par exemple", False),
        ("Société Exemple", "la société donne un exemple", False),
    ],
)
def test_the_specification_names_no_vendor(vendor: str, words: str, found: bool) -> None:
    requirement = replace(SPECIFICATION.requirements[0], verification=words)
    dossier = replace(DOSSIER, specification=replace(SPECIFICATION, requirements=(requirement,)))
    if not found:
        return refuse_vendor_names(dossier, [vendor])
    with pytest.raises(VendorNamed) as refused:
        write_all(dossier, vendors=["Autre", vendor])
    assert [(one.vendor, one.place) for one in refused.value.namings] == [(vendor, "EX-001")]
    return refuse_vendor_names(dossier, [vendor], ordinary=[vendor.lower()])


def test_excerpts_name_no_vendor_either() -> None:
    dossier = replace(DOSSIER, provenance=(Excerpt("on paie déjà Éditeur X", "Université A", date(2025, 9, 1)),))
    with pytest.raises(VendorNamed) as refused:
        write_all(dossier, vendors=["Éditeur X"])
    assert [(one.place, one.words) for one in refused.value.namings] == [("excerpt-1", "on paie déjà Éditeur X")]
