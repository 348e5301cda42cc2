"""Lists of needs, as people make them and as they should never be made."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from datetime import date

import pytest
from openpyxl import Workbook, load_workbook

from parvis.needs.sheets import Import, read, template
from parvis.needs.workbooks import Refused, csv_bytes

HEADINGS = ["N°", "Intitulé du besoin", "Description (obligatoire)", "Pour qui ?", "Fréquence", "Outil actuel", "Service"]


def list_of_needs(rows: int) -> list[list[str]]:
    return [
        [f"B-{n}", f"Besoin {n}", f"Répondre aux étudiants sur le sujet {n}, le soir", "Étudiants", "", "", "Scolarité"]
        for n in range(1, rows + 1)
    ]


def faulty_list() -> list[list[str]]:
    """200 rows, 10 of them faulty in six ways."""
    rows = list_of_needs(200)
    rows[4][1:3] = ["", ""]
    rows[9][1:3] = ["", "   "]
    rows[19][2] = "=HYPERLINK(1)"
    rows[29][2] = "trop"
    rows[39][1] = "x" * 201
    rows[59][2] = "y" * 8_001
    rows[79][3] = "z" * 301
    rows[99] = rows[98]
    rows[119] += ["", "", "une cellule de trop"]
    rows[139][2] = "#" * 9
    return rows


def workbook(*rows: list[object], title: str = "Feuille", edit: Callable[[Workbook], None] | None = None) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if edit:
        edit(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def seen(found: Import) -> list[dict[str, str]]:
    return [dict(need.values) for need in found.needs]


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(data)
    return refused.value.code


def test_ten_faulty_rows_leave_the_others_whole() -> None:
    data = csv_bytes([HEADINGS, *faulty_list()]).replace(b"'=HYPER", b"=HYPER")
    found = read(data)
    assert len(found.needs) == 190
    assert [(error.row_number, error.code) for error in found.errors] == [
        (6, "missing_text"),
        (11, "missing_text"),
        (21, "formula"),
        (31, "too_short"),
        (41, "too_long"),
        (61, "too_long"),
        (81, "too_long"),
        (101, "repeated"),
        (121, "extra_cells"),
        (141, "too_short"),
    ]
    assert found.errors[2].column == "Description (obligatoire)"
    assert found.errors[7].params == {"row": "100"}
    again = {need.key for need in read(data).needs}
    assert again == {need.key for need in found.needs}
    assert len(again) == 190


def test_a_key_follows_the_words_and_the_reference_follows_the_file() -> None:
    words = read("Besoin;Service;Domaine\nTraduire les cours;UFR;Pédagogie\n".encode()).needs[0].key
    facet = read(b"Besoin;Domaine;Service\n  Traduire  les cours ;Recherche;UFR\n").needs[0].key
    other = read("Besoin;Service\nTraduire les cours;Scolarité\n".encode()).needs[0].key
    assert words == facet != other
    before = read("Réf;Besoin\nA1;Traduire les cours\n".encode()).needs[0].key
    after = read("Réf;Besoin\na1;Traduire tous les cours\n".encode()).needs[0].key
    assert before == after != words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_encodings_and_delimiters(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["Titre", "Description", "Données"]) + "\r\n"
    text += delimiter.join(["Été à l’œuvre", '"deux lignes\r\net ""guillemets"" ; , fin"', "dossiers"]) + "\r\n"
    (need,) = read(text.encode(encoding)).needs
    assert need.values == {
        "title": "Été à l’œuvre",
        "text": 'deux lignes\net "guillemets" ; , fin',
        "data_used": "dossiers",
    }


def test_an_unclosed_quotation_mark_spoils_its_own_row() -> None:
    lines = ["Besoin;Service", 'Un écran de 15" par salle;DSI', '"Jamais refermé;DSI', "Un besoin ordinaire;DSI"]
    found = read("\n".join(lines).encode())
    assert [need.row_number for need in found.needs] == [2, 4]
    assert [(error.row_number, error.code) for error in found.errors] == [(3, "unclosed_quote")]
    closed_by_another = read("\n".join([*lines, 'Un dernier besoin;"DSI"']).encode())
    assert [need.row_number for need in closed_by_another.needs] == [2, 4, 5]


def test_english_headings_unknown_columns_and_a_title_above() -> None:
    found = read(b"Survey 2026\n\nNeed details;Nope;Description;For whom;Tool\n;x;Answer students at night;Students;e-mail\n")
    assert seen(found) == [
        {
            "title": "Answer students at night",
            "text": "Answer students at night",
            "audience": "Students",
            "insufficient_tool": "e-mail",
        }
    ]
    assert found.needs[0].row_number == 4
    assert found.ignored_columns == ("Need details", "Nope")


def test_a_workbook_says_the_same_as_its_csv() -> None:
    rows: list[list[object]] = [[*row] for row in [HEADINGS, *list_of_needs(3)]]
    rows[1][0], rows[2][4] = 12.0, "=1+1"
    found = read(workbook(*rows, title="Recensement"))
    assert [(need.row_number, need.values.get("reference")) for need in found.needs] == [(2, "12"), (4, "B-3")]
    assert [(error.row_number, error.column, error.code) for error in found.errors] == [(3, "Fréquence", "formula")]


def test_dates_and_truths_are_no_needs_and_a_mac_is_read() -> None:
    found = read(workbook(["Réf", "Besoin"], ["1", True], ["2", date(2026, 9, 1)], ["3", "Traduire les cours"]))
    assert [error.code for error in found.errors] == ["no_words", "no_words"]
    assert [need.values["title"] for need in found.needs] == ["Traduire les cours"]
    for encoding in ("mac_roman", "cp1252", "utf-8"):
        [need] = read("Besoin;Description\nÉtudes;Où répondre à l’élève, même tard\n".encode(encoding)).needs
        assert need.values["text"] == "Où répondre à l’élève, même tard", encoding


def test_the_model_is_filled_and_read_back() -> None:
    assert template() == template()
    book = load_workbook(io.BytesIO(template({"domain": ["Pédagogie", "Scolarité"]})))
    sheet = book["Besoins"]
    assert {str(rule.sqref).rstrip("0123456789") for rule in sheet.data_validations.dataValidation} >= {"I2:I", "E2:E"}
    empty = read(template())
    assert (empty.needs, empty.errors) == ((), ())
    for column, text in enumerate(["1", "Traduire les cours", "", "Étudiants", "Tous les jours"], start=1):
        sheet.cell(2, column, text)
    file = io.BytesIO()
    book.save(file)
    assert seen(read(file.getvalue())) == [
        {
            "reference": "1",
            "title": "Traduire les cours",
            "text": "Traduire les cours",
            "audience": "Étudiants",
            "frequency": "Tous les jours",
        }
    ]


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    return file.getvalue()


def tampered(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            content = source.read(info)
            target.writestr(info.filename, content.replace(old, new) if info.filename == part else content)
    return file.getvalue()


ONE = workbook(["Besoin"], ["Traduire les cours"])
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\0\0\0", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (workbook(), "empty"),
        (b"Besoin\nTraduire\0les cours\n", "nul_bytes"),
        (b"%PDF-1.7 Besoin\n", "not_a_spreadsheet"),
        (b"Nom;Prix\nTraduire;3\n", "no_header"),
        (workbook(["Nom", "Prix"], ["x", 3]), "no_header"),
        (b"Besoin;Titre\nTraduire les cours;Traduction\n", "ambiguous_column"),
        (b"Besoin\n" + b"Traduire les cours\n" * 100_000, "too_many_rows"),
        (b"Besoin\n" + b"x" * 10_000_001, "too_large"),
        (b"Besoin" + b";x" * 100 + b"\nTraduire\n", "too_many_columns"),
        (bomb(), "decompression_bomb"),
        (b"PK\x03\x04 and then nothing", "corrupt"),
        (ONE[: len(ONE) // 2], "corrupt"),
        (tampered(ONE, "xl/workbook.xml", b"<workbook", b"<!DOCTYPE x [<!ENTITY a 'b'>]><workbook"), "corrupt"),
        (tampered(ONE, SHEET, b'r="2"', b'r="99999999999"'), "corrupt"),
        (workbook(["Besoin"], ["a b c d e f g"], edit=lambda b: b.worksheets[0].merge_cells("A2:A4")), "merged_cells"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "old_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    ],
)  # fmt: skip
def test_hostile_files_get_one_code(data: bytes, code: str) -> None:
    before = time.monotonic()
    assert refusal(data) == code
    assert time.monotonic() - before < 5


def test_merged_titles_above_the_table_do_no_harm() -> None:
    data = workbook(["Recueil"], ["Besoin"], ["Traduire les cours"], edit=lambda b: b.worksheets[0].merge_cells("A1:D1"))
    assert len(read(data).needs) == 1
