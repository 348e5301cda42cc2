"""Offers side by side as files: a table to read in any spreadsheet. In French, as every file handed out."""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from parvis.needs.workbooks import csv_bytes, font, height_of, put, workbook_bytes
from parvis.offers.conformity_book import CODE_LABELS
from parvis.offers.presentation import Cell, Comparison


def comparison_csv(code: str, found: Comparison) -> bytes:
    return csv_bytes(_rows(code, found))


def comparison_xlsx(code: str, found: Comparison) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Offres"
    widths = (14, 16, 56, *(42 for _one in found.offers))
    for number, row in enumerate(_rows(code, found), start=1):
        for column, value in enumerate(row, start=1):
            cell = put(sheet, number, column, value)
            cell.font = font(bold=number == 1 or column == 1)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[number].height = height_of(row, widths)
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "D2"
    _to_print(sheet)
    _prices(book, found)
    return workbook_bytes(book, title=f"Offres {code}")


def _rows(code: str, found: Comparison) -> list[list[str]]:
    head = [code, "Niveau", "Exigence", *(_heading(one.vendor, one.is_invented) for one in found.offers)]
    rows = [[one.code, one.level, one.text, *map(_answer, one.cells)] for one in found.requirements]
    about = [
        ("Produit", [one.product for one in found.offers]),
        ("Zone d’hébergement", [one.zone for one in found.offers]),
        ("Qui traite les données", [one.processor for one in found.offers]),
        ("Données jamais utilisées pour l’entraînement", [one.attestation for one in found.offers]),
        ("Accessibilité", [one.accessibility for one in found.offers]),
        ("Réversibilité", [one.reversibility for one in found.offers]),
        ("Barème", ["\n".join(_price(price) for price in one.prices) for one in found.offers]),
    ]
    return [head, *rows, *(["", "", label, *(value or "sans réponse" for value in values)] for label, values in about)]


def _prices(book: Workbook, found: Comparison) -> None:
    sheet = book.create_sheet("Barèmes")
    rows = [["Éditeur", "Libellé", "Unité", "Prix HT (€)", "À partir de", "Validité"]]
    rows += [[one.vendor, *price] for one in found.offers for price in one.prices]
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            put(sheet, number, column, value).font = font(bold=number == 1)
    for column, width in enumerate((30, 44, 26, 16, 14, 26), start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    _to_print(sheet)


def _to_print(sheet: Worksheet) -> None:
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _heading(vendor: str, is_invented: bool) -> str:
    return f"{vendor} (inventé)" if is_invented else vendor


def _answer(cell: Cell) -> str:
    if not cell.code:
        return "sans réponse"
    day = f"disponible le {cell.available_date:%d/%m/%Y}" if cell.available_date else ""
    parts = (f"{cell.code} : {CODE_LABELS[cell.code].partition(' : ')[0]}", cell.proof, day, cell.comment)
    return "\n".join(part for part in parts if part)


def _price(price: tuple[str, str, str, str, str]) -> str:
    label, unit, amount, tier, validity = price
    more = "".join(f" ({part})" for part in (f"à partir de {tier}" if tier else "", validity) if part)
    return f"{label} : {amount} € / {unit}{more}"
