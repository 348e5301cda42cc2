"""The conformity grid comes back as it left, plus the answers; anything else is told of, row by row."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from parvis.needs.specification import Requirement, Specification
from parvis.needs.workbooks import Refused, printable
from parvis.offers.actions.answers import with_workbook
from parvis.offers.answer import CODES, ZONES, Company, Frame, Grid, Line, Price
from parvis.offers.conformity import euros, grid_csv, read_grid, write_grid

REQUIREMENTS = (
    Requirement("EX-001", "P", "Les documents d’un établissement restent dans l’Union européenne.", "Attestation"),
    Requirement("EX-002", "I", "=HYPERLINK(\"http://exemple.invalid\";\"lisible\")\n\n  - sous Excel", ""),
    Requirement("EX-007", "S", "L’interface est en français.", "Démonstration", ("Université A", "École B")),
)  # fmt: skip
FRAME = Frame("SI-003", Specification("BH-012", 2, "Assistant de scolarité", "…", requirements=REQUIREMENTS))
FILLED = Grid(
    lines=(
        Line("EX-001", "ST", "https://exemple.invalid/preuve", date(2026, 9, 1), "+ d’informations"),
        Line("EX-002"),
        Line("EX-007", "HP", comment="Non prévu"),
    ),
    prices=(
        Price("Jetons", "million de jetons", 1, 0, date(2026, 1, 1), None),
        Price("Accès", "utilisateur et par an", 12_345_678_901_234_567, 1_000, date(2026, 1, 1), date(2026, 12, 31)),
    ),
    company=Company("Produit", "Résumé", "Société", "eu", True, date(2026, 1, 2), "ATT-1", "RGAA 78 %", "30 jours"),
)


def edited(edit: Callable[[Workbook], object], frame: Frame = FRAME, grid: Grid = FILLED) -> bytes:
    book = load_workbook(io.BytesIO(write_grid(frame, grid)))
    edit(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def faults(edit: Callable[[Workbook], object]) -> list[tuple[str, int, str]]:
    return [(error.sheet, error.row, error.code) for error in read_grid(edited(edit), FRAME).errors]


def test_an_empty_grid_says_nothing() -> None:
    grid = read_grid(write_grid(FRAME), FRAME)
    assert grid == Grid(tuple(Line(one.code) for one in REQUIREMENTS))
    assert {grid.line(one.code).code for one in REQUIREMENTS} == {None}
    assert grid.company.no_training is None


def test_only_the_cells_to_answer_are_open() -> None:
    book = load_workbook(io.BytesIO(write_grid(FRAME)))
    unlocked = [cell.coordinate for row in book["Conformité"].iter_rows() for cell in row if not cell.protection.locked]
    assert unlocked == [f"{column}{row}" for row in (6, 7, 8) for column in "FGHI"]
    assert all(sheet.protection.sheet for sheet in book.worksheets)
    assert '"ST,DS,DEV,SP,HP"' in {rule.formula1 for rule in book["Conformité"].data_validations.dataValidation}
    assert book["Conformité"]["C7"].data_type == "s"  # what looks like a formula is text


def test_same_frame_same_bytes() -> None:
    assert write_grid(FRAME, FILLED) == write_grid(FRAME, FILLED)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=60).map(
    lambda text: printable("".join(char for char in text if char.isprintable()).strip())
)
dates = st.dates(date(2000, 1, 1), date(2100, 12, 31))
days = st.none() | dates


@st.composite
def answered(draw: st.DrawFn) -> tuple[Frame, Grid]:
    codes = draw(st.lists(st.integers(1, 999), unique=True, min_size=1, max_size=5))
    requirements = [
        Requirement(f"EX-{n:03}", draw(st.sampled_from("PIS")), draw(words) + ".", draw(words)) for n in sorted(codes)
    ]
    frame = Frame("SI-001", Specification("BH-001", 1, "Titre", "…", requirements=tuple(requirements)))
    lines = [
        Line(one.code, code := draw(st.sampled_from(CODES)), draw(words), draw(days if code != "DEV" else dates), draw(words))
        if draw(st.booleans())
        else Line(one.code)
        for one in requirements
    ]
    amounts = draw(st.lists(st.integers(0, 10**18), max_size=3))
    prices = [Price(f"P{n}", "unité", amount, draw(st.integers(0, 10**6))) for n, amount in enumerate(amounts)]
    company = Company(draw(words), zone=draw(st.sampled_from(ZONES)), no_training=False, reversibility=draw(words))
    return frame, Grid(tuple(lines), tuple(prices), company)


@given(answered())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_read(case: tuple[Frame, Grid]) -> None:
    frame, grid = case
    file = io.BytesIO()
    load_workbook(io.BytesIO(write_grid(frame, grid))).save(file)
    assert read_grid(file.getvalue(), frame) == grid


@pytest.mark.parametrize(
    ("cell", "value", "fault"),
    [
        ("C6", "Les documents restent dans le monde.", "altered_text"),
        ("B6", "S – souhaitable", "altered_level"),
        ("A6", "EX-099", "altered_code"),
        ("A6", "EX-007", "altered_code"),
        ("D6", "", "altered_verification"),
        ("E6", "Université A", "altered_institutions"),
        ("F6", "OUI", "illegal_code"),
        ("F6", "=IF(1,\"ST\")", "formula"),
        ("G6", "x" * 1_001, "too_long"),
        ("H6", "bientôt", "bad_date"),
        ("H6", "31/02/2026", "bad_date"),
        ("F6", None, "missing_code"),
    ],
)  # fmt: skip
def test_a_tampered_row_is_refused_alone(cell: str, value: str | None, fault: str) -> None:
    def edit(book: Workbook) -> None:
        book["Conformité"][cell] = value

    grid = read_grid(edited(edit), FRAME)
    assert [(error.row, error.code) for error in grid.errors] == [(6, fault)]
    assert [line.requirement for line in grid.lines] == ["EX-002", "EX-007"]
    assert grid.line("EX-001").code is None


def test_a_development_has_a_date() -> None:
    assert faults(lambda book: book["Conformité"].__setitem__("F8", "DEV")) == [("Conformité", 8, "missing_date")]


def test_rows_deleted_duplicated_added_or_sorted() -> None:
    assert faults(lambda book: book["Conformité"].delete_rows(7)) == [("Conformité", 0, "deleted_row")]
    assert faults(lambda book: book["Conformité"].delete_rows(6, 3)) == [("Conformité", 0, "deleted_row")] * 3

    def copy(book: Workbook, row: int = 9) -> None:
        for column in range(1, 11):
            book["Conformité"].cell(row, column, book["Conformité"].cell(6, column).value)

    assert faults(copy) == [("Conformité", 9, "duplicated_row")]
    assert faults(lambda book: book["Conformité"].cell(9, 1, "EX-100")) == [("Conformité", 9, "unknown_row")]

    def swap(book: Workbook) -> None:
        copy(book, 20)
        book["Conformité"].delete_rows(6)

    assert faults(swap) == []


@pytest.mark.parametrize(
    ("cell", "value", "fault"),
    [
        ("C5", "gratuit", "bad_price"),
        ("C5", "1.234,5", "bad_price"),
        ("C5", -1, "bad_price"),
        ("C5", "0,0000000001", "too_precise"),
        ("C5", "=1+1", "formula"),
        ("C5", None, "missing"),
        ("B5", None, "missing"),
        ("D5", 1.5, "bad_quantity"),
        ("F6", date(2025, 1, 1), "dates_reversed"),
        ("E6", "hier", "bad_date"),
    ],
)
def test_faulty_prices(cell: str, value: str | float | date | None, fault: str) -> None:
    def edit(book: Workbook) -> None:
        book["Barème"][cell] = value

    assert faults(edit) == [("Barème", int(cell[1]), fault)]


def test_prices_as_the_french_write_them() -> None:
    def edit(book: Workbook) -> None:
        book["Barème"]["C5"] = "1\u202f234,56 € HT"
        book["Barème"]["E5"] = "1/3/2026"

    (price, _other) = read_grid(edited(edit), FRAME).prices
    assert (price.amount_nano, price.valid_from) == (1_234_560_000_000, date(2026, 3, 1))
    assert (euros(price.amount_nano), euros(1), euros(10**9)) == ("1234,56", "0,000000001", "1,00")


def test_one_price_at_a_time() -> None:
    overlapping = replace(FILLED, prices=(FILLED.prices[1], replace(FILLED.prices[1], amount_nano=2, valid_until=None)))
    assert [error.code for error in read_grid(write_grid(FRAME, overlapping), FRAME).errors] == ["repeated_price"]
    following = replace(FILLED.prices[1], amount_nano=2, valid_from=date(2027, 1, 1), valid_until=None)
    assert read_grid(write_grid(FRAME, replace(FILLED, prices=(FILLED.prices[1], following))), FRAME).errors == ()


def test_an_attestation_has_a_date_and_a_document() -> None:
    bare = replace(FILLED, company=Company(no_training=True))
    assert [error.code for error in read_grid(write_grid(FRAME, bare), FRAME).errors] == ["missing_attestation"] * 2
    assert faults(lambda book: book["Éditeur"].__setitem__("B7", "la Lune")) == [("Éditeur", 7, "illegal_choice")]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (replace(FRAME, request="SI-004"), "other_request"),
        (replace(FRAME, specification=replace(FRAME.specification, version=3)), "other_version"),
        (replace(FRAME, specification=replace(FRAME.specification, requirements=REQUIREMENTS[:2])), "altered_mark"),
    ],
)
def test_a_grid_answers_its_own_frame_only(frame: Frame, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_grid(write_grid(FRAME, FILLED), frame)
    assert refused.value.code == code


def test_what_is_missing_from_a_workbook_erases_nothing() -> None:
    def edit(book: Workbook) -> None:
        book.remove(book["Barème"])
        book["Éditeur"].delete_rows(4)

    found = read_grid(edited(edit), FRAME)
    assert [(error.sheet, error.code) for error in found.errors] == [
        ("Barème", "deleted_sheet"),
        ("Éditeur", "deleted_question"),
    ]
    assert with_workbook(FILLED, found) == FILLED


@pytest.mark.parametrize("sheet", ["Parvis", "Conformité"])
def test_another_workbook_is_no_grid(sheet: str) -> None:
    with pytest.raises(Refused) as refused:
        read_grid(edited(lambda book: book.remove(book[sheet])), FRAME)
    assert refused.value.code == "not_a_grid"


def test_the_grid_as_csv_computes_nothing() -> None:
    text = grid_csv(FRAME, FILLED).decode("utf-8-sig")
    assert FRAME.specification.fingerprint in text
    assert ";\"'=HYPERLINK(" in text
    assert "EX-001;P – primordiale;" in text
    assert ";ST;https://exemple.invalid/preuve;2026-09-01;'+ d’informations" in text
